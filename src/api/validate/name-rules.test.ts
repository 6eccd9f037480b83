import assert from "node:assert/strict";
import { test } from "node:test";
import type { NameRule } from "./name-rules.ts";
import {
  configKey,
  label,
  labelValue,
  portName,
  qualifiedName,
  ruleHost,
  serviceName,
  subdomain,
} from "./name-rules.ts";

const CASES: readonly (readonly [string, NameRule, readonly string[], readonly string[]])[] = [
  ["subdomain", subdomain, ["a", "a.b-c", "1.2"], ["", "A", "a..b", "-a", "a_b", "a.", "x".repeat(254)]],
  ["label", label, ["a", "1a", "a-b"], ["a.b", "a-", "x".repeat(64)]],
  ["serviceName", serviceName, ["a", "a-1"], ["1a", "a.b", "x".repeat(64)]],
  ["ruleHost", ruleHost, ["a.b", "*.a.b"], ["*", "*a.b", "a.*", "*.*.a"]],
  ["labelValue", labelValue, ["", "A_b.c-1"], ["-a", "a b", "x".repeat(64)]],
  ["qualifiedName", qualifiedName, ["A_b", "a.b/C"], ["", "/a", "a/", "a/b/c", "A/b", "a b"]],
  ["configKey", configKey, ["a_B.c-1", ".dockercfg"], ["", "a b", ".", "..", "..a"]],
  ["portName", portName, ["http", "h-1"], ["1", "a--b", "-a", "A", "abcdefghijklmnop"]],
];

for (const [name, rule, good, bad] of CASES) {
  test(`${name}() tells names that are fit from those that are not`, () => {
    for (const text of good) assert.deepEqual(rule(text), [], text);
    for (const text of bad) assert.ok(rule(text).length > 0, text);
  });
}

test("qualifiedName() says which part of a key is wrong", () => {
  assert.match(qualifiedName("A/b")[0] ?? "", /^prefix part a lowercase RFC 1123 subdomain/);
  assert.match(qualifiedName("a/b c")[0] ?? "", /^name part must consist of/);
  assert.match(
    qualifiedName("a/b/c")[0] ?? "",
    /^a qualified name must consist of .* with an optional DNS subdomain prefix/,
  );
});
