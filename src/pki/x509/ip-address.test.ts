import assert from "node:assert/strict";
import { isIP } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalIp, formatIp, parseIp } from "./ip-address.ts";

test("canonicalIp() writes IPv6 as RFC 5952 does", () => {
  assert.equal(canonicalIp("2001:DB8:0:0:1:0:0:1"), "2001:db8::1:0:0:1");
  assert.equal(canonicalIp("0:0:0:0:0:0:0:1"), "::1");
  assert.equal(canonicalIp("::"), "::");
  assert.equal(canonicalIp("2001:db8:0:1:1:1:1:1"), "2001:db8:0:1:1:1:1:1");
  assert.equal(canonicalIp("::ffff:192.0.2.1"), "::ffff:c000:201");
});

test("canonicalIp() refuses text that is no address", () => {
  for (const text of [
    "",
    "1.2.3",
    "01.2.3.4",
    "1.2.3.256",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8::",
    "fe80::1%eth0",
    "[::1]",
    "shop.example",
  ]) {
    assert.equal(canonicalIp(text), undefined, text);
  }
});

test("parseIp() agrees with Node on what an address is", () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.stringMatching(/^[0-9a-f:.]{0,20}$/)), (text) => {
      assert.equal(parseIp(text) !== undefined, isIP(text) !== 0, text);
    }),
  );
});

test("parseIp() gives back the bytes that formatIp() wrote", () => {
  const address = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
  );
  fc.assert(fc.property(address, (bytes) => assert.deepEqual(parseIp(formatIp(bytes) ?? ""), Uint8Array.from(bytes))));
});
