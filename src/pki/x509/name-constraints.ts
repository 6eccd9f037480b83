import { isLintelError, LintelError } from "../../ground/errors.ts";
import type { AlternativeNames } from "./alternative-names.ts";
import { childrenOf, type DerValue, encodeDer, malformed, sequence } from "./der.ts";
import { formatIp, parseIp } from "./ip-address.ts";

/** Names by kind, as a constraint has them. Lists default to empty. */
export interface ConstrainedNames {
  readonly dnsDomains: readonly string[];
  /** CIDR: `10.0.0.0/8`, `2001:db8::/32`. */
  readonly ipRanges: readonly string[];
  readonly emailAddresses: readonly string[];
  readonly uriDomains: readonly string[];
}

/** Which names an authority may certify (RFC 5280 section 4.2.1.10). */
export interface NameConstraints {
  readonly critical: boolean;
  readonly permitted: ConstrainedNames;
  readonly excluded: ConstrainedNames;
}

/** Context tags of GeneralName. */
const EMAIL = 0x81;
const DNS = 0x82;
const URI = 0x86;
const IP = 0x87;
/** Context tags of the two lists. */
const PERMITTED = 0xa0;
const EXCLUDED = 0xa1;

/** Returns the DER of the extension's value, or undefined when nothing is constrained. Throws BadConfig for a name that cannot be written. */
export function encodeNameConstraints(constraints: NameConstraints | undefined): Uint8Array | undefined {
  if (constraints === undefined) return undefined;
  const lists = [
    { tag: PERMITTED, subtrees: encodeSubtrees(constraints.permitted) },
    { tag: EXCLUDED, subtrees: encodeSubtrees(constraints.excluded) },
  ].filter(({ subtrees }) => subtrees.length > 0);
  return lists.length === 0 ? undefined : sequence(...lists.map(({ tag, subtrees }) => encodeDer(tag, ...subtrees)));
}

/**
 * Returns what the extension's value says; undefined without one, and for one that can't be read: certificates of others
 * have odd ones, and are good for all else. Kinds of names other than the four are passed over.
 */
export function decodeNameConstraints(value: DerValue | undefined, critical: boolean): NameConstraints | undefined {
  if (value === undefined) return undefined;
  try {
    const lists = childrenOf(value);
    const namesOf = (tag: number): ConstrainedNames =>
      decodeSubtrees(lists.filter((list) => list.tag === tag).flatMap(childrenOf));
    return { critical, permitted: namesOf(PERMITTED), excluded: namesOf(EXCLUDED) };
  } catch (error) {
    if (isLintelError(error, "BadPem")) return undefined;
    throw error;
  }
}

/**
 * Returns the first of `names` that an authority with these constraints may surely not certify (RFC 5280 section 4.2.1.10),
 * or undefined. Where verifiers differ, as about subdomains in URIs, the name passes.
 */
export function nameOutside(constraints: NameConstraints, names: AlternativeNames): string | undefined {
  const { permitted, excluded } = constraints;
  const outside = (
    list: readonly string[],
    kind: keyof ConstrainedNames,
    covers: (constraint: string, name: string) => boolean,
    excludes: (constraint: string, name: string) => boolean = covers,
  ): string | undefined =>
    list.find(
      (name) =>
        excluded[kind].some((constraint) => excludes(constraint, name)) ||
        (permitted[kind].length > 0 && !permitted[kind].some((constraint) => covers(constraint, name))),
    );
  return (
    outside(names.dnsNames, "dnsDomains", coversDomain) ??
    outside(names.ipAddresses, "ipRanges", coversAddress) ??
    outside(names.emailAddresses, "emailAddresses", coversEmail) ??
    outside(names.uris.filter(hasHostName), "uriDomains", coversUri, (constraint, uri) =>
      coversHost(constraint, hostOf(uri)),
    )
  );
}

/** The domain itself and all below it; with a leading dot only those below it. */
function coversDomain(constraint: string, name: string): boolean {
  const [domain, host] = [constraint.toLowerCase(), name.toLowerCase()];
  return domain === "" || host === domain || host.endsWith(domain.startsWith(".") ? domain : `.${domain}`);
}

/** A host, or with a leading dot all hosts below it. */
function coversHost(constraint: string, host: string): boolean {
  return constraint.startsWith(".") ? coversDomain(constraint, host) : constraint.toLowerCase() === host.toLowerCase();
}

