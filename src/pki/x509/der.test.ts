import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isLintelError } from "../../ground/errors.ts";
import { childrenOf, encodeDer, integer, oid, readDer, readOid, readTime, sequence, time } from "./der.ts";

test("readOid() gives back every identifier that oid() wrote", () => {
  const arcs = fc.array(fc.nat(100_000_000), { maxLength: 8 });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 39 }), arcs, (root, second, rest) => {
      const dotted = [root, second, ...rest].join(".");
      assert.equal(readOid(readDer(oid(dotted))), dotted);
    }),
  );
});

test("readTime() gives back the whole second that time() wrote, before and after 2050", () => {
  const second = fc.integer({ min: Date.UTC(1950, 0) / 1000, max: Date.UTC(9999, 11, 31) / 1000 });
  fc.assert(fc.property(second, (at) => assert.equal(readTime(readDer(time(at * 1000))), at * 1000)));
});

test("readDer() reads lengths of one, two and three octets", () => {
  for (const length of [0, 127, 128, 255, 256, 65_535, 65_536]) {
    const value = readDer(encodeDer(0x04, new Uint8Array(length)));
    assert.equal(value.content.length, length);
  }
});

test("integer() stays positive when the top bit is set", () => {
  assert.deepEqual([...integer(Uint8Array.of(0x80))], [2, 2, 0, 0x80]);
  assert.deepEqual([...integer(Uint8Array.of(0, 0, 1))], [2, 1, 1]);
});

test("readDer() refuses bytes after the end, indefinite lengths and lengths that are not minimal", () => {
  for (const bytes of [
    [0x30, 0, 0],
    [0x30, 0x80, 0, 0],
    [0x04, 0x81, 0x01, 0xff],
    [0x04, 0x02, 0x00],
    [0x1f, 0x20, 0x00],
    [],
  ]) {
    assert.throws(
      () => readDer(Uint8Array.from(bytes)),
      (error) => isLintelError(error, "BadPem"),
    );
  }
});

test("readDer() throws nothing but BadPem for any bytes", () => {
  const walk = (bytes: Uint8Array): void => {
    const value = readDer(bytes);
    if ((value.tag & 0x20) !== 0) for (const child of childrenOf(value)) walk(child.raw);
  };
  const nested = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 3 }).map((parts) => sequence(...parts));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 40 }), nested), (bytes) => {
      try {
        walk(bytes);
      } catch (error) {
        assert.ok(isLintelError(error, "BadPem"));
      }
    }),
  );
});
