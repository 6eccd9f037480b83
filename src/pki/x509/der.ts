import { LintelError } from "../../ground/errors.ts";

/** One ASN.1 value in the distinguished encoding (X.690): its identifier octet, its content, and all its bytes. */
export interface DerValue {
  /** The whole identifier octet, class and constructed bit included: 0x30 is a SEQUENCE, 0xa0 is `[0]`. */
  readonly tag: number;
  readonly content: Uint8Array;
  readonly raw: Uint8Array;
}

/** The identifier octets used by X.509 and PKCS#10. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  nothing: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Longest value that is read: certificates and requests are a few KiB; 1 MiB leaves room for absurd ones. */
const DER_BYTES_MAX = 1_048_576;

/** Returns the one value that `bytes` holds. Throws BadPem when they are not exactly one well-formed DER value. */
export function readDer(bytes: Uint8Array): DerValue {
  const value = readAt(bytes, 0);
  if (value.raw.length !== bytes.length) throw malformed("there are bytes after the end");
  return value;
}

/** Returns the values inside a constructed value, in order. Throws BadPem when they are malformed. */
export function childrenOf(value: DerValue): readonly DerValue[] {
  if ((value.tag & 0x20) === 0) throw malformed("a primitive value stands where a constructed one belongs");
  const children: DerValue[] = [];
  for (let offset = 0; offset < value.content.length;) {
    const child = readAt(value.content, offset);
    children.push(child);
    offset += child.raw.length;
  }
  return children;
}

/** Returns `value` when it is there and has `tag`. Throws BadPem otherwise, saying that `what` is missing. */
export function expectTag(value: DerValue | undefined, tag: number, what: string): DerValue {
  if (value === undefined || value.tag !== tag) throw malformed(`${what} is missing or of the wrong type`);
  return value;
}

/** Returns the bytes of a BIT STRING whose length is a whole number of octets. Throws BadPem for any other. */
export function bitStringBytes(value: DerValue): Uint8Array {
  if (value.tag !== TAG.bitString || value.content[0] !== 0) throw malformed("a bit string has stray bits");
  return value.content.subarray(1);
}

/** Returns the dotted form of an OBJECT IDENTIFIER. Throws BadPem when it is not one. */
export function readOid(value: DerValue): string {
  if (value.tag !== TAG.oid || value.content.length === 0) throw malformed("an object identifier is missing");
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of value.content) {
    arc = arc * 128 + (byte & 0x7f);
    if (arc > Number.MAX_SAFE_INTEGER) throw malformed("an object identifier is too long");
    if ((byte & 0x80) !== 0) continue;
    arcs.push(arc);
    arc = 0;
  }
  const [first = 0, ...rest] = arcs;
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - root * 40, ...rest].join(".");
}

/** Returns the text of any of the string types a name may use; unknown types and broken UTF-8 give replacement characters. */
export function readText(value: DerValue): string {
  const bytes = Buffer.from(value.content);
  if (value.tag === TAG.bmpString)
    return Buffer.from(bytes.subarray(0, bytes.length & ~1))
      .swap16()
      .toString("utf16le");
  return value.tag === TAG.utf8String ? bytes.toString("utf8") : bytes.toString("latin1");
}

