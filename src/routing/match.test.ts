import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { lookupHost, match, pathMatches, wildcardKey, type Match } from "./match.ts";
import type { PathMatch } from "./snapshot.ts";
import { testRoute, testSnapshot } from "./testing.ts";

const exact = (value: string): PathMatch => ({ type: "exact", value });
const prefix = (value: string): PathMatch => ({ type: "prefix", value });

function routeOf(result: Match): string {
  return result.kind === "route" ? result.route.id : result.reason;
}

describe("match() by path", () => {
  const cases: readonly (readonly [PathMatch, string, boolean])[] = [
    [exact("/foo"), "/foo", true],
    [exact("/foo"), "/foo/", false],
    [exact("/foo/"), "/foo", false],
    [exact("/foo"), "/FOO", false],
    [exact("/foo"), "/bar", false],
    [prefix("/foo"), "/foo", true],
    [prefix("/foo"), "/foo/", true],
    [prefix("/foo"), "/FOO", false],
    [prefix("/foo"), "/foo/bar", true],
    [prefix("/foo"), "/foobar", false],
    [prefix("/aaa/bbb/"), "/aaa/bbb", true],
    [prefix("/aaa/bbb/"), "/aaa/bbb/ccc", true],
    [prefix("/aaa/bbb"), "/aaa/bbbxyz", false],
    [prefix("/aaa/bbb"), "/aaa", false],
    [prefix("/"), "/", true],
    [prefix("/"), "/anything/at/all", true],
    [{ type: "regex", value: "/v[0-9]+/", ignoreCase: false }, "/v2/x", true],
    [{ type: "regex", value: "/v[0-9]+/", ignoreCase: false }, "/x/v2/", false],
    [{ type: "regex", value: "/a|/b", ignoreCase: false }, "/x/b", false],
    [{ type: "regex", value: "/API", ignoreCase: true }, "/api/x", true],
    [{ type: "regex", value: "/API", ignoreCase: false }, "/api/x", false],
    [{ type: "regex", value: "/(", ignoreCase: false }, "/(", false],
  ];
  for (const [path, request, expected] of cases) {
    test(`match() ${expected ? "takes" : "refuses"} "${request}" when the rule is ${path.type} "${path.value}"`, () => {
      const snapshot = testSnapshot({ "shop.example": [testRoute("r", path)] });
      assert.equal(match(snapshot, "shop.example", request).kind === "route", expected);
      assert.equal(pathMatches(path, request), expected);
    });
  }

  test("match() takes the first of the list when several match", () => {
    const snapshot = testSnapshot({
      "shop.example": [testRoute("first", prefix("/a")), testRoute("second", prefix("/"))],
    });
    assert.equal(routeOf(match(snapshot, "shop.example", "/a/b")), "first");
    assert.equal(routeOf(match(snapshot, "shop.example", "/b")), "second");
  });

  test("pathMatches() agrees with element-wise comparison for any prefix", () => {
    const element = fc.stringMatching(/^[a-c]{1,3}$/);
    const elements = fc.array(element, { maxLength: 4 });
    fc.assert(
      fc.property(elements, elements, fc.boolean(), (rule, request, slash) => {
        const expected = rule.every((part, index) => request[index] === part);
        const value = `/${rule.join("/")}${slash && rule.length > 0 ? "/" : ""}`;
        assert.equal(pathMatches(prefix(value), `/${request.join("/")}`), expected);
      }),
    );
  });
});

describe("match() by host", () => {
  const snapshot = testSnapshot({
    "shop.example": [testRoute("exact", prefix("/shop"))],
    "*.example": [testRoute("wild", prefix("/wild"))],
    "*": [testRoute("any", prefix("/any"))],
  });

  test("match() prefers the exact host over the wildcard and the wildcard over any", () => {
    const all = prefix("/");
    const three = testSnapshot({
      "shop.example": [testRoute("exact", all)],
      "*.example": [testRoute("wild", all)],
      "*": [testRoute("any", all)],
    });
    assert.equal(routeOf(match(three, "shop.example", "/")), "exact");
    assert.equal(routeOf(match(three, "other.example", "/")), "wild");
    assert.equal(routeOf(match(three, "other.test", "/")), "any");
  });

  test("match() falls through to the wildcard and to any when the closer host has no such path", () => {
    assert.equal(routeOf(match(snapshot, "shop.example", "/wild/x")), "wild");
    assert.equal(routeOf(match(snapshot, "shop.example", "/any")), "any");
  });

  test("match() lets a wildcard cover exactly one label", () => {
    assert.equal(match(snapshot, "a.b.example", "/wild").kind, "none");
    assert.equal(match(snapshot, "example", "/wild").kind, "none");
    assert.equal(match(snapshot, ".example", "/wild").kind, "none");
    assert.equal(routeOf(match(snapshot, "a.example", "/wild")), "wild");
  });

  test("match() serves only any-host routes when the request has no host", () => {
    assert.equal(routeOf(match(snapshot, "", "/any")), "any");
    assert.equal(match(snapshot, "", "/wild").kind, "none");
  });

  test("match() tells an unknown path from an unknown host", () => {
    const one = testSnapshot({ "shop.example": [testRoute("r", prefix("/r"))] });
    assert.equal(routeOf(match(one, "shop.example", "/x")), "No rule of this host matches the path");
    assert.equal(routeOf(match(one, "other.example", "/r")), "No rule names this host and there is no default backend");
  });

  test("match() returns the same answer object for repeated requests", () => {
    assert.equal(match(snapshot, "shop.example", "/shop"), match(snapshot, "shop.example", "/shop/2"));
    assert.equal(match(snapshot, "x.example", "/wild"), match(snapshot, "y.example", "/wild"));
  });

  test("match() notes every rule it tried, in order, when traced", () => {
    const notes: string[] = [];
    match(snapshot, "shop.example", "/wild", { note: (text) => notes.push(text) });
    assert.deepEqual(notes, [
      'Host "shop.example": prefix "/shop" of exact does not match "/wild"',
      'Host "*.example": prefix "/wild" of wild matches "/wild"',
    ]);
  });

  test("match() gives the same answer with and without a trace", () => {
    const label = fc.constantFrom("shop", "a", "b", "example", "");
    fc.assert(
      fc.property(fc.array(label, { maxLength: 3 }), fc.constantFrom("/shop", "/wild", "/any", "/"), (labels, path) => {
        const host = labels.join(".");
        assert.equal(match(snapshot, host, path), match(snapshot, host, path, { note: () => {} }));
      }),
    );
  });
});

test("wildcardKey() replaces the first label and is empty for a single one", () => {
  assert.equal(wildcardKey("a.b.c"), "*.b.c");
  assert.equal(wildcardKey("a"), "");
  assert.equal(wildcardKey(""), "");
  assert.equal(wildcardKey(".b"), "");
});

test("lookupHost() returns the closest key", () => {
  const map = new Map([
    ["a.example", 1],
    ["*.example", 2],
    ["*", 3],
  ]);
  assert.deepEqual(
    ["a.example", "b.example", "a.b.example", "x", ""].map((host) => lookupHost(map, host)),
    [1, 2, 3, 3, 3],
  );
});
