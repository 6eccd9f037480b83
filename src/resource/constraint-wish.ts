import { booleanAt, isRecord, recordAt, stringsAt } from "../ground/json.ts";
import { isIpAddress } from "./ip-address.ts";

/** Names by kind, as `spec.nameConstraints` lists them. */
export interface ConstraintLists {
  readonly dnsDomains: readonly string[];
  readonly ipRanges: readonly string[];
  readonly emailAddresses: readonly string[];
  readonly uriDomains: readonly string[];
}

/** Which names a CA certificate may be used to certify. */
export interface ConstraintWish {
  readonly critical: boolean;
  readonly permitted: ConstraintLists;
  readonly excluded: ConstraintLists;
}

/** Reads `spec.nameConstraints`; undefined when nothing is constrained. What can't be honoured gets a sentence in `problems`. */
export function readNameConstraints(spec: unknown, isCa: boolean, problems: string[]): ConstraintWish | undefined {
  const written = isRecord(spec) ? spec["nameConstraints"] : undefined;
  if (!isRecord(written)) return undefined;
  if (!isCa) problems.push("spec.nameConstraints is set and spec.isCA is not: only a CA's certificate has constraints");
  if (written["permitted"] === undefined && written["excluded"] === undefined) {
    problems.push("spec.nameConstraints needs permitted or excluded");
  }
  const wish = {
    critical: booleanAt(written, "critical") ?? false,
    permitted: readLists(written, "permitted", problems),
    excluded: readLists(written, "excluded", problems),
  };
  const names = [wish.permitted, wish.excluded].flatMap((lists) => [
    ...lists.dnsDomains,
    ...lists.ipRanges,
    ...lists.emailAddresses,
    ...lists.uriDomains,
  ]);
  return names.length === 0 ? undefined : wish;
}

function readLists(constraints: unknown, list: string, problems: string[]): ConstraintLists {
  const value = recordAt(constraints, list);
  const lists = {
    dnsDomains: stringsAt(value, "dnsDomains"),
    ipRanges: stringsAt(value, "ipRanges"),
    emailAddresses: stringsAt(value, "emailAddresses"),
    uriDomains: stringsAt(value, "uriDomains"),
  };
  const path = `spec.nameConstraints.${list}`;
  problems.push(
    ...lists.ipRanges
      .filter((range) => !isRange(range))
      .map((range) => `${path}.ipRanges "${range}" is not an address range such as "10.0.0.0/8"`),
    ...[...lists.dnsDomains, ...lists.emailAddresses, ...lists.uriDomains]
      .filter((name) => !/^[\x21-\x7e]*$/.test(name))
      .map((name) => `${path} "${name}" has characters outside ASCII`),
  );
  return lists;
}

function isRange(text: string): boolean {
  const [address = "", prefix = "", ...more] = text.split("/");
  const bits = address.includes(":") ? 128 : 32;
  return more.length === 0 && isIpAddress(address) && /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits;
}
