import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { isLintelError } from "../../ground/errors.ts";
import { generateKey } from "../key.ts";
import { selfSign } from "../sign.ts";
import {
  type CertificateFacts,
  certificateBlocks,
  certificateParts,
  coversHost,
  parseCertificate,
  parseChain,
} from "./certificate.ts";
import { createRequest } from "./request.ts";

const NOW_MS = Date.UTC(2026, 10, 24, 8);
const PEM = await selfSigned();
const FACTS = parseCertificate(PEM);

test("parseCertificate() says what was asked for", () => {
  assert.equal(FACTS.commonName, "shop.example");
  assert.deepEqual(FACTS.dnsNames, ["shop.example", "*.shop.example"]);
  assert.deepEqual(FACTS.ipAddresses, ["192.0.2.7", "2001:db8::1"]);
  assert.deepEqual(FACTS.uris, ["spiffe://cluster.local/ns/shop"]);
  assert.deepEqual(FACTS.emailAddresses, ["ops@shop.example"]);
  assert.deepEqual(FACTS.subject["organizations"], ["Käse & Söhne, GmbH"]);
  assert.deepEqual(FACTS.usages, ["digital signature", "key encipherment", "server auth"]);
  assert.equal(FACTS.notBeforeMs, NOW_MS);
  assert.equal(FACTS.notAfterMs, NOW_MS + 3_600_000);
  assert.equal(FACTS.isCa, false);
  assert.equal(FACTS.selfIssued, true);
  assert.equal(FACTS.authorityKeyIdHex, FACTS.subjectKeyIdHex);
});

test("parseCertificate() agrees with OpenSSL on fingerprint, serial number and key", () => {
  const openssl = new X509Certificate(PEM);
  assert.equal(FACTS.fingerprintSha256, openssl.fingerprint256.replaceAll(":", "").toLowerCase());
  assert.equal(FACTS.serialHex, openssl.serialNumber.toLowerCase());
  assert.equal(openssl.checkIP("2001:db8::1"), "2001:db8::1");
  assert.ok(FACTS.serialHex.length >= 16, "at least 64 bits");
});

test("parseChain() reads every certificate and ignores what stands between", () => {
  assert.equal(parseChain(`# leaf\n${PEM}\n# again\n${PEM}`).length, 2);
});

test("parseCertificate() throws nothing but BadPem when bytes are damaged", () => {
  const [der] = certificateBlocks(PEM);
  assert.ok(der !== undefined);
  fc.assert(
    fc.property(fc.nat(der.length - 1), fc.nat(255), fc.nat(der.length), (at, byte, end) => {
      const damaged = Uint8Array.from(der).subarray(0, Math.max(end, at + 1));
      damaged[at] = byte;
      try {
        certificateParts(damaged);
      } catch (error) {
        assert.ok(isLintelError(error, "BadPem"), String(error));
      }
    }),
    { numRuns: 1000 },
  );
});

test("coversHost() takes a wildcard for exactly one label", () => {
  assert.ok(coversHost(FACTS, "shop.example"));
  assert.ok(coversHost(FACTS, "WWW.Shop.example."));
  assert.ok(!coversHost(FACTS, "a.b.shop.example"));
  assert.ok(!coversHost(FACTS, "example"));
});

test("coversHost() compares addresses by value, never by wildcard", () => {
  assert.ok(coversHost(FACTS, "[2001:DB8:0::1]"));
  assert.ok(coversHost(FACTS, "192.0.2.7"));
  assert.ok(!coversHost(FACTS, "192.0.2.8"));
});

test("coversHost() takes the common name only when there are no alternative names", () => {
  const bare: CertificateFacts = {
    ...FACTS,
    commonName: "old.example",
    dnsNames: [],
    ipAddresses: [],
    uris: [],
    emailAddresses: [],
  };
  assert.ok(coversHost(bare, "old.example"));
  assert.ok(!coversHost({ ...bare, dnsNames: ["new.example"] }, "old.example"));
});

async function selfSigned(): Promise<string> {
  const key = await generateKey({ algorithm: "ECDSA", size: 256 });
  const csr = await createRequest(key, {
    commonName: "shop.example",
    subject: { organizations: ["Käse & Söhne, GmbH"], countries: ["DE"] },
    dnsNames: ["shop.example", "*.shop.example"],
    ipAddresses: ["192.0.2.7", "2001:db8:0:0::1"],
    uris: ["spiffe://cluster.local/ns/shop"],
    emailAddresses: ["ops@shop.example"],
  });
  const usages = ["digital signature", "key encipherment", "server auth"];
  return (await selfSign({ csr, key, notBeforeMs: NOW_MS, durationMs: 3_600_000, isCa: false, usages })).chain;
}
