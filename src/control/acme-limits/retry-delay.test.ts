import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { problemOf } from "../testing.ts";
import { failureAnnotations, failureNote, failureOf, type FailureCause } from "./failure-cause.ts";
import { retryAtMs } from "./retry-delay.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const CAUSES: readonly FailureCause[] = [
  "dns",
  "connection",
  "unauthorized",
  "tls",
  "caa",
  "rateLimited",
  "orderGone",
  "serverInternal",
  "refused",
];

describe("retryAtMs()", () => {
  for (const [cause, first, tenth] of [
    ["dns", 15 * MINUTE, 6 * HOUR],
    ["connection", 15 * MINUTE, 6 * HOUR],
    ["unauthorized", 15 * MINUTE, 6 * HOUR],
    ["caa", 15 * MINUTE, 6 * HOUR],
    ["serverInternal", 5 * MINUTE, 6 * HOUR],
    ["orderGone", MINUTE, HOUR],
    ["rateLimited", HOUR, 32 * HOUR],
    ["refused", HOUR, 32 * HOUR],
  ] as const) {
    it(`waits ${String(first / MINUTE)} minutes after the first ${cause} and ${String(tenth / HOUR)} hours after the tenth`, () => {
      assert.equal(retryAtMs(0, 1, { cause }), first);
      assert.equal(retryAtMs(0, 10, { cause }), tenth);
    });
  }

  it("waits as cert-manager does when nothing is known of the cause", () => {
    assert.deepEqual(
      [1, 2, 3, 6, 9].map((attempts) => retryAtMs(0, attempts, undefined) / HOUR),
      [1, 2, 4, 32, 32],
    );
  });

  it("obeys the CA's moment: exactly for a limit, no sooner than its own for others, and not for ever", () => {
    assert.equal(retryAtMs(0, 5, { cause: "rateLimited", notBeforeMs: 7 * MINUTE }), 7 * MINUTE);
    assert.equal(retryAtMs(0, 1, { cause: "connection", notBeforeMs: 7 * MINUTE }), 15 * MINUTE);
    assert.equal(retryAtMs(0, 1, { cause: "connection", notBeforeMs: 9 * HOUR }), 9 * HOUR);
    assert.equal(retryAtMs(0, 1, { cause: "rateLimited", notBeforeMs: 400 * 24 * HOUR }), 8 * 24 * HOUR);
  });

  it("never makes more than five attempts an hour where validation fails, over ten days", () => {
    for (const cause of CAUSES.slice(0, 5)) {
      const attempts = [0];
      for (let count = 1; count < 60; count++) attempts.push(retryAtMs(attempts.at(-1) ?? 0, count, { cause }));
      for (const atMs of attempts)
        assert.ok(attempts.filter((other) => other >= atMs && other < atMs + HOUR).length <= 5, cause);
    }
  });
});

describe("failureNote()", () => {
  it("tells what failed, and when the CA may be asked again", () => {
    assert.deepEqual(failureNote(problemOf("dns", "no such host"), 0), { cause: "dns" });
    assert.deepEqual(failureNote(problemOf("badCSR", "weak"), 0), { cause: "refused" });
    assert.deepEqual(failureNote(problemOf("invented", "?"), 0), { cause: "refused" });
    const limited = { ...problemOf("rateLimited", "slow down"), retryAfterMs: 5000 };
    assert.deepEqual(failureNote(limited, 1000), { cause: "rateLimited", notBeforeMs: 6000 });
    const told = problemOf("rateLimited", "too many certificates: retry after 2026-02-01 12:00:00 UTC: see the docs");
    assert.deepEqual(failureNote(told, Date.UTC(2026, 0, 30)), {
      cause: "rateLimited",
      notBeforeMs: Date.UTC(2026, 1, 1, 12),
    });
  });

  it("survives in annotations", () => {
    for (const cause of CAUSES) {
      const note = { cause, notBeforeMs: Date.UTC(2026, 1, 1) };
      const object = { apiVersion: "v1", kind: "X", metadata: { name: "x", annotations: failureAnnotations(note) } };
      assert.deepEqual(failureOf(object), note);
    }
    assert.equal(failureOf({ apiVersion: "v1", kind: "X", metadata: { name: "x" } }), undefined);
  });
});
