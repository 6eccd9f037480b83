import { createServer, type Socket } from "node:net";
import type { BufferPool } from "../buffer-pool.ts";
import { type BlockKind, FieldBlock } from "./field-block.ts";
import { writeFrameHeader } from "./frame.ts";
import type { Http2Transport } from "./frame-output.ts";
import { HeadWriter } from "./head-writer.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { Http2Connection, type Http2ConnectionOwner } from "./http2-connection.ts";
import { DEFAULT_HTTP2_LIMITS, type Http2Limits } from "./http2-limits.ts";
import type { Http2Stream } from "./http2-stream.ts";
import { HUFFMAN_CODES, HUFFMAN_LENGTHS } from "./huffman.ts";

/** Encodes a string as RFC 7541 section 5.2 does with Huffman coding. */
export function huffmanEncode(text: Uint8Array): Buffer {
  let bits = "";
  for (const byte of text) {
    bits += (HUFFMAN_CODES[byte] ?? 0).toString(2).padStart(HUFFMAN_LENGTHS[byte] ?? 0, "0");
  }
  bits = bits.padEnd(Math.ceil(bits.length / 8) * 8, "1");
  return Buffer.from(bits.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? []);
}

/** Encodes an HPACK integer with `first` as the bits before a prefix of `bits` bits. */
export function hpackInteger(first: number, bits: number, value: number): Buffer {
  const mask = (1 << bits) - 1;
  if (value < mask) return Buffer.from([first | value]);
  const bytes = [first | mask];
  let left = value - mask;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push(128 + (left % 128));
  return Buffer.from([...bytes, left]);
}

/** How a field is written: RFC 7541 section 6. */
export interface FieldStyle {
  /** @default false: without indexing */
  readonly indexing?: boolean;
  /** @default false */
  readonly huffman?: boolean;
}

/** Encodes literals with new names. */
export function hpackLiterals(fields: readonly (readonly [string, string])[], style: FieldStyle = {}): Buffer {
  const text = (value: string): Buffer => {
    const plain = Buffer.from(value, "latin1");
    const bytes = style.huffman === true ? huffmanEncode(plain) : plain;
    return Buffer.concat([hpackInteger(style.huffman === true ? 0x80 : 0, 7, bytes.length), bytes]);
  };
  return Buffer.concat(
    fields.flatMap(([name, value]) => [Buffer.from([style.indexing === true ? 0x40 : 0]), text(name), text(value)]),
  );
}

/** Decodes a block with generous limits; undefined when the decoder refuses it. */
export function decodeBlock(
  decoder: HpackDecoder,
  bytes: Uint8Array,
  kind: BlockKind,
  listBytesMax = 16_384,
): FieldBlock | undefined {
  const block = new FieldBlock();
  block.begin(listBytesMax, HpackDecoder.literalBytesMax(65_536));
  if (!decoder.decode(bytes, 0, bytes.length, block)) return undefined;
  block.finish(kind, true);
  return block;
}

/** The lines of a block as text. */
export function linesOf(block: FieldBlock | undefined): string {
  return block?.bytes.toString("latin1", 0, block.end) ?? "refused";
}

/** An HTTP/2 connection over a socket by the public streams; for tests and tiny servers. Imitates no deadlines. */
export class SocketTransport implements Http2Transport {
  connection: Http2Connection | undefined;
  readonly #socket: Socket;
  #scheduled = false;
  #ended = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.connection?.receive(chunk, 0, chunk.length);
      this.schedule();
    });
    socket.on("drain", () => this.connection?.drained());
    socket.on("close", () => this.connection?.peerGone());
    socket.on("end", () => this.connection?.peerGone());
    socket.on("error", () => undefined);
  }
  get congested(): boolean {
    return this.#socket.writableNeedDrain;
  }
  get pendingBytes(): number {
    return this.#socket.writableLength;
  }
  write(buffer: Buffer, length: number, pool: BufferPool): void {
    if (this.#socket.destroyed || this.#ended) pool.give(buffer);
    else this.#socket.write(buffer.subarray(0, length), () => pool.give(buffer));
  }
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.connection?.flush();
    });
  }
  pause(): void {
    this.#socket.pause();
  }
  resume(): void {
    this.#socket.resume();
  }
  end(): void {
    this.#ended = true;
    this.#socket.end();
  }
}

