import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiStatusError } from "../status.ts";
import { applyJsonPatch } from "./json-patch.ts";

function refusal(target: unknown, patch: unknown): ApiStatusError {
  try {
    applyJsonPatch(target, patch);
  } catch (error) {
    assert.ok(error instanceof ApiStatusError);
    return error;
  }
  throw new assert.AssertionError({ message: "the patch was accepted" });
}

test("applyJsonPatch() adds, removes and replaces members and items", () => {
  const target = { labels: { a: "1" }, ports: [80, 443] };
  const patch = [
    { op: "add", path: "/labels/b", value: "2" },
    { op: "remove", path: "/labels/a" },
    { op: "add", path: "/ports/1", value: 81 },
    { op: "add", path: "/ports/-", value: 444 },
    { op: "replace", path: "/ports/0", value: 8080 },
  ];
  assert.deepEqual(applyJsonPatch(target, patch), { labels: { b: "2" }, ports: [8080, 81, 443, 444] });
  assert.deepEqual(target, { labels: { a: "1" }, ports: [80, 443] });
});

test("applyJsonPatch() moves, copies and tests", () => {
  const patch = [
    { op: "test", path: "/a", value: { b: 1 } },
    { op: "copy", from: "/a", path: "/c" },
    { op: "move", from: "/a/b", path: "/d" },
  ];
  assert.deepEqual(applyJsonPatch({ a: { b: 1 } }, patch), { a: {}, c: { b: 1 }, d: 1 });
});

test("applyJsonPatch() reads escapes in pointers", () => {
  const patch = [{ op: "replace", path: "/annotations/example.com~1a~0b", value: "2" }];
  assert.deepEqual(applyJsonPatch({ annotations: { "example.com/a~b": "1" } }, patch), {
    annotations: { "example.com/a~b": "2" },
  });
});

test("applyJsonPatch() replaces the whole document when the pointer is empty", () => {
  assert.deepEqual(applyJsonPatch({ a: 1 }, [{ op: "replace", path: "", value: { b: 2 } }]), { b: 2 });
});

test("applyJsonPatch() refuses with 422 and names the operation when one fails", () => {
  const failures: readonly (readonly [unknown, RegExp])[] = [
    [{ op: "remove", path: "/b" }, /remove operation does not apply: doc is missing key: \/b/],
    [{ op: "replace", path: "/b", value: 1 }, /doc is missing key: \/b/],
    [{ op: "add", path: "/b/c", value: 1 }, /doc is missing path/],
    [{ op: "add", path: "/list/5", value: 1 }, /invalid index/],
    [{ op: "add", path: "/list/01", value: 1 }, /invalid index/],
    [{ op: "test", path: "/a", value: 2 }, /testing value \/a failed/],
    [{ op: "move", from: "/o", path: "/o/p" }, /into itself/],
  ];
  for (const [operation, cause] of failures) {
    const error = refusal({ a: 1, list: [], o: {} }, [operation]);
    assert.equal(error.httpStatus, 422);
    assert.equal(error.message, "the server rejected our request due to an error in our request");
    assert.match(error.status.details?.causes?.[0]?.message ?? "", cause);
  }
});

test("applyJsonPatch() refuses with 400 what is no patch", () => {
  for (const patch of [{}, [1], [{ op: "add", path: "/a" }], [{ op: "remove" }]]) {
    assert.equal(refusal({}, patch).httpStatus, 400);
  }
});

test("applyJsonPatch() refuses with 422 an operation that there is not", () => {
  const error = refusal({}, [{ op: "frob", path: "/a" }]);
  assert.equal(error.httpStatus, 422);
  assert.match(error.status.details?.causes?.[0]?.message ?? "", /"frob"/);
});

test("applyJsonPatch() refuses more operations than the limit", () => {
  const patch = Array.from({ length: 10_001 }, () => ({ op: "test", path: "/a", value: 1 }));
  assert.equal(refusal({ a: 1 }, patch).httpStatus, 413);
});
