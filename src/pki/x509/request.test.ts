import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isLintelError } from "../../ground/errors.ts";
import { encodePem } from "../../ground/pem.ts";
import { generateKey, type KeySpec, spkiFingerprint } from "../key.ts";
import { createRequest, parseRequest, requestBlock, requestParts } from "./request.ts";

const SPECS: readonly KeySpec[] = [
  { algorithm: "RSA", size: 2048 },
  { algorithm: "ECDSA", size: 256 },
  { algorithm: "ECDSA", size: 384 },
  { algorithm: "ECDSA", size: 521 },
  { algorithm: "Ed25519" },
];

for (const spec of SPECS) {
  test(`parseRequest() finds the names and a valid signature when the key is ${JSON.stringify(spec)}`, async () => {
    const key = await generateKey(spec);
    const facts = parseRequest(
      await createRequest(key, {
        dnsNames: ["shop.example"],
        ipAddresses: ["::1"],
        usages: ["server auth"],
        isCa: true,
      }),
    );
    assert.deepEqual(facts.dnsNames, ["shop.example"]);
    assert.deepEqual(facts.ipAddresses, ["::1"]);
    assert.deepEqual(facts.usages, ["cert sign", "server auth"]);
    assert.equal(facts.isCa, true);
    assert.equal(facts.spkiSha256, spkiFingerprint(key));
    assert.equal(await facts.signatureValid, true);
  });
}

test("parseRequest() reports an invalid signature when a name was changed after signing", async () => {
  const key = await generateKey({ algorithm: "ECDSA", size: 256 });
  const der = Buffer.from(requestBlock(await createRequest(key, { dnsNames: ["shop.example"] })));
  der.write("evil", der.indexOf("shop.example"));
  const facts = parseRequest(encodePem("CERTIFICATE REQUEST", der));
  assert.deepEqual(facts.dnsNames, ["evil.example"]);
  assert.equal(await facts.signatureValid, false);
});

test("requestParts() throws nothing but BadPem when bytes are damaged", async () => {
  const key = await generateKey({ algorithm: "ECDSA", size: 256 });
  const der = requestBlock(await createRequest(key, { commonName: "shop.example", dnsNames: ["shop.example"] }));
  fc.assert(
    fc.property(fc.nat(der.length - 1), fc.nat(255), fc.nat(der.length), (at, byte, end) => {
      const damaged = Uint8Array.from(der).subarray(0, Math.max(end, at + 1));
      damaged[at] = byte;
      try {
        requestParts(damaged);
      } catch (error) {
        assert.ok(isLintelError(error, "BadPem"), String(error));
      }
    }),
    { numRuns: 500 },
  );
});

test("createRequest() refuses names that a certificate cannot hold", async () => {
  const key = await generateKey({ algorithm: "ECDSA", size: 256 });
  await assert.rejects(createRequest(key, { dnsNames: ["käse.example"] }), (error) =>
    isLintelError(error, "BadConfig"),
  );
  await assert.rejects(createRequest(key, { ipAddresses: ["1.2.3"] }), (error) => isLintelError(error, "BadConfig"));
  await assert.rejects(createRequest(key, { usages: ["teleport"] }), /"teleport"/);
});
