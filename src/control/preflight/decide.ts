import { caaObjection, type CaaWish } from "../../acme/preflight/caa.ts";
import type { NameFacts } from "../../acme/preflight/name-facts.ts";

/** Something that would make the CA's validation fail, as far as it can be seen from here. */
export interface Finding {
  /** One sentence with the next step. */
  readonly sentence: string;
  /** How long the attempt is held back for it at most: what is seen from here need not be what the CA sees. */
  readonly patienceMs: number;
}

/** What DNS says about one name, and how it is to be proven. */
export interface PreflightFacts {
  readonly dns: NameFacts;
  readonly wish: CaaWish;
  /** Whether the CA is somewhere on the internet, where private addresses lead nowhere. */
  readonly caIsPublic: boolean;
  readonly isPrivate: (address: string) => boolean;
}

/** Long enough for a record that is being made; a name that only outsiders can see is tried after it. */
const DNS_PATIENCE_MS: number = 10 * 60_000;
/** A split-horizon DNS shows private addresses for names that are public elsewhere, which is common. */
const PRIVATE_PATIENCE_MS: number = 2 * 60_000;
/** Routers often cannot reach their own public address from inside, which says nothing about outside. */
const SELF_CHECK_PATIENCE_MS = 20_000;
/** First and longest wait between two looks. */
const LOOK_MS_MIN = 1000;
const LOOK_MS_MAX = 20_000;

/** Returns what speaks against asking the CA for this name now. */
export function findingFor({ dns, wish, caIsPublic, isPrivate }: PreflightFacts): Finding | undefined {
  const { name } = dns;
  const needsAddress = wish.method !== "dns-01" && wish.method !== "dns-persist-01";
  const dnsSentence = needsAddress ? addressSentence(dns) : undefined;
  if (dnsSentence !== undefined) return { sentence: dnsSentence, patienceMs: DNS_PATIENCE_MS };
  const objection = dns.caa === undefined ? undefined : caaObjection(dns.caa, wish);
  if (objection !== undefined) {
    const sentence = `The CAA record of "${dns.caa?.at ?? name}" ${objection}`;
    return { sentence, patienceMs: DNS_PATIENCE_MS };
  }
  const unreachable = needsAddress && caIsPublic && dns.addresses.length > 0 && dns.addresses.every(isPrivate);
  if (!unreachable) return undefined;
  const sentence = `"${name}" leads to ${dns.addresses.join(", ")} in DNS, where no public CA can reach it; point it to a public address of this edge`;
  return { sentence, patienceMs: PRIVATE_PATIENCE_MS };
}

function addressSentence({ name, existence, addresses, cnameLoop }: NameFacts): string | undefined {
  if (cnameLoop) return `The CNAME records of "${name}" lead in a circle; correct them`;
  const step = "create an A or AAAA record that points to this edge";
  if (existence === "missing") return `"${name}" does not exist in DNS; ${step}`;
  return existence === "exists" && addresses.length === 0 ? `"${name}" has no address in DNS; ${step}` : undefined;
}

/** Returns what a look at the name's own port 80 found wrong; `seen` completes "the edge is not reached at … :". */
export function selfCheckFinding(name: string, seen: string): Finding {
  const sentence = `"${name}" does not lead to this edge as seen from here: ${seen}; point its DNS here and leave port 80 to this edge`;
  return { sentence, patienceMs: SELF_CHECK_PATIENCE_MS };
}

/** How an attempt is held back. */
export interface Hold {
  readonly sinceMs: number;
  /** Looks so far. */
  readonly looks: number;
}

/** Returns how long to wait before the next look, or undefined when the attempt is made all the same. */
export function holdMs(finding: Finding, hold: Hold, nowMs: number): number | undefined {
  const leftMs = hold.sinceMs + finding.patienceMs - nowMs;
  if (leftMs <= 0) return undefined;
  return Math.min(leftMs, LOOK_MS_MAX, LOOK_MS_MIN * 2 ** Math.min(hold.looks, 10));
}

/** Returns the sentence for people: what was found, and when the CA is asked all the same. */
export function holdSentence(finding: Finding, hold: Hold): string {
  const atMs = hold.sinceMs + finding.patienceMs;
  const at = new Date(atMs).toISOString().slice(0, 19);
  return `Not asking the CA yet, as it would find this: ${finding.sentence}. It is asked all the same at ${at}Z`;
}
