import type { ProxyLimits } from "../limits.ts";
import { CONNECTION, CONTENT_LENGTH, EXPECT, HOST, OTHER, TRANSFER_ENCODING, UPGRADE } from "./header-names.ts";
import { BROKEN, DONE, HeaderSection, MORE, TOKEN, type FramingProblem, type Progress } from "./header-section.ts";
import { hasToken, namesToken, parseLength, sameText } from "./field-value.ts";

const START = 0;
const START_LINE_FEED = 1;
const METHOD = 2;
const TARGET = 3;
const VERSION = 4;
const VERSION_LINE_FEED = 5;
const HEADERS = 6;
/** There is something else where the version should be. */
const NO_VERSION_NAME = 7;

const URI_TOO_LONG: FramingProblem = { status: 414, text: "the request line is too long" };
const HEAD_TOO_LARGE: FramingProblem = { status: 431, text: "the headers are too large" };
const BAD_START: FramingProblem = { status: 400, text: "an empty line is not ended by CR LF" };
const BAD_METHOD: FramingProblem = { status: 400, text: "the method is not a token followed by one space" };
const BAD_TARGET: FramingProblem = {
  status: 400,
  text: "the request target has a character that is not allowed there",
};
const BAD_LINE_END: FramingProblem = { status: 400, text: "the request line is not ended by CR LF" };
const BAD_VERSION: FramingProblem = { status: 505, text: "only HTTP/1.1 and HTTP/1.0 are spoken here" };
const NO_VERSION: FramingProblem = { status: 400, text: "the request line does not end with an HTTP version" };
/** Three words, and the last is no version of HTTP: whoever sent that would not understand an answer either. */
export const NOT_HTTP: FramingProblem = { status: 400, text: "the first line is not of HTTP" };
const NO_HOST: FramingProblem = { status: 400, text: "the Host header is missing" };
const TWO_HOSTS: FramingProblem = { status: 400, text: "the Host header is repeated" };
const TWO_LENGTHS: FramingProblem = { status: 400, text: "the Content-Length header is repeated" };
const BAD_LENGTH: FramingProblem = { status: 400, text: "the Content-Length is not a number" };
const LENGTH_AND_CODING: FramingProblem = {
  status: 400,
  text: "the request has both Content-Length and Transfer-Encoding",
};
const BAD_CODING: FramingProblem = { status: 400, text: 'the Transfer-Encoding is not exactly "chunked"' };
const OLD_CODING: FramingProblem = { status: 400, text: "an HTTP/1.0 request has a Transfer-Encoding" };
const BAD_EXPECT: FramingProblem = { status: 417, text: 'the only expectation met here is "100-continue"' };

const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;
const SLASH = 0x2f;

/** By byte of a request target: 0 not allowed, 1 plain, else one of the kinds below. */
const TARGET_BYTE = new Uint8Array(256).fill(1, 0x21);
const NOT_NORMAL = 2;
const SLASH_OR_DOT = 3;
const QUESTION_MARK = 4;
TARGET_BYTE.fill(NOT_NORMAL, 0x80);
TARGET_BYTE[0x7f] = 0;
TARGET_BYTE["#".charCodeAt(0)] = 0;
TARGET_BYTE["%".charCodeAt(0)] = NOT_NORMAL;
TARGET_BYTE["\\".charCodeAt(0)] = NOT_NORMAL;
TARGET_BYTE["/".charCodeAt(0)] = SLASH_OR_DOT;
TARGET_BYTE[".".charCodeAt(0)] = SLASH_OR_DOT;
TARGET_BYTE["?".charCodeAt(0)] = QUESTION_MARK;

/** What follows the version's eight bytes is fixed, so they are compared one by one. */
const VERSION_TEXT: readonly number[] = Array.from("HTTP/1.", (letter) => letter.charCodeAt(0));
/** Of it, the name of the protocol. */
const NAME_BYTES = "HTTP/".length;

/**
 * One HTTP/1.x request head, scanned once as it arrives. Strict: what RFC 9112 lets a server refuse is refused, because
 * two readings of one message are how requests are smuggled. The outcome is the same however the bytes are split. The
 * object is used again and again; what it says holds until the next `begin`, and the places it names are in `bytes`.
 */
