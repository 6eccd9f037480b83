import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { commonNameIn, parseDistinguishedName } from "./distinguished-name.ts";

const CN = "2.5.4.3";
const O = "2.5.4.10";

function read(text: string): readonly (readonly string[])[] | string {
  const parsed = parseDistinguishedName(text);
  return parsed.kind === "malformed"
    ? parsed.why
    : parsed.relativeNames.map((part) => part.map(({ type, value }) => `${type}=${value}`));
}

for (const [what, text, expected] of [
  ["the most special part first", "CN=shop,O=Example", [[`${O}=Example`], [`${CN}=shop`]]],
  ["spaces around parts and values", " CN = shop , O=Example Ltd ", [[`${O}=Example Ltd`], [`${CN}=shop`]]],
  ["small letters", "cn=a,dc=example", [["0.9.2342.19200300.100.1.25=example"], [`${CN}=a`]]],
  ["parts with two attributes", "CN=a+O=b", [[`${CN}=a`, `${O}=b`]]],
  ["a dotted type", "1.2.840.113549.1.9.1=a@b.example", [["1.2.840.113549.1.9.1=a@b.example"]]],
  ["escaped separators", String.raw`CN=Smith\, J\+R\\,O=x`, [[`${O}=x`], [String.raw`${CN}=Smith, J+R\ `.trimEnd()]]],
  ["an escaped final space", String.raw`CN=a\ `, [[`${CN}=a `]]],
  ["escaped bytes of UTF-8", String.raw`CN=Lu\C4\8Di\C4\87`, [[`${CN}=Lučić`]]],
  ["other scripts", "CN=株式会社,O=Ünternehmen", [[`${O}=Ünternehmen`], [`${CN}=株式会社`]]],
  ["an equals sign in a value", "CN=a=b", [[`${CN}=a=b`]]],
  ["an encoded value", "CN=#0c0361c3a4", [[`${CN}=aä`]]],
  ["an empty value", "CN=", [[`${CN}=`]]],
] as const) {
  test(`parseDistinguishedName() reads ${what}`, () => assert.deepEqual(read(text), expected));
}

for (const [what, text, why] of [
  ["nothing", "", "it is empty"],
  ["a part without a value", "CN=a,O", "DN ended with incomplete type, value pair"],
  ["an unknown type", "CN=a,XY=b", "Literal subject contains unrecognized key with value [b]"],
  ["a broken escape", String.raw`CN=a\zz`, 'the value of "CN" has an escape that means nothing'],
  ["a broken encoding", "CN=#0c05ff", 'the value of "CN" has an escape that means nothing'],
] as const) {
  test(`parseDistinguishedName() refuses ${what}`, () => assert.equal(read(text), why));
}

test("parseDistinguishedName() reads back any value that was escaped", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }), (value) => {
      const escaped = [...Buffer.from(value)].map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("");
      assert.equal(commonNameIn(`O=x,CN=${escaped}`), value);
    }),
  );
});
