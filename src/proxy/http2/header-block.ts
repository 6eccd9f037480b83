import { BROKEN, DONE, MORE, type Progress } from "../http1/header-section.ts";
import { ENHANCE_YOUR_CALM, type Http2ErrorCode, PROTOCOL_ERROR } from "./error-codes.ts";
import { END_HEADERS, END_STREAM, PADDED, readUint32, WINDOW_BYTES_MAX, WITH_PRIORITY } from "./frame.ts";
import type { Http2Limits } from "./http2-limits.ts";

const EMPTY: Buffer = Buffer.alloc(0);

/**
 * Puts a header block together from HEADERS and CONTINUATION (RFC 9113 section 4.3). A block that comes in one frame, as
 * nearly all do, stays where it is.
 */
export class HeaderBlock {
  /** The stream whose block is not complete, or 0. */
  openStream = 0;
  endStream = false;
  /** RFC 7540 section 5.3.1; the priority itself is ignored. */
  selfDependent = false;
  /** After DONE: the block. */
  bytes: Buffer = EMPTY;
  start = 0;
  end = 0;
  /** After BROKEN. */
  code: Http2ErrorCode = PROTOCOL_ERROR;
  problem = "";
  readonly #limits: Http2Limits;
  #kept: Buffer = EMPTY;
  #keptBytes = 0;
  #continuations = 0;

  constructor(limits: Http2Limits) {
    this.#limits = limits;
  }

  /** Takes the payload of HEADERS. */
  begin(flags: number, stream: number, bytes: Buffer, from: number, to: number): Progress {
    let start = from;
    let end = to;
    if (stream === 0) return this.#fail(PROTOCOL_ERROR, "HEADERS is not for stream 0");
    if ((flags & PADDED) !== 0) end -= start < end ? (bytes[start++] ?? 0) : 1;
    this.selfDependent = false;
    if ((flags & WITH_PRIORITY) !== 0) {
      this.selfDependent = (readUint32(bytes, start) & WINDOW_BYTES_MAX) === stream;
      start += 5;
    }
    if (start > end) return this.#fail(PROTOCOL_ERROR, "the padding is longer than its frame");
    this.endStream = (flags & END_STREAM) !== 0;
    if ((flags & END_HEADERS) !== 0) return this.#complete(bytes, start, end);
    this.openStream = stream;
    this.#keptBytes = 0;
    this.#continuations = 0;
    return this.#keep(bytes, start, end);
  }

  /** Takes the payload of CONTINUATION. */
  continue(flags: number, bytes: Buffer, start: number, end: number): Progress {
    if (this.openStream === 0) return this.#fail(PROTOCOL_ERROR, "CONTINUATION continues nothing");
    if (++this.#continuations > this.#limits.continuationFramesMax) {
      return this.#fail(ENHANCE_YOUR_CALM, "too many CONTINUATION frames");
    }
    if (this.#keep(bytes, start, end) === BROKEN) return BROKEN;
    if ((flags & END_HEADERS) === 0) return MORE;
    const kept = this.#kept;
    this.#kept = EMPTY;
    this.openStream = 0;
    return this.#complete(kept, 0, this.#keptBytes);
  }

  /** Forgets what was kept. */
  drop(): void {
    this.#kept = EMPTY;
    this.bytes = EMPTY;
  }

  #complete(bytes: Buffer, start: number, end: number): Progress {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    return DONE;
  }

  #keep(bytes: Buffer, start: number, end: number): Progress {
    const length = this.#keptBytes + end - start;
    if (length > this.#limits.headerBlockBytesMax) {
      return this.#fail(ENHANCE_YOUR_CALM, "the header block is too long");
    }
    if (this.#kept.length < length) {
      const bigger = Buffer.allocUnsafeSlow(2 * length);
      this.#kept.copy(bigger, 0, 0, this.#keptBytes);
      this.#kept = bigger;
    }
    bytes.copy(this.#kept, this.#keptBytes, start, end);
    this.#keptBytes = length;
    return MORE;
  }

  #fail(code: Http2ErrorCode, problem: string): Progress {
    this.code = code;
    this.problem = problem;
    return BROKEN;
  }
}
