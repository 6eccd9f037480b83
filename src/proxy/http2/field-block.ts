import {
  AUTHORITY,
  BAD_NAME,
  CONNECTION_SPECIFIC,
  CONTENT_LENGTH,
  COOKIE,
  type Field,
  FIELD_OVERHEAD_BYTES,
  type FieldKind,
  HOST,
  METHOD,
  PATH,
  PROTOCOL,
  SCHEME,
  STATUS,
  TE,
} from "./field.ts";
import { parseLength, sameText } from "../http1/field-value.ts";
import { TOKEN } from "../http1/header-section.ts";

/** What a header block is, which decides the pseudo-fields it may have. */
export type BlockKind = "request" | "response" | "trailers";

const FIRST_PSEUDO = METHOD;

/**
 * The fields of one message as the edge needs them: pseudo-fields as strings, everything else as the bytes of HTTP/1.1
 * header lines, judged by RFC 9113 sections 8.2 and 8.3. One object serves all connections, so what it holds is good only
 * until the next block is decoded: take what is needed at once.
 */
export class FieldBlock {
  method = "";
  scheme = "";
  authority = "";
  path = "";
  /** RFC 8441: what an extended CONNECT asks for. */
  protocol = "";
  /** 0 when there is none. */
  status = 0;
  /** -1 when there is none. */
  contentLength = -1;
  /** Value of the Host field, which is not among the lines: when a request has no `:authority`, it becomes that. */
  host = "";
  /** Whether the trailers of a response are understood: TE says `trailers`. */
  acceptsTrailers = false;
  /** Header lines `name: value` CR LF, from 0 to `end` of `bytes`; cookie crumbs joined into one at the end. */
  bytes: Buffer = Buffer.alloc(0);
  end = 0;
  /** Header lines kept. */
  count = 0;
  /** Whether the list was larger than the limit; the lines are then incomplete. */
  tooLarge = false;
  /** Why the message is malformed, or undefined. */
  problem: string | undefined;

  #listBytes = 0;
  #listBytesMax = 0;
  #seenPseudo = 0;
  #regular = false;
  #cookies: Buffer = Buffer.alloc(0);
  #cookieEnd = 0;

  /** Forgets the block before and makes room: for lines up to `listBytesMax`, and to decode `literalBytesMax` behind them. */
  begin(listBytesMax: number, literalBytesMax: number): void {
    const room = listBytesMax + literalBytesMax;
    if (this.bytes.length < room) {
      this.bytes = Buffer.allocUnsafeSlow(room);
      this.#cookies = Buffer.allocUnsafeSlow(listBytesMax + 2);
    }
    this.method = "";
    this.scheme = "";
    this.authority = "";
    this.path = "";
    this.protocol = "";
    this.status = 0;
    this.contentLength = -1;
    this.host = "";
    this.acceptsTrailers = false;
    this.end = 0;
    this.count = 0;
    this.tooLarge = false;
    this.problem = undefined;
    this.#listBytes = 0;
    this.#listBytesMax = listBytesMax;
    this.#seenPseudo = 0;
    this.#regular = false;
    this.#cookieEnd = 0;
  }

