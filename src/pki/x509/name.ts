import { childrenOf, type DerValue, encodeDer, expectTag, oid, readOid, readText, sequence, TAG } from "./der.ts";

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

/** A distinguished name: values by attribute, under cert-manager's field names or, for others, the dotted type. */
export type NameAttributes = Readonly<Record<string, readonly string[]>>;

/** Returns the DER of a Name (RFC 5280 section 4.1.2.4); attributes without a known name, and empty values, are left out. */
export function encodeName(attributes: NameAttributes): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [name, type] of ATTRIBUTE_OIDS) {
    for (const value of attributes[name] ?? []) {
      if (value === "") continue;
      const printable = PRINTABLE_OIDS.has(type) && /^[A-Za-z0-9 '()+,./:=?-]*$/.test(value);
      const tag = printable ? TAG.printableString : TAG.utf8String;
      parts.push(encodeDer(TAG.set, sequence(oid(type), encodeDer(tag, Buffer.from(value, "utf8")))));
    }
  }
  return sequence(...parts);
}

/** Returns the attributes of a Name. Throws BadPem when it is malformed. */
export function decodeName(name: DerValue): NameAttributes {
  const found = new Map<string, string[]>();
  for (const set of childrenOf(expectTag(name, TAG.sequence, "the name"))) {
    for (const attribute of childrenOf(set)) {
      const [type, value] = childrenOf(attribute);
      if (value === undefined) continue;
      const dotted = readOid(expectTag(type, TAG.oid, "the type of a name's attribute"));
      const label = [...ATTRIBUTE_OIDS].find((entry) => entry[1] === dotted)?.[0] ?? dotted;
      found.set(label, [...(found.get(label) ?? []), readText(value)]);
    }
  }
  return Object.fromEntries(found);
}
