import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseJsonPath } from "./json-path.ts";

const OBJECT = {
  spec: { names: ["a", "b", "c", "d"], "a.b/c": 1, nested: { name: "inner" } },
  status: {
    conditions: [
      { type: "Ready", status: "True", code: 1 },
      { type: "Live", status: "False", code: 5 },
    ],
  },
};

describe("parseJsonPath()", () => {
  const found: readonly [path: string, values: readonly unknown[]][] = [
    [".spec.names", [["a", "b", "c", "d"]]],
    [".spec.names[0]", ["a"]],
    [".spec.names[-1]", ["d"]],
    [".spec.names[9]", []],
    [".spec.names[1:3]", ["b", "c"]],
    [".spec.names[0,2]", ["a", "c"]],
    [".spec.names[*]", ["a", "b", "c", "d"]],
    [".spec.nested.*", ["inner"]],
    [".spec['a.b/c']", [1]],
    [String.raw`.spec.a\.b/c`, [1]],
    ["..name", ["inner"]],
    ['.status.conditions[?(@.type == "Ready")].status', ["True"]],
    [".status.conditions[?(@.type=='Live')].status", ["False"]],
    [".status.conditions[?(@.code > 2)].type", ["Live"]],
    [".status.conditions[?(@.absent)].type", []],
    [".spec.missing.deeper", []],
  ];
  for (const [path, values] of found) {
    it(`finds ${JSON.stringify(values)} when asked for ${path}`, () => {
      assert.deepEqual(parseJsonPath(path)?.(OBJECT), values);
    });
  }

  it("refuses what is no path", () => {
    for (const text of ["spec", ".spec[", ".spec.[?(@.a", ".a b", ".spec[x]", ".a{}"]) {
      assert.equal(parseJsonPath(text), undefined, text);
    }
  });

  it("returns within bounds when a path fans out", () => {
    let deep: unknown = { x: 1 };
    for (let level = 0; level < 8; level += 1) deep = Array.from({ length: 8 }, () => deep);
    assert.ok((parseJsonPath("..x")?.(deep).length ?? 0) <= 10_000);
  });
});
