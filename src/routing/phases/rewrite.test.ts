import assert from "node:assert/strict";
import { test } from "node:test";
import { rewriteTarget } from "./rewrite.ts";

const cases: readonly (readonly [string, string, string, string, string])[] = [
  // pattern, target, path, query, expected
  ["/something(/|$)(.*)", "/$2", "/something", "", "/"],
  ["/something(/|$)(.*)", "/$2", "/something/", "", "/"],
  ["/something(/|$)(.*)", "/$2", "/something/new", "a=1", "/new?a=1"],
  ["/foo", "/", "/foo/bar", "", "/"],
  ["/foo", "/bar", "/FOO", "", "/bar"],
  ["/v([0-9])/(.*)", "/api?version=$1", "/v2/x", "", "/api?version=2"],
  ["/v([0-9])/(.*)", "/api?version=$1", "/v2/x", "q=1", "/api?version=2&q=1"],
  ["/foo", "/bar?", "/foo", "q=1", "/bar"],
  ["/(.*)", "$1", "/x/y", "", "/x/y"],
  ["/a", "/$3", "/a", "", "/"],
  ["/other", "/x", "/foo", "q=1", "/foo?q=1"],
];

for (const [pattern, target, path, query, expected] of cases) {
  test(`rewriteTarget() asks for "${expected}" when "${path}?${query}" meets ${pattern} and ${target}`, () => {
    assert.equal(rewriteTarget({ pattern, target }, path, query), expected);
  });
}
