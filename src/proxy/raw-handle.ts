import { BoundSocket, Socket } from "node:net";
import type { TLSSocket } from "node:tls";

/**
 * The one file that touches what Node does not document: the libuv handle under a socket. It saves a buffer for each
 * read (accepted and TLS sockets have no documented `onread`) and the stream bookkeeping of each write. Everything is
 * looked for first; where anything is missing, `undefined` is returned and the caller goes through the public streams,
 * with the same behaviour.
 */
export interface RawHandle {
  /** Returns 0 when all bytes have been taken, a negative errno, or a request that completes later. */
  writeBuffer(request: null, bytes: Uint8Array): number | RawWrite;
  useUserBuffer(buffer: Uint8Array): void;
}

/** A write under way. `oncomplete` must be set before the event loop turns. */
export interface RawWrite {
  /** The status, when it was already known at dispatch. */
  writeStatus: number | null;
  oncomplete: (status: number) => void;
  /** Keeps the bytes from being collected. */
  buffer: Uint8Array;
}

/** Returns the TCP socket that a TLS server made `secured` of; undefined where this Node does not tell. */
export function carrierOf(secured: TLSSocket): Socket | undefined {
  const carrier: unknown = Reflect.get(secured, "_parent");
  return carrier instanceof Socket ? carrier : undefined;
}

interface ReadSymbols {
  readonly buffer: symbol;
  readonly callback: symbol;
  readonly generator: symbol;
}

let readSymbols: ReadSymbols | undefined;

/** Returns the handle of `socket` when it can be written to directly, which this Node's can when they answer with plain numbers. */
export function rawHandleOf(socket: Socket): RawHandle | undefined {
  const handle: unknown = Reflect.get(socket, "_handle");
  return isRawHandle(handle) ? handle : undefined;
}

/** Returns the bytes that the kernel has not taken yet; 0 where this Node does not tell. */
export function waitingBytes(socket: Socket): number {
  const handle: unknown = Reflect.get(socket, "_handle");
  const size: unknown = typeof handle === "object" && handle !== null ? Reflect.get(handle, "writeQueueSize") : 0;
  return typeof size === "number" ? size : 0;
}

/**
 * Makes the reads of `socket` fill the buffers that `next` names and call `receive` with the count; returns whether
 * that worked. As with the documented `onread`: `next` is asked once now and after each read, and answers undefined to
 * keep the buffer; `receive` returns false to pause.
 */
export function adoptReads(
  socket: Socket,
  handle: RawHandle,
  next: () => Uint8Array | undefined,
  receive: (count: number, buffer: Uint8Array) => boolean,
): boolean {
  readSymbols ??= findReadSymbols(socket);
  const first = readSymbols === undefined ? undefined : next();
  if (readSymbols === undefined || first === undefined) return false;
  Reflect.set(socket, readSymbols.buffer, first);
  Reflect.set(socket, readSymbols.callback, receive);
  Reflect.set(socket, readSymbols.generator, next);
  handle.useUserBuffer(first);
  return true;
}

function findReadSymbols(socket: Socket): ReadSymbols | undefined {
  const own = Object.getOwnPropertySymbols(socket);
  const named = (description: string): symbol | undefined => own.find((symbol) => symbol.description === description);
  const buffer = named("kBuffer");
  const callback = named("kBufferCb");
  const generator = named("kBufferGen");
  if (buffer === undefined || callback === undefined || generator === undefined) return undefined;
  return { buffer, callback, generator };
}

function isRawHandle(value: unknown): value is RawHandle {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof Reflect.get(value, "writeBuffer") === "function" &&
    typeof Reflect.get(value, "useUserBuffer") === "function" &&
    DIRECT_WRITES
  );
}

/**
 * Whether handles make their own write request and answer 0 when the kernel took everything at once: so in Node 26 from
 * the release on that brought `BoundSocket`. Other majors go through the streams until someone has checked them.
 */
const DIRECT_WRITES = navigator.userAgent === "Node.js/26" && typeof BoundSocket === "function";

/** Whether {@link carrierOf} answers: checked with the same releases. */
export const TELLS_CARRIERS: boolean = DIRECT_WRITES;
