import { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { getSystemErrorName } from "node:util";
import type { BufferPool } from "./buffer-pool.ts";
import { BULK_BUFFERS_MAX, bulkBuffers, messageBuffers, SHARED_READ_BYTES } from "./buffer-pool.ts";
import type { RawHandle } from "./raw-handle.ts";
import { adoptReads, rawHandleOf, waitingBytes } from "./raw-handle.ts";

/** Who reads from a channel. Called synchronously, never after `onClosed`. */
export interface ChannelOwner {
  /** Bytes from the peer; the buffer is another's once the call returns. May still come after a pause, a little. */
  onBytes(buffer: Buffer, start: number, end: number): void;
  /** The peer will send nothing more. */
  onEnd(): void;
  /** Everything written has left, after `congested` had been true. */
  onDrain(): void;
  /** Once, last; with the reason when it was not an orderly end. */
  onClosed(error: Error | undefined): void;
}

/** Bytes that wait in one channel until `congested`: the sender must then stop until `onDrain`. */
export const PENDING_BYTES_MAX: number = 64 * 1024;

/** Below this, bytes that must wait are copied out of a pooled buffer rather than keeping all of it. */
const TINY_BYTES = 4 * 1024;

/**
 * The buffers that small reads share: one for clients, one for endpoints, because a read of one may lead to a write of
 * the other but never to another read of its own kind.
 */
const sharedBuffers = {
  client: Buffer.allocUnsafeSlow(SHARED_READ_BYTES),
  endpoint: Buffer.allocUnsafeSlow(SHARED_READ_BYTES),
};

/** How channels read and write: `auto` goes around the streams where this Node allows; `streams` is the documented way. */
export type ChannelMode = "auto" | "streams";

interface Pending {
  readonly bytes: Uint8Array;
  /** Given back when written. */
  readonly buffer: Buffer | undefined;
  readonly pool: BufferPool | undefined;
}

/**
 * A socket as the data plane uses it: reads into shared or bulk buffers, one write in flight with a queue behind it, and
 * a clear moment when a written buffer is free again. Works alike for TCP and TLS, accepted and connecting.
 */
export class Channel {
  readonly socket: Socket;
  owner: ChannelOwner;
  readonly #side: keyof typeof sharedBuffers;
  readonly #mode: ChannelMode;
  #handle: RawHandle | undefined;
  #ready = false;
  #closed = false;
  #ending = false;
  #paused = false;
  #congested = false;
  #error: Error | undefined;

  #readBuffer: Buffer | undefined;
  /** Whether `#readBuffer` is a bulk buffer of ours alone. */
  #readBufferIsBulk = false;
  #bulkWanted = false;

  #pendingBytes = 0;
  #inFlight: Pending | undefined;
  #queue: Pending[] = [];
  #writtenCount = 0;
  #progress = 0;

  /** Takes over a socket, or opens one; nothing is read or written until `start`. */
  constructor(socket: Socket | SocketOpener, owner: ChannelOwner, side: "client" | "endpoint", mode: ChannelMode) {
    this.owner = owner;
    this.#side = side;
    this.#mode = mode;
    if (socket instanceof Socket) this.socket = socket;
    else if (mode === "auto") this.socket = socket.open(undefined);
    else this.socket = socket.open({ buffer: this.#sameOrNextBuffer, callback: this.#onRead });
    this.socket.on("error", (error) => (this.#error = error));
    this.socket.on("end", () => {
      if (!this.#closed) this.owner.onEnd();
    });
    this.socket.on("close", this.#onClose);
  }

  /** Reads and writes from now on: the connection stands. What was written before leaves now. */
  start(): void {
    if (this.#closed || this.#ready) return;
    this.#ready = true;
    const handle = this.#mode === "auto" ? rawHandleOf(this.socket) : undefined;
    this.#handle = handle;
    if (this.#readBuffer === undefined) this.#startReading(handle);
    this.#pump();
  }

  /** Bytes written that have not left yet. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** Whether the sender should stop. Asking promises an `onDrain` when the answer is yes. */
  get congested(): boolean {
    if (this.#pendingBytes < PENDING_BYTES_MAX) return false;
    this.#congested = true;
    return true;
  }

  /** Reads into a buffer of its own from the next read on (or no longer), to be called while much is expected. */
  set bulk(wanted: boolean) {
    this.#bulkWanted = wanted;
  }

  /** Writes the first `length` bytes and gives the buffer to `pool` when they have left; without a pool it is the caller's again only once `pendingBytes` is 0. */
  write(buffer: Buffer, length: number, pool: BufferPool | undefined): void {
    if (this.#closed || this.#ending) {
      pool?.give(buffer);
      return;
    }
    if (this.#ready && this.#inFlight === undefined) {
      const bytes = buffer.subarray(0, length);
      if (this.#dispatch(bytes)) pool?.give(buffer);
      else this.#await({ bytes, buffer, pool }, length);
    } else if (pool !== undefined && length <= TINY_BYTES) {
      this.#enqueue({ bytes: Buffer.from(buffer.subarray(0, length)), buffer: undefined, pool: undefined }, length);
      pool.give(buffer);
    } else {
      this.#enqueue({ bytes: buffer.subarray(0, length), buffer, pool }, length);
    }
  }

  /** Writes bytes another channel is just reading: copied when few, handed over when they are in its own bulk buffer. */
  relay(buffer: Buffer, start: number, end: number, source: Channel | undefined): void {
    const length = end - start;
    if (length <= SHARED_READ_BYTES) {
      const copy = messageBuffers.take();
      buffer.copy(copy, 0, start, end);
      this.write(copy, length, messageBuffers);
      return;
    }
    if (this.#closed || this.#ending) return;
    if (source === undefined || !source.#lends(buffer)) {
      this.write(Buffer.from(buffer.subarray(start, end)), length, undefined);
      return;
    }
    const bytes = buffer.subarray(start, end);
    const pending = { bytes, buffer, pool: bulkBuffers };
    if (!this.#ready || this.#inFlight !== undefined) this.#enqueue(pending, length);
    else if (this.#dispatch(bytes)) return;
    else this.#await(pending, length);
    source.#giveAwayReadBuffer();
  }

  pause(): void {
    if (this.#paused || this.#closed) return;
    this.#paused = true;
    this.socket.pause();
  }

  resume(): void {
    if (!this.#paused || this.#closed) return;
    this.#paused = false;
    this.socket.resume();
  }

  /** Closes our half once everything written has left. */
  end(): void {
    if (this.#ending || this.#closed) return;
    this.#ending = true;
    if (this.#pendingBytes === 0 && this.#ready) this.socket.end();
  }

  /** Whether any of the pending bytes have left since this was asked last: a slow peer, not a dead one. */
  progressed(): boolean {
    const waiting = this.#writtenCount * 2 ** 32 - waitingBytes(this.socket);
    const moved = waiting !== this.#progress;
    this.#progress = waiting;
    return moved;
  }

  get ending(): boolean {
    return this.#ending;
  }

  /** Closes both halves now; what was not written is lost. `onClosed` follows. */
  destroy(): void {
    if (!this.#closed) this.socket.destroy();
  }

  /** Closes now, and so that the peer cannot take what it got for everything (a reset, where there is no TLS to say so). */
  reset(): void {
    if (this.#closed) return;
    if (this.socket instanceof TLSSocket) this.socket.destroy();
    else this.socket.resetAndDestroy();
  }

  /** Closes both halves once everything written has left. */
  destroySoon(): void {
    if (!this.#closed) this.socket.destroySoon();
  }

  /** Returns whether `buffer` is a bulk buffer that this channel reads into alone. */
  #lends(buffer: Buffer): boolean {
    return this.#readBufferIsBulk && this.#readBuffer === buffer;
  }

  #giveAwayReadBuffer(): void {
    this.#readBuffer = undefined;
    this.#readBufferIsBulk = false;
  }

  #startReading(handle: RawHandle | undefined): void {
    const { socket } = this;
    // Application data may have come together with the end of the handshake.
    const early: unknown = socket.readableLength > 0 ? socket.read() : null;
    const adopted = handle !== undefined && adoptReads(socket, handle, this.#nextBuffer, this.#onRead);
    if (early instanceof Buffer) this.#onData(early);
    if (this.#closed) return;
    if (adopted) socket.read(0);
    else socket.on("data", this.#onData);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (!this.#closed) this.owner.onBytes(chunk, 0, chunk.length);
  };

  readonly #onRead = (count: number): boolean => {
    const buffer = this.#readBuffer;
    if (buffer === undefined || this.#closed) return false;
    this.owner.onBytes(buffer, 0, count);
    return !this.#paused;
  };

  /** Names the buffer of the next read; undefined keeps the one in use. */
  readonly #nextBuffer = (): Buffer | undefined => {
    const bulk = this.#bulkWanted && !this.#paused && (this.#readBufferIsBulk || bulkBuffers.inUse < BULK_BUFFERS_MAX);
    if (this.#readBuffer !== undefined && bulk === this.#readBufferIsBulk) return undefined;
    if (this.#readBuffer !== undefined && this.#readBufferIsBulk) bulkBuffers.give(this.#readBuffer);
    this.#readBuffer = bulk ? bulkBuffers.take() : sharedBuffers[this.#side];
    this.#readBufferIsBulk = bulk;
    return this.#readBuffer;
  };

  /** The documented generator must always name a buffer. */
  readonly #sameOrNextBuffer = (): Buffer => this.#nextBuffer() ?? this.#readBuffer ?? sharedBuffers[this.#side];

  /** Returns whether the bytes have left at once, or never will. */
  #dispatch(bytes: Uint8Array): boolean {
    const handle = this.#handle;
    if (handle === undefined) {
      this.socket.write(bytes, this.#onStreamWritten);
      return false;
    }
    const result = handle.writeBuffer(null, bytes);
    if (typeof result === "number") {
      if (result !== 0) this.#fail(result);
      return true;
    }
    if (result.writeStatus !== null) {
      if (result.writeStatus < 0) this.#fail(result.writeStatus);
      return true;
    }
    result.buffer = bytes;
    result.oncomplete = this.#onRawWritten;
    return false;
  }

  #await(pending: Pending, length: number): void {
    this.#inFlight = pending;
    this.#pendingBytes += length;
  }

  #enqueue(pending: Pending, length: number): void {
    this.#queue.push(pending);
    this.#pendingBytes += length;
  }

  readonly #onRawWritten = (status: number): void => {
    this.#written(status);
  };

  readonly #onStreamWritten = (error?: Error | null): void => {
    this.#written(error === undefined || error === null ? 0 : -1);
  };

  #written(status: number): void {
    const done = this.#inFlight;
    this.#inFlight = undefined;
    this.#writtenCount++;
    if (done?.buffer !== undefined) done.pool?.give(done.buffer);
    if (this.#closed) return;
    this.#pendingBytes -= done?.bytes.length ?? 0;
    // A stream reports its own failures.
    if (status < -1) this.#fail(status);
    else this.#pump();
  }

  #pump(): void {
    while (this.#inFlight === undefined && this.#queue.length > 0 && !this.#closed) {
      const next = this.#queue.shift();
      if (next === undefined) break;
      if (!this.#dispatch(next.bytes)) {
        this.#inFlight = next;
        return;
      }
      this.#pendingBytes -= next.bytes.length;
      if (next.buffer !== undefined) next.pool?.give(next.buffer);
    }
    if (this.#pendingBytes > 0 || this.#closed) return;
    if (this.#ending) this.socket.end();
    if (!this.#congested) return;
    this.#congested = false;
    this.owner.onDrain();
  }

  #fail(errno: number): void {
    const name = getSystemErrorName(errno);
    this.socket.destroy(Object.assign(new Error(`write ${name}`), { code: name }));
  }

  readonly #onClose = (): void => {
    if (this.#closed) return;
    this.#closed = true;
    for (const pending of this.#queue) if (pending.buffer !== undefined) pending.pool?.give(pending.buffer);
    this.#queue = [];
    if (this.#readBuffer !== undefined && this.#readBufferIsBulk) bulkBuffers.give(this.#readBuffer);
    this.#giveAwayReadBuffer();
    this.#pendingBytes = 0;
    this.owner.onClosed(this.#error);
  };
}

/** Opens the socket of a channel, with `onread` when it is given so that it fills our buffers the documented way. */
export interface SocketOpener {
  open(onread: OnRead | undefined): Socket;
}

/** The `onread` option of `net.connect`: the buffer of the next read, and who hears how many bytes are in it. */
export interface OnRead {
  readonly buffer: () => Buffer;
  readonly callback: (count: number) => boolean;
}
