import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readChallenge } from "../../resource/challenge.ts";
import { CHALLENGE } from "../../resource/kind.ts";
import { make } from "../testing.ts";
import {
  decide,
  pollDelayMs,
  PROCESSING_MAX,
  VALIDATION_MS_MAX,
  type ChallengeFacts,
  type ChallengeStep,
} from "./decide.ts";

const NOW = 1_000_000;

function step(
  status: Readonly<Record<string, unknown>>,
  change: Partial<ChallengeFacts> & { readonly type?: string; readonly deleted?: boolean } = {},
): ChallengeStep {
  const { type = "HTTP-01", deleted = false, ...rest } = change;
  const metadata = deleted ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {};
  const object = make(CHALLENGE, "c", { spec: { type, dnsName: "shop.example" }, status }, metadata);
  const memory = { acceptedAtMs: undefined, polls: 0, pollAtMs: 0 };
  return decide({ nowMs: NOW, challenge: readChallenge(object), processingElsewhere: 0, memory, ...rest });
}

describe("challenges decide()", () => {
  it("starts a new challenge, and lets it wait when too many are worked on", () => {
    assert.equal(step({}).kind, "start");
    assert.equal(step({}, { processingElsewhere: PROCESSING_MAX }).kind, "queue");
  });

  it("presents before it accepts, also when an earlier process had presented it", () => {
    assert.equal(step({ processing: true, state: "pending" }).kind, "present");
    assert.equal(step({ processing: true, presented: true, state: "pending" }).kind, "present");
  });

  it("polls once the CA was told, and gives up after a quarter of an hour", () => {
    const status = { processing: true, presented: true, state: "pending" };
    const memory = { acceptedAtMs: NOW - 1000, polls: 3, pollAtMs: NOW + 10 };
    assert.deepEqual(step(status, { memory }), { kind: "poll", atMs: NOW + 10 });
    const late = { ...memory, acceptedAtMs: NOW - VALIDATION_MS_MAX };
    assert.equal(step(status, { memory: late }).kind, "giveUp");
  });

  it("finishes what has ended and releases what is deleted", () => {
    assert.equal(step({ state: "valid", processing: true }).kind, "finish");
    assert.equal(step({ state: "pending", processing: true }, { deleted: true }).kind, "release");
  });

  it("refuses a type that it does not know", () => {
    const refused = step({}, { type: "OTHER-01" });
    assert.match(refused.kind === "refuse" ? refused.reason : "", /the type of the challenge is unknown/);
  });
});

describe("pollDelayMs()", () => {
  it("begins quickly and slows down to five seconds", () => {
    assert.equal(pollDelayMs(0, undefined), 50);
    assert.ok(pollDelayMs(3, undefined) > pollDelayMs(2, undefined));
    assert.equal(pollDelayMs(1000, undefined), 5000);
  });

  it("does what the CA asks, up to five minutes", () => {
    assert.equal(pollDelayMs(0, 3000), 3000);
    assert.equal(pollDelayMs(0, 86_400_000), 300_000);
  });
});
