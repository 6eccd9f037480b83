import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRuleHost } from "./hostname.ts";

const GOOD: readonly (readonly [string, string])[] = [
  ["shop.example", "shop.example"],
  ["Shop.EXAMPLE.", "shop.example"],
  ["*.shop.example", "*.shop.example"],
  ["localhost", "localhost"],
  ["xn--bcher-kva.example", "xn--bcher-kva.example"],
  ["1.example", "1.example"],
];
for (const [text, expected] of GOOD) {
  test(`parseRuleHost() gives ${expected} when given "${text}"`, () =>
    assert.deepEqual(parseRuleHost(text), { host: expected }));
}

const BAD: readonly (readonly [string, RegExp])[] = [
  ["", /not a DNS name/],
  ["*", /whole first label/],
  ["*.", /not a DNS name|whole first label/],
  ["a*.example", /whole first label/],
  ["a.*.example", /whole first label/],
  ["*.*.example", /whole first label/],
  ["10.0.0.1", /IP address/],
  ["::1", /IP address/],
  ["shop.example:80", /port/],
  ["-a.example", /not a DNS name/],
  ["a..example", /not a DNS name/],
  ["a_b.example", /not a DNS name/],
  [`${"a".repeat(64)}.example`, /not a DNS name/],
  [`${"a.".repeat(130)}example`, /longer/],
];
for (const [text, expected] of BAD) {
  test(`parseRuleHost() refuses "${text.slice(0, 40)}"`, () => {
    const parsed = parseRuleHost(text);
    assert.match("problem" in parsed ? parsed.problem : "accepted", expected);
  });
}
