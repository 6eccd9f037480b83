import { parseIp } from "../../pki/x509/ip-address.ts";
import type { Solver } from "../../resource/issuer.ts";

/** A name that has to be proven. */
export interface NameToProve {
  /** Without `*.`. */
  readonly name: string;
  readonly wildcard: boolean;
  /** The challenge types that the CA offers for it; undefined: it was not asked yet. */
  readonly offered?: readonly string[];
  /** The labels of the Order, which are those of the Certificate. */
  readonly labels: Readonly<Record<string, string>>;
}

/** The solver for a name, or why there is none. */
export type SolverChoice =
  | { readonly kind: "http01" | "dns01" | "tlsAlpn01" | "dnsPersist01"; readonly solver: Solver }
  /** `message` is one sentence with the next step. */
  | { readonly kind: "none"; readonly message: string };

/** What a CA calls the challenges of each kind of solver (RFC 8555 section 9.7.8, RFC 8737). */
export const CHALLENGE_OF_SOLVER = {
  http01: "http-01",
  dns01: "dns-01",
  tlsAlpn01: "tls-alpn-01",
  dnsPersist01: "dns-persist-01",
} as const;

/**
 * Returns the solver for a name: of those whose selector fits and that can prove it, a `dnsNames` entry wins over a longer
 * `dnsZones` entry, that over more labels, that over the order in the issuer. Wildcards are proven by DNS-01 only (RFC 8555
 * section 8.3, RFC 8737 section 3), addresses never by it (RFC 8738 section 7).
 */
export function chooseSolver(solvers: readonly Solver[], wanted: NameToProve): SolverChoice {
  const shown = wanted.wildcard ? `*.${wanted.name}` : wanted.name;
  const ranked = solvers
    .flatMap((solver) => {
      const rank = rankOf(solver, wanted, shown);
      return rank === undefined ? [] : [{ solver, rank }];
    })
    // Stable: equals stay in the issuer's order.
    .sort((left, right) => compareRanks(right.rank, left.rank));
  for (const { solver } of ranked) {
    const { type } = solver;
    if (type !== "unknown" && canProve(type, wanted)) return { kind: type, solver };
  }
  const types = ranked.map(({ solver }) => solver.type);
  return { kind: "none", message: whyNone(shown, wanted, types, solvers.length) };
}

function canProve(type: keyof typeof CHALLENGE_OF_SOLVER, { name, wildcard, offered }: NameToProve): boolean {
  if (offered?.includes(CHALLENGE_OF_SOLVER[type]) === false) return false;
  const isByDns = type === "dns01" || type === "dnsPersist01";
  if (wildcard) return isByDns;
  return !isByDns || parseIp(name) === undefined;
}

function whyNone(shown: string, wanted: NameToProve, types: readonly string[], configured: number): string {
  const cannot = `Cannot prove control of "${shown}"`;
  if (configured === 0)
    return `${cannot}: the issuer has no solvers; add "http01: { ingress: {} }" to spec.acme.solvers`;
  if (types.length === 0) return `${cannot}: no solver's selector fits it; correct spec.acme.solvers of the issuer`;
  if (wanted.wildcard && !types.includes("dns01") && !types.includes("dnsPersist01")) {
    return `${cannot}: wildcards are proven by DNS only; add a dns01 solver to the issuer, or list the names one by one`;
  }
  if (parseIp(wanted.name) !== undefined && types.every((type) => type === "dns01")) {
    return `${cannot}: addresses can't be proven by DNS; add an http01 solver to the issuer`;
  }
  const { offered = [] } = wanted;
  if (offered.includes("dns-persist-01") && !types.includes("dnsPersist01")) {
    return `${cannot}: the CA offers ${offered.join(", ")} for it; add "dnsPersist01: {}" to spec.acme.solvers and make the record it tells`;
  }
  return `${cannot}: the CA offers ${offered.join(", ") || "no way"} for it, and the issuer has no solver for that`;
}

/** Exact name, length of the zone, number of labels. */
type Rank = readonly [number, number, number];

function rankOf(solver: Solver, wanted: NameToProve, shown: string): Rank | undefined {
  const { matchLabels, dnsNames, dnsZones } = solver.selector;
  const labels = Object.entries(matchLabels);
  if (!labels.every(([key, value]) => wanted.labels[key] === value)) return undefined;
  const named = dnsNames.includes(shown.toLowerCase());
  const zone = dnsZones
    .filter((entry) => wanted.name.toLowerCase() === entry || wanted.name.toLowerCase().endsWith(`.${entry}`))
    .reduce((longest, entry) => Math.max(longest, entry.length), 0);
  // A selector with names or zones must fit by one of them.
  if (dnsNames.length + dnsZones.length > 0 && !named && zone === 0) return undefined;
  return [named ? 1 : 0, zone, labels.length];
}

function compareRanks(left: Rank, right: Rank): number {
  return left[0] - right[0] || left[1] - right[1] || left[2] - right[2];
}
