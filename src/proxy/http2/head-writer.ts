import { TOKEN } from "../http1/header-section.ts";
import { STATIC_TABLE } from "./static-table.ts";

/** Literal without indexing (RFC 7541 section 6.2.2). */
const LITERAL = 0x00;
/** Never indexed (section 6.2.3): secrets, which no one on the way may put into a table either. */
const LITERAL_NEVER_INDEXED = 0x10;
/** Section 6.3 with size 0: Lintel's encoder keeps no table, so the peer need not either. */
const NO_TABLE = 0x20;

const SECRETS: ReadonlySet<string> = new Set(["authorization", "cookie", "set-cookie", "proxy-authorization"]);

const SLOTS = 512;
/** By hash of a name: its static index, or 0. */
const slots = new Uint8Array(SLOTS);
/** By static index: how a literal with that name starts. */
const literalStart = new Uint8Array(STATIC_TABLE.length + 1);
/** By static index: the name. */
const names: string[] = [""];
fillSlots();

function fillSlots(): void {
  for (const [position, { line, nameLength }] of STATIC_TABLE.entries()) {
    const name = line.toString("latin1", 0, nameLength);
    const index = position + 1;
    names.push(name);
    literalStart[index] = SECRETS.has(name) ? LITERAL_NEVER_INDEXED : LITERAL;
    let hash = 0;
    for (let at = 0; at < name.length; at++) hash = (Math.imul(hash, 31) + name.charCodeAt(at)) | 0;
    // Of several with the same name the first will do; of different names in one slot the later goes without.
    if (slots[slotOf(hash)] === 0) slots[slotOf(hash)] = index;
  }
}

function slotOf(hash: number): number {
  return (hash ^ (hash >>> 9) ^ (hash >>> 18)) & (SLOTS - 1);
}

/**
 * Writes one header block from HTTP/1.1 header bytes: literals that enter no table, so that neither side keeps state.
 * Used again for every message of a worker: `begin`, fields, then a stream copies `bytes` up to `end` into its frames.
 */
export class HeadWriter {
  bytes: Buffer = Buffer.allocUnsafeSlow(4096);
  end = 0;

  begin(): void {
    this.end = 0;
  }

  /** `:status`, first. */
  status(status: number): void {
    const { bytes } = this;
    this.#reserve(8);
    const index = STATUS_INDEX[status] ?? 0;
    if (index !== 0) {
      bytes[this.end++] = 0x80 | index;
      return;
    }
    bytes[this.end++] = LITERAL | 8;
    bytes[this.end++] = 3;
    bytes[this.end++] = 0x30 + (Math.floor(status / 100) % 10);
    bytes[this.end++] = 0x30 + (Math.floor(status / 10) % 10);
    bytes[this.end++] = 0x30 + (status % 10);
  }

  /** The pseudo-fields of a request, first; those that are empty are left out. */
  request(method: string, scheme: string, authority: string, path: string, protocol: string): void {
    if (method === "GET" || method === "POST") this.#indexed(method === "GET" ? 2 : 3);
    else this.text(":method", method);
    if (scheme === "http" || scheme === "https") this.#indexed(scheme === "http" ? 6 : 7);
    if (authority !== "") this.text(":authority", authority);
    if (path === "/") this.#indexed(4);
    else if (path !== "") this.text(":path", path);
    if (protocol !== "") this.text(":protocol", protocol);
  }

  /** A field from text of one byte a character; the name in lower case. */
  text(name: string, value: string): void {
    const length = name.length + 2 + value.length;
    const scratch = Buffer.allocUnsafe(length);
    scratch.write(name, 0, "latin1");
    scratch.write(value, name.length, "latin1");
    this.field(scratch, 0, name.length, name.length, name.length + value.length);
  }

