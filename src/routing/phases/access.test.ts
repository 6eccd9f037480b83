import assert from "node:assert/strict";
import { BlockList, isIPv4, isIPv6 } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { isAddressBlock, mayAccess } from "./access.ts";

test("mayAccess() lets in what allow names, and nobody else", () => {
  const lists = { allow: ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"] };
  for (const address of ["10.255.0.1", "192.0.2.7", "2001:db8:1::5", "::ffff:10.1.2.3", "::ffff:a01:203"]) {
    assert.equal(mayAccess(lists, address), true, address);
  }
  for (const address of ["11.0.0.1", "192.0.2.8", "2001:db9::1", "::1", "::10.0.0.1"]) {
    assert.equal(mayAccess(lists, address), false, address);
  }
});

test("mayAccess() refuses what deny names before it looks at allow", () => {
  assert.equal(mayAccess({ allow: ["10.0.0.0/8"], deny: ["10.1.0.0/16"] }, "10.1.2.3"), false);
  assert.equal(mayAccess({ allow: ["10.0.0.0/8"], deny: ["10.1.0.0/16"] }, "10.2.2.3"), true);
  assert.equal(mayAccess({ deny: ["10.1.0.0/16"] }, "192.0.2.1"), true);
});

test("mayAccess() takes IPv4-mapped blocks for IPv4, and other IPv6 blocks for IPv6 alone", () => {
  assert.equal(mayAccess({ allow: ["::ffff:10.0.0.0/104"] }, "10.9.9.9"), true);
  assert.equal(mayAccess({ allow: ["::/0"] }, "10.9.9.9"), false);
  assert.equal(mayAccess({ allow: ["0.0.0.0/0"] }, "255.1.2.3"), true);
  assert.equal(mayAccess({ allow: ["0.0.0.0/0"] }, "2001:db8::1"), false);
});

test("mayAccess() refuses when the address, or a block of deny, cannot be read", () => {
  for (const address of ["", "unknown", "10.0.0.1:80", "[::1]", "fe80::1%eth0", "010.0.0.1"]) {
    assert.equal(mayAccess({ deny: ["192.0.2.0/24"] }, address), false, address);
    assert.equal(mayAccess({ allow: ["0.0.0.0/0", "::/0"] }, address), false, address);
  }
  assert.equal(mayAccess({ deny: ["nonsense"] }, "10.0.0.1"), false);
  assert.equal(mayAccess({ allow: [] }, "10.0.0.1"), false);
});

test("isAddressBlock() refuses what is no address or prefix", () => {
  for (const text of ["10.0.0.0/8", "10.0.0.1", "::1", "2001:DB8::/0", "::ffff:1.2.3.4/128", "1::"]) {
    assert.equal(isAddressBlock(text), true, text);
  }
  const bad = [
    "",
    "/8",
    "10.0.0.0/",
    "10.0.0.0/33",
    "10.0.0.0/08",
    "10.0.0/8",
    "256.0.0.1",
    "::/129",
    "1:::2",
    "1::2::3",
  ];
  for (const text of [
    ...bad,
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8::",
    "::1%lo",
    "10.0.0.0/8/8",
    "g::",
    "all",
    "1.2.3.4::",
  ]) {
    assert.equal(isAddressBlock(text), false, text);
  }
});

test("mayAccess() agrees with the BlockList of Node", () => {
  const bits = fc.oneof(fc.constantFrom(0, 8, 31, 32, 33, 64, 127, 128), fc.nat(128));
  const address = fc.oneof(fc.ipV4(), fc.ipV6());
  fc.assert(
    fc.property(address, address, bits, (base, client, wanted) => {
      if (!isIPv4(base) && !isIPv6(base)) return;
      // Of mapped addresses Node thinks differently.
      if (/^(?:0*:)+ffff:/i.test(base) || /^(?:0*:)+ffff:/i.test(client)) return;
      const prefix = isIPv4(base) ? wanted % 33 : wanted;
      const list = new BlockList();
      list.addSubnet(base, prefix, isIPv4(base) ? "ipv4" : "ipv6");
      const same = isIPv4(base) === isIPv4(client);
      const expected = same && list.check(client, isIPv4(client) ? "ipv4" : "ipv6");
      assert.equal(mayAccess({ allow: [`${base}/${prefix}`] }, client), expected);
      assert.equal(mayAccess({ allow: [`${base}/${prefix}`] }, base), true);
    }),
  );
});
