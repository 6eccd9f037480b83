import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { age, humanDuration } from "./human-duration.ts";

const S = 1_000;
const M = 60 * S;
const H = 60 * M;
const D = 24 * H;

describe("humanDuration()", () => {
  const cases: readonly [ms: number, text: string][] = [
    [0, "0s"],
    [-1_500, "0s"],
    [-2 * S, "<invalid>"],
    [119 * S, "119s"],
    [2 * M, "2m"],
    [3 * M + 20 * S, "3m20s"],
    [9 * M + 59 * S, "9m59s"],
    [10 * M + 30 * S, "10m"],
    [179 * M, "179m"],
    [3 * H, "3h"],
    [7 * H + 5 * M, "7h5m"],
    [8 * H + 5 * M, "8h"],
    [47 * H, "47h"],
    [50 * H, "2d2h"],
    [8 * D + 5 * H, "8d"],
    [700 * D, "700d"],
    [731 * D, "2y1d"],
    [3_000 * D, "8y"],
  ];
  for (const [ms, text] of cases) {
    it(`says ${text} when ${String(ms)} ms have passed`, () => {
      assert.equal(humanDuration(ms), text);
    });
  }
});

describe("age()", () => {
  it("says <unknown> when there is no time", () => {
    assert.equal(age(undefined, 0), "<unknown>");
    assert.equal(age("yesterday", 0), "<unknown>");
  });

  it("counts from the time when there is one", () => {
    assert.equal(age("2026-01-01T00:00:00Z", Date.UTC(2026, 0, 1, 0, 1)), "60s");
  });
});
