import type { FieldBlock } from "./field-block.ts";
import { Field, FIELD_OVERHEAD_BYTES, fieldKindOf, isFieldValue } from "./field.ts";
import { huffmanDecode, huffmanDecodedBytesMax } from "./huffman.ts";
import { STATIC_TABLE } from "./static-table.ts";

/** What SETTINGS_HEADER_TABLE_SIZE is when nobody says otherwise, and Lintel does not: 4 KiB a connection. */
export const HEADER_TABLE_BYTES = 4096;

/** More bits than any index or length has; longer integers are an attack (RFC 7541 section 7.4). */
const INTEGER_CONTINUATIONS_MAX = 4;

/**
 * Decodes header blocks of one connection (RFC 7541). The dynamic table follows every block, also those whose message is
 * refused. Strict: whatever the RFC calls a decoding error ends the connection.
 */
export class HpackDecoder {
  /** Why `decode` returned false. */
  problem = "";
  /** Newest last; `#first` is the index of the oldest. */
  readonly #entries: (Field | undefined)[] = [];
  #first = 0;
  #tableBytes = 0;
  #tableBytesMax = HEADER_TABLE_BYTES;
  /** Where the integer or string just read ends; -1 when it was not valid. */
  #at = 0;

  /** Bytes that {@link FieldBlock} must have free for the literals of a block. */
  static literalBytesMax(blockBytes: number): number {
    // A name may also come from the table, and belong to a line of its own.
    return huffmanDecodedBytesMax(blockBytes) + HEADER_TABLE_BYTES + 8;
  }

  /** Adds the fields of a complete block to `block`, which has begun; false when the connection must end with COMPRESSION_ERROR. */
  decode(bytes: Uint8Array, start: number, end: number, block: FieldBlock): boolean {
    let at = start;
    let updates = 0;
    let hasFields = false;
    while (at < end) {
      const first = bytes[at] ?? 0;
      if (first >= 0x80) {
        const index = this.#integer(bytes, at, end, 0x7f);
        const field = this.#lookUp(index);
        if (field === undefined) return this.#fail("an index names no field");
        block.add(field);
        at = this.#at;
      } else if (first >= 0x40) {
        at = this.#literal(bytes, at, end, 0x3f, block, true);
        if (at < 0) return false;
      } else if (first >= 0x20) {
        const size = this.#integer(bytes, at, end, 0x1f);
        if (hasFields) return this.#fail("a table size update is not at the start of the block");
        if (++updates > 2) return this.#fail("a block has more than two table size updates");
        if (size < 0 || size > HEADER_TABLE_BYTES) return this.#fail("a table size update is not within the limit");
        this.#tableBytesMax = size;
        this.#evict(0);
        at = this.#at;
        continue;
      } else {
        at = this.#literal(bytes, at, end, 0x0f, block, false);
        if (at < 0) return false;
      }
      hasFields = true;
    }
    return true;
  }

  /** Returns where the literal ends, or -1. It is decoded as a line behind those that `block` has. */
  #literal(bytes: Uint8Array, from: number, end: number, mask: number, block: FieldBlock, keep: boolean): number {
    const index = this.#integer(bytes, from, end, mask);
    if (index < 0) return this.#failAt("an index is cut off or too large");
    const target = block.bytes;
    const lineStart = block.end;
    let out = lineStart;
    let kind: number;
    let at = this.#at;
    if (index > 0) {
      const named = this.#lookUp(index);
      if (named === undefined) return this.#failAt("an index names no field");
      const { line, nameLength } = named;
      for (let position = 0; position < nameLength; position++) target[out + position] = line[position] ?? 0;
      out += nameLength;
      kind = named.kind;
    } else {
      out = this.#text(bytes, at, end, target, out);
      if (out < 0) return this.#failAt("a name is cut off or badly coded");
      at = this.#at;
      kind = fieldKindOf(target, lineStart, out);
    }
    const nameLength = out - lineStart;
    target[out] = 0x3a;
    target[out + 1] = 0x20;
    const valueStart = out + 2;
    out = this.#text(bytes, at, end, target, valueStart);
    if (out < 0) return this.#failAt("a value is cut off or badly coded");
    const validValue = isFieldValue(target, valueStart, out);
    target[out] = 0x0d;
    target[out + 1] = 0x0a;
    const lineEnd = out + 2;
    if (keep) {
      const size = lineEnd - lineStart - 4 + FIELD_OVERHEAD_BYTES;
      this.#evict(size);
      if (size <= this.#tableBytesMax) {
        const line = Buffer.from(target.subarray(lineStart, lineEnd));
        this.#entries.push(new Field(line, nameLength, kind, validValue));
        this.#tableBytes += size;
      }
    }
    block.addLiteral(kind, nameLength, lineEnd, validValue);
    return this.#at;
  }

  /** Reads a string (RFC 7541 section 5.2) into `target`; returns where it ends there, or -1. */
  #text(bytes: Uint8Array, from: number, end: number, target: Buffer, to: number): number {
    const coded = (bytes[from] ?? 0) >= 0x80;
    const length = this.#integer(bytes, from, end, 0x7f);
    const start = this.#at;
    if (length < 0 || length > end - start) return -1;
    this.#at = start + length;
    if (coded) return huffmanDecode(bytes, start, start + length, target, to);
    for (let index = 0; index < length; index++) target[to + index] = bytes[start + index] ?? 0;
    return to + length;
  }

  /** Reads an integer (RFC 7541 section 5.1) whose prefix is `mask`; -1 when it is cut off or larger than anything here. */
  #integer(bytes: Uint8Array, from: number, end: number, mask: number): number {
    if (from >= end) return -1;
    const prefix = (bytes[from] ?? 0) & mask;
    this.#at = from + 1;
    if (prefix < mask) return prefix;
    let value = mask;
    for (let count = 0; count < INTEGER_CONTINUATIONS_MAX; count++) {
      const at = this.#at;
      if (at >= end) return -1;
      const byte = bytes[at] ?? 0;
      this.#at = at + 1;
      value += (byte & 0x7f) << (7 * count);
      if (byte < 0x80) return value;
    }
    return -1;
  }

  #lookUp(index: number): Field | undefined {
    if (index <= STATIC_TABLE.length) return index > 0 ? STATIC_TABLE[index - 1] : undefined;
    const position = this.#entries.length - (index - STATIC_TABLE.length);
    return position >= this.#first ? this.#entries[position] : undefined;
  }

  /** Drops the oldest entries until `room` more bytes fit, or none is left (RFC 7541 section 4.4). */
  #evict(room: number): void {
    const entries = this.#entries;
    while (this.#tableBytes + room > this.#tableBytesMax && this.#first < entries.length) {
      this.#tableBytes -= entries[this.#first]?.size ?? 0;
      entries[this.#first++] = undefined;
    }
    // Moving the entries up now and then is cheaper than a ring.
    if (this.#first > 128) {
      entries.splice(0, this.#first);
      this.#first = 0;
    }
  }

  #fail(problem: string): boolean {
    this.problem = problem;
    return false;
  }

  #failAt(problem: string): number {
    this.problem = problem;
    return -1;
  }
}
