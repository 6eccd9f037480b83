import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { FieldSet } from "./field-set.ts";
import {
  LEAF,
  NO_FIELDS,
  difference,
  fieldSet,
  intersection,
  parseFieldsV1,
  pathsOf,
  toFieldsV1,
  union,
} from "./field-set.ts";

const FIELDS = {
  "f:metadata": { "f:annotations": { ".": {}, "f:a": {} } },
  "f:spec": { "f:ports": { 'k:{"port":80,"protocol":"TCP"}': { ".": {}, "f:port": {} } } },
};

test("parseFieldsV1() and toFieldsV1() keep a set as it is", () => {
  assert.deepEqual(toFieldsV1(parseFieldsV1(FIELDS)), FIELDS);
});

test("parseFieldsV1() takes the keys of an item in any order", () => {
  const other = { "f:ports": { 'k:{"protocol": "TCP", "port": 80}': {} } };
  assert.deepEqual(toFieldsV1(parseFieldsV1(other)), { "f:ports": { 'k:{"port":80,"protocol":"TCP"}': {} } });
});

test("parseFieldsV1() reads what is no set as the empty one", () => {
  for (const value of [undefined, null, 1, "f:a", [], {}]) assert.deepEqual(toFieldsV1(parseFieldsV1(value)), {});
});

test("pathsOf() names members in the words of conflict messages", () => {
  assert.deepEqual(pathsOf(parseFieldsV1(FIELDS)), [
    ".metadata.annotations",
    ".metadata.annotations.a",
    '.spec.ports[port=80,protocol="TCP"]',
    '.spec.ports[port=80,protocol="TCP"].port',
  ]);
  assert.deepEqual(pathsOf(parseFieldsV1({ "f:finalizers": { 'v:"a/b"': {} } })), ['.finalizers[="a/b"]']);
});

const sets: fc.Arbitrary<FieldSet> = fc.letrec<{ set: FieldSet; node: FieldSet }>((tie) => ({
  set: fc.oneof({ maxDepth: 3 }, fc.constantFrom<FieldSet>(NO_FIELDS, LEAF), tie("node")),
  node: fc
    .tuple(fc.boolean(), fc.array(fc.tuple(fc.constantFrom("f:a", "f:b", "f:c"), tie("set")), { maxLength: 3 }))
    .map(([isMember, children]) => fieldSet(isMember, children)),
})).set;

test("union(), intersection() and difference() take any set apart and put it together again", () => {
  fc.assert(
    fc.property(sets, sets, (left, right) => {
      const common = intersection(left, right);
      assert.deepEqual(toFieldsV1(union(difference(left, right), common)), toFieldsV1(left));
      assert.deepEqual(toFieldsV1(intersection(right, difference(left, right))), {});
      assert.deepEqual(toFieldsV1(union(left, right)), toFieldsV1(union(right, left)));
    }),
  );
});
