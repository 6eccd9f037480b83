import { nextStep, type AcmeOrder, type OpenChallenge, type OrderStep } from "../../acme/order.ts";
import { describeProblem, type AcmeIdentifier } from "../../acme/wire.ts";
import { failureNote, failureOf, type FailureNote } from "../acme-limits/failure-cause.ts";
import type { AcmeState, Order } from "../../resource/order.ts";
import type { Challenge } from "../../resource/challenge.ts";
import { isFailedState } from "../../resource/order.ts";
import type { Solver } from "../../resource/issuer.ts";
import { chooseSolver } from "./solver.ts";

/** How waiting for the CA goes; lives in memory only, so that time when Lintel did not run doesn't count. */
export interface Pace {
  readonly pollAtMs: number;
  readonly polls: number;
  readonly sinceMs: number;
}

/** What the decision about one Order rests on. */
export interface OrderFacts {
  readonly nowMs: number;
  readonly order: Order;
  readonly solvers: readonly Solver[];
  /** The Challenges that exist for it, by the address of their authorization. */
  readonly challenges: ReadonlyMap<string, Challenge>;
  readonly pace: Pace;
}

/** What to do about one Order now. */
export type OrderDecision =
  | { readonly kind: "acme"; readonly machine: AcmeOrder; readonly step: OrderStep }
  /** Make Challenge objects for these. */
  | { readonly kind: "createChallenges"; readonly challenges: readonly OpenChallenge[] }
  /** Challenges are under way; their change brings the order back. */
  | { readonly kind: "await" }
  | {
      readonly kind: "fail";
      readonly state: "errored" | "invalid";
      readonly reason: string;
      readonly event: "Solver" | "Failed";
      readonly note: FailureNote;
    };

/** Returns the next step for an order that has not ended. */
export function decide(facts: OrderFacts): OrderDecision {
  const { order, challenges } = facts;
  const unsolvable = order.status.url === undefined ? findUnsolvable(facts) : undefined;
  if (unsolvable !== undefined)
    return { kind: "fail", state: "errored", reason: unsolvable, event: "Solver", note: { cause: "refused" } };
  const failed = [...challenges.values()].find(({ status }) => isFailedState(status.state));
  if (failed !== undefined) {
    const reason = failed.status.reason === "" ? `Challenge "${failed.name}" failed` : failed.status.reason;
    const note = failureOf(failed.object) ?? { cause: "refused" };
    return { kind: "fail", state: "invalid", reason, event: "Failed", note };
  }
  const machine = restore(facts);
  const step = nextStep(machine, facts.nowMs);
  if (step.kind === "awaitChallenges") {
    const missing = step.challenges.filter((challenge) => !challenges.has(challenge.authorizationUrl));
    return missing.length === 0 ? { kind: "await" } : { kind: "createChallenges", challenges: missing };
  }
  if (step.kind === "failed") {
    const note = failureNote(step.problem, facts.nowMs);
    return { kind: "fail", state: "invalid", reason: describeProblem(step.problem), event: "Failed", note };
  }
  return { kind: "acme", machine, step };
}

/** The names and addresses of the order as RFC 8555 section 9.7.7 and RFC 8738 write them, each once. */
export function identifiersOf(order: Order): readonly AcmeIdentifier[] {
  const names = [...new Set(order.spec.dnsNames.map((name) => name.toLowerCase()))];
  const addresses = [...new Set(order.spec.ipAddresses)];
  return [
    ...names.map((value) => ({ type: "dns" as const, value })),
    ...addresses.map((value) => ({ type: "ip" as const, value })),
  ];
}

/** Looked at before the CA is asked: an order that can't be proven would only use up its limits. */
function findUnsolvable(facts: OrderFacts): string | undefined {
  const labels = facts.order.object.metadata.labels ?? {};
  for (const { value } of identifiersOf(facts.order)) {
    const wildcard = value.startsWith("*.");
    const choice = chooseSolver(facts.solvers, { name: wildcard ? value.slice(2) : value, wildcard, labels });
    if (choice.kind === "none") return choice.message;
  }
  return undefined;
}

/** Returns the order machine as the status tells it: a crash at any point loses nothing but the pace. */
function restore(facts: OrderFacts): AcmeOrder {
  const { order, pace } = facts;
  const { url, finalizeUrl, state } = order.status;
  if (url === undefined) return { state: "new", ...wishOf(order, facts.nowMs) };
  const place = {
    url,
    finalizeUrl: finalizeUrl ?? "",
    authorizationUrls: order.status.authorizations.map((authorization) => authorization.url),
    ...pace,
  };
  // "valid" is written down only together with the certificate; until then the CA is asked again.
  if (state === "ready") return { state: "ready", ...place };
  if (state === "processing" || state === "valid") return { state: "processing", ...place };
  const known = order.status.authorizations.filter((authorization) => authorization.initialState !== undefined);
  return {
    state: "pending",
    ...place,
    authorizations: known.map((authorization) => ({
      url: authorization.url,
      identifier: { type: "dns", value: authorization.identifier },
      wildcard: authorization.wildcard,
      status: statusOf(authorization.initialState, facts.challenges.get(authorization.url)),
      challenges: authorization.challenges.map((challenge) => ({ ...challenge, status: "pending" })),
    })),
  };
}

function statusOf(initial: AcmeState | undefined, challenge: Challenge | undefined): string {
  return challenge?.status.state === "valid" ? "valid" : (initial ?? "pending");
}

function wishOf(order: Order, nowMs: number): Omit<Extract<AcmeOrder, { state: "new" }>, "state"> {
  const { durationMs, profile, replaces } = order.spec;
  return {
    identifiers: identifiersOf(order),
    ...(durationMs === undefined ? {} : { notAfterMs: nowMs + durationMs }),
    ...(profile === undefined ? {} : { profile }),
    ...(replaces === undefined ? {} : { replaces }),
  };
}
