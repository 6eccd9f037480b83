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

  for (const selector of ["app in", "a b c", "=x", "app in (a", "-a=b"]) {
    it(`throws BadRequest when the selector is "${selector}"`, () => {
      assert.throws(() => parseLabelSelector(selector), /unable to parse requirement/);
    });
  }
});
