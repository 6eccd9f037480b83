import assert from "node:assert/strict";
import { test } from "node:test";
import { KNOWN_USAGES, usageSets, usageWords } from "./usages.ts";

test("usageWords() gives back every word, or the one that means the same", () => {
  const same: Readonly<Record<string, string>> = { signing: "digital signature", "s/mime": "email protection" };
  for (const word of KNOWN_USAGES) assert.deepEqual(usageWords(usageSets([word])), [same[word] ?? word]);
});

test("usageSets() drops repeats and names the words nobody knows", () => {
  assert.deepEqual(usageSets(["server auth", "signing", "digital signature", "server auth", "teleport"]), {
    bits: [0],
    oids: ["1.3.6.1.5.5.7.3.1"],
    unknown: ["teleport"],
  });
});

test("usageWords() gives an identifier without a word as it is", () => {
  assert.deepEqual(usageWords({ bits: [], oids: ["1.2.3.4"] }), ["1.2.3.4"]);
});
