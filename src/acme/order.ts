import {
  type AcmeAuthorization,
  type AcmeChallenge,
  type AcmeIdentifier,
  type AcmeOrderResource,
  type AcmeProblem,
  ERROR_PREFIX,
} from "./wire.ts";

/**
 * One order from wish to certificate (RFC 8555 section 7.1.6). Each state carries what is known in it, and nothing
 * else. Made of JSON values only, so that it can be stored between any two steps and taken up again after a crash.
 */
export type AcmeOrder =
  | ({ readonly state: "new" } & OrderWish)
  | ({ readonly state: "pending"; readonly authorizations: readonly OrderAuthorization[] } & OrderPlace)
  | ({ readonly state: "ready" } & OrderPlace)
  | ({ readonly state: "processing" } & OrderPlace)
  | ({ readonly state: "valid"; readonly certificateUrl: string } & OrderPlace)
  | { readonly state: "issued"; readonly url: string; readonly chain: string }
  | { readonly state: "invalid"; readonly url?: string; readonly problem: AcmeProblem };

/** What is to be ordered. */
export interface OrderWish {
  readonly identifiers: readonly AcmeIdentifier[];
  /** When the certificate should end; the CA decides when it is left out. */
  readonly notAfterMs?: number;
  /** The certificate it replaces, as renewal information names it (RFC 9773 section 5). */
  readonly replaces?: string;
  /** One of the profiles the CA offers. */
  readonly profile?: string;
}

/** Where an order that the CA knows lives, and how waiting for it goes. */
export interface OrderPlace {
  readonly url: string;
  readonly finalizeUrl: string;
  readonly authorizationUrls: readonly string[];
  /** When the CA forgets it. */
  readonly expiresAtMs?: number;
  /** Not to be asked before this. */
  readonly pollAtMs: number;
  /** How often it was asked in this state. */
  readonly polls: number;
  /** When this state began. */
  readonly sinceMs: number;
}

/** What is known of one authorization. */
export interface OrderAuthorization {
  readonly url: string;
  readonly identifier: { readonly type: string; readonly value: string };
  readonly wildcard: boolean;
  readonly status: string;
  readonly challenges: readonly AcmeChallenge[];
  /** The challenge that the CA was told to validate. */
  readonly acceptedUrl?: string;
}

/** A challenge that has to be answered before the CA is told to validate it. */
export interface OpenChallenge extends AcmeChallenge {
  readonly authorizationUrl: string;
  readonly identifier: { readonly type: string; readonly value: string };
  readonly wildcard: boolean;
  /** Every way the CA offers to prove the name; the challenge itself is the preferred of those that can be answered. */
  readonly offered: readonly AcmeChallenge[];
}

/** What to do next. `poll` must not happen before `atMs`. */
export type OrderStep =
  | { readonly kind: "createOrder" }
  | { readonly kind: "fetchAuthorizations"; readonly urls: readonly string[] }
  | { readonly kind: "awaitChallenges"; readonly challenges: readonly OpenChallenge[] }
  | { readonly kind: "poll"; readonly atMs: number }
  | { readonly kind: "finalize" }
  | { readonly kind: "download"; readonly url: string }
  | { readonly kind: "done"; readonly chain: string }
  | { readonly kind: "failed"; readonly problem: AcmeProblem };

/** What happened; `nowMs` is when. */
export type OrderEvent =
  | { readonly kind: "orderSeen"; readonly order: AcmeOrderResource; readonly nowMs: number }
  | {
      readonly kind: "authorizationsSeen";
      readonly authorizations: readonly AcmeAuthorization[];
      readonly nowMs: number;
    }
  | { readonly kind: "challengesAccepted"; readonly urls: readonly string[]; readonly nowMs: number }
  | { readonly kind: "downloaded"; readonly chain: string }
  | { readonly kind: "refused"; readonly problem: AcmeProblem };

/** How long one state may last before the order is given up. CAs validate within seconds; slow ones take minutes. */
export const STATE_DURATION_MAX_MS = 900_000;
const POLL_DELAY_FIRST_MS = 250;
/** After the CA was told to validate: a CA nearby has the outcome at once, a public one is asked once in vain. */
const POLL_DELAY_ACCEPTED_MS = 50;
const POLL_DELAY_MAX_MS = 10_000;
/** A CA that asks for more patience than this is asked again all the same. */
const RETRY_AFTER_MAX_MS = 300_000;

