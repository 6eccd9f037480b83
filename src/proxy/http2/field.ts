import { TOKEN } from "../http1/header-section.ts";

/** What a field's name means in HTTP/2. */
export type FieldKind = number;

export const ORDINARY = 0;
export const COOKIE = 1;
export const CONTENT_LENGTH = 2;
export const TE = 3;
export const HOST = 4;
/** RFC 9113 section 8.2.2: what belongs to a connection has no place in a message. */
export const CONNECTION_SPECIFIC = 5;
/** Upper case, or no token at all (RFC 9113 section 8.2.1). */
export const BAD_NAME = 6;
/** From here on: pseudo-fields (RFC 9113 section 8.3). */
export const METHOD = 16;
export const SCHEME = 17;
export const AUTHORITY = 18;
export const PATH = 19;
export const STATUS = 20;
/** RFC 8441. */
export const PROTOCOL = 21;
export const UNKNOWN_PSEUDO = 22;

/** Names with a meaning, in lower case. */
const MEANINGS: readonly (readonly [string, FieldKind])[] = [
  ["cookie", COOKIE],
  ["content-length", CONTENT_LENGTH],
  ["te", TE],
  ["host", HOST],
  ["connection", CONNECTION_SPECIFIC],
  ["keep-alive", CONNECTION_SPECIFIC],
  ["proxy-connection", CONNECTION_SPECIFIC],
  ["transfer-encoding", CONNECTION_SPECIFIC],
  ["upgrade", CONNECTION_SPECIFIC],
  [":method", METHOD],
  [":scheme", SCHEME],
  [":authority", AUTHORITY],
  [":path", PATH],
  [":status", STATUS],
  [":protocol", PROTOCOL],
];

/** By length of the name: those to compare with. */
const byLength: (readonly [string, FieldKind])[][] = Array.from({ length: 18 }, (_, length) =>
  MEANINGS.filter(([name]) => name.length === length),
);
const NONE: readonly (readonly [string, FieldKind])[] = [];

/** By byte: 1 when RFC 9110 section 5.5 allows it in a field value. The same bytes as in HTTP/1.1, since values may go there. */
const VALUE_BYTE = new Uint8Array(256).fill(1, 0x20);
VALUE_BYTE[0x09] = 1;
VALUE_BYTE[0x7f] = 0;

const COLON = 0x3a;
const SPACE = 0x20;
const TAB = 0x09;

/** Returns what the name at `start` to `end` means. */
export function fieldKindOf(bytes: Uint8Array, start: number, end: number): FieldKind {
  const isPseudo = bytes[start] === COLON;
  for (let at = isPseudo ? start + 1 : start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (TOKEN[byte] !== byte || byte === 0) return BAD_NAME;
  }
  for (const [name, kind] of byLength[end - start] ?? NONE) if (sameAs(bytes, start, name)) return kind;
  if (isPseudo) return UNKNOWN_PSEUDO;
  return start === end ? BAD_NAME : ORDINARY;
}

/** Returns whether RFC 9113 section 8.2.1 allows the bytes as a value: no control characters, no white space around it. */
export function isFieldValue(bytes: Uint8Array, start: number, end: number): boolean {
  if (start === end) return true;
  for (let at = start; at < end; at++) if (VALUE_BYTE[bytes[at] ?? 0] === 0) return false;
  const first = bytes[start];
  const last = bytes[end - 1];
  return first !== SPACE && first !== TAB && last !== SPACE && last !== TAB;
}

function sameAs(bytes: Uint8Array, start: number, text: string): boolean {
  for (let index = 0; index < text.length; index++) if (bytes[start + index] !== text.charCodeAt(index)) return false;
  return true;
}

/**
 * One entry of a header table: its bytes as an HTTP/1.1 header line, judged once however often it is named. Immutable.
 */
export class Field {
  /** `name: value` CR LF. */
  readonly line: Buffer;
  readonly nameLength: number;
  readonly kind: FieldKind;
  readonly validValue: boolean;
  #value: string | undefined;

  constructor(line: Buffer, nameLength: number, kind: FieldKind, validValue: boolean) {
    this.line = line;
    this.nameLength = nameLength;
    this.kind = kind;
    this.validValue = validValue;
  }

  /** Makes an entry from text. */
  static of(name: string, value: string): Field {
    const line = Buffer.from(`${name}: ${value}\r\n`, "latin1");
    return new Field(line, name.length, fieldKindOf(line, 0, name.length), true);
  }

  get valueStart(): number {
    return this.nameLength + 2;
  }

  get valueEnd(): number {
    return this.line.length - 2;
  }

  /** What the entry counts in a table and in a header list (RFC 7541 section 4.1). */
  get size(): number {
    return this.line.length - 4 + FIELD_OVERHEAD_BYTES;
  }

  /** The value with one character a byte. */
  get value(): string {
    return (this.#value ??= this.line.toString("latin1", this.valueStart, this.valueEnd));
  }
}

/** RFC 7541 section 4.1: what an entry counts beside its name and value. */
export const FIELD_OVERHEAD_BYTES = 32;
