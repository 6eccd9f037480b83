import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRetryAfter } from "./retry-after.ts";

const NOW_MS = Date.UTC(2026, 10, 24, 8);

test("parseRetryAfter() reads seconds and dates", () => {
  assert.equal(parseRetryAfter("120", NOW_MS), 120_000);
  assert.equal(parseRetryAfter(" 0 ", NOW_MS), 0);
  assert.equal(parseRetryAfter("Tue, 24 Nov 2026 08:01:00 GMT", NOW_MS), 60_000);
});

test("parseRetryAfter() takes a date that has passed for now", () => {
  assert.equal(parseRetryAfter("Tue, 24 Nov 2026 07:00:00 GMT", NOW_MS), 0);
});

test("parseRetryAfter() ignores what is neither", () => {
  for (const header of [undefined, "", "-1", "1.5", "soon", "2026-11-24T08:01:00Z", "99999999999"]) {
    assert.equal(parseRetryAfter(header, NOW_MS), undefined);
  }
});
