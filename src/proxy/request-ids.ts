import { putBytes } from "./http1/put-head.ts";

/** Bytes of an id made here: 16 hexadecimal digits of the worker's own, and 16 that count. */
const REQUEST_ID_BYTES = 32;

/** A longer id of a client is replaced. */
const CLIENT_ID_MAX = 128;

const HALF = REQUEST_ID_BYTES / 2;
const DIGITS = "0123456789abcdef";
const ZERO = 0x30;
const NINE = 0x39;
const TEN = 0x61;
const LAST = 0x66;

/**
 * Ids that tell the requests of an edge apart: random digits drawn once for the worker, and a count. They are no
 * secret and can be guessed. Making one as bytes makes no object.
 */
export class RequestIds {
  readonly #digits: Buffer = Buffer.alloc(REQUEST_ID_BYTES, "0");

  /** `random` gives numbers from 0 up to 1. */
  constructor(random: () => number) {
    for (let at = 0; at < HALF; at++) this.#digits[at] = DIGITS.charCodeAt(Math.floor(random() * 16));
  }

  /** Writes the next id and returns where it ends. */
  put(out: Buffer, at: number): number {
    this.#count();
    return putBytes(out, at, this.#digits, 0, REQUEST_ID_BYTES);
  }

  /** Returns the client's id when it may be kept, else the next. */
  of(claimed: string | undefined): string {
    if (claimed !== undefined && isRequestId(claimed)) return claimed;
    this.#count();
    return this.#digits.toString("latin1");
  }

  #count(): void {
    for (let at = REQUEST_ID_BYTES - 1; at >= HALF; at--) {
      const digit = this.#digits[at] ?? ZERO;
      this.#digits[at] = digit === LAST ? ZERO : digit === NINE ? TEN : digit + 1;
      if (digit !== LAST) return;
    }
  }
}

/** Whether a client's id is a plain token (RFC 9110 section 5.6.2) of at most 128 characters. */
export function isRequestId(text: string): boolean {
  return text.length <= CLIENT_ID_MAX && /^[-!#$%&'*+.^_`|~0-9A-Za-z]+$/.test(text);
}
