import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBool, parseCount, parseSeconds, parseSize } from "./annotation-value.ts";

const SIZES: readonly (readonly [string, number | undefined])[] = [
  ["0", 0],
  ["1024", 1024],
  ["8m", 8_388_608],
  ["8M", 8_388_608],
  ["1k", 1024],
  ["2g", 2_147_483_648],
  ["7b", 7],
  ["8mb", undefined],
  ["-1", undefined],
  ["1.5m", undefined],
  ["", undefined],
  ["9999999999", undefined],
];
for (const [text, bytes] of SIZES) {
  test(`parseSize() gives ${bytes} when given "${text}"`, () => assert.equal(parseSize(text), bytes));
}

test("parseSeconds() gives milliseconds for whole seconds from one to a year", () => {
  assert.deepEqual(["1", "3600", "31536000"].map(parseSeconds), [1000, 3_600_000, 31_536_000_000]);
  assert.deepEqual(
    ["0", "60s", "-1", "1.5", "31536001", ""].map(parseSeconds),
    Array.from({ length: 6 }, () => undefined),
  );
});

test("parseBool() reads what Go reads", () => {
  assert.deepEqual(["1", "t", "TRUE", "True", "0", "f", "false"].map(parseBool), [
    true,
    true,
    true,
    true,
    false,
    false,
    false,
  ]);
  assert.deepEqual(["yes", "on", "tRUE", ""].map(parseBool), [undefined, undefined, undefined, undefined]);
});

test("parseCount() takes digits only", () => {
  assert.deepEqual(["0", "12", "1e3", " 1", "9".repeat(16)].map(parseCount), [0, 12, undefined, undefined, undefined]);
});
