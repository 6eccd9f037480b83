import type { FailureCause, FailureNote } from "./failure-cause.ts";

const MINUTE_MS = 60_000;
const HOUR_MS: number = 60 * MINUTE_MS;
/** A CA that asks for more patience than this is asked again all the same. */
const ASKED_MS_MAX: number = 8 * 24 * HOUR_MS;

/** First wait, doubled with each failure in a row, up to the longest. */
interface Pace {
  readonly firstMs: number;
  readonly longestMs: number;
}

/**
 * A name that could not be proven is repaired outside, and nothing tells us when: four looks an hour at most, below the
 * five failed validations an hour that CAs allow. What only an edit can repair is tried as rarely as cert-manager does,
 * because an edit begins a new attempt at once anyway.
 */
const PROOF: Pace = { firstMs: 15 * MINUTE_MS, longestMs: 6 * HOUR_MS };
const REFUSAL: Pace = { firstMs: HOUR_MS, longestMs: 32 * HOUR_MS };

const PACES: Readonly<Record<FailureCause, Pace>> = {
  dns: PROOF,
  connection: PROOF,
  unauthorized: PROOF,
  tls: PROOF,
  caa: PROOF,
  rateLimited: REFUSAL,
  orderGone: { firstMs: MINUTE_MS, longestMs: HOUR_MS },
  serverInternal: { firstMs: 5 * MINUTE_MS, longestMs: 6 * HOUR_MS },
  refused: REFUSAL,
};

/**
 * Returns when the next attempt may begin after the `attempts`th failure in a row at `failedAtMs`: never before the CA
 * allows it. Where the CA named a moment because of a limit, that moment alone counts. Without a note the wait is 1 h, 2 h, 4 h … at most 32 h.
 */
export function retryAtMs(failedAtMs: number, attempts: number, note: FailureNote | undefined): number {
  const { firstMs, longestMs } = note === undefined ? REFUSAL : PACES[note.cause];
  const ownMs = failedAtMs + Math.min(longestMs, firstMs * 2 ** (Math.max(1, Math.min(attempts, 20)) - 1));
  if (note?.notBeforeMs === undefined) return ownMs;
  const askedMs = Math.min(note.notBeforeMs, failedAtMs + ASKED_MS_MAX);
  return note.cause === "rateLimited" ? Math.max(askedMs, failedAtMs + MINUTE_MS) : Math.max(askedMs, ownMs);
}
