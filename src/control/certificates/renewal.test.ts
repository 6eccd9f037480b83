import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readRenewal } from "../../resource/renewal-wish.ts";
import { renewalPlan } from "./renewal.ts";

const DAY = 86_400_000;
const HOUR = 3_600_000;
const START = Date.UTC(2026, 0, 1);
/** Ninety days; two thirds are over on 2 March. */
const LIFE = { notBeforeMs: START, notAfterMs: START + 90 * DAY, fingerprintSha256: "80000000" };

function plan(
  windows: readonly Readonly<Record<string, string>>[],
  more: { readonly now?: number; readonly ari?: { startMs: number; endMs: number }; readonly life?: typeof LIFE } = {},
): string {
  const problems: string[] = [];
  const renewal = readRenewal({ renewal: { policy: "RenewBefore", windows } }, problems);
  assert.deepEqual(problems, []);
  const wishes = { renewBeforeMs: undefined, renewBeforePercentage: undefined, renewal };
  const { atMs, missesWindows } = renewalPlan(more.life ?? LIFE, wishes, {
    ari: more.ari,
    nowMs: more.now ?? START,
  });
  return `${atMs === undefined ? "never" : new Date(atMs).toISOString().slice(0, 16)}${missesWindows ? " outside" : ""}`;
}

const NIGHTS = { cron: "0 2 * * *", windowDuration: "2h" };
const SUNDAYS = { cron: "0 22 * * sun", windowDuration: "4h", timezone: "America/Denver" };

describe("renewalPlan()", () => {
  it("never renews when the policy is Disabled", () => {
    const renewal = readRenewal({ renewal: { policy: "Disabled" } }, []);
    const wishes = { renewBeforeMs: DAY, renewBeforePercentage: undefined, renewal };
    assert.deepEqual(renewalPlan(LIFE, wishes, { ari: undefined, nowMs: START + 100 * DAY }), {
      atMs: undefined,
      missesWindows: false,
    });
  });

  it("renews after two thirds without windows", () => assert.equal(plan([]), "2026-03-02T00:00"));

  it("waits for the next window", () => {
    assert.equal(plan([NIGHTS]), "2026-03-02T02:00");
    assert.equal(plan([SUNDAYS]), "2026-03-02T05:00");
  });

  it("renews at the desired time when a window is open then", () => {
    assert.equal(plan([{ cron: "0 23 * * *", windowDuration: "2h" }]), "2026-03-02T00:00");
  });

  it("takes the window that opens first", () => assert.equal(plan([SUNDAYS, NIGHTS]), "2026-03-02T02:00"));

  it("applies windows to the time that the CA suggests as well", () => {
    const ari = { startMs: START + 10 * DAY, endMs: START + 12 * DAY };
    assert.equal(plan([NIGHTS], { ari }), "2026-01-12T02:00");
  });

  it("renews at once while the window is open, and waits for the next one after it closed", () => {
    const due = START + 60 * DAY;
    assert.equal(plan([NIGHTS], { now: due + 3 * HOUR }), "2026-03-02T02:00");
    assert.equal(plan([NIGHTS], { now: due + 5 * HOUR }), "2026-03-03T02:00");
  });

  it("takes a window before the desired time when the next one comes too late", () => {
    assert.equal(plan([{ cron: "0 2 15 2 *", windowDuration: "2h" }]), "2026-02-15T02:00");
  });

  it("renews outside of the windows when none opens while it matters", () => {
    assert.equal(plan([{ cron: "0 2 24 12 *", windowDuration: "2h" }]), "2026-03-02T00:00 outside");
    // In the first third: a new certificate would be due in the same window again.
    assert.equal(plan([{ cron: "0 2 3 1 *", windowDuration: "2h" }]), "2026-03-02T00:00 outside");
  });

  it("does not let a certificate expire for the next window", () => {
    const now = START + 89 * DAY + 23 * HOUR;
    assert.equal(plan([NIGHTS], { now }), "2026-03-02T02:00 outside");
  });
});