/** Returns the moment of a UTCTime or GeneralizedTime in milliseconds since the epoch (RFC 5280 section 4.1.2.5). Throws BadPem for others. */
export function readTime(value: DerValue): number {
  const text = Buffer.from(value.content).toString("latin1");
  const parts = /^(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/.exec(text);
  const yearText = parts?.[1] ?? "";
  const expected = value.tag === TAG.utcTime ? 2 : value.tag === TAG.generalizedTime ? 4 : 0;
  if (parts === null || yearText.length !== expected) throw malformed("a time is not in the form X.509 asks for");
  const shortYear = Number(yearText);
  const year = expected === 4 ? shortYear : shortYear >= 50 ? 1900 + shortYear : 2000 + shortYear;
  const [month = 1, day = 1, hour = 0, minute = 0, second = 0] = parts.slice(2).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** Returns one DER value with the identifier octet `tag` around `parts`. */
export function encodeDer(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const size: number[] = [];
  for (let left = length; left > 0; left = Math.floor(left / 256)) size.unshift(left % 256);
  const header = length < 128 ? [tag, length] : [tag, 0x80 | size.length, ...size];
  return Uint8Array.from(Buffer.concat([Uint8Array.from(header), ...parts]));
}

/** Returns a SEQUENCE of `parts`. */
export function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return encodeDer(TAG.sequence, ...parts);
}

/** Returns the INTEGER of the unsigned big-endian `magnitude`, or of a small non-negative number. */
export function integer(magnitude: Uint8Array | number): Uint8Array {
  const bytes = typeof magnitude === "number" ? Uint8Array.of(magnitude) : magnitude;
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const trimmed = bytes.subarray(start);
  const sign = ((trimmed[0] ?? 0) & 0x80) === 0 ? [] : [0];
  return encodeDer(TAG.integer, Uint8Array.from(sign), trimmed);
}

/** Returns the OBJECT IDENTIFIER of a dotted form, which must be well-formed: callers pass constants or what {@link readOid} gave. */
export function oid(dotted: string): Uint8Array {
  const [root = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes: number[] = [];
  for (const arc of [root * 40 + second, ...rest]) {
    const group = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) group.unshift((left % 128) | 0x80);
    bytes.push(...group);
  }
  return encodeDer(TAG.oid, Uint8Array.from(bytes));
}

/** Returns a BIT STRING of whole octets, or one with `unusedBits` bits of the last octet left out. */
export function bitString(bytes: Uint8Array, unusedBits = 0): Uint8Array {
  return encodeDer(TAG.bitString, Uint8Array.of(unusedBits), bytes);
}

/** Returns a UTCTime up to 2049 and a GeneralizedTime after it, whole seconds (RFC 5280 section 4.1.2.5). */
export function time(ms: number): Uint8Array {
  const digits = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  const short = digits.startsWith("19") ? Number(digits.slice(2, 4)) >= 50 : Number(digits.slice(0, 4)) < 2050;
  return short
    ? encodeDer(TAG.utcTime, Buffer.from(digits.slice(2), "latin1"))
    : encodeDer(TAG.generalizedTime, Buffer.from(digits, "latin1"));
}

/** Returns the error every malformed certificate or request gets; `why` completes "Cannot read certificate data: …". */
export function malformed(why: string): LintelError {
  return new LintelError(`Cannot read certificate data: ${why}`, {
    code: "BadPem",
    fault: "user",
    hint: 'Check the file with "openssl x509 -in FILE -noout -text", or "openssl req" for a request',
  });
}

function readAt(bytes: Uint8Array, offset: number): DerValue {
  const tag = bytes[offset];
  const first = bytes[offset + 1];
  if (tag === undefined || first === undefined) throw malformed("it ends too early");
  if ((tag & 0x1f) === 0x1f) throw malformed("it uses tags that X.509 has no place for");
  let length = first;
  let headerBytes = 2;
  if (first >= 0x80) {
    const lengthBytes = first & 0x7f;
    if (lengthBytes === 0 || lengthBytes > 3) throw malformed("a length is indefinite or too large");
    length = 0;
    for (let at = 0; at < lengthBytes; at++) length = length * 256 + (bytes[offset + 2 + at] ?? 0);
    headerBytes += lengthBytes;
    if (length < 128 || (lengthBytes > 1 && length < 256 ** (lengthBytes - 1)))
      throw malformed("a length is not minimal");
  }
  const end = offset + headerBytes + length;
  if (length > DER_BYTES_MAX || end > bytes.length) throw malformed("it ends too early");
  return { tag, content: bytes.subarray(offset + headerBytes, end), raw: bytes.subarray(offset, end) };
}