export class RequestParser {
  readonly headers: HeaderSection;
  /** Where the head is: the caller's buffer when it came in one piece, else memory of our own. */
  bytes: Buffer = Buffer.alloc(0);
  /** After DONE: where the caller's bytes go on behind the head. */
  consumed = 0;
  problem: FramingProblem = BAD_START;

  methodStart = 0;
  methodEnd = 0;
  targetStart = 0;
  targetEnd = 0;
  /** The `?`, or -1. */
  queryStart = -1;
  /** Whether the path has nothing to normalise. */
  pathIsPlain = true;
  /** 0 or 1: HTTP/1.0 or HTTP/1.1. */
  minorVersion = 1;
  /** Index of the Host header, or -1. */
  hostIndex = -1;
  /** -1 without the header. */
  contentLength = -1;
  chunked = false;
  /** Whether the connection may be used again, as far as the client is concerned. */
  keepAlive = true;
  expectsContinue = false;
  /** Index of the Upgrade header when Connection names it, or -1. */
  upgradeIndex = -1;

  readonly #limits: ProxyLimits;
  #memory: Buffer | undefined;
  /** Bytes in our memory. */
  #kept = 0;
  #start = 0;
  #state = START;
  #at = 0;
  #previous = 0;
  #blankLines = 0;
  #versionStart = 0;

  constructor(limits: ProxyLimits) {
    this.#limits = limits;
    this.headers = new HeaderSection(limits.requestHeadersMax);
  }

  /** Whether bytes of an unfinished head are kept. */
  get partial(): boolean {
    return this.#kept > 0;
  }

  begin(): void {
    this.#kept = 0;
    this.#state = START;
    this.#blankLines = 0;
    this.queryStart = -1;
    this.pathIsPlain = true;
    this.hostIndex = -1;
    this.contentLength = -1;
    this.chunked = false;
    this.expectsContinue = false;
    this.upgradeIndex = -1;
  }

  /** Takes bytes; keeps a copy of them when the head is not complete yet. */
  feed(buffer: Buffer, start: number, end: number): Progress {
    if (this.#kept > 0) return this.#feedKept(buffer, start, end);
    this.bytes = buffer;
    this.#start = start;
    this.#at = start;
    const progress = this.#scan(buffer, end);
    if (progress === DONE) this.consumed = this.headers.position;
    else if (progress === MORE) this.#keep(buffer, start, end);
    return progress;
  }

  #feedKept(buffer: Buffer, start: number, end: number): Progress {
    const before = this.#kept;
    const memory = this.#remember(buffer, start, end);
    const progress = this.#scan(memory, this.#kept);
    if (progress === DONE) this.consumed = start + this.headers.position - before;
    return progress;
  }

