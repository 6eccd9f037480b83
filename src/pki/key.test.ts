import assert from "node:assert/strict";
import { test } from "node:test";
import { isLintelError } from "../ground/errors.ts";
import { encodeKey, generateKey, keyMatchesSpec, type KeySpec, parseKey, spkiFingerprint } from "./key.ts";

const CASES: readonly { readonly spec: KeySpec; readonly pkcs1: string }[] = [
  { spec: { algorithm: "RSA", size: 2048 }, pkcs1: "RSA PRIVATE KEY" },
  { spec: { algorithm: "ECDSA", size: 384 }, pkcs1: "EC PRIVATE KEY" },
  { spec: { algorithm: "Ed25519" }, pkcs1: "PRIVATE KEY" },
];

for (const { spec, pkcs1 } of CASES) {
  test(`parseKey() gives back the key that encodeKey() wrote when it is ${spec.algorithm}`, async () => {
    const key = await generateKey(spec);
    assert.ok(encodeKey(key, "PKCS1").startsWith(`-----BEGIN ${pkcs1}-----`));
    assert.ok(encodeKey(key, "PKCS8").startsWith("-----BEGIN PRIVATE KEY-----"));
    for (const encoding of ["PKCS1", "PKCS8"] as const) {
      const again = parseKey(`leading text\n${encodeKey(key, encoding)}`);
      assert.equal(spkiFingerprint(again), spkiFingerprint(key));
      assert.ok(keyMatchesSpec(again, spec));
    }
  });
}

test("keyMatchesSpec() tells sizes and algorithms apart", async () => {
  const key = await generateKey({ algorithm: "ECDSA", size: 256 });
  assert.ok(!keyMatchesSpec(key, { algorithm: "ECDSA", size: 384 }));
  assert.ok(!keyMatchesSpec(key, { algorithm: "RSA", size: 2048 }));
  assert.ok(!keyMatchesSpec(key, { algorithm: "Ed25519" }));
});

test("parseKey() says why it cannot read, without repeating the key", async () => {
  const key = await generateKey({ algorithm: "ECDSA", size: 256 });
  const encrypted = key.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "secret" });
  const damaged = encodeKey(key, "PKCS8").replace(/\n[A-Za-z0-9+/]{20}/, "\nAAAAAAAAAAAAAAAAAAAA");
  const cases: readonly [string, RegExp][] = [
    [encrypted, /encrypted/],
    [damaged, /damaged/],
    ["nothing", /no PRIVATE KEY block/],
  ];
  for (const [text, why] of cases) {
    assert.throws(
      () => parseKey(text),
      (error) => isLintelError(error, "BadPem") && why.test(error.message) && !error.message.includes("MIG"),
    );
  }
});
