import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encoded, warningHeaders } from "./answer.ts";

describe("warningHeaders()", () => {
  it("quotes what would end the text", () => {
    assert.deepEqual(warningHeaders([String.raw`a "b" \c`]), { Warning: [String.raw`299 - "a \"b\" \\c"`] });
  });

  it("lets no text start a header of its own", () => {
    assert.deepEqual(warningHeaders(["a\r\nSet-Cookie: b"]), { Warning: ['299 - "a??Set-Cookie: b"'] });
  });

  it("says each thing once, and not without end", () => {
    assert.deepEqual(warningHeaders(["a", "a"]), { Warning: ['299 - "a"'] });
    const many = Array.from({ length: 100 }, (_, index) => `${String(index)} ${"x".repeat(5_000)}`);
    const { Warning = [] } = warningHeaders(many);
    assert.equal(Warning.length, 32);
    assert.ok(Warning.every((text) => text.length < 1_100));
  });

  it("is nothing when there is nothing to say", () => {
    assert.deepEqual(warningHeaders([]), {});
  });
});

describe("encoded()", () => {
  it("writes YAML when that is accepted", () => {
    const { contentType, body } = encoded(200, { kind: "List", items: [] }, "yaml");
    assert.deepEqual([contentType, body], ["application/yaml", "kind: List\nitems: []\n"]);
  });
});
