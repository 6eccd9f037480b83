import { isFinalState } from "../../resource/order.ts";
import type { Challenge } from "../../resource/challenge.ts";

/** Challenges that are worked on at a time, over all issuers. */
export const PROCESSING_MAX = 60;
/** How long a CA may take to validate before the challenge is given up. */
export const VALIDATION_MS_MAX: number = 15 * 60_000;
/** First wait between two looks at an authorization; grows up to the longest. A CA's Retry-After wins. */
const POLL_MS_FIRST = 50;
const POLL_MS_MAX = 5000;
const POLL_GROWTH = 1.6;
/** A CA that asks for more patience than this is asked again all the same. */
const RETRY_AFTER_MS_MAX: number = 5 * 60_000;

/** What the decision about one Challenge rests on. */
export interface ChallengeFacts {
  readonly nowMs: number;
  readonly challenge: Challenge;
  /** Other Challenges that are being worked on. */
  readonly processingElsewhere: number;
  /** What this process did for it already; nothing after a restart. */
  readonly memory: ChallengeMemory;
}

/** What one process knows of a challenge beyond what is stored. */
export interface ChallengeMemory {
  /** When the CA was told to validate; undefined: not by this process. */
  readonly acceptedAtMs: number | undefined;
  readonly polls: number;
  /** The CA must not be asked before this. */
  readonly pollAtMs: number;
}

/** What to do about one Challenge now. */
export type ChallengeStep =
  /** It is being deleted: let it go. */
  | { readonly kind: "release" }
  /** It has ended: what was put in front of the world goes. */
  | { readonly kind: "finish" }
  | { readonly kind: "refuse"; readonly reason: string }
  /** Too many are worked on: wait for one to end. */
  | { readonly kind: "queue" }
  | { readonly kind: "start" }
  /** Wait until every worker answers the token, and tell the CA after that; not before `atMs`. */
  | { readonly kind: "present"; readonly atMs: number }
  | { readonly kind: "poll"; readonly atMs: number }
  | { readonly kind: "giveUp"; readonly reason: string };

/** Returns the next step for a challenge. */
export function decide(facts: ChallengeFacts): ChallengeStep {
  const { challenge, memory } = facts;
  const { spec, status } = challenge;
  if (challenge.object.metadata.deletionTimestamp !== undefined) return { kind: "release" };
  if (isFinalState(status.state)) return { kind: "finish" };
  if (spec.type === "unknown") {
    const reason = `Cannot prove control of "${spec.dnsName}": the type of the challenge is unknown`;
    return { kind: "refuse", reason };
  }
  if (!status.processing) return facts.processingElsewhere >= PROCESSING_MAX ? { kind: "queue" } : { kind: "start" };
  if (memory.acceptedAtMs === undefined) return { kind: "present", atMs: memory.pollAtMs };
  if (facts.nowMs - memory.acceptedAtMs >= VALIDATION_MS_MAX) {
    const minutes = String(VALIDATION_MS_MAX / 60_000);
    return { kind: "giveUp", reason: `The CA did not validate "${spec.dnsName}" within ${minutes} minutes` };
  }
  return { kind: "poll", atMs: memory.pollAtMs };
}

/** Returns how long to wait before the next look at an authorization that is still pending. */
export function pollDelayMs(polls: number, retryAfterMs: number | undefined): number {
  if (retryAfterMs !== undefined) return Math.min(retryAfterMs, RETRY_AFTER_MS_MAX);
  return Math.min(POLL_MS_MAX, POLL_MS_FIRST * POLL_GROWTH ** Math.min(polls, 20));
}