function coversAddress(range: string, address: string): boolean {
  const bytes = rangeBytes(range);
  const subject = parseIp(address);
  if (bytes === undefined || subject === undefined || bytes.length !== subject.length * 2) return false;
  return subject.every((byte, at) => (byte & (bytes[at + subject.length] ?? 0)) === bytes[at]);
}

function coversEmail(constraint: string, email: string): boolean {
  const at = email.lastIndexOf("@");
  if (!constraint.includes("@")) return coversHost(constraint, email.slice(at + 1));
  const [local, host] = [email.slice(0, at), email.slice(at + 1)];
  const from = constraint.lastIndexOf("@");
  return constraint.slice(0, from) === local && coversHost(constraint.slice(from + 1), host);
}

function coversUri(constraint: string, uri: string): boolean {
  return coversDomain(constraint, hostOf(uri));
}

function hostOf(uri: string): string {
  return URL.canParse(uri) ? new URL(uri).hostname : "";
}

/** Constraints on URIs speak of host names alone. */
function hasHostName(uri: string): boolean {
  const host = hostOf(uri);
  return host !== "" && !host.startsWith("[") && parseIp(host) === undefined;
}

/** Returns the text of an address range as a certificate has it, bits beyond the prefix cleared; undefined when it is no range. */
export function canonicalRange(range: string): string | undefined {
  const bytes = rangeBytes(range);
  return bytes === undefined ? undefined : rangeText(bytes);
}

function encodeSubtrees(names: ConstrainedNames): readonly Uint8Array[] {
  return [
    ...names.dnsDomains.map((name) => subtree(DNS, ascii(name))),
    ...names.ipRanges.map((range) => subtree(IP, rangeBytes(range) ?? refuseRange(range))),
    ...names.emailAddresses.map((name) => subtree(EMAIL, ascii(name))),
    ...names.uriDomains.map((name) => subtree(URI, ascii(name))),
  ];
}

function subtree(tag: number, content: Uint8Array): Uint8Array {
  return sequence(encodeDer(tag, content));
}

function decodeSubtrees(subtrees: readonly DerValue[]): ConstrainedNames {
  const bases = subtrees.map((subtree) => {
    const base = childrenOf(subtree)[0];
    if (base === undefined) throw malformed("a name constraint is empty");
    return base;
  });
  const texts = (tag: number): readonly string[] =>
    bases.filter((base) => base.tag === tag).map((base) => Buffer.from(base.content).toString("latin1"));
  return {
    dnsDomains: texts(DNS),
    ipRanges: bases.filter((base) => base.tag === IP).map((base) => rangeText(base.content)),
    emailAddresses: texts(EMAIL),
    uriDomains: texts(URI),
  };
}

function ascii(text: string): Uint8Array {
  if (!/^[\x21-\x7e]*$/.test(text)) throw unwritable(text, "it has characters outside ASCII");
  return Buffer.from(text, "latin1");
}

/** The address and its mask side by side, bits beyond the prefix cleared. */
function rangeBytes(range: string): Uint8Array | undefined {
  const [address = "", prefix = ""] = range.split("/");
  const bytes = parseIp(address);
  const bits = /^\d{1,3}$/.test(prefix) ? Number(prefix) : Infinity;
  if (bytes === undefined || bits > bytes.length * 8) return undefined;
  const mask = bytes.map((_, at) => (0xff00 >> Math.max(0, Math.min(8, bits - at * 8))) & 0xff);
  return Buffer.concat([bytes.map((byte, at) => byte & (mask[at] ?? 0)), mask]);
}

function refuseRange(range: string): never {
  throw unwritable(range, "it is not an address range in CIDR form");
}

function rangeText(content: Uint8Array): string {
  const half = content.length / 2;
  const address = formatIp(content.subarray(0, half));
  if (address === undefined) throw malformed("a range of addresses has the wrong length");
  const mask = content.subarray(half);
  const bits = [...mask].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  if (!/^1*0*$/.test(bits)) return `${address}/${formatIp(mask) ?? ""}`;
  return `${address}/${String(bits.replaceAll("0", "").length)}`;
}

function unwritable(name: string, why: string): LintelError {
  return new LintelError(`Cannot put name constraint "${name}" into a certificate: ${why}`, {
    code: "BadConfig",
    fault: "user",
  });
}
