import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decodeMessage, encodeMessage, field, message } from "./message.ts";

const INNER = message({ 1: field("name", "string"), 2: field("port", "int", { isPointer: true }) });
const TABLE = message({
  1: field("title", "string"),
  2: field("blob", "bytes"),
  3: field("flag", "bool", { isPointer: true }),
  4: field("items", INNER, { shape: "list" }),
  5: field("labels", "string", { shape: "map" }),
  6: field("inner", INNER),
  7: field("when", "time"),
  8: field("embedded", message({ 1: field("host", "string") }), { isInline: true }),
});

function bytes(hex: string): Uint8Array {
  return Buffer.from(hex.replaceAll(" ", ""), "hex");
}

describe("decodeMessage()", () => {
  it("returns what encodeMessage() was given", () => {
    const value = {
      title: "t",
      blob: "AAEC",
      flag: false,
      items: [{ name: "a", port: 0 }, { name: "b" }],
      labels: { x: "1", "": "2" },
      inner: { port: 8_080 },
    };
    assert.deepEqual(decodeMessage(TABLE, encodeMessage(TABLE, value)), value);
  });

  it("leaves out what Go leaves out: empty strings and messages", () => {
    assert.deepEqual(decodeMessage(TABLE, bytes("0a00 3200")), {});
  });

  it("writes embedded messages into their parent", () => {
    assert.deepEqual(decodeMessage(TABLE, bytes("4203 0a0161")), { host: "a" });
  });

  it("reads times as RFC 3339, and none from an empty one", () => {
    assert.deepEqual(decodeMessage(TABLE, bytes("3a06 08 c0 8e b6 cd 06")), { when: "2026-03-08T14:27:12Z" });
    assert.deepEqual(decodeMessage(TABLE, bytes("3a00")), {});
  });

  it("skips fields that it does not know", () => {
    assert.deepEqual(decodeMessage(TABLE, bytes("9a06 0161 0a01 62")), { title: "b" });
  });

  it("drops a map key that would change the prototype", () => {
    const wire = encodeMessage(TABLE, { labels: JSON.parse('{"__proto__":"x","a":"b"}') as Record<string, string> });
    const { labels } = decodeMessage(TABLE, wire);
    assert.deepEqual(labels, { a: "b" });
    assert.equal(Object.getPrototypeOf(labels), Object.prototype);
  });

  it("throws when bytes are missing or of the wrong type", () => {
    assert.throws(() => decodeMessage(TABLE, bytes("0a05 61")));
    assert.throws(() => decodeMessage(TABLE, bytes("0801")), TypeError);
    assert.throws(() => decodeMessage(TABLE, bytes("2202 0a05")));
  });

  it("ends, with a value or an error, whatever the bytes are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (input) => {
        try {
          decodeMessage(TABLE, input);
        } catch (error) {
          assert.ok(error instanceof Error);
        }
      }),
    );
  });
});
