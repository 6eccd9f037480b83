import { DATA, FRAME_BYTES_MAX, FRAME_HEADER_BYTES, PADDED, PREFACE, readUint32 } from "./frame.ts";
import { FRAME_SIZE_ERROR, type Http2ErrorCode, PROTOCOL_ERROR } from "./error-codes.ts";

/**
 * Who takes the frames, in order. DATA comes in pieces as it arrives, every other frame whole. The buffer belongs to the
 * reader's caller: it is another's once the call returns. Each call may close the reader.
 */
export interface FrameSink {
  /** Any frame but DATA; `start` to `end` is its payload. */
  onFrame(type: number, flags: number, stream: number, bytes: Buffer, start: number, end: number): void;
  /** A DATA frame begins; `length` counts padding too, as flow control does, `overhead` is the padding and its length. */
  onDataFrame(flags: number, stream: number, length: number, overhead: number): void;
  /** A piece of the DATA frame, never empty. */
  onData(bytes: Buffer, start: number, end: number): void;
  /** The DATA frame is complete. */
  onDataFrameEnd(): void;
  /** The bytes are not HTTP/2; the connection ends. */
  onBadFrame(code: Http2ErrorCode, reason: string): void;
}

const READ_PREFACE = 0;
const READ_HEADER = 1;
const READ_PAYLOAD = 2;
const READ_PAD_LENGTH = 3;
const READ_DATA = 4;
const READ_PADDING = 5;
const CLOSED = 6;

/** Cuts bytes into frames (RFC 9113 section 4.1), however they are split. Holds at most one frame, and only when it was split. */
export class FrameReader {
  readonly #sink: FrameSink;
  #state: number;
  #prefaceAt = 0;
  #kept: Buffer | undefined;
  #keptBytes = 0;
  #type = 0;
  #flags = 0;
  #stream = 0;
  /** Of the payload, still to come. */
  #left = 0;
  #padding = 0;

  constructor(sink: FrameSink, options: { readonly expectsPreface: boolean }) {
    this.#sink = sink;
    this.#state = options.expectsPreface ? READ_PREFACE : READ_HEADER;
  }

  /** Whether the reader is in the middle of the preface or of a frame other than DATA. */
  get midway(): boolean {
    return this.#state === READ_PREFACE || this.#state === READ_PAYLOAD || this.#keptBytes > 0;
  }

  /** Ignores everything from now on. */
  close(): void {
    this.#state = CLOSED;
    this.#kept = undefined;
  }

  /** Takes bytes; calls the sink for each frame they complete. */
  read(bytes: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end) {
      switch (this.#state) {
        case READ_HEADER:
          at = this.#readHeader(bytes, at, end);
          break;
        case READ_PAYLOAD:
          at = this.#readPayload(bytes, at, end);
          break;
        case READ_DATA:
          at = this.#readData(bytes, at, end);
          break;
        case READ_PADDING:
          at = this.#skipPadding(at, end);
          break;
        case READ_PAD_LENGTH:
          this.#beginData(bytes[at++] ?? 0, 1);
          break;
        case READ_PREFACE:
          at = this.#readPreface(bytes, at, end);
          break;
        default:
          return;
      }
    }
  }

  #readPreface(bytes: Buffer, from: number, end: number): number {
    let at = from;
    while (at < end && this.#prefaceAt < PREFACE.length) {
      if (bytes[at++] !== PREFACE[this.#prefaceAt++])
        return this.#fail(PROTOCOL_ERROR, "the connection preface is not HTTP/2's");
    }
    if (this.#prefaceAt === PREFACE.length) this.#state = READ_HEADER;
    return at;
  }

  #readHeader(bytes: Buffer, at: number, end: number): number {
    if (this.#keptBytes === 0 && end - at >= FRAME_HEADER_BYTES) {
      this.#beginFrame(bytes, at);
      return at + FRAME_HEADER_BYTES;
    }
    const kept = (this.#kept ??= Buffer.allocUnsafe(FRAME_HEADER_BYTES));
    const length = Math.min(FRAME_HEADER_BYTES - this.#keptBytes, end - at);
    bytes.copy(kept, this.#keptBytes, at, at + length);
    this.#keptBytes += length;
    if (this.#keptBytes === FRAME_HEADER_BYTES) {
      this.#keptBytes = 0;
      this.#kept = undefined;
      this.#beginFrame(kept, 0);
    }
    return at + length;
  }

  #beginFrame(bytes: Buffer, at: number): void {
    const length = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    this.#type = bytes[at + 3] ?? 0;
    this.#flags = bytes[at + 4] ?? 0;
    this.#stream = readUint32(bytes, at + 5) & 0x7fff_ffff;
    this.#left = length;
    if (length > FRAME_BYTES_MAX) {
      this.#fail(FRAME_SIZE_ERROR, "a frame is longer than 16384 bytes");
    } else if (this.#type !== DATA) {
      this.#state = READ_PAYLOAD;
      if (length === 0) this.#readPayload(bytes, at, at);
    } else if ((this.#flags & PADDED) === 0) this.#beginData(0, 0);
    else if (length === 0) this.#fail(FRAME_SIZE_ERROR, "a padded frame has no room for the length of its padding");
    else this.#state = READ_PAD_LENGTH;
  }

  #readPayload(bytes: Buffer, at: number, end: number): number {
    const length = this.#left;
    if (this.#keptBytes === 0 && end - at >= length) {
      this.#state = READ_HEADER;
      this.#sink.onFrame(this.#type, this.#flags, this.#stream, bytes, at, at + length);
      return at + length;
    }
    const kept = (this.#kept ??= Buffer.allocUnsafe(length));
    const piece = Math.min(length - this.#keptBytes, end - at);
    bytes.copy(kept, this.#keptBytes, at, at + piece);
    this.#keptBytes += piece;
    if (this.#keptBytes === length) {
      this.#keptBytes = 0;
      this.#kept = undefined;
      this.#state = READ_HEADER;
      this.#sink.onFrame(this.#type, this.#flags, this.#stream, kept, 0, length);
    }
    return at + piece;
  }

  #beginData(padding: number, padLengthBytes: number): void {
    const length = this.#left;
    this.#left = length - padLengthBytes - padding;
    this.#padding = padding;
    if (this.#left < 0) {
      // RFC 9113 section 6.1.
      this.#fail(PROTOCOL_ERROR, "the padding is longer than its frame");
      return;
    }
    this.#state = READ_DATA;
    this.#sink.onDataFrame(this.#flags, this.#stream, length, padLengthBytes + padding);
    if (this.#left === 0) this.#endData();
  }

  #readData(bytes: Buffer, at: number, end: number): number {
    const length = Math.min(this.#left, end - at);
    this.#left -= length;
    this.#sink.onData(bytes, at, at + length);
    if (this.#left === 0) this.#endData();
    return at + length;
  }

  #endData(): void {
    if (this.#state === CLOSED) return;
    this.#left = this.#padding;
    this.#state = this.#padding > 0 ? READ_PADDING : READ_HEADER;
    if (this.#padding === 0) this.#sink.onDataFrameEnd();
  }

  #skipPadding(at: number, end: number): number {
    const length = Math.min(this.#left, end - at);
    this.#left -= length;
    if (this.#left === 0) {
      this.#state = READ_HEADER;
      this.#sink.onDataFrameEnd();
    }
    return at + length;
  }

  #fail(code: Http2ErrorCode, reason: string): number {
    this.close();
    this.#sink.onBadFrame(code, reason);
    return Number.MAX_SAFE_INTEGER;
  }
}
