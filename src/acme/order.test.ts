import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type AcmeOrder, advance, nextStep, type OrderEvent, STATE_DURATION_MAX_MS } from "./order.ts";
import type { AcmeAuthorization, AcmeOrderResource } from "./wire.ts";

const NOW_MS = Date.UTC(2026, 10, 24, 8);
const NEW: AcmeOrder = { state: "new", identifiers: [{ type: "dns", value: "shop.example" }] };
const ORDER_URL = "https://ca/order/1";
const AUTHORIZATION_URL = "https://ca/authz/1";
const CHALLENGE_URL = "https://ca/chall/1";

test("nextStep() leads from wish to certificate when the CA agrees to everything", () => {
  const kinds: string[] = [];
  let order: AcmeOrder = NEW;
  const events: readonly OrderEvent[] = [
    seen("pending"),
    authorizations("pending"),
    { kind: "challengesAccepted", urls: [CHALLENGE_URL], nowMs: NOW_MS },
    seen("ready"),
    seen("processing"),
    seen("valid"),
    { kind: "downloaded", chain: "PEM" },
  ];
  for (const event of events) {
    kinds.push(nextStep(order, NOW_MS).kind);
    order = advance(order, event);
  }
  assert.deepEqual(kinds, [
    "createOrder",
    "fetchAuthorizations",
    "awaitChallenges",
    "poll",
    "finalize",
    "poll",
    "download",
  ]);
  assert.deepEqual(nextStep(order, NOW_MS), { kind: "done", chain: "PEM" });
});

test("nextStep() skips to finalize when the CA still trusts earlier authorizations", () => {
  assert.equal(nextStep(advance(NEW, seen("ready")), NOW_MS).kind, "finalize");
});

test("nextStep() names challenge, token and identifier when a challenge must be answered", () => {
  const step = nextStep(pending(), NOW_MS);
  assert.ok(step.kind === "awaitChallenges");
  const challenge = { url: CHALLENGE_URL, type: "http-01", token: "tok", status: "pending" };
  const identifier = { type: "dns", value: "shop.example" };
  assert.deepEqual(step.challenges, [
    { ...challenge, authorizationUrl: AUTHORIZATION_URL, identifier, wildcard: false, offered: [challenge] },
  ]);
});

test("advance() fails the order with the CA's own words when an authorization is invalid", () => {
  const order = advance(
    pending(),
    authorizations("invalid", { type: "urn:ietf:params:acme:error:dns", detail: "NXDOMAIN", status: 0 }),
  );
  assert.ok(order.state === "invalid");
  assert.equal(order.problem.detail, '"shop.example" was not proven: NXDOMAIN');
  assert.equal(order.problem.type, "urn:ietf:params:acme:error:dns");
});

test("advance() fails the order when no challenge of a name can be answered here", () => {
  const event: OrderEvent = {
    kind: "authorizationsSeen",
    nowMs: NOW_MS,
    authorizations: [
      {
        ...authorization("pending"),
        challenges: [{ url: CHALLENGE_URL, type: "dns-account-01", token: "tok", status: "pending" }],
      },
    ],
  };
  const order = advance(advance(NEW, seen("pending")), event);
  assert.ok(order.state === "invalid");
  assert.match(order.problem.detail, /"shop.example" can be proven by dns-account-01 only/);
});

test("advance() does not tell the CA twice when a crash came right after telling it", () => {
  const resumed = advance(advance(NEW, seen("pending")), {
    kind: "authorizationsSeen",
    nowMs: NOW_MS,
    authorizations: [
      {
        ...authorization("pending"),
        challenges: [{ url: CHALLENGE_URL, type: "http-01", token: "tok", status: "processing" }],
      },
    ],
  });
  assert.equal(nextStep(resumed, NOW_MS).kind, "poll");
});

