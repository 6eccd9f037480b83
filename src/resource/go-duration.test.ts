import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { formatGoDuration, parseGoDuration } from "./go-duration.ts";

describe("parseGoDuration()", () => {
  for (const [text, ms] of [
    ["2160h", 7_776_000_000],
    ["1h30m", 5_400_000],
    ["1.5h", 5_400_000],
    ["100ms", 100],
    ["-5m", -300_000],
    ["0", 0],
    ["1h0m0s", 3_600_000],
  ] as const) {
    it(`reads ${text}`, () => assert.equal(parseGoDuration(text), ms));
  }

  for (const text of ["", "90d", "1", "h", "1h 30m", "1h30", "--1h", "1e3s"]) {
    it(`refuses "${text}"`, () => assert.equal(parseGoDuration(text), undefined));
  }
});

describe("formatGoDuration()", () => {
  it("writes what parseGoDuration() reads, for any whole number of seconds", () => {
    fc.assert(
      fc.property(fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }), (seconds) => {
        assert.equal(parseGoDuration(formatGoDuration(seconds * 1000)), seconds * 1000);
      }),
    );
  });

  it("writes it as Kubernetes does", () => {
    assert.equal(formatGoDuration(7_776_000_000), "2160h0m0s");
    assert.equal(formatGoDuration(90_000), "1m30s");
  });
});
