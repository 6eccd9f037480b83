import { BlockList, isIPv6 } from "node:net";
import { isLintelError, messageOf } from "../../ground/errors.ts";
import { formatIp, parseIp } from "../../pki/x509/ip-address.ts";
import { DNS_TYPE, rcodeOf } from "../dns/dns-message.ts";
import type { Resolver } from "../dns/resolver.ts";
import { type CaaSet, findCaa } from "./caa.ts";

/** What the resolvers of this machine say about a name. */
export interface NameFacts {
  readonly name: string;
  /** Its A and AAAA records, CNAMEs followed; the name itself when it is an address. */
  readonly addresses: readonly string[];
  /** `unknown`: no resolver gave an answer, which says nothing about the name. */
  readonly existence: "exists" | "missing" | "unknown";
  /** Its CNAMEs lead in a circle, or on and on. */
  readonly cnameLoop: boolean;
  /** Undefined: none, or they could not be asked for. */
  readonly caa: CaaSet | undefined;
}

type DnsAsker = Pick<Resolver, "ask" | "records" | "canonicalName">;
const NXDOMAIN = 3;

/** Asks DNS about a name as a CA will. Never rejects but for the signal: what can't be found out is unknown. */
export async function nameFacts(resolver: DnsAsker, name: string, signal: AbortSignal): Promise<NameFacts> {
  if (parseIp(name) !== undefined) {
    return { name, addresses: [name], existence: "exists", cnameLoop: false, caa: undefined };
  }
  const [four, six, caa] = await Promise.all([
    addressesOf(resolver, name, DNS_TYPE.a, signal),
    addressesOf(resolver, name, DNS_TYPE.aaaa, signal),
    findCaa(resolver, name, signal).catch(() => undefined),
  ]);
  signal.throwIfAborted();
  const addresses = [...four.addresses, ...six.addresses];
  const cnameLoop = addresses.length === 0 && (await hasCnameLoop(resolver, name, signal));
  const answered = [four, six].filter(({ existence }) => existence !== "unknown");
  const existence = answered.some((answer) => answer.existence === "exists")
    ? "exists"
    : answered.length === 2
      ? "missing"
      : "unknown";
  return { name, addresses, existence, cnameLoop, caa };
}

async function addressesOf(
  resolver: DnsAsker,
  name: string,
  type: number,
  signal: AbortSignal,
): Promise<Pick<NameFacts, "addresses" | "existence">> {
  try {
    const answer = await resolver.ask(name, type, signal);
    const addresses = answer.answers.flatMap((record) => (record.type === type ? (formatIp(record.data) ?? []) : []));
    return { addresses, existence: rcodeOf(answer) === NXDOMAIN ? "missing" : "exists" };
  } catch {
    return { addresses: [], existence: "unknown" };
  }
}

/** Resolvers answer a circle in their own ways, often with a failure: so it is followed step by step. */
async function hasCnameLoop(resolver: DnsAsker, name: string, signal: AbortSignal): Promise<boolean> {
  try {
    await resolver.canonicalName(name, signal);
    return false;
  } catch (error) {
    return isLintelError(error, "BadConfig") && messageOf(error).includes("CNAME");
  }
}

const NOT_PUBLIC = new BlockList();
for (const [network, bits, family] of [
  ["0.0.0.0", 8, "ipv4"],
  ["10.0.0.0", 8, "ipv4"],
  ["100.64.0.0", 10, "ipv4"],
  ["127.0.0.0", 8, "ipv4"],
  ["169.254.0.0", 16, "ipv4"],
  ["172.16.0.0", 12, "ipv4"],
  ["192.168.0.0", 16, "ipv4"],
  ["198.18.0.0", 15, "ipv4"],
  ["224.0.0.0", 3, "ipv4"],
  ["::", 127, "ipv6"],
  ["fc00::", 7, "ipv6"],
  ["fe80::", 10, "ipv6"],
  ["ff00::", 8, "ipv6"],
] as const) {
  NOT_PUBLIC.addSubnet(network, bits, family);
}

/** Returns whether nobody outside can reach `address`: private, loopback, link-local, shared (RFC 6890) or multicast. */
export function isPrivateAddress(address: string): boolean {
  return NOT_PUBLIC.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}