test("nextStep() waits as long as the CA asks, five minutes at most", () => {
  const polled = (retryAfterMs: number): unknown =>
    nextStep(
      advance(NEW, { kind: "orderSeen", nowMs: NOW_MS, order: { ...resource("processing"), retryAfterMs } }),
      NOW_MS,
    );
  assert.deepEqual(polled(3000), { kind: "poll", atMs: NOW_MS + 3000 });
  assert.deepEqual(polled(86_400_000), { kind: "poll", atMs: NOW_MS + 300_000 });
});

test("nextStep() asks less and less often while nothing changes", () => {
  let order: AcmeOrder = advance(NEW, seen("processing"));
  const delays: number[] = [];
  for (let poll = 0; poll < 8; poll++) {
    const step = nextStep(order, NOW_MS);
    assert.ok(step.kind === "poll");
    delays.push(step.atMs - NOW_MS);
    order = advance(order, seen("processing"));
  }
  assert.deepEqual(delays, [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
});

test("nextStep() gives up when a state lasts too long or the order expired", () => {
  const order = advance(NEW, seen("processing"));
  const late = nextStep(order, NOW_MS + STATE_DURATION_MAX_MS);
  assert.ok(late.kind === "failed" && /stayed processing for 15 minutes/.test(late.problem.detail));
  const expiring = advance(NEW, {
    kind: "orderSeen",
    nowMs: NOW_MS,
    order: { ...resource("ready"), expires: "2026-11-24T08:00:01Z" },
  });
  const expired = nextStep(expiring, NOW_MS + 1000);
  assert.ok(expired.kind === "failed" && /expired on 2026-11-24T08:00:01/.test(expired.problem.detail));
});

test("advance() survives being stored as JSON between any two steps, and never leaves an end state", () => {
  const event = fc.oneof(
    fc.constantFrom("pending", "ready", "processing", "valid", "invalid", "odd").map(seen),
    fc.constantFrom("pending", "valid", "invalid", "expired").map((status) => authorizations(status)),
    fc.constant<OrderEvent>({ kind: "challengesAccepted", urls: [CHALLENGE_URL], nowMs: NOW_MS }),
    fc.constant<OrderEvent>({ kind: "downloaded", chain: "PEM" }),
    fc.constant<OrderEvent>({ kind: "refused", problem: { type: "about:blank", detail: "no", status: 400 } }),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 12 }), (events) => {
      let order: AcmeOrder = NEW;
      for (const next of events) {
        const before: AcmeOrder = order;
        order = advance(order, next);
        assert.deepEqual(JSON.parse(JSON.stringify(order)), order);
        if (before.state === "issued" || before.state === "invalid") assert.equal(order, before);
        nextStep(order, NOW_MS);
      }
    }),
  );
});

function pending(): AcmeOrder {
  return advance(advance(NEW, seen("pending")), authorizations("pending"));
}

function resource(status: string): AcmeOrderResource {
  return {
    url: ORDER_URL,
    status,
    finalize: `${ORDER_URL}/finalize`,
    authorizations: [AUTHORIZATION_URL],
    identifiers: [],
    ...(status === "valid" ? { certificate: "https://ca/cert/1" } : {}),
  };
}

function seen(status: string): OrderEvent {
  return { kind: "orderSeen", order: resource(status), nowMs: NOW_MS };
}

function authorization(status: string): AcmeAuthorization {
  return {
    url: AUTHORIZATION_URL,
    status,
    identifier: { type: "dns", value: "shop.example" },
    wildcard: false,
    challenges: [{ url: CHALLENGE_URL, type: "http-01", token: "tok", status }],
  };
}

function authorizations(status: string, error?: { type: string; detail: string; status: number }): OrderEvent {
  const entry = authorization(status);
  const challenges = entry.challenges.map((challenge) => ({ ...challenge, ...(error === undefined ? {} : { error }) }));
  return { kind: "authorizationsSeen", nowMs: NOW_MS, authorizations: [{ ...entry, challenges }] };
}
