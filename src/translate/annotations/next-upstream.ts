import { quoted } from "../../resource/parse-problem.ts";
import type { RoutePolicy } from "../../routing/snapshot.ts";
import { parseCount } from "./annotation-value.ts";

/** What the annotations about trying another endpoint change. */
export interface RetryDraft {
  attemptsMax: RoutePolicy["attemptsMax"];
  retryOn?: RoutePolicy["retryOn"];
  retryWithinMs?: RoutePolicy["retryWithinMs"];
}

/** Most attempts an annotation may ask for; nginx's "0 means no limit" becomes this. */
const ATTEMPTS_MAX = 10;

/** The longest time an annotation may ask for: an hour. */
const SECONDS_MAX = 3600;

const STATUSES: ReadonlySet<string> = new Set([500, 502, 503, 504, 403, 404, 429].map((status) => `http_${status}`));
const CONDITIONS: ReadonlySet<string> = new Set(["error", "timeout", "invalid_header", "non_idempotent", "off"]);

/** As nginx, whose default is "error timeout". */
export function readNextUpstream(value: string, policy: RetryDraft): string | undefined {
  const words = value.split(/\s+/);
  if (words.includes("off")) policy.attemptsMax = 1;
  const statuses = words.flatMap((word) => (STATUSES.has(word) ? [Number(word.slice("http_".length))] : []));
  const unknown = words.find((word) => !STATUSES.has(word) && !CONDITIONS.has(word));
  const conditions = {
    error: words.includes("error"),
    timeout: words.includes("timeout"),
    invalidHeader: words.includes("invalid_header"),
    statuses,
    nonIdempotent: words.includes("non_idempotent"),
  };
  const { error, timeout, invalidHeader, nonIdempotent } = conditions;
  const isDefault = error && timeout && !invalidHeader && !nonIdempotent && statuses.length === 0;
  if (!isDefault && !words.includes("off") && words.some((word) => word !== unknown)) policy.retryOn = conditions;
  return unknown === undefined ? undefined : `in which ${quoted(unknown)} is no condition of nginx`;
}

/** In seconds; 0 is no limit. */
export function readNextUpstreamTimeout(value: string, policy: RetryDraft): string | undefined {
  const seconds = parseCount(value);
  if (seconds === undefined || seconds > SECONDS_MAX)
    return `which is not a whole number of seconds, ${SECONDS_MAX} at most`;
  policy.retryWithinMs = seconds === 0 ? undefined : seconds * 1000;
  return undefined;
}

/** nginx's "0 means no limit" becomes the most that are made. `off` wins. */
export function readTries(value: string, policy: RetryDraft): string | undefined {
  const tries = parseCount(value);
  if (tries === undefined) return "which is not a whole number";
  const off = policy.attemptsMax === 1;
  if (!off) policy.attemptsMax = tries === 0 ? ATTEMPTS_MAX : Math.min(tries, ATTEMPTS_MAX);
  return tries > ATTEMPTS_MAX ? `which is more than the ${ATTEMPTS_MAX} attempts that are made at most` : undefined;
}
