import {
  FORWARDING,
  HOP_BY_HOP,
  isKnownHeader,
  KNOWN_HEADERS,
  knownHeaderSlot,
  OTHER,
  type HeaderKind,
} from "./header-names.ts";

/** More bytes are needed. */
export const MORE = 0;
/** The part is complete; `position` is behind its last byte. */
export const DONE = 1;
/** It is not what RFC 9112 allows; `problem` says why. */
export const BROKEN = 2;
/** How far scanning got. */
export type Progress = typeof MORE | typeof DONE | typeof BROKEN;

/** Why a message was refused, in words for whoever sent it. `status` is what a client gets for it. */
export interface FramingProblem {
  readonly status: number;
  readonly text: string;
}

const LINE_START = 0;
const NAME = 1;
const BEFORE_VALUE = 2;
const VALUE = 3;
const LINE_FEED = 4;
const LAST_LINE_FEED = 5;

/** Ints kept for each header: start of its line, end of its name, start and end of its value, end of its line. */
const FIELDS = 5;

const TOO_MANY: FramingProblem = { status: 431, text: "too many header lines" };
const FOLDED: FramingProblem = { status: 400, text: "a header line starts with white space (obsolete line folding)" };
const BAD_NAME: FramingProblem = { status: 400, text: "a header name has a character that is not allowed there" };
const BAD_VALUE: FramingProblem = { status: 400, text: "a header value has a control character" };
const BARE_CR: FramingProblem = { status: 400, text: "a carriage return is not followed by a line feed" };

const CR = 0x0d;
const LF = 0x0a;

/** By byte: its lower case when RFC 9110 allows it in a token, else 0. */
export const TOKEN: Uint8Array = new Uint8Array(256);
for (const letter of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") {
  TOKEN[letter.charCodeAt(0)] = letter.charCodeAt(0);
  TOKEN[letter.toUpperCase().charCodeAt(0)] = letter.charCodeAt(0);
}

/** By byte: 1 when RFC 9110 section 5.5 allows it in a field value. */
const FIELD_VALUE = new Uint8Array(256).fill(1, 0x20);
FIELD_VALUE[0x09] = 1;
FIELD_VALUE[0x7f] = 0;

/**
 * The header lines of one message or trailer, scanned once: where they are, and which of the names we know each has.
 * Nothing is copied and no object is made for a header. Strict: RFC 9112 section 5 without any leniency. The result is
 * the same however the bytes are split over calls.
 */
export class HeaderSection {
  /** Headers so far. */
  count = 0;
  /** Where scanning stopped. */
  position = 0;
  problem: FramingProblem = BAD_NAME;
  readonly #countMax: number;
  readonly #places: Int32Array;
  readonly #kinds: Uint8Array;
  #state = LINE_START;
  #lineStart = 0;
  #nameEnd = 0;
  #valueStart = 0;
  #valueEnd = 0;
  #hash = 0;

  constructor(countMax: number) {
    this.#countMax = countMax;
    this.#places = new Int32Array(countMax * FIELDS);
    this.#kinds = new Uint8Array(countMax);
  }

  begin(position: number): void {
    this.count = 0;
    this.position = position;
    this.#state = LINE_START;
  }