/** The types of challenges that can be answered, the preferred first. */
const CHALLENGE_TYPES: readonly string[] = ["http-01", "tls-alpn-01", "dns-01", "dns-persist-01"];

/** Returns the order after `event`. The only writer of orders; an event that a state has no use for leaves it as it is. */
export function advance(order: AcmeOrder, event: OrderEvent): AcmeOrder {
  if (order.state === "issued" || order.state === "invalid") return order;
  switch (event.kind) {
    case "orderSeen":
      return seen(order, event.order, event.nowMs);
    case "authorizationsSeen":
      return order.state === "pending" ? authorized(order, event.authorizations, event.nowMs) : order;
    case "challengesAccepted":
      return order.state === "pending" ? accepted(order, event.urls, event.nowMs) : order;
    case "downloaded":
      return order.state === "valid" ? { state: "issued", url: order.url, chain: event.chain } : order;
    case "refused":
      return { state: "invalid", ...(order.state === "new" ? {} : { url: order.url }), problem: event.problem };
    default:
      return event satisfies never;
  }
}

/** Returns what to do next with the order. Orders that expired or take too long have failed, whatever their state. */
export function nextStep(order: AcmeOrder, nowMs: number): OrderStep {
  switch (order.state) {
    case "new":
      return { kind: "createOrder" };
    case "issued":
      return { kind: "done", chain: order.chain };
    case "invalid":
      return { kind: "failed", problem: order.problem };
    case "valid":
      return { kind: "download", url: order.certificateUrl };
    case "pending":
    case "ready":
    case "processing":
      break;
    default:
      return order satisfies never;
  }
  const late = lateness(order, nowMs);
  if (late !== undefined) return { kind: "failed", problem: late };
  if (order.state === "ready") return { kind: "finalize" };
  return order.state === "processing" ? { kind: "poll", atMs: order.pollAtMs } : pendingStep(order);
}

type PendingOrder = Extract<AcmeOrder, { state: "pending" }>;
type PlacedOrder = Extract<AcmeOrder, OrderPlace>;

function pendingStep(order: PendingOrder): OrderStep {
  const known = new Set(order.authorizations.map((authorization) => authorization.url));
  const urls = order.authorizationUrls.filter((url) => !known.has(url));
  if (urls.length > 0) return { kind: "fetchAuthorizations", urls };
  const open = order.authorizations.filter(
    (authorization) => authorization.status === "pending" && authorization.acceptedUrl === undefined,
  );
  const challenges = open.flatMap((authorization) => openChallenge(authorization) ?? []);
  return challenges.length > 0 ? { kind: "awaitChallenges", challenges } : { kind: "poll", atMs: order.pollAtMs };
}

function openChallenge(authorization: OrderAuthorization): OpenChallenge | undefined {
  const challenge = answerable(authorization);
  if (challenge === undefined) return undefined;
  const { url, identifier, wildcard, challenges } = authorization;
  return { ...challenge, authorizationUrl: url, identifier, wildcard, offered: challenges };
}

function answerable(authorization: Pick<OrderAuthorization, "challenges">): AcmeChallenge | undefined {
  for (const type of CHALLENGE_TYPES) {
    const challenge = authorization.challenges.find((entry) => entry.type === type);
    if (challenge !== undefined) return challenge;
  }
  return undefined;
}

function seen(
  order: Exclude<AcmeOrder, { state: "issued" | "invalid" }>,
  resource: AcmeOrderResource,
  nowMs: number,
): AcmeOrder {
  const place = placeOf(order, resource, nowMs);
  switch (resource.status) {
    case "pending":
      return { state: "pending", ...place, authorizations: order.state === "pending" ? order.authorizations : [] };
    case "ready":
      return { state: "ready", ...place };
    case "processing":
      return { state: "processing", ...place };
    case "valid":
      return resource.certificate === undefined
        ? invalid(order, problem("serverInternal", `the CA calls order ${resource.url} valid but gives no certificate`))
        : { state: "valid", ...place, certificateUrl: resource.certificate };
    default:
      return invalid(
        order,
        resource.error ??
          failureOf(order) ??
          problem("malformed", `the CA calls order ${resource.url} "${resource.status}" and gives no reason`),
      );
  }
}

