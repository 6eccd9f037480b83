/** One attribute of a name: its type as a dotted object identifier, and its value. */
export interface NameAttribute {
  readonly type: string;
  readonly value: string;
}

/** What the text of a name means, or why it means nothing. */
export type ParsedName =
  /** The relative names in the order of certificates: the most general one first. Each has one attribute or more. */
  | { readonly kind: "name"; readonly relativeNames: readonly (readonly NameAttribute[])[] }
  | { readonly kind: "malformed"; readonly why: string };

/** The attribute types that have a short name in such texts (RFC 4514 section 3, and serialNumber); letters' case does not matter. */
const TYPES: ReadonlyMap<string, string> = new Map([
  ["C", "2.5.4.6"],
  ["O", "2.5.4.10"],
  ["OU", "2.5.4.11"],
  ["CN", "2.5.4.3"],
  ["SERIALNUMBER", "2.5.4.5"],
  ["L", "2.5.4.7"],
  ["ST", "2.5.4.8"],
  ["STREET", "2.5.4.9"],
  ["DC", "0.9.2342.19200300.100.1.25"],
  ["UID", "0.9.2342.19200300.100.1.1"],
]);

const COMMON_NAME_TYPE = "2.5.4.3";
const OID = /^[0-2](?:\.\d+)+$/;
/** Longest text that is read. */
const TEXT_LENGTH_MAX = 8192;

/**
 * Reads a distinguished name in its string form (RFC 4514): `CN=shop.example,OU=Shop,O=Example`. Types are short names or
 * dotted object identifiers; values may have escapes and may be the hexadecimal encoding behind `#`. Total.
 */
export function parseDistinguishedName(text: string): ParsedName {
  if (text.length > TEXT_LENGTH_MAX) return malformed(`it is longer than ${String(TEXT_LENGTH_MAX)} characters`);
  const relativeNames: NameAttribute[][] = [];
  let attributes: NameAttribute[] = [];
  for (const part of partsOf(text)) {
    const equals = part.text.indexOf("=");
    const type = part.text.slice(0, Math.max(0, equals)).trim();
    if (equals < 0 || type === "") return malformed("DN ended with incomplete type, value pair");
    const value = valueOf(part.text.slice(equals + 1));
    if (value === undefined) return malformed(`the value of "${type}" has an escape that means nothing`);
    const dotted = TYPES.get(type.toUpperCase()) ?? (OID.test(type) ? type : undefined);
    if (dotted === undefined) return malformed(`Literal subject contains unrecognized key with value [${value}]`);
    attributes.push({ type: dotted, value });
    if (part.joined) continue;
    relativeNames.unshift(attributes);
    attributes = [];
  }
  return relativeNames.length === 0 ? malformed("it is empty") : { kind: "name", relativeNames };
}

/** Returns the common name in a text that {@link parseDistinguishedName} can read; "" when there is none. */
export function commonNameIn(text: string): string {
  const parsed = parseDistinguishedName(text);
  if (parsed.kind === "malformed") return "";
  return parsed.relativeNames.flat().find((attribute) => attribute.type === COMMON_NAME_TYPE)?.value ?? "";
}

/** Splits at separators that are not escaped. `joined`: the next part belongs to the same relative name. */
function partsOf(text: string): readonly { readonly text: string; readonly joined: boolean }[] {
  const parts: { text: string; joined: boolean }[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === "\\") at++;
    else if (char === "," || char === ";" || char === "+") {
      parts.push({ text: text.slice(start, at), joined: char === "+" });
      start = at + 1;
    }
  }
  if (text.trim() !== "") parts.push({ text: text.slice(start), joined: false });
  return parts;
}

/** Undoes the escapes of RFC 4514 section 2.4; spaces around the value are not part of it unless they are escaped. */
function valueOf(written: string): string | undefined {
  const text = written.replace(/^ +/, "");
  if (text.startsWith("#")) return decodeHexadecimal(text.slice(1).trim());
  const bytes: number[] = [];
  let end = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? "";
    if (char !== "\\") {
      const whole = String.fromCodePoint(text.codePointAt(at) ?? 0);
      bytes.push(...Buffer.from(whole, "utf8"));
      at += whole.length - 1;
      if (char !== " ") end = bytes.length;
      continue;
    }
    const pair = /^[0-9a-fA-F]{2}/.exec(text.slice(at + 1, at + 3))?.[0];
    const literal = text[at + 1];
    if (pair === undefined && (literal === undefined || !/[ "#+,;<=>\\]/.test(literal))) return undefined;
    bytes.push(...(pair === undefined ? Buffer.from(literal ?? "", "utf8") : [Number.parseInt(pair, 16)]));
    at += pair === undefined ? 1 : 2;
    end = bytes.length;
  }
  return Buffer.from(bytes.slice(0, end)).toString("utf8");
}

/** Returns the text inside the encoding of a string; only lengths that such values have are read. */
function decodeHexadecimal(digits: string): string | undefined {
  if (!/^(?:[0-9a-fA-F]{2})+$/.test(digits)) return undefined;
  const bytes = Buffer.from(digits, "hex");
  const first = bytes[1] ?? 0;
  const headerBytes = first < 128 ? 2 : first === 0x81 ? 3 : first === 0x82 ? 4 : 0;
  const length = headerBytes === 2 ? first : headerBytes === 0 ? -1 : bytes.readUIntBE(2, headerBytes - 2);
  return length === bytes.length - headerBytes ? bytes.subarray(headerBytes).toString("utf8") : undefined;
}

function malformed(why: string): ParsedName {
  return { kind: "malformed", why };
}
