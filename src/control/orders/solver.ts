import type { Solver } from "../../resource/issuer.ts";

/** A name that has to be proven. */
export interface NameToProve {
  /** Without `*.`. */
  readonly name: string;
  readonly wildcard: boolean;
  /** The labels of the Order, which are those of the Certificate. */
  readonly labels: Readonly<Record<string, string>>;
}

/** The solver for a name, or why there is none. */
/** The solver for a name, or why there is none. */
export type SolverChoice =
  | { readonly kind: "http01"; readonly solver: Solver }
  /** `message` is one sentence with the next step. */
  | { readonly kind: "none"; readonly message: string };

/**
 * Returns the solver for a name: of those whose selector fits, a `dnsNames` entry wins over a longer `dnsZones` entry,
 * that over more labels, that over the order in the issuer. Only HTTP-01 can be used, and never for a wildcard.
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
  const types = ranked.map(({ solver }) => solver.type);
  const http = ranked.find(({ solver }) => solver.type === "http01");
  if (http !== undefined && !wanted.wildcard) return { kind: "http01", solver: http.solver };
  return { kind: "none", message: whyNone(shown, wanted.wildcard, types, solvers.length) };
}

function whyNone(shown: string, wildcard: boolean, types: readonly string[], configured: number): string {
  const cannot = `Cannot prove control of "${shown}"`;
  if (configured === 0)
    return `${cannot}: the issuer has no solvers; add "http01: { ingress: {} }" to spec.acme.solvers`;
  if (types.length === 0) return `${cannot}: no solver's selector fits it; correct spec.acme.solvers of the issuer`;
  if (wildcard) {
    return types.includes("dns01")
      ? `${cannot}: wildcards need DNS-01, which Lintel does not support yet; list the names one by one instead`
      : `${cannot}: wildcards can't be proven by HTTP-01; list the names one by one instead`;
  }
  return `${cannot}: its solver is DNS-01, which Lintel does not support yet; add an http01 solver to the issuer`;
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
