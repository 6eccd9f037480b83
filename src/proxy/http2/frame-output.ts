import { BufferPool } from "../buffer-pool.ts";
import { FRAME_BYTES_MAX, FRAME_HEADER_BYTES, writeFrameHeader, writeUint32 } from "./frame.ts";

/** Where a connection's bytes go. */
export interface Http2Transport {
  /** Takes `buffer` over until its first `length` bytes have left, then gives it to `pool`. */
  write(buffer: Buffer, length: number, pool: BufferPool): void;
  /** Whether the sender should stop; asking promises a call of `Http2Connection.drained` when the answer is yes. */
  readonly congested: boolean;
  /** Bytes written that have not left yet. */
  readonly pendingBytes: number;
  /** There is something to send: `Http2Connection.flush` must be called before the event loop waits. */
  schedule(): void;
  /** Reads nothing more until `resume`. */
  pause(): void;
  resume(): void;
  /** Closes once everything written has left. */
  end(): void;
}

/** For the frames of one turn of the event loop; one is enough for 32 small responses. */
export const outputBuffers: BufferPool = new BufferPool(48 * 1024, 64);

/** Collects frames in one buffer until the turn ends or the buffer is full, so that they leave in one write. */
export class FrameOutput {
  /** Grows whenever a buffer is handed over: an offset is good only in its epoch. */
  epoch = 0;
  bytes: Buffer | undefined;
  length = 0;
  readonly #transport: Http2Transport;

  constructor(transport: Http2Transport) {
    this.#transport = transport;
  }

  /** Returns where a frame of `payload` bytes may be written in `bytes`; its place is taken. */
  reserve(payload: number): number {
    const total = FRAME_HEADER_BYTES + payload;
    if (this.bytes !== undefined && this.length + total > this.bytes.length) this.flush();
    if (this.bytes === undefined) {
      this.bytes = outputBuffers.take();
      this.length = 0;
      this.#transport.schedule();
    }
    const at = this.length;
    this.length += total;
    return at;
  }

  /** Writes a frame; returns its offset. At most {@link FRAME_BYTES_MAX} of payload. */
  frame(type: number, flags: number, stream: number, payload: Uint8Array, start: number, end: number): number {
    const length = end - start;
    const at = this.reserve(length);
    const { bytes } = this;
    if (bytes === undefined) return at;
    const payloadAt = writeFrameHeader(bytes, at, length, type, flags, stream);
    if (length < 64)
      for (let index = 0; index < length; index++) bytes[payloadAt + index] = payload[start + index] ?? 0;
    else bytes.set(start === 0 && end === payload.length ? payload : payload.subarray(start, end), payloadAt);
    return at;
  }

  /** Writes a frame whose payload is one number of 32 bits. */
  number(type: number, stream: number, value: number): void {
    const at = this.reserve(4);
    if (this.bytes !== undefined) writeUint32(this.bytes, writeFrameHeader(this.bytes, at, 4, type, 0, stream), value);
  }

  /** Sets a flag of a frame that has not left. */
  addFlag(at: number, flag: number): void {
    if (this.bytes !== undefined) this.bytes[at + 4] = (this.bytes[at + 4] ?? 0) | flag;
  }

  /** Hands over what was collected. */
  flush(): void {
    const { bytes } = this;
    if (bytes === undefined) return;
    this.bytes = undefined;
    this.epoch++;
    this.#transport.write(bytes, this.length, outputBuffers);
  }

  /** Forgets what was collected. */
  drop(): void {
    if (this.bytes !== undefined) outputBuffers.give(this.bytes);
    this.bytes = undefined;
    this.epoch++;
  }
}

// One frame must fit whole.
if (outputBuffers.bytes < FRAME_BYTES_MAX + FRAME_HEADER_BYTES) throw new Error("Output buffers are too small");
