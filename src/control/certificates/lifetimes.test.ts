import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { judgeLifetimes, type LifetimeSubject } from "./lifetimes.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const SPEC: LifetimeSubject["spec"] = {
  renewBeforeMs: undefined,
  renewBeforePercentage: undefined,
  renewal: { policy: "RenewBefore", windows: [] },
  durationMs: undefined,
  commonName: "",
  dnsNames: ["shop.example"],
  ipAddresses: [],
};

function verdicts(spec: Partial<LifetimeSubject["spec"]>, change: Partial<LifetimeSubject> = {}): readonly string[] {
  const subject = {
    spec: { ...SPEC, ...spec },
    renews: true,
    asksForDuration: false,
    startMs: Date.UTC(2027, 0, 1),
    ...change,
  };
  return judgeLifetimes(subject).map(({ verdict }) => verdict);
}

describe("judgeLifetimes()", () => {
  // The lifetimes in their order: 64, 45, 47 and 6 days.
  for (const [when, spec, change, expected] of [
    ["nothing is asked for", {}, {}, ["ok", "ok", "ok", "ok"]],
    ["renewBefore is the 30 days of old", { renewBeforeMs: 30 * DAY }, {}, ["ok", "ok", "ok", "tight"]],
    ["renewBefore is one hour", { renewBeforeMs: HOUR }, {}, ["late", "late", "late", "late"]],
    ["renewBefore is a day and a half", { renewBeforeMs: 36 * HOUR }, {}, ["tight", "tight", "tight", "ok"]],
    ["renewBefore is a percent", { renewBeforePercentage: 1 }, {}, ["tight", "late", "late", "late"]],
    [
      "renewBefore is all but a day of a lifetime",
      { renewBeforeMs: 63 * DAY },
      {},
      ["late", "tight", "tight", "tight"],
    ],
    [
      "a duration is really asked for",
      { durationMs: 90 * DAY },
      { asksForDuration: true },
      ["late", "late", "late", "late"],
    ],
    ["a duration is not sent to the CA", { durationMs: 90 * DAY }, {}, ["ok", "ok", "ok", "ok"]],
    ["renewal is off", { renewal: { policy: "Disabled", windows: [] } }, {}, ["late", "late", "late", "late"]],
    ["nothing renews it", {}, { renews: false }, ["late", "late", "late", "late"]],
    ["it cannot be issued today", {}, { notReady: "no such issuer" }, ["late", "late", "late", "late"]],
  ] as const) {
    it(`says ${expected.join(", ")} when ${when}`, () => assert.deepEqual(verdicts(spec, change), expected));
  }

  it("says what to change, in numbers of that lifetime", () => {
    const [first] = judgeLifetimes({
      spec: { ...SPEC, renewBeforeMs: HOUR },
      renews: true,
      asksForDuration: false,
      startMs: 0,
    });
    assert.equal(first?.lifetime.from, "2027-02-10");
    assert.equal(
      first?.message,
      "Only 1 hour would be left for a renewal; remove renewBefore, or lengthen it to 21 days",
    );
  });
});