/** Answers every request: 200 with the body it was sent, or with what was asked for when there was none. */
export class EchoOwner implements Http2ConnectionOwner {
  readonly failures: string[] = [];
  readonly #head = new HeadWriter();

  onRequest(stream: Http2Stream, fields: FieldBlock): void {
    const head = this.#head;
    head.begin();
    head.status(fields.tooLarge ? 431 : 200);
    head.text("X-Method", fields.method);
    head.text("x-path", fields.path);
    if (fields.method === "HEAD" || fields.tooLarge) {
      stream.sendHead(head, true);
      return;
    }
    stream.sendHead(head, false);
    stream.owner = {
      onHead: () => undefined,
      onData: (bytes, start, end) => {
        stream.sendData(bytes, start, end);
        stream.consumed(end - start);
      },
      onEnd: (trailers) => {
        if (trailers === undefined) return stream.sendEnd();
        head.begin();
        head.lines(trailers.bytes, 0, trailers.end);
        stream.sendTrailers(head);
      },
      onDrain: () => undefined,
      onReset: () => undefined,
    };
    if (!stream.remoteEnded) return;
    const body = Buffer.from(`You asked for ${fields.path}`);
    stream.sendData(body, 0, body.length);
    stream.sendEnd();
  }
  onIdle(): void {
    // Nothing waits for it.
  }
  onSettings(): void {}

  onGoaway(): void {
    // Requests under way go on.
  }
  onFailed(code: number, reason: string): void {
    this.failures.push(`${code} ${reason}`);
  }
}

/** Serves HTTP/2 without TLS on a port of 127.0.0.1, echoing. */
export async function serveEcho(
  limits: Http2Limits = DEFAULT_HTTP2_LIMITS,
): Promise<{ readonly port: number; readonly owner: EchoOwner; close(): void }> {
  const owner = new EchoOwner();
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    const transport = new SocketTransport(socket);
    const connection = new Http2Connection({
      role: "server",
      limits,
      transport,
      owner,
      nowMs: () => performance.now(),
    });
    transport.connection = connection;
    connection.start();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    owner,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Collects what a connection writes. Imitates a transport that takes everything at once, until `congested` is set. */
export class MemoryTransport implements Http2Transport {
  congested = false;
  pendingBytes = 0;
  ended = false;
  paused = false;
  writes = 0;
  #written: Buffer[] = [];

  write(buffer: Buffer, length: number, pool: BufferPool): void {
    this.writes++;
    if (this.congested) this.pendingBytes += length;
    this.#written.push(Buffer.from(buffer.subarray(0, length)));
    pool.give(buffer);
  }
  schedule(): void {
    // Tests flush by hand.
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  end(): void {
    this.ended = true;
  }
  /** Returns what was written since the last call. */
  take(): Buffer {
    const all = Buffer.concat(this.#written);
    this.#written = [];
    return all;
  }
}

/** Builds one frame. */
export function rawFrame(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  writeFrameHeader(head, 0, payload.length, type, flags, stream);
  return Buffer.concat([head, payload]);
}

/** Cuts bytes into frames, which must be whole. */
export function readFrames(
  bytes: Buffer,
): readonly { readonly type: number; readonly flags: number; readonly stream: number; readonly payload: Buffer }[] {
  const frames = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUIntBE(at, 3);
    frames.push({
      type: bytes[at + 3] ?? 0,
      flags: bytes[at + 4] ?? 0,
      stream: bytes.readUInt32BE(at + 5),
      payload: bytes.subarray(at + 9, at + 9 + length),
    });
    at += 9 + length;
  }
  return frames;
}

/** Returns 32 bits in network order. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
