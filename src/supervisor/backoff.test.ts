import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RESTART_DELAY_MS_MAX, restartDelayMs } from "./backoff.ts";

test("restartDelayMs() is zero when the process died for the first time", () => {
  assert.equal(restartDelayMs(1), 0);
});

test("restartDelayMs() doubles from a quarter second when deaths follow each other", () => {
  assert.deepEqual([2, 3, 4, 5].map(restartDelayMs), [250, 500, 1000, 2000]);
});

test("restartDelayMs() never shrinks and never exceeds its limit", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000_000 }), (failures) => {
      assert.ok(restartDelayMs(failures) <= restartDelayMs(failures + 1));
      assert.ok(restartDelayMs(failures) <= RESTART_DELAY_MS_MAX);
    }),
  );
});