  /** Adds an entry of a table. */
  add(field: Field): void {
    if (!this.#fits(field.size)) return;
    if (field.kind >= FIRST_PSEUDO) this.#pseudo(field.kind, field.value, field.validValue);
    else if (this.#admit(field.kind, field.validValue, field.line, field.valueStart, field.valueEnd)) {
      const { line } = field;
      const { bytes, end } = this;
      // Most lines are short, where a loop beats the call.
      if (line.length < 48) for (let index = 0; index < line.length; index++) bytes[end + index] = line[index] ?? 0;
      else line.copy(bytes, end);
      this.end = end + line.length;
      this.count++;
    }
  }

  /** Adds the line that was decoded to `end` of `bytes` and goes on to `lineEnd`. */
  addLiteral(kind: FieldKind, nameLength: number, lineEnd: number, validValue: boolean): void {
    const { bytes, end } = this;
    const valueStart = end + nameLength + 2;
    if (!this.#fits(lineEnd - end - 4 + FIELD_OVERHEAD_BYTES)) return;
    if (kind >= FIRST_PSEUDO) this.#pseudo(kind, bytes.toString("latin1", valueStart, lineEnd - 2), validValue);
    else if (this.#admit(kind, validValue, bytes, valueStart, lineEnd - 2)) {
      this.end = lineEnd;
      this.count++;
    }
  }

  /** Ends the block; `problem` then says whether the message is malformed. `extendedConnect`: whether `:protocol` was offered. */
  finish(kind: BlockKind, extendedConnect: boolean): void {
    if (this.#cookieEnd > 0) this.#appendCookies();
    if (this.tooLarge || this.problem !== undefined) return;
    if (kind === "request") this.#finishRequest(extendedConnect);
    else if (kind === "response") {
      if (this.#seenPseudo !== bit(STATUS)) this.problem = "a response needs :status and no other pseudo-field";
    } else if (this.#seenPseudo !== 0) this.problem = "trailers have a pseudo-field";
  }

  #fits(size: number): boolean {
    this.#listBytes += size;
    if (this.#listBytes <= this.#listBytesMax) return true;
    this.tooLarge = true;
    return false;
  }

  #fail(problem: string): boolean {
    this.problem ??= problem;
    return false;
  }

  /** Returns whether the line becomes one of the block's. */
  #admit(kind: FieldKind, validValue: boolean, bytes: Buffer, start: number, end: number): boolean {
    this.#regular = true;
    if (!validValue) return this.#fail("a field value has a character that is not allowed there");
    switch (kind) {
      case COOKIE:
        this.#addCookie(bytes, start, end);
        return false;
      case CONTENT_LENGTH: {
        const length = parseLength(bytes, start, end);
        if (length < 0) return this.#fail("the content-length is not a number");
        if (this.contentLength >= 0) return this.#fail("the content-length is repeated");
        this.contentLength = length;
        return true;
      }
      case TE:
        if (!sameText(bytes, start, end, "trailers")) return this.#fail("te is not exactly trailers");
        this.acceptsTrailers = true;
        return true;
      case HOST:
        if (this.host !== "") return this.#fail("host is repeated");
        this.host = bytes.toString("latin1", start, end);
        return false;
      case CONNECTION_SPECIFIC:
        return this.#fail("a field belongs to a connection, which HTTP/2 does not carry");
      case BAD_NAME:
        return this.#fail("a field name has a character that is not allowed there");
      default:
        return true;
    }
  }

  /** RFC 9113 section 8.2.3: crumbs become one line again. */
  #addCookie(bytes: Buffer, start: number, end: number): void {
    if (this.#cookieEnd > 0) {
      this.#cookies[this.#cookieEnd++] = 0x3b;
      this.#cookies[this.#cookieEnd++] = 0x20;
    }
    bytes.copy(this.#cookies, this.#cookieEnd, start, end);
    this.#cookieEnd += end - start;
  }

  #appendCookies(): void {
    this.end += this.bytes.write("cookie: ", this.end, "latin1");
    this.end += this.#cookies.copy(this.bytes, this.end, 0, this.#cookieEnd);
    this.end += this.bytes.write("\r\n", this.end, "latin1");
    this.count++;
  }

  #pseudo(kind: FieldKind, value: string, validValue: boolean): void {
    if (this.#regular) this.#fail("a pseudo-field comes after other fields");
    else if ((this.#seenPseudo & bit(kind)) !== 0) this.#fail("a pseudo-field is repeated");
    else if (!validValue) this.#fail("a pseudo-field has a character that is not allowed there");
    this.#seenPseudo |= bit(kind);
    switch (kind) {
      case METHOD:
        this.method = value;
        break;
      case SCHEME:
        this.scheme = value;
        break;
      case AUTHORITY:
        this.authority = value;
        break;
      case PATH:
        this.path = value;
        break;
      case PROTOCOL:
        this.protocol = value;
        break;
      case STATUS:
        if (!/^[1-9][0-9]{2}$/.test(value)) this.#fail(":status is not a number of three digits");
        else this.status = Number(value);
        break;
      default:
        this.#fail("a pseudo-field is unknown");
    }
  }

  /** RFC 9113 sections 8.3.1 and 8.5, RFC 8441 section 4. */
  #finishRequest(extendedConnect: boolean): void {
    const seen = this.#seenPseudo;
    if (this.authority === "") this.authority = this.host;
    else if (
      this.host !== "" &&
      this.host !== this.authority &&
      this.host.toLowerCase() !== this.authority.toLowerCase()
    ) {
      this.#fail("host and :authority differ");
    }
    if ((seen & bit(STATUS)) !== 0) this.#fail("a request has :status");
    else if ((seen & bit(PROTOCOL)) !== 0 && (!extendedConnect || this.method !== "CONNECT")) {
      this.#fail(":protocol was not offered, or the method is not CONNECT");
    } else if (!isToken(this.method)) this.#fail(":method is missing or not a token");
    else if (this.method === "CONNECT" && (seen & bit(PROTOCOL)) === 0) {
      if (seen !== (bit(METHOD) | bit(AUTHORITY)) || this.authority === "") {
        this.#fail("CONNECT needs :authority and neither :scheme nor :path");
      }
    } else if (!isScheme(this.scheme) || !isPath(this.path, this.method))
      this.#fail(":scheme or :path is missing or not valid");
    else if (!isAuthority(this.authority)) this.#fail(":authority is not valid");
  }
}

function bit(kind: FieldKind): number {
  return 1 << (kind - FIRST_PSEUDO);
}

/** Nearly all methods; the others are looked at letter by letter. */
const COMMON_METHODS: ReadonlySet<string> = new Set([
  "GET",
  "POST",
  "HEAD",
  "PUT",
  "DELETE",
  "OPTIONS",
  "PATCH",
  "CONNECT",
]);

function isToken(text: string): boolean {
  if (COMMON_METHODS.has(text)) return true;
  for (let index = 0; index < text.length; index++) if ((TOKEN[text.charCodeAt(index)] ?? 0) === 0) return false;
  return text !== "";
}

/** RFC 3986 section 3.1. Nothing is made of it here, but what it says must not reach a log or an endpoint as something else. */
function isScheme(scheme: string): boolean {
  return scheme === "https" || scheme === "http" || /^[A-Za-z][A-Za-z0-9+.-]*$/.test(scheme);
}

/** What comes out must be one token of an HTTP/1.1 request line: a space in it would smuggle a request. */
function isPath(path: string, method: string): boolean {
  if (path.charCodeAt(0) !== 0x2f) return path === "*" && method === "OPTIONS";
  return isVisible(path);
}

/** RFC 9113 section 8.3.1: user information is deprecated there, and not forwarded. */
function isAuthority(authority: string): boolean {
  return isVisible(authority) && !authority.includes("@");
}

function isVisible(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code <= 0x20 || code === 0x7f) return false;
  }
  return true;
}