  /** Scans from `position` to `stop` at most. */
  scan(bytes: Uint8Array, stop: number): Progress {
    let at = this.position;
    while (at < stop) {
      switch (this.#state) {
        case LINE_START: {
          const byte = bytes[at] ?? 0;
          if (byte === CR) {
            this.#state = LAST_LINE_FEED;
            at++;
            break;
          }
          if (byte === 0x20 || byte === 0x09) return this.#fail(FOLDED);
          if (this.count === this.#countMax) return this.#fail(TOO_MANY);
          this.#lineStart = at;
          this.#hash = 0;
          this.#state = NAME;
          break;
        }
        case NAME: {
          let hash = this.#hash;
          let lower = 0;
          while (at < stop && (lower = TOKEN[bytes[at] ?? 0] ?? 0) !== 0) {
            // An underscore counts as a hyphen: CGI-like backends cannot tell them apart.
            hash = (Math.imul(hash, 31) + (lower === 0x5f ? 0x2d : lower)) | 0;
            at++;
          }
          this.#hash = hash;
          if (at === stop) break;
          // Also a space before the colon ends here: RFC 9112 section 5.1 demands 400.
          if (bytes[at] !== 0x3a || at === this.#lineStart) return this.#fail(BAD_NAME);
          this.#nameEnd = at++;
          this.#state = BEFORE_VALUE;
          break;
        }
        case BEFORE_VALUE: {
          const byte = bytes[at] ?? 0;
          if (byte === 0x20 || byte === 0x09) {
            at++;
            break;
          }
          this.#valueStart = at;
          this.#state = VALUE;
          break;
        }
        case VALUE: {
          while (at < stop && FIELD_VALUE[bytes[at] ?? 0] === 1) at++;
          if (at === stop) break;
          if (bytes[at] !== CR) return this.#fail(BAD_VALUE);
          this.#valueEnd = at++;
          this.#state = LINE_FEED;
          break;
        }
        case LINE_FEED: {
          if (bytes[at++] !== LF) return this.#fail(BARE_CR);
          this.#keep(bytes, at);
          this.#state = LINE_START;
          break;
        }
        default: {
          if (bytes[at++] !== LF) return this.#fail(BARE_CR);
          this.position = at;
          return DONE;
        }
      }
    }
    this.position = at;
    return MORE;
  }

  kind(index: number): HeaderKind {
    return this.#kinds[index] ?? OTHER;
  }

  /** Leaves the header out of what is forwarded. */
  drop(index: number): void {
    this.#kinds[index] = HOP_BY_HOP;
  }

  lineStart(index: number): number {
    return this.#places[index * FIELDS] ?? 0;
  }

  nameEnd(index: number): number {
    return this.#places[index * FIELDS + 1] ?? 0;
  }

  valueStart(index: number): number {
    return this.#places[index * FIELDS + 2] ?? 0;
  }

  valueEnd(index: number): number {
    return this.#places[index * FIELDS + 3] ?? 0;
  }

  /** Behind the line's CRLF, which is where the next one starts. */
  lineEnd(index: number): number {
    return this.#places[index * FIELDS + 4] ?? 0;
  }

  value(bytes: Buffer, index: number): string {
    return bytes.toString("latin1", this.valueStart(index), this.valueEnd(index));
  }

  /** Moves every place by `offset`: the bytes were copied elsewhere. */
  shift(offset: number): void {
    for (let index = 0; index < this.count * FIELDS; index++) this.#places[index] = (this.#places[index] ?? 0) + offset;
    this.position += offset;
    this.#lineStart += offset;
    this.#nameEnd += offset;
    this.#valueStart += offset;
    this.#valueEnd += offset;
  }

  #keep(bytes: Uint8Array, lineEnd: number): void {
    let end = this.#valueEnd;
    while (end > this.#valueStart && isSpace(bytes[end - 1])) end--;
    const { count } = this;
    const place = count * FIELDS;
    this.#places[place] = this.#lineStart;
    this.#places[place + 1] = this.#nameEnd;
    this.#places[place + 2] = this.#valueStart;
    this.#places[place + 3] = end;
    this.#places[place + 4] = lineEnd;
    this.#kinds[count] = this.#kindOf(bytes);
    this.count = count + 1;
  }

  #kindOf(bytes: Uint8Array): HeaderKind {
    const slot = knownHeaderSlot(this.#hash);
    if (slot < 0) return OTHER;
    const known = KNOWN_HEADERS[slot];
    if (known === undefined || known.name.length !== this.#nameEnd - this.#lineStart) return OTHER;
    const spelling = isKnownHeader(bytes, this.#lineStart, known.name);
    if (spelling === 0) return OTHER;
    // Spelled with an underscore, a name we know is an attempt to slip past us.
    return spelling === 1 ? known.kind : known.kind === FORWARDING ? FORWARDING : HOP_BY_HOP;
  }

  #fail(problem: FramingProblem): Progress {
    this.problem = problem;
    return BROKEN;
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09;
}
