import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isRecord, jsonEqual } from "../../ground/json.ts";
import { applyMergePatch } from "./merge-patch.ts";

// RFC 7386 appendix A: target, patch, result.
const CASES: readonly (readonly [unknown, unknown, unknown])[] = [
  [{ a: "b" }, { a: "c" }, { a: "c" }],
  [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
  [{ a: "b" }, { a: null }, {}],
  [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
  [{ a: ["b"] }, { a: "c" }, { a: "c" }],
  [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
  [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
  [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
  [
    ["a", "b"],
    ["c", "d"],
    ["c", "d"],
  ],
  [{ a: "b" }, ["c"], ["c"]],
  [{ a: "foo" }, null, null],
  [{ a: "foo" }, "bar", "bar"],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: "b", c: null }, { a: "b" }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

test("applyMergePatch() gives the results of RFC 7386 appendix A", () => {
  for (const [target, patch, result] of CASES) assert.deepEqual(applyMergePatch(target, patch), result);
});

/** The merge patch that turns `before` into `after`; possible while `after` has no nulls. */
function diff(before: unknown, after: unknown): unknown {
  if (!isRecord(before) || !isRecord(after)) return after;
  const entries: [string, unknown][] = [];
  for (const name of Object.keys(before)) if (!Object.hasOwn(after, name)) entries.push([name, null]);
  for (const [name, value] of Object.entries(after)) {
    const old = Object.hasOwn(before, name) ? before[name] : undefined;
    if (!jsonEqual(old, value)) entries.push([name, diff(old, value)]);
  }
  return Object.fromEntries(entries);
}

const document = fc.letrec<{ value: unknown; object: Record<string, unknown> }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.string(),
    fc.integer(),
    fc.boolean(),
    tie("object"),
    fc.array(fc.integer()),
  ),
  object: fc.dictionary(fc.constantFrom("a", "b", "c", "__proto__", "constructor"), tie("value")),
})).object;

test("applyMergePatch() reproduces any document from the difference to it", () => {
  fc.assert(
    fc.property(document, document, (before, after) => {
      assert.ok(jsonEqual(applyMergePatch(before, diff(before, after)), after));
    }),
  );
});
