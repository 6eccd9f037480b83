import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalRange, nameOutside, type ConstrainedNames } from "./name-constraints.ts";

const NONE: ConstrainedNames = { dnsDomains: [], ipRanges: [], emailAddresses: [], uriDomains: [] };
const NO_NAMES = { dnsNames: [], ipAddresses: [], uris: [], emailAddresses: [] };

for (const [kind, list, constraint, inside, outside] of [
  ["dnsDomains", "dnsNames", "corp.example", ["corp.example", "a.b.CORP.example", "*.corp.example"], "xcorp.example"],
  ["dnsDomains", "dnsNames", ".corp.example", ["a.corp.example"], "corp.example"],
  ["ipRanges", "ipAddresses", "10.1.0.0/16", ["10.1.2.3"], "10.2.0.1"],
  ["ipRanges", "ipAddresses", "2001:db8::/33", ["2001:db8:7fff::1"], "2001:db8:8000::1"],
  ["ipRanges", "ipAddresses", "10.0.0.0/8", ["10.0.0.1"], "2001:db8::1"],
  ["emailAddresses", "emailAddresses", "corp.example", ["me@CORP.example"], "me@mail.corp.example"],
  ["emailAddresses", "emailAddresses", ".corp.example", ["me@mail.corp.example"], "me@corp.example"],
  ["emailAddresses", "emailAddresses", "me@corp.example", ["me@corp.example"], "you@corp.example"],
  ["uriDomains", "uris", ".corp.example", ["spiffe://a.corp.example/x"], "spiffe://other.example/x"],
] as const) {
  test(`nameOutside() holds names to a permitted ${kind} "${constraint}"`, () => {
    const permitted = { critical: true, permitted: { ...NONE, [kind]: [constraint] }, excluded: NONE };
    assert.equal(nameOutside(permitted, { ...NO_NAMES, [list]: inside }), undefined);
    assert.equal(nameOutside(permitted, { ...NO_NAMES, [list]: [...inside, outside] }), outside);
  });

  test(`nameOutside() finds what an excluded ${kind} "${constraint}" covers`, () => {
    const excluded = { critical: true, permitted: NONE, excluded: { ...NONE, [kind]: [constraint] } };
    assert.equal(nameOutside(excluded, { ...NO_NAMES, [list]: [outside] }), undefined);
    assert.equal(nameOutside(excluded, { ...NO_NAMES, [list]: [outside, ...inside] }), inside[0]);
  });
}

test("nameOutside() lets names of other kinds pass", () => {
  const constraints = { critical: true, permitted: { ...NONE, dnsDomains: ["corp.example"] }, excluded: NONE };
  assert.equal(nameOutside(constraints, { ...NO_NAMES, ipAddresses: ["192.0.2.1"], uris: ["urn:x"] }), undefined);
});

test("canonicalRange() clears what the prefix leaves out, and knows what is no range", () => {
  assert.equal(canonicalRange("10.1.2.3/12"), "10.0.0.0/12");
  assert.equal(canonicalRange("2001:DB8:0::1/32"), "2001:db8::/32");
  for (const text of ["10.0.0.0", "10.0.0.0/33", "10.0.0/8", "::/129", "x/8"])
    assert.equal(canonicalRange(text), undefined);
});