  /** A field whose name (in any case) and value stand in `source`. */
  field(source: Uint8Array, nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    const nameLength = nameEnd - nameStart;
    const valueLength = valueEnd - valueStart;
    this.#reserve(nameLength + valueLength + 16);
    const { bytes } = this;
    const start = this.end;
    // The name goes where it belongs when it is new; a known one is written over.
    let at = start + 1;
    if (nameLength < 0x7f) bytes[at++] = nameLength;
    else at = writeInteger(bytes, at, 0x00, 0x7f, nameLength);
    let hash = 0;
    for (let from = nameStart; from < nameEnd; from++) {
      const byte = source[from] ?? 0;
      const lower = TOKEN[byte] ?? 0;
      bytes[at++] = lower === 0 ? byte : lower;
      hash = (Math.imul(hash, 31) + lower) | 0;
    }
    const index = slots[slotOf(hash)] ?? 0;
    if (index !== 0 && sameName(bytes, at - nameLength, nameLength, names[index] ?? "")) {
      const literal = literalStart[index] ?? 0;
      at = start;
      if (index < 0x0f) bytes[at++] = literal | index;
      else {
        bytes[at++] = literal | 0x0f;
        bytes[at++] = index - 0x0f;
      }
    } else bytes[start] = LITERAL;
    if (valueLength < 0x7f) bytes[at++] = valueLength;
    else at = writeInteger(bytes, at, 0x00, 0x7f, valueLength);
    // Most values are short, where a loop beats the call.
    if (valueLength < 48) for (let from = valueStart; from < valueEnd; from++) bytes[at++] = source[from] ?? 0;
    else {
      bytes.set(source.subarray(valueStart, valueEnd), at);
      at += valueLength;
    }
    this.end = at;
  }

  /** Every line of HTTP/1.1 header bytes: `name: value` CR LF, well-formed, up to `end` or an empty line. */
  lines(source: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end) {
      let nameEnd = at;
      while (nameEnd < end && source[nameEnd] !== 0x3a) nameEnd++;
      let lineEnd = nameEnd;
      while (lineEnd < end && source[lineEnd] !== 0x0d) lineEnd++;
      if (nameEnd === end || nameEnd === at || lineEnd < nameEnd) return;
      let valueStart = nameEnd + 1;
      while (valueStart < lineEnd && isSpace(source[valueStart])) valueStart++;
      let valueEnd = lineEnd;
      while (valueEnd > valueStart && isSpace(source[valueEnd - 1])) valueEnd--;
      this.field(source, at, nameEnd, valueStart, valueEnd);
      at = lineEnd + 2;
    }
  }

  #indexed(index: number): void {
    this.#reserve(1);
    this.bytes[this.end++] = 0x80 | index;
  }

  #reserve(room: number): void {
    if (this.end + room <= this.bytes.length) return;
    const bigger = Buffer.allocUnsafeSlow(2 * (this.end + room));
    this.bytes.copy(bigger, 0, 0, this.end);
    this.bytes = bigger;
  }
}

/** The first bytes of the first block that is sent: tells the peer that no table is used. */
export const FIRST_BLOCK_PREFIX: number = NO_TABLE;

/** By status: its static index, for those that have one. */
const STATUS_INDEX: Readonly<Record<number, number>> = { 200: 8, 204: 9, 206: 10, 304: 11, 400: 12, 404: 13, 500: 14 };

/** Writes an integer (RFC 7541 section 5.1) with `bits` before a prefix of `mask`; returns where it ends. */
function writeInteger(bytes: Uint8Array, from: number, bits: number, mask: number, value: number): number {
  let at = from;
  if (value < mask) {
    bytes[at++] = bits | value;
    return at;
  }
  bytes[at++] = bits | mask;
  let left = value - mask;
  while (left >= 0x80) {
    bytes[at++] = 0x80 | (left & 0x7f);
    left >>>= 7;
  }
  bytes[at++] = left;
  return at;
}

function sameName(bytes: Uint8Array, start: number, length: number, name: string): boolean {
  if (name.length !== length) return false;
  for (let index = 0; index < length; index++) if (bytes[start + index] !== name.charCodeAt(index)) return false;
  return true;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09;
}
