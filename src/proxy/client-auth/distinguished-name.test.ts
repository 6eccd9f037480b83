import assert from "node:assert/strict";
import { test } from "node:test";
import { distinguishedName, fromCommonNames } from "./distinguished-name.ts";

test("distinguishedName() puts the most specific part first, as nginx does", () => {
  assert.equal(distinguishedName("C=DE\nO=Shop\nCN=ann"), "CN=ann,O=Shop,C=DE");
  assert.equal(distinguishedName("O=Shop\nUID=7 + CN=ann"), "CN=ann+UID=7,O=Shop");
  assert.equal(distinguishedName(""), "");
});

test("distinguishedName() writes what is no printable ASCII as bytes", () => {
  assert.equal(distinguishedName("CN=J\u00fcrgen \u{1f600}"), "CN=J\\C3\\BCrgen \\F0\\9F\\98\\80");
  assert.equal(distinguishedName("CN=a\r"), "CN=a\\0D");
});

test("distinguishedName() does not split a value that has a plus sign in it", () => {
  assert.equal(distinguishedName("CN=a \\+ b"), "CN=a \\+ b");
});

test("fromCommonNames() finds common names, not what another attribute's value says", () => {
  assert.deepEqual(fromCommonNames("CN=ann,O=Shop"), ["CN=ann,O=Shop"]);
  assert.deepEqual(fromCommonNames("UID=7+CN=ann,O=Shop"), ["CN=ann,O=Shop"]);
  assert.deepEqual(fromCommonNames("O=CN=admin"), []);
  assert.deepEqual(fromCommonNames("O=x\\,CN=admin,CN=ann"), ["CN=ann"]);
  assert.deepEqual(fromCommonNames("O=x\\\\,CN=ann"), ["CN=ann"]);
  assert.deepEqual(fromCommonNames("emailAddress=a,O=Shop"), []);
});
