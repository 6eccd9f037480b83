import assert from "node:assert/strict";
import { test } from "node:test";
import { regexFault } from "./regex-guard.ts";

const GOOD = [
  "/",
  "/foo",
  "/something(/|$)(.*)",
  "/api/v[0-9]+/(.*)",
  "/api/([^/]+)/items/([^/]+)/(.*)",
  "/(foo|bar)/?(.*)",
  "/v\\d+\\.json$",
  "/foo.bar",
  "/(?:a|b)?/x",
  "/[a-z]{1,8}/x",
  "/a/(.*)/b",
  "/path?x",
];
for (const source of GOOD) {
  test(`regexFault() accepts ${source}`, () => assert.equal(regexFault(source), undefined));
}

const BAD: readonly (readonly [string, RegExp])[] = [
  ["/(", /not a regular expression/],
  ["/(a+)+$", /repeats a group/],
  ["/(a|a)*$", /repeats a group/],
  ["/((a*)b?)*$", /repeats a group/],
  ["/(a{1,30}){1,30}$", /repeats a group/],
  ["/a{100}", /more than 64 times/],
  ["/.*.*.*x", /several wildcards/],
  ["/(.*)/(.*)/(.*)", /several wildcards/],
  ["/(?=a)", /neither/],
  ["/(?i)foo", /not a regular expression/],
  ["/(a)\\1", /back-reference/],
  ["/[[:alpha:]]+", /POSIX/],
  ["/\\Afoo", /not supported/],
  [`/${"a".repeat(2000)}`, /longer/],
];
for (const [source, expected] of BAD) {
  test(`regexFault() refuses ${source.slice(0, 40)}`, () => assert.match(regexFault(source) ?? "accepted", expected));
}

test("regexFault() lets through nothing that is slow on a long path", () => {
  const hostile = `/${"a/".repeat(4000)}!`;
  for (const source of GOOD) {
    // Linear or quadratic in 8,000 characters ends at once; exponential never would.
    assert.equal(typeof RegExp(`^(?:${source})`, "i").test(hostile), "boolean");
  }
});
