import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseStrictJson } from "./strict-json.ts";

test("parseStrictJson() reports the fields that are there twice, as paths", () => {
  const text = '{"spec":{"rules":[{"host":"a","host":"b"}],"rules":[]},"a":{"x":1},"b":{"x":1},"a":2}';
  const { value, duplicates } = parseStrictJson(text);
  assert.deepEqual(value, { spec: { rules: [] }, a: 2, b: { x: 1 } });
  assert.deepEqual(duplicates, ["spec.rules[0].host", "spec.rules", "a"]);
});

test("parseStrictJson() sees through escapes in names and structure inside strings", () => {
  assert.deepEqual(parseStrictJson('{"a":"{\\"a\\":1","\\u0061":2}').duplicates, ["a"]);
  assert.deepEqual(parseStrictJson('{"a":"}],\\\\","b":[1,{"c":"\\""}]}').duplicates, []);
});

test("parseStrictJson() agrees with JSON.parse on any document", () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const { value, duplicates } = parseStrictJson(text);
      assert.deepEqual(value, JSON.parse(text));
      assert.deepEqual(duplicates, []);
    }),
  );
});

test("parseStrictJson() refuses text that is not JSON and nesting without end", () => {
  assert.throws(() => parseStrictJson('{"a":'), SyntaxError);
  assert.throws(() => parseStrictJson("[".repeat(1000) + "]".repeat(1000)), SyntaxError);
});
