import type { ProxyLimits } from "../limits.ts";
import { hasToken, parseLength, sameText } from "./field-value.ts";
import { CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE } from "./header-names.ts";
import { BROKEN, DONE, HeaderSection, MORE, type FramingProblem, type Progress } from "./header-section.ts";
import { dropNamedHeaders } from "./request-parser.ts";

const VERSION = 0;
const STATUS = 1;
const REASON = 2;
const LINE_FEED = 3;
const HEADERS = 4;

const problem = (text: string): FramingProblem => ({ status: 502, text });
const BAD_VERSION = problem("the response does not start with HTTP/1.1 or HTTP/1.0");
const BAD_STATUS = problem("the status is not a number of three digits");
const BAD_REASON = problem("the status line has a control character");
const BAD_LINE_END = problem("the status line is not ended by CR LF");
const TOO_LARGE = problem("the headers are too large");
const BAD_LENGTH = problem("the Content-Length is repeated or not a number");
const LENGTH_AND_CODING = problem("the response has both Content-Length and Transfer-Encoding");
const BAD_CODING = problem('the Transfer-Encoding is not exactly "chunked"');

const CR = 0x0d;
const LF = 0x0a;
const VERSION_TEXT: readonly number[] = Array.from("HTTP/1.", (letter) => letter.charCodeAt(0));

/**
 * One HTTP/1.x response head of an endpoint, scanned once as it arrives; as strict as {@link RequestParser} and used
 * again in the same way.
 */
export class ResponseParser {
  readonly headers: HeaderSection;
  bytes: Buffer = Buffer.alloc(0);
  /** After DONE: where the caller's bytes go on behind the head. */
  consumed = 0;
  problem: FramingProblem = BAD_VERSION;

  status = 0;
  minorVersion = 1;
  /** The space before the reason phrase, or the line's CR when there is none. */
  reasonStart = 0;
  reasonEnd = 0;
  contentLength = -1;
  chunked = false;
  keepAlive = true;
  /** Index of the Upgrade header, or -1. */
  upgradeIndex = -1;

  readonly #limits: ProxyLimits;
  #memory: Buffer | undefined;
  #kept = 0;
  #start = 0;
  #state = VERSION;
  #at = 0;

  constructor(limits: ProxyLimits) {
    this.#limits = limits;
    this.headers = new HeaderSection(limits.responseHeadersMax);
  }

  get partial(): boolean {
    return this.#kept > 0;
  }

  begin(): void {
    this.#kept = 0;
    this.#state = VERSION;
    this.status = 0;
    this.contentLength = -1;
    this.chunked = false;
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
    this.reasonStart -= start;
    this.reasonEnd -= start;
    this.headers.shift(-start);
  }

  #remember(buffer: Buffer, start: number, end: number): Buffer {
    const room = this.#limits.responseHeadBytesMax + 1 - this.#kept;
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
    const limit = this.#start + this.#limits.responseHeadBytesMax;
    const stop = Math.min(end, limit);
    if (this.#state !== HEADERS) {
      const progress = this.#scanStatusLine(bytes, stop);
      if (progress === BROKEN) return BROKEN;
      if (progress === MORE) return end >= limit ? this.#fail(TOO_LARGE) : MORE;
      this.headers.begin(this.#at);
      this.#state = HEADERS;
    }
    const progress = this.headers.scan(bytes, stop);
    if (progress === DONE) return this.#interpret(bytes);
    if (progress === BROKEN) return this.#fail({ status: 502, text: this.headers.problem.text });
    return end >= limit ? this.#fail(TOO_LARGE) : MORE;
  }

  #scanStatusLine(bytes: Uint8Array, stop: number): Progress {
    let at = this.#at;
    while (at < stop) {
      const byte = bytes[at] ?? 0;
      const index = at - this.#start;
      switch (this.#state) {
        case VERSION:
          if (index < 7 && byte !== VERSION_TEXT[index]) return this.#fail(BAD_VERSION);
          if (index === 7 && byte !== 0x30 && byte !== 0x31) return this.#fail(BAD_VERSION);
          if (index === 7) this.minorVersion = byte - 0x30;
          if (index === 8) {
            if (byte !== 0x20) return this.#fail(BAD_VERSION);
            this.#state = STATUS;
          }
          at++;
          break;
        case STATUS:
          if (index < 12) {
            if (byte < 0x30 || byte > 0x39) return this.#fail(BAD_STATUS);
            this.status = this.status * 10 + byte - 0x30;
            at++;
            break;
          }
          // Some servers leave out the space before an empty reason.
          if ((byte !== 0x20 && byte !== CR) || this.status < 100) return this.#fail(BAD_STATUS);
          this.reasonStart = at;
          this.#state = REASON;
          break;
        case REASON:
          if (byte === CR) {
            this.reasonEnd = at;
            this.#state = LINE_FEED;
          } else if ((byte < 0x20 && byte !== 0x09) || byte === 0x7f) return this.#fail(BAD_REASON);
          at++;
          break;
        default:
          if (byte !== LF) return this.#fail(BAD_LINE_END);
          this.#at = at + 1;
          return DONE;
      }
    }
    this.#at = at;
    return MORE;
  }

  #interpret(bytes: Buffer): Progress {
    const { headers } = this;
    this.keepAlive = this.minorVersion === 1;
    let codings = 0;
    for (let index = 0; index < headers.count; index++) {
      const kind = headers.kind(index);
      if (kind === CONTENT_LENGTH) {
        if (this.contentLength >= 0) return this.#fail(BAD_LENGTH);
        this.contentLength = parseLength(bytes, headers.valueStart(index), headers.valueEnd(index));
        if (this.contentLength < 0) return this.#fail(BAD_LENGTH);
      } else if (kind === TRANSFER_ENCODING) {
        if (codings++ > 0 || !sameText(bytes, headers.valueStart(index), headers.valueEnd(index), "chunked")) {
          return this.#fail(BAD_CODING);
        }
      } else if (kind === UPGRADE) this.upgradeIndex = index;
      else if (kind === CONNECTION) this.#interpretConnection(bytes, index);
    }
    this.chunked = codings > 0;
    return this.chunked && this.contentLength >= 0 ? this.#fail(LENGTH_AND_CODING) : DONE;
  }

  #interpretConnection(bytes: Buffer, index: number): void {
    const { headers } = this;
    const start = headers.valueStart(index);
    const end = headers.valueEnd(index);
    if (sameText(bytes, start, end, "keep-alive")) {
      this.keepAlive = true;
      return;
    }
    if (hasToken(bytes, start, end, "close")) this.keepAlive = false;
    dropNamedHeaders(headers, bytes, start, end);
  }

  #fail(found: FramingProblem): Progress {
    this.problem = found;
    return BROKEN;
  }
}