  #keep(buffer: Buffer, start: number, end: number): void {
    this.#remember(buffer, start, end);
    this.#start -= start;
    this.#at -= start;
    this.methodStart -= start;
    this.methodEnd -= start;
    this.targetStart -= start;
    this.targetEnd -= start;
    this.#versionStart -= start;
    if (this.queryStart >= 0) this.queryStart -= start;
    this.headers.shift(-start);
  }

  /** One byte more than allowed is enough to find that it is too much. */
  #remember(buffer: Buffer, start: number, end: number): Buffer {
    const room = this.#limits.requestHeadBytesMax + 1 - this.#kept;
    const length = Math.min(end - start, room);
    let memory = this.#memory;
    if (memory === undefined || memory.length < this.#kept + length) {
      const bigger = Buffer.allocUnsafeSlow(Math.max(2048, 2 * (this.#kept + length)));
      memory?.copy(bigger, 0, 0, this.#kept);
      memory = bigger;
      this.#memory = bigger;
    }
    buffer.copy(memory, this.#kept, start, start + length);
    this.#kept += length;
    this.bytes = memory;
    return memory;
  }

  #scan(bytes: Buffer, end: number): Progress {
    if (this.#state !== HEADERS) {
      const limit = this.#start + this.#limits.requestLineBytesMax;
      const progress = this.#scanRequestLine(bytes, Math.min(end, limit));
      if (progress === BROKEN) return BROKEN;
      if (progress === MORE) return end >= limit ? this.#fail(URI_TOO_LONG) : MORE;
      this.headers.begin(this.#at);
      this.#state = HEADERS;
    }
    const limit = this.#start + this.#limits.requestHeadBytesMax;
    const progress = this.headers.scan(bytes, Math.min(end, limit));
    if (progress === DONE) return this.#interpret(bytes);
    if (progress === BROKEN) return this.#fail(this.headers.problem);
    return end >= limit ? this.#fail(HEAD_TOO_LARGE) : MORE;
  }

  #scanRequestLine(bytes: Uint8Array, stop: number): Progress {
    let at = this.#at;
    while (at < stop) {
      switch (this.#state) {
        case START: {
          // RFC 9112 section 2.2: an empty line left over from an old client's body is passed over, once.
          if (bytes[at] === CR && this.#blankLines === 0) {
            this.#blankLines = 1;
            this.#state = START_LINE_FEED;
            at++;
            break;
          }
          this.methodStart = at;
          this.#state = METHOD;
          break;
        }
        case START_LINE_FEED: {
          if (bytes[at++] !== LF) return this.#fail(BAD_START);
          this.#state = START;
          break;
        }
        case METHOD: {
          while (at < stop && TOKEN[bytes[at] ?? 0] !== 0) at++;
          if (at === stop) break;
          if (bytes[at] !== SPACE || at === this.methodStart) return this.#fail(BAD_METHOD);
          this.methodEnd = at++;
          this.targetStart = at;
          this.#previous = 0;
          this.#state = TARGET;
          break;
        }
        case TARGET: {
          at = this.#scanTarget(bytes, at, stop);
          if (at === stop) break;
          if (bytes[at] !== SPACE || at === this.targetStart) {
            return this.#fail(bytes[at] === CR || bytes[at] === LF ? NO_VERSION : BAD_TARGET);
          }
          this.targetEnd = at++;
          this.#versionStart = at;
          this.#state = VERSION;
          break;
        }
        case VERSION: {
          const index = at - this.#versionStart;
          const byte = bytes[at] ?? 0;
          if (index < VERSION_TEXT.length) {
            if (byte !== VERSION_TEXT[index]) {
              if (index >= NAME_BYTES) return this.#fail(BAD_VERSION);
              this.#state = NO_VERSION_NAME;
              break;
            }
          } else if (index === VERSION_TEXT.length) {
            if (byte !== 0x30 && byte !== 0x31) return this.#fail(BAD_VERSION);
            this.minorVersion = byte - 0x30;
          } else {
            if (byte !== CR) return this.#fail(BAD_LINE_END);
            this.#state = VERSION_LINE_FEED;
          }
          at++;
          break;
        }
        case NO_VERSION_NAME: {
          const end = lineEnd(bytes, at, stop);
          // What was scanned before may end with a part of the name.
          if (resemblesHttp(bytes, Math.max(this.#versionStart, at - NAME_BYTES), end)) return this.#fail(NO_VERSION);
          if (end < stop) return this.#fail(NOT_HTTP);
          at = stop;
          break;
        }
        default: {
          if (bytes[at++] !== LF) return this.#fail(BAD_LINE_END);
          this.#at = at;
          return DONE;
        }
      }
    }
    this.#at = at;
    return MORE;
  }

  /** Returns where the target ends, and notes whether its path needs work before it can be compared. */
  #scanTarget(bytes: Uint8Array, from: number, stop: number): number {
    let at = from;
    let previous = this.#previous;
    let queryStart = this.queryStart;
    while (at < stop) {
      const byte = bytes[at] ?? 0;
      const kind = TARGET_BYTE[byte] ?? 0;
      if (kind === 0) break;
      if (kind !== 1 && queryStart < 0) {
        if (kind === QUESTION_MARK) queryStart = at;
        else if (kind === NOT_NORMAL || previous === SLASH) this.pathIsPlain = false;
      }
      previous = byte;
      at++;
    }
    this.#previous = previous;
    this.queryStart = queryStart;
    return at;
  }

  #interpret(bytes: Buffer): Progress {
    const { headers } = this;
    this.keepAlive = this.minorVersion === 1;
    let upgrade = -1;
    let codings = 0;
    let connections = 0;
    for (let index = 0; index < headers.count; index++) {
      switch (headers.kind(index)) {
        case HOST:
          if (this.hostIndex >= 0) return this.#fail(TWO_HOSTS);
          this.hostIndex = index;
          break;
        case CONTENT_LENGTH:
          if (this.contentLength >= 0) return this.#fail(TWO_LENGTHS);
          this.contentLength = parseLength(bytes, headers.valueStart(index), headers.valueEnd(index));
          if (this.contentLength < 0) return this.#fail(BAD_LENGTH);
          break;
        case TRANSFER_ENCODING:
          if (codings++ > 0 || !sameText(bytes, headers.valueStart(index), headers.valueEnd(index), "chunked")) {
            return this.#fail(BAD_CODING);
          }
          break;
        case CONNECTION:
          connections++;
          break;
        case EXPECT:
          if (!sameText(bytes, headers.valueStart(index), headers.valueEnd(index), "100-continue")) {
            return this.#fail(BAD_EXPECT);
          }
          this.expectsContinue = this.minorVersion === 1;
          break;
        case UPGRADE:
          upgrade = index;
          break;
        default:
      }
    }
    if (codings > 0 && this.contentLength >= 0) return this.#fail(LENGTH_AND_CODING);
    if (codings > 0 && this.minorVersion === 0) return this.#fail(OLD_CODING);
    this.chunked = codings > 0;
    if (this.hostIndex < 0 && this.minorVersion === 1) return this.#fail(NO_HOST);
    if (connections > 0) this.#interpretConnection(bytes, upgrade);
    return DONE;
  }

  #interpretConnection(bytes: Buffer, upgrade: number): void {
    const { headers } = this;
    for (let index = 0; index < headers.count; index++) {
      if (headers.kind(index) !== CONNECTION) continue;
      const start = headers.valueStart(index);
      const end = headers.valueEnd(index);
      // The spellings nearly everyone sends.
      if (sameText(bytes, start, end, "keep-alive")) {
        this.keepAlive = true;
        continue;
      }
      if (hasToken(bytes, start, end, "keep-alive")) this.keepAlive = true;
      if (upgrade >= 0 && this.minorVersion === 1 && hasToken(bytes, start, end, "upgrade"))
        this.upgradeIndex = upgrade;
      dropNamedHeaders(headers, bytes, start, end);
    }
    // "close" wins over anything else, in whichever line it stands.
    for (let index = 0; index < headers.count; index++) {
      if (headers.kind(index) !== CONNECTION) continue;
      if (hasToken(bytes, headers.valueStart(index), headers.valueEnd(index), "close")) this.keepAlive = false;
    }
  }

  #fail(problem: FramingProblem): Progress {
    this.problem = problem;
    return BROKEN;
  }
}

/** Returns where the first CR or LF is, or `end`. */
function lineEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== CR && bytes[at] !== LF) at++;
  return at;
}

/** Returns whether "HTTP/" stands there, in any case, or a space: then it may be a request line that is only misspelt. */
function resemblesHttp(bytes: Uint8Array, start: number, end: number): boolean {
  let matched = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === SPACE) return true;
    const upper = byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte;
    if (upper === VERSION_TEXT[matched]) matched++;
    else matched = upper === VERSION_TEXT[0] ? 1 : 0;
    if (matched === NAME_BYTES) return true;
  }
  return false;
}

/**
 * Drops the headers that a Connection value names (RFC 9110 section 7.6.1). Only those without a meaning to the edge:
 * a client must not be able to take away the length of its own body.
 */
export function dropNamedHeaders(headers: HeaderSection, bytes: Buffer, start: number, end: number): void {
  for (let index = 0; index < headers.count; index++) {
    if (headers.kind(index) !== OTHER) continue;
    if (namesToken(bytes, start, end, headers.lineStart(index), headers.nameEnd(index))) headers.drop(index);
  }
}
