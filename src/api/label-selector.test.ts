import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseLabelSelector } from "./label-selector.ts";

function matches(selector: string, labels: Readonly<Record<string, string>>): boolean {
  const filter = parseLabelSelector(selector);
  assert.ok(filter !== undefined);
  return filter({ apiVersion: "v1", kind: "Service", metadata: { name: "web", labels } });
}

describe("parseLabelSelector()", () => {
  const cases: readonly [selector: string, labels: Record<string, string>, expected: boolean][] = [
    ["app=web", { app: "web" }, true],
    ["app==web", { app: "api" }, false],
    ["app!=web", {}, true],
    ["app!=web", { app: "web" }, false],
    ["app in (web, api)", { app: "api" }, true],
    ["app in (web,api),tier=front", { app: "api", tier: "back" }, false],
    ["app notin (web)", {}, true],
    ["app notin (web)", { app: "web" }, false],
    ["app", { app: "" }, true],
    ["!app", { app: "" }, false],
    ["!app", {}, true],
    ["kubernetes.io/service-name=web", { "kubernetes.io/service-name": "web" }, true],
    ["app=", { app: "" }, true],
    ["weight>3", { weight: "10" }, true],
    ["weight<3", { weight: "10" }, false],
    ["constructor", {}, false],
  ];
  for (const [selector, labels, expected] of cases) {
    it(`${expected ? "accepts" : "rejects"} ${JSON.stringify(labels)} when the selector is "${selector}"`, () => {
      assert.equal(matches(selector, labels), expected);
    });
  }

  it("returns undefined when there is nothing to select by", () => {
    assert.equal(parseLabelSelector("  "), undefined);
  });

  const unreadable: readonly [selector: string, message: string][] = [
    ["app==a==b", "found '==', expected: ',' or 'end of string'"],
    ["=x", "found '=', expected: !, identifier, or 'end of string'"],
    ["app,", "found '', expected: identifier after ','"],
    ["!app=b", "found '=', expected: ',' or 'end of string'"],
    ["!", "unable to parse requirement: found '', expected: identifier"],
    ["a b c", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ["app in", "unable to parse requirement: found '' expected: '('"],
    ["app in (a", "unable to parse requirement: found '', expected: ',' or ')'"],
    ["app in (a b)", "unable to parse requirement: found 'b', expected: ',' or ')'"],
    ["app=(a)", "unable to parse requirement: found '(', expected: identifier"],
    [
      "app>x",
      `unable to parse requirement: values[0]: Invalid value: "x": for 'Gt', 'Lt' operators, the value must be an integer`,
    ],
  ];
  for (const [selector, message] of unreadable) {
    it(`throws BadRequest in a real server's words when the selector is "${selector}"`, () => {
      assert.throws(() => parseLabelSelector(selector), { name: "ApiStatusError", message });
    });
  }

  it("throws BadRequest when a key or a value cannot be that of a label", () => {
    assert.throws(
      () => parseLabelSelector("-a=b"),
      /^ApiStatusError: unable to parse requirement: <nil>: Invalid value: "-a": name part/,
    );
    assert.throws(() => parseLabelSelector("a=-b"), /values\[0\]\[a\]: Invalid value: "-b": a valid label must be/);
  });

  it("takes words such as in for keys and values where they can be nothing else", () => {
    assert.equal(matches("in=notin", { in: "notin" }), true);
    assert.equal(matches("a in (in,)", { a: "" }), true);
  });
});
