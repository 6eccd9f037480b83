import type { ProxyLimits } from "../limits.ts";
import { BROKEN, DONE, HeaderSection, MORE, type FramingProblem, type Progress } from "./header-section.ts";

const SIZE = 0;
const EXTENSION = 1;
const SIZE_LINE_FEED = 2;
const DATA = 3;
const DATA_CR = 4;
const DATA_LINE_FEED = 5;
const TRAILER = 6;

/** A chunk's extensions are dropped; one this long is an attack. */
const EXTENSION_BYTES_MAX = 256;
/** More digits than any body has: 2^48 bytes. */
const SIZE_DIGITS_MAX = 12;
const TRAILER_BYTES_MAX = 8 * 1024;

const BAD_SIZE: FramingProblem = { status: 400, text: "a chunk size is not a hexadecimal number" };
const BAD_EXTENSION: FramingProblem = { status: 400, text: "a chunk extension is too long or has a control character" };
const BAD_LINE_END: FramingProblem = { status: 400, text: "a chunk is not ended by CR LF" };
const TRAILER_TOO_LARGE: FramingProblem = { status: 400, text: "the trailer is too large" };

const CR = 0x0d;
const LF = 0x0a;

/**
 * Decodes a chunked body (RFC 9112 section 7.1) strictly, however its bytes are split. Data is found in the caller's
 * buffer, trailers are kept.
 */
export class ChunkedDecoder {
  /** After `next`: the data found, empty when there was none. */
  dataStart = 0;
  dataEnd = 0;
  /** After `next`: where to go on. */
  position = 0;
  problem: FramingProblem = BAD_SIZE;
  readonly trailers: HeaderSection;
  /** Holds the trailers, after DONE. */
  trailerBytes: Buffer = Buffer.alloc(0);
  #state = SIZE;
  #digits = 0;
  #extension = 0;
  #left = 0;

  constructor(limits: Pick<ProxyLimits, "requestHeadersMax">) {
    this.trailers = new HeaderSection(limits.requestHeadersMax);
  }

  begin(): void {
    this.#state = SIZE;
    this.#digits = 0;
    this.#left = 0;
    this.trailers.begin(0);
    this.trailerBytes = Buffer.alloc(0);
  }

  /** Goes on until data is found (MORE with data), the bytes are used up (MORE without) or the body ends (DONE). */
  next(bytes: Buffer, from: number, end: number): Progress {
    let at = from;
    this.dataStart = from;
    this.dataEnd = from;
    while (at < end) {
      const byte = bytes[at] ?? 0;
      switch (this.#state) {
        case SIZE: {
          const digit = hexDigit(byte);
          if (digit >= 0) {
            if (++this.#digits > SIZE_DIGITS_MAX) return this.#fail(BAD_SIZE);
            this.#left = this.#left * 16 + digit;
            at++;
            break;
          }
          if (this.#digits === 0) return this.#fail(BAD_SIZE);
          if (byte === CR) this.#state = SIZE_LINE_FEED;
          else if (byte === 0x3b) {
            this.#state = EXTENSION;
            this.#extension = 0;
          } else return this.#fail(BAD_SIZE);
          at++;
          break;
        }
        case EXTENSION:
          if (byte === CR) this.#state = SIZE_LINE_FEED;
          else if ((byte < 0x20 && byte !== 0x09) || byte === 0x7f || ++this.#extension > EXTENSION_BYTES_MAX) {
            return this.#fail(BAD_EXTENSION);
          }
          at++;
          break;
        case SIZE_LINE_FEED:
          if (byte !== LF) return this.#fail(BAD_LINE_END);
          at++;
          this.#state = this.#left === 0 ? TRAILER : DATA;
          break;
        case DATA: {
          const length = Math.min(this.#left, end - at);
          this.#left -= length;
          if (this.#left === 0) this.#state = DATA_CR;
          this.dataStart = at;
          this.dataEnd = at + length;
          this.position = at + length;
          return MORE;
        }
        case DATA_CR:
          if (byte !== CR) return this.#fail(BAD_LINE_END);
          at++;
          this.#state = DATA_LINE_FEED;
          break;
        case DATA_LINE_FEED:
          if (byte !== LF) return this.#fail(BAD_LINE_END);
          at++;
          this.#state = SIZE;
          this.#digits = 0;
          break;
        default:
          return this.#scanTrailer(bytes, at, end);
      }
    }
    this.position = at;
    return MORE;
  }

  /** Trailers are rare and small, so their bytes are simply collected. */
  #scanTrailer(bytes: Buffer, from: number, end: number): Progress {
    // Nearly always: no trailer, in one piece.
    if (this.trailerBytes.length === 0 && bytes[from] === CR && bytes[from + 1] === LF && from + 1 < end) {
      this.position = from + 2;
      return DONE;
    }
    const before = this.trailerBytes.length;
    const room = TRAILER_BYTES_MAX + 1 - before;
    this.trailerBytes = Buffer.concat([this.trailerBytes, bytes.subarray(from, Math.min(end, from + room))]);
    const progress = this.trailers.scan(this.trailerBytes, Math.min(this.trailerBytes.length, TRAILER_BYTES_MAX));
    if (progress === BROKEN) return this.#fail({ status: 400, text: this.trailers.problem.text });
    if (progress === DONE) {
      this.position = from + this.trailers.position - before;
      return DONE;
    }
    if (this.trailerBytes.length >= TRAILER_BYTES_MAX) return this.#fail(TRAILER_TOO_LARGE);
    this.position = end;
    return MORE;
  }

  #fail(problem: FramingProblem): Progress {
    this.problem = problem;
    return BROKEN;
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
