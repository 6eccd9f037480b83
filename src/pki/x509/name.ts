import { childrenOf, type DerValue, encodeDer, expectTag, oid, readOid, readText, sequence, TAG } from "./der.ts";

/** One attribute of a relative name: its type as a dotted object identifier, and its value. */
export interface RelativeNameAttribute {
  readonly type: string;
  readonly value: string;
}

/** A distinguished name part by part, the most general first; most parts have one attribute. */
export type RelativeNames = readonly (readonly RelativeNameAttribute[])[];

/** Attribute types of a subject by the name cert-manager's `spec.subject` uses, in the order they are written (RFC 4519). */
const ATTRIBUTE_OIDS: ReadonlyMap<string, string> = new Map([
  ["countries", "2.5.4.6"],
  ["organizations", "2.5.4.10"],
  ["organizationalUnits", "2.5.4.11"],
  ["localities", "2.5.4.7"],
  ["provinces", "2.5.4.8"],
  ["streetAddresses", "2.5.4.9"],
  ["postalCodes", "2.5.4.17"],
  ["commonName", "2.5.4.3"],
  ["serialNumber", "2.5.4.5"],
]);

/** Types whose values must be PrintableString (RFC 5280 appendix A.1): country and serial number. */
const PRINTABLE_OIDS: ReadonlySet<string> = new Set(["2.5.4.6", "2.5.4.5"]);

/** Type whose values are IA5String (RFC 4519 section 2.4): a label of a domain. */
const DOMAIN_COMPONENT_OID = "0.9.2342.19200300.100.1.25";

/** A distinguished name: values by attribute, under cert-manager's field names or, for others, the dotted type. */
export type NameAttributes = Readonly<Record<string, readonly string[]>>;

/** Returns the DER of a Name (RFC 5280 section 4.1.2.4); attributes without a known name, and empty values, are left out. */
export function encodeName(attributes: NameAttributes): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [name, type] of ATTRIBUTE_OIDS) {
    for (const value of attributes[name] ?? []) {
      if (value !== "") parts.push(encodeDer(TAG.set, encodeAttribute(type, value)));
    }
  }
  return sequence(...parts);
}

/**
 * Returns the DER of a Name that has exactly these parts, in this order. Values are PrintableString wherever they can be,
 * as Go writes them: cert-manager compares such a name of a request byte by byte, and would issue anew.
 */
export function encodeRelativeNames(names: RelativeNames): Uint8Array {
  const parts = names.map((attributes) => {
    const encoded = attributes.map(({ type, value }) => encodeAttribute(type, value, true));
    // A SET is written in the order of its encodings (X.690 section 11.6).
    return encodeDer(TAG.set, ...encoded.sort((left, right) => Buffer.compare(left, right)));
  });
  return sequence(...parts);
}

/** Returns the parts of a Name in order. Throws BadPem when it is malformed. */
export function decodeRelativeNames(name: DerValue): RelativeNames {
  return childrenOf(expectTag(name, TAG.sequence, "the name")).map((set) =>
    childrenOf(set).flatMap((attribute) => {
      const [type, value] = childrenOf(attribute);
      if (value === undefined) return [];
      return { type: readOid(expectTag(type, TAG.oid, "the type of a name's attribute")), value: readText(value) };
    }),
  );
}

/** Returns a name as text (RFC 4514): the most special part first, types without a short name by their object identifier. */
export function nameText(names: RelativeNames): string {
  return names
    .toReversed()
    .map((attributes) => attributes.map(attributeText).join("+"))
    .join(",");
}

/** The short names of RFC 4514 section 3. */
const SHORT_NAMES: ReadonlyMap<string, string> = new Map([
  ["2.5.4.3", "CN"],
  ["2.5.4.7", "L"],
  ["2.5.4.8", "ST"],
  ["2.5.4.10", "O"],
  ["2.5.4.11", "OU"],
  ["2.5.4.6", "C"],
  ["2.5.4.9", "STREET"],
  ["0.9.2342.19200300.100.1.25", "DC"],
  ["0.9.2342.19200300.100.1.1", "UID"],
]);

function attributeText({ type, value }: RelativeNameAttribute): string {
  const escaped = value.replaceAll(/[",+;<>\\]|^[ #]| $/g, "\\$&").replaceAll("\0", "\\00");
  return `${SHORT_NAMES.get(type) ?? type}=${escaped}`;
}

function encodeAttribute(type: string, value: string, preferPrintable = false): Uint8Array {
  const ia5 = type === DOMAIN_COMPONENT_OID && /^[\x20-\x7e]*$/.test(value);
  const printable = (preferPrintable || PRINTABLE_OIDS.has(type)) && /^[A-Za-z0-9 '()+,./:=?-]*$/.test(value);
  const tag = ia5 ? TAG.ia5String : printable ? TAG.printableString : TAG.utf8String;
  return sequence(oid(type), encodeDer(tag, Buffer.from(value, "utf8")));
}

/** Returns the attributes of a Name. Throws BadPem when it is malformed. */
export function decodeName(name: DerValue): NameAttributes {
  const found = new Map<string, string[]>();
  for (const { type, value } of decodeRelativeNames(name).flat()) {
    const label = [...ATTRIBUTE_OIDS].find((entry) => entry[1] === type)?.[0] ?? type;
    found.set(label, [...(found.get(label) ?? []), value]);
  }
  return Object.fromEntries(found);
}
