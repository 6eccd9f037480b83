import assert from "node:assert/strict";
import { test } from "node:test";
import { calculateJwkThumbprint } from "jose";
import { generateKey, type KeySpec } from "../pki/key.ts";
import { jwkThumbprint, keyAuthorization } from "./key-authorization.ts";

const SPECS: readonly KeySpec[] = [
  { algorithm: "RSA", size: 2048 },
  { algorithm: "ECDSA", size: 384 },
  { algorithm: "Ed25519" },
];

for (const spec of SPECS) {
  test(`jwkThumbprint() equals that of jose when the key is ${spec.algorithm}`, async () => {
    const jwk = (await generateKey(spec)).export({ format: "jwk" });
    assert.equal(jwkThumbprint(jwk), await calculateJwkThumbprint({ ...jwk, kty: jwk.kty ?? "" }));
  });
}

test("keyAuthorization() joins token and thumbprint with a dot", () => {
  assert.equal(keyAuthorization("token", "thumbprint"), "token.thumbprint");
});
