import { DNS_TYPE } from "../dns/dns-message.ts";
import type { Resolver } from "../dns/resolver.ts";

/** One CAA record (RFC 8659 section 4.1). */
export interface CaaRecord {
  /** Whoever does not know the tag must not issue. */
  readonly critical: boolean;
  /** Lower case. */
  readonly tag: string;
  readonly value: string;
}

/** The records that count for a name, and the name above it that has them. */
export interface CaaSet {
  readonly at: string;
  readonly records: readonly CaaRecord[];
}

/** What a CA would be asked to do. */
export interface CaaWish {
  /** How the CA calls itself in these records: `letsencrypt.org`. */
  readonly identities: readonly string[];
  readonly wildcard: boolean;
  /** The address of the account; undefined: not known yet. */
  readonly accountUrl: string | undefined;
  /** `http-01` and the like. */
  readonly method: string;
}

/** Labels climbed: more than any name has that a CA would certify. */
const CLIMBS_MAX = 32;
const KNOWN_TAGS: ReadonlySet<string> = new Set([
  "issue",
  "issuewild",
  "iodef",
  "issuemail",
  "issuevmc",
  "contactemail",
  "contactphone",
]);

/** Returns the CAA records that count for `name`: its own, or those of the nearest name above (RFC 8659 section 3); undefined without any. */
export async function findCaa(
  resolver: Pick<Resolver, "records">,
  name: string,
  signal?: AbortSignal,
): Promise<CaaSet | undefined> {
  let at = name;
  for (let climbed = 0; at !== "" && climbed < CLIMBS_MAX; climbed++) {
    const found = await resolver.records(at, DNS_TYPE.caa, signal);
    const records = found.flatMap((record) => parseCaa(record.data) ?? []);
    if (records.length > 0) return { at, records };
    const dot = at.indexOf(".");
    at = dot === -1 ? "" : at.slice(dot + 1);
  }
  return undefined;
}

/** Returns the record in the data of a CAA record, or undefined when it is malformed. */
export function parseCaa(data: Uint8Array): CaaRecord | undefined {
  const [flags = 0, length = 0] = data;
  if (length === 0 || data.length < 2 + length) return undefined;
  const bytes = Buffer.from(data);
  const tag = bytes.toString("latin1", 2, 2 + length).toLowerCase();
  return { critical: (flags & 0x80) !== 0, tag, value: bytes.toString("latin1", 2 + length) };
}

/** Returns why the records forbid the CA to issue, as the end of a sentence with what would allow it, or undefined when they allow it. */
export function caaObjection(set: CaaSet, wish: CaaWish): string | undefined {
  const foreign = set.records.find((record) => record.critical && !KNOWN_TAGS.has(record.tag));
  if (foreign !== undefined) return `has a critical property "${foreign.tag}" that CAs do not know; remove it`;
  const wild = wish.wildcard ? set.records.filter((record) => record.tag === "issuewild") : [];
  const asked = wild.length > 0 ? wild : set.records.filter((record) => record.tag === "issue");
  // Without the property nobody is kept from issuing (RFC 8659 section 4.2).
  if (asked.length === 0 || wish.identities.length === 0) return undefined;
  const tag = wild.length > 0 ? "issuewild" : "issue";
  const [identity = ""] = wish.identities;
  const ours = asked.map(({ value }) => parseIssue(value)).filter(({ domain }) => wish.identities.includes(domain));
  if (ours.length === 0) {
    const allowed = asked.map(({ value }) => parseIssue(value).domain).filter((domain) => domain !== "");
    const who = allowed.length === 0 ? "no CA" : `${allowed.map((domain) => `"${domain}"`).join(", ")} only`;
    return `allows ${who}; add ${tag} "${identity}", or remove it`;
  }
  const objections = ours.map(({ parameters }) => parameterObjection(parameters, wish));
  return objections.includes(undefined) ? undefined : objections[0];
}

/** RFC 8657. */
function parameterObjection(parameters: ReadonlyMap<string, string>, wish: CaaWish): string | undefined {
  const account = parameters.get("accounturi");
  if (account !== undefined && wish.accountUrl !== undefined && account !== wish.accountUrl) {
    return `allows the account "${account}" only; add accounturi=${wish.accountUrl}`;
  }
  const methods = parameters.get("validationmethods");
  if (
    methods !== undefined &&
    !methods
      .split(",")
      .map((method) => method.trim())
      .includes(wish.method)
  ) {
    return `allows validation by ${methods} only; add ${wish.method} to validationmethods, or use another solver`;
  }
  return undefined;
}

/** RFC 8659 section 4.2: `ca.example; name=value; name=value`. */
function parseIssue(value: string): { readonly domain: string; readonly parameters: ReadonlyMap<string, string> } {
  const [domain = "", ...rest] = value.split(";");
  const parameters = rest.flatMap((part): readonly (readonly [string, string])[] => {
    const [name = "", ...text] = part.trim().split("=");
    return name === "" ? [] : [[name.trim().toLowerCase(), text.join("=").trim()]];
  });
  return { domain: domain.trim().toLowerCase().replace(/\.$/, ""), parameters: new Map(parameters) };
}
