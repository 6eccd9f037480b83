import assert from "node:assert/strict";
import { type KeyObject, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { isLintelError } from "../ground/errors.ts";
import { generateKey, type KeySpec, spkiFingerprint } from "./key.ts";
import { selfSign, type SigningAuthority, signRequest } from "./sign.ts";
import { parseCertificate, parseChain } from "./x509/certificate.ts";
import { createRequest } from "./x509/request.ts";

const NOW_MS = Date.UTC(2026, 10, 24, 8);
const HOUR_MS = 3_600_000;
const TERMS = { notBeforeMs: NOW_MS, durationMs: HOUR_MS, isCa: false, usages: ["server auth"] } as const;

test("signRequest() makes a chain that OpenSSL follows from leaf to root, for every kind of CA key", async () => {
  const specs: readonly KeySpec[] = [
    { algorithm: "RSA", size: 2048 },
    { algorithm: "ECDSA", size: 384 },
    { algorithm: "Ed25519" },
  ];
  for (const spec of specs) {
    const root = await authority(await generateKey(spec));
    const leafKey = await generateKey({ algorithm: "ECDSA", size: 256 });
    const issued = await signRequest({
      ...TERMS,
      csr: await createRequest(leafKey, { dnsNames: ["a.example"] }),
      authority: root,
    });
    const leaf = new X509Certificate(issued.chain);
    const ca = new X509Certificate(issued.ca);
    assert.ok(leaf.checkIssued(ca) && leaf.verify(ca.publicKey), spec.algorithm);
    assert.equal(parseCertificate(issued.chain).authorityKeyIdHex, parseCertificate(issued.ca).subjectKeyIdHex);
    assert.equal(parseCertificate(issued.chain).spkiSha256, spkiFingerprint(leafKey));
  }
});

test("signRequest() gives the intermediates but not the root, and the root as ca", async () => {
  const root = await authority(await generateKey({ algorithm: "ECDSA", size: 256 }));
  const middleKey = await generateKey({ algorithm: "ECDSA", size: 256 });
  const middle = await signRequest({
    ...TERMS,
    isCa: true,
    csr: await createRequest(middleKey, { commonName: "Middle" }),
    authority: root,
  });
  const leafKey = await generateKey({ algorithm: "ECDSA", size: 256 });
  const issued = await signRequest({
    ...TERMS,
    csr: await createRequest(leafKey, { dnsNames: ["a.example"] }),
    authority: { chain: middle.chain + middle.ca, key: middleKey },
  });
  assert.deepEqual(
    parseChain(issued.chain).map((facts) => facts.issuerCommonName),
    ["Middle", "Root"],
  );
  assert.equal(issued.ca, root.chain);
});

test("signRequest() never lets a certificate outlive its CA", async () => {
  const root = await authority(await generateKey({ algorithm: "ECDSA", size: 256 }));
  const key = await generateKey({ algorithm: "ECDSA", size: 256 });
  const csr = await createRequest(key, { dnsNames: ["a.example"] });
  const issued = await signRequest({ ...TERMS, durationMs: 1000 * HOUR_MS, csr, authority: root });
  assert.equal(parseCertificate(issued.chain).notAfterMs, parseCertificate(root.chain).notAfterMs);
});

test("signRequest() does not follow the request's wish to be a CA", async () => {
  const root = await authority(await generateKey({ algorithm: "ECDSA", size: 256 }));
  const key = await generateKey({ algorithm: "ECDSA", size: 256 });
  const csr = await createRequest(key, { dnsNames: ["a.example"], isCa: true, usages: ["code signing"] });
  const facts = parseCertificate((await signRequest({ ...TERMS, csr, authority: root })).chain);
  assert.equal(facts.isCa, false);
  assert.deepEqual(facts.usages, ["server auth"]);
});

test("signRequest() marks alternative names critical only when the subject is empty", async () => {
  const root = await authority(await generateKey({ algorithm: "ECDSA", size: 256 }));
  const key = await generateKey({ algorithm: "ECDSA", size: 256 });
  const criticality = async (commonName: string | undefined): Promise<boolean> => {
    const csr = await createRequest(key, { commonName, dnsNames: ["a.example"] });
    const { raw } = new X509Certificate((await signRequest({ ...TERMS, csr, authority: root })).chain);
    // id-ce-subjectAltName (55 1d 11) followed by BOOLEAN TRUE.
    return raw.includes(Buffer.from("551d110101ff", "hex"));
  };
  assert.equal(await criticality(undefined), true);
  assert.equal(await criticality("a.example"), false);
});

test("signRequest() refuses an authority that cannot sign, naming it", async () => {
  const key = await generateKey({ algorithm: "ECDSA", size: 256 });
  const csr = await createRequest(key, { commonName: "Leaf", dnsNames: ["a.example"] });
  const root = await authority(key);
  const plain = await selfSign({ ...TERMS, csr, key });
  const other = await generateKey({ algorithm: "ECDSA", size: 256 });
  const cases: readonly [Parameters<typeof signRequest>[0], RegExp][] = [
    [{ ...TERMS, csr, authority: { chain: plain.chain, key } }, /"Leaf": its certificate is not one of a CA/],
    [{ ...TERMS, csr, authority: { chain: root.chain, key: other } }, /"Root": its private key is not the one/],
    [
      { ...TERMS, csr, authority: root, notBeforeMs: NOW_MS + 101 * HOUR_MS },
      /"Root": its certificate expired on 2026-/,
    ],
  ];
  for (const [options, why] of cases) {
    await assert.rejects(signRequest(options), (error) => isLintelError(error, "BadConfig") && why.test(error.message));
  }
});

test("selfSign() refuses a key that is not the request's", async () => {
  const key = await generateKey({ algorithm: "ECDSA", size: 256 });
  const csr = await createRequest(await generateKey({ algorithm: "ECDSA", size: 256 }), { commonName: "x" });
  await assert.rejects(selfSign({ ...TERMS, csr, key }), /not the one of the request/);
});

async function authority(key: KeyObject): Promise<SigningAuthority> {
  const csr = await createRequest(key, { commonName: "Root" });
  const { chain } = await selfSign({ ...TERMS, csr, key, durationMs: 100 * HOUR_MS, isCa: true, usages: [] });
  return { chain, key };
}
