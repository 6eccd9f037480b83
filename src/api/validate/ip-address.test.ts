import assert from "node:assert/strict";
import { isIP } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { ipFamily } from "./ip-address.ts";

const almost = fc
  .array(fc.constantFrom("0", "1", "9", "255", "256", "ff", "FFFF", "10000", ".", ":", "::", "g"), { maxLength: 17 })
  .map((parts) => parts.join(""));

test("ipFamily() agrees with Node on any text", () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), almost, fc.string()), (text) => {
      const family = { 0: undefined, 4: "IPv4", 6: "IPv6" }[isIP(text.replace(/%.*$/s, "%"))];
      assert.equal(ipFamily(text), family, text);
    }),
    { numRuns: 2000 },
  );
});