function placeOf(
  order: Exclude<AcmeOrder, { state: "issued" | "invalid" }>,
  resource: AcmeOrderResource,
  nowMs: number,
): OrderPlace {
  const same = order.state === resource.status;
  const polls = same && order.state !== "new" ? order.polls + 1 : 0;
  const expiresAtMs = resource.expires === undefined ? Number.NaN : Date.parse(resource.expires);
  return {
    url: resource.url,
    finalizeUrl: resource.finalize,
    authorizationUrls: resource.authorizations,
    ...(Number.isNaN(expiresAtMs) ? {} : { expiresAtMs }),
    pollAtMs: nowMs + pollDelayMs(polls, resource.retryAfterMs),
    polls,
    sinceMs: same && order.state !== "new" ? order.sinceMs : nowMs,
  };
}

function authorized(order: PendingOrder, fetched: readonly AcmeAuthorization[], nowMs: number): AcmeOrder {
  const merged = new Map(order.authorizations.map((authorization) => [authorization.url, authorization]));
  for (const { url, status, identifier, wildcard, challenges } of fetched) {
    // After a crash between telling the CA and writing it down, the challenge's own status remembers.
    const started = challenges.find((challenge) => challenge.status === "processing")?.url;
    const acceptedUrl = merged.get(url)?.acceptedUrl ?? started;
    merged.set(url, {
      url,
      status,
      identifier,
      wildcard,
      challenges,
      ...(acceptedUrl === undefined ? {} : { acceptedUrl }),
    });
  }
  const next: PendingOrder = { ...order, authorizations: [...merged.values()] };
  const failure = failureOf(next);
  if (failure !== undefined) return invalid(order, failure);
  const asked = Math.max(0, ...fetched.map((authorization) => authorization.retryAfterMs ?? 0));
  const pollAtMs = nowMs + pollDelayMs(order.polls, asked === 0 ? undefined : asked);
  return { ...next, pollAtMs, polls: order.polls + 1 };
}

function accepted(order: PendingOrder, urls: readonly string[], nowMs: number): AcmeOrder {
  const authorizations = order.authorizations.map((authorization) => {
    const challenge = authorization.challenges.find((entry) => urls.includes(entry.url));
    return challenge === undefined ? authorization : { ...authorization, acceptedUrl: challenge.url };
  });
  return { ...order, authorizations, pollAtMs: nowMs + POLL_DELAY_ACCEPTED_MS, polls: 0 };
}

/** Why the order cannot become valid any more, as its authorizations tell it. */
function failureOf(order: AcmeOrder): AcmeProblem | undefined {
  if (order.state !== "pending") return undefined;
  for (const authorization of order.authorizations) {
    const { value } = authorization.identifier;
    if (authorization.status === "pending" && answerable(authorization) === undefined) {
      const offered = authorization.challenges.map((challenge) => challenge.type).join(", ");
      return problem(
        "rejectedIdentifier",
        `"${value}" can be proven by ${offered || "nothing"} only, and none of these can be answered here`,
      );
    }
    if (authorization.status === "pending" || authorization.status === "valid") continue;
    const error = authorization.challenges.find((challenge) => challenge.error !== undefined)?.error;
    if (error !== undefined) return { ...error, detail: `"${value}" was not proven: ${error.detail}` };
    return problem("unauthorized", `the authorization for "${value}" is ${authorization.status}`);
  }
  return undefined;
}

function lateness(order: PlacedOrder, nowMs: number): AcmeProblem | undefined {
  if (order.expiresAtMs !== undefined && nowMs >= order.expiresAtMs) {
    return problem("malformed", `order ${order.url} expired on ${new Date(order.expiresAtMs).toISOString()}`);
  }
  if (nowMs - order.sinceMs < STATE_DURATION_MAX_MS) return undefined;
  return problem(
    "serverInternal",
    `order ${order.url} stayed ${order.state} for ${STATE_DURATION_MAX_MS / 60_000} minutes`,
  );
}

function pollDelayMs(polls: number, retryAfterMs: number | undefined): number {
  if (retryAfterMs !== undefined) return Math.min(retryAfterMs, RETRY_AFTER_MAX_MS);
  return Math.min(POLL_DELAY_FIRST_MS * 2 ** Math.min(polls, 10), POLL_DELAY_MAX_MS);
}

function invalid(order: AcmeOrder, why: AcmeProblem): AcmeOrder {
  return { state: "invalid", ...("url" in order && order.url !== undefined ? { url: order.url } : {}), problem: why };
}

function problem(type: string, detail: string): AcmeProblem {
  return { type: `${ERROR_PREFIX}${type}`, detail, status: 0 };
}
