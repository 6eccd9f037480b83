import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nameWithHash, splitKey } from "./object-name.ts";

describe("nameWithHash()", () => {
  it("appends the 32-bit FNV-1 hash of the JSON in decimal", () => {
    // The hash of the five bytes of "abc" with its quotes, computed by hand from the published prime and offset.
    assert.equal(nameWithHash("web-1", "abc"), "web-1-2797961707");
    assert.equal(nameWithHash("web-1", "abc"), nameWithHash("web-1", "abc"));
    assert.notEqual(nameWithHash("web-1", "abc"), nameWithHash("web-1", "abd"));
  });

  it("cuts long names so that a DNS label is not exceeded", () => {
    const name = nameWithHash(`${"x".repeat(51)}.${"y".repeat(40)}`, {});
    assert.ok(name.length <= 63);
    assert.match(name, /^x{51}-\d+$/);
  });
});

describe("splitKey()", () => {
  it("gives the parts of a key, and no namespace for cluster-scoped objects", () => {
    assert.deepEqual(splitKey("shop/web"), { namespace: "shop", name: "web" });
    assert.deepEqual(splitKey("web"), { namespace: "", name: "web" });
  });
});
