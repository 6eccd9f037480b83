import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { skipWithout } from "../../ground/testing.ts";
import { INGRESS, SECRET } from "../../resource/kind.ts";
import { make } from "../testing.ts";
import { Bench, dataOf, ISSUERS } from "./testing.ts";

const UPN = "1.3.6.1.4.1.311.20.2.3";
const ECDSA = { algorithm: "ECDSA" };
const ED25519 = { algorithm: "Ed25519" };
const LONG_LABEL = "x".repeat(63);
const LITERAL = "CN=*.lit.foo-long.example,OU=FooLong,OU=Bar,OU=Baz,OU=Dept.,O=Corp.";
const FOREIGN = String.raw`CN=株式会社例,OU=Продажа,O=Lu\C4\8Di\C4\87\, d.o.o.,L=München,C=DE`;

/** One wish, what OpenSSL must read in the certificate, and what each issuer that can't fulfil it says. */
interface Case {
  readonly spec: Readonly<Record<string, unknown>>;
  readonly text?: readonly RegExp[];
  /** ACME certifies names that were proven, and nothing else: why it refuses this one. */
  readonly acmeSays?: RegExp;
  /** ACME decides about these by itself, so they are not looked for in its certificates. */
  readonly acmeDecides?: boolean;
}

/** cert-manager's own table of conformance, and what else its API promises of a certificate. */
const CASES: Readonly<Record<string, Case>> = {
  "a basic, defaulted certificate for a single DNS name": { spec: { dnsNames: ["basic.example"] } },
  "a CA certificate with the CA basicConstraint": {
    spec: { isCA: true, dnsNames: ["ca.example"], privateKey: ECDSA },
    text: [/X509v3 Basic Constraints: critical CA:TRUE/, /Certificate Sign/],
    acmeSays: /does not issue CA certificates/,
  },
  "an ECDSA certificate for a single DNS name": {
    spec: { dnsNames: ["ecdsa.example"], privateKey: ECDSA },
    text: [/NIST CURVE: P-256/],
  },
  "an Ed25519 certificate for a single DNS name": {
    spec: { dnsNames: ["ed25519.example"], privateKey: ED25519 },
    text: [/Public Key Algorithm: ED25519/],
  },
  "a defaulted certificate for a single common name": {
    spec: { commonName: "test-common-name-rsa" },
    text: [/Public-Key: \(2048 bit\)/, /Subject: CN=test-common-name-rsa/],
    acmeSays: /"test-common-name-rsa" is not among dnsNames or ipAddresses/,
  },
  "two otherNames and an e-mail address": {
    spec: {
      otherNames: [
        { oid: UPN, utf8Value: "upn@domain.test" },
        { oid: UPN, utf8Value: "upn@domain2.test" },
      ],
      emailAddresses: ["email@domain.test"],
      commonName: "someCN",
      privateKey: ECDSA,
    },
    text: [/email:email@domain\.test/, /othername: ?UPN::?upn@domain\.test/, /othername: ?UPN::?upn@domain2\.test/],
    acmeSays: /"someCN" is not among dnsNames/,
  },
  "a literal subject": {
    spec: { literalSubject: LITERAL, dnsNames: ["*.lit.foo-long.example"], privateKey: ECDSA },
    text: [/Subject: CN=\*\.lit\.foo-long\.example,OU=FooLong,OU=Bar,OU=Baz,OU=Dept\.,O=Corp\. /],
    acmeSays: /DNS-01|dns01/,
  },
  "a literal subject in other languages": {
    spec: { literalSubject: FOREIGN, dnsNames: ["foreign.example"], privateKey: ECDSA },
    text: [/Subject: CN=株式会社例,OU=Продажа,O=Lučić\\, d\.o\.o\.,L=München,C=DE /],
    acmeSays: /"株式会社例" is not among dnsNames/,
  },
  "an ECDSA certificate for a single common name": {
    spec: { commonName: "test-common-name-ecdsa", privateKey: ECDSA },
    acmeSays: /is not among dnsNames/,
  },
  "an Ed25519 certificate for a single common name": {
    spec: { commonName: "test-common-name-ed25519", privateKey: ED25519 },
    acmeSays: /is not among dnsNames/,
  },
  "an IP address": { spec: { ipAddresses: ["127.0.0.1"], privateKey: ECDSA }, text: [/IP Address:127\.0\.0\.1/] },
  "an IPv6 address in a long form": {
    spec: { ipAddresses: ["2001:0DB8:0:0:0:0:0:1"], privateKey: ECDSA },
    text: [/IP Address:2001:DB8:0:0:0:0:0:1/],
  },
  "a DNS name and an IP address": {
    spec: { dnsNames: ["both.example"], ipAddresses: ["127.0.0.1"], privateKey: ECDSA },
    text: [/DNS:both\.example, IP Address:127\.0\.0\.1/],
  },
  "a common name and an IP address": {
    spec: { commonName: "test-common-name-ip", ipAddresses: ["127.0.0.1"], privateKey: ECDSA },
    acmeSays: /is not among dnsNames/,
  },
  "an e-mail address": {
    spec: { emailAddresses: ["alice@example.com"], privateKey: ECDSA },
    text: [/X509v3 Subject Alternative Name: critical email:alice@example\.com/],
    acmeSays: /DNS names and IP addresses only/,
  },
  "a common name and a URI": {
    spec: { commonName: "uri", uris: ["spiffe://cluster.local/ns/sandbox/sa/foo"], privateKey: ECDSA },
    text: [/URI:spiffe:\/\/cluster\.local\/ns\/sandbox\/sa\/foo/],
    acmeSays: /is not among dnsNames/,
  },
  "two DNS names with one copied to the common name": {
    spec: { commonName: "one.example", dnsNames: ["one.example", "two.example"], privateKey: ECDSA },
    text: [/Subject: CN=one\.example /],
  },
  "a DNS name and another common name": {
    spec: { commonName: "cn.example", dnsNames: ["dns.example"], privateKey: ECDSA },
    acmeSays: /"cn\.example" is not among dnsNames/,
  },
  "a duration": { spec: { dnsNames: ["duration.example"], duration: "896h", privateKey: ECDSA } },
  "a wildcard": { spec: { dnsNames: ["*.wild.example"], privateKey: ECDSA }, acmeSays: /DNS-01|dns01/ },
  "a URI alone": {
    spec: { uris: ["spiffe://cluster.local/ns/sandbox/sa/foo"], privateKey: ECDSA },
    acmeSays: /DNS names and IP addresses only/,
  },
  "arbitrary key usages": {
    spec: {
      dnsNames: ["usages.example"],
      usages: ["signing", "data encipherment", "server auth", "client auth"],
      privateKey: ECDSA,
    },
    text: [
      /X509v3 Key Usage: critical Digital Signature, Data Encipherment /,
      /TLS Web Server Authentication, TLS Web Client Authentication/,
    ],
    acmeDecides: true,
  },
  "usages that the request does not name": {
    spec: { dnsNames: ["quiet.example"], usages: ["client auth"], encodeUsagesInRequest: false, privateKey: ECDSA },
    text: [/X509v3 Extended Key Usage: TLS Web Client Authentication/],
    acmeDecides: true,
  },
  "a long domain": { spec: { dnsNames: [`${LONG_LABEL}.example`], privateKey: ECDSA } },
  "a wildcard and its apex": {
    spec: { dnsNames: ["*.apex.example", "apex.example"], privateKey: ECDSA },
    acmeSays: /DNS-01|dns01/,
  },
  "every part of a subject": {
    spec: {
      commonName: "subject.example",
      dnsNames: ["subject.example"],
      privateKey: ECDSA,
      subject: {
        organizations: ["Org, Ltd", "Second"],
        countries: ["DE"],
        organizationalUnits: ["Unit"],
        localities: ["Köln"],
        provinces: ["NRW"],
        streetAddresses: ["Straße 1"],
        postalCodes: ["50667"],
        serialNumber: "42",
      },
    },
    text: [/O=Org\\, Ltd/, /O=Second/, /C=DE/, /OU=Unit/, /L=Köln/, /ST=NRW/, /street=Straße 1/, /serialNumber=42/],
    acmeDecides: true,
  },
  "name constraints": {
    spec: {
      isCA: true,
      commonName: "Constrained CA",
      privateKey: ECDSA,
      nameConstraints: { critical: true, permitted: { dnsDomains: ["corp.example"], ipRanges: ["10.1.1.1/8"] } },
    },
    text: [/X509v3 Name Constraints: critical Permitted: DNS:corp\.example IP:10\.0\.0\.0\/255\.0\.0\.0/],
    acmeSays: /is not among dnsNames/,
  },
  "a signature of the request by SHA-512": {
    spec: { dnsNames: ["sha512.example"], privateKey: ECDSA, signatureAlgorithm: "ECDSAWithSHA512" },
  },
  "a key of 521 bits": {
    spec: { dnsNames: ["p521.example"], privateKey: { algorithm: "ECDSA", size: 521, encoding: "PKCS8" } },
    text: [/NIST CURVE: P-521/],
  },
};

describe("certificate conformance", { skip: skipWithout("openssl") }, () => {
  const bench = new Bench();
  before(() => bench.open());
  after(() => bench.close());

  for (const issuer of ISSUERS) {
    for (const [at, [what, wish]] of Object.entries(CASES).entries()) {
      const refused = issuer === "acme" ? wish.acmeSays : undefined;
      it(`${issuer} ${refused === undefined ? "issues" : "refuses with a reason"} ${what}`, async () => {
        const name = `${issuer}-${String(at)}`;
        await bench.create(name, issuer, wish.spec);
        if (refused !== undefined) {
          const failed = await bench.until(name, ({ status }) =>
            status.conditions.some(({ message }) => refused.test(message)),
          );
          assert.notEqual(failed.status.conditions.find(({ type }) => type === "Ready")?.status, "True");
          return;
        }
        const certificate = await bench.untilIssued(name);
        const text = await bench.validate(certificate, issuer);
        if (issuer !== "acme" || wish.acmeDecides !== true)
          for (const part of wish.text ?? []) assert.match(text, part);
      });
    }

    it(`${issuer} issues again with the same key when the certificate is gone and rotationPolicy is Never`, async () => {
      const name = `${issuer}-reuse`;
      const privateKey = { ...ECDSA, rotationPolicy: "Never" };
      await bench.create(name, issuer, { dnsNames: [`${issuer}-reuse.example`], privateKey });
      const first = await bench.leaf(await bench.untilIssued(name));
      const secret = await bench.secret(name);
      await bench.store.update(SECRET, { ...secret, data: { ...dataOf(secret), "tls.crt": "" } });
      const second = await bench.leaf(await bench.untilIssued(name, 2));
      assert.notEqual(second.serialHex, first.serialHex);
      assert.equal(second.spkiSha256, first.spkiSha256);
    });

    it(`${issuer} issues anew, with a new key, when a DNS name is added`, async () => {
      const name = `${issuer}-added`;
      await bench.create(name, issuer, { dnsNames: [`${issuer}-a.example`], privateKey: ECDSA });
      const first = await bench.untilIssued(name);
      const before = await bench.leaf(first);
      const dnsNames = [`${issuer}-a.example`, `${issuer}-b.example`];
      await bench.change(name, { dnsNames });
      const second = await bench.untilIssued(name, 2);
      await bench.validate(second, issuer);
      const leaf = await bench.leaf(second);
      assert.deepEqual(leaf.dnsNames, dnsNames);
      assert.notEqual(leaf.spkiSha256, before.spkiSha256);
    });

    it(`${issuer} issues for an Ingress whose annotations name the fields of a Certificate`, async () => {
      const host = `${issuer}-ingress.example`;
      const prefix = "cert-manager.io/";
      const annotations = {
        [`${prefix}issuer`]: issuer,
        [`${prefix}issuer-kind`]: "ClusterIssuer",
        [`${prefix}issuer-group`]: "cert-manager.io",
        [`${prefix}common-name`]: host,
        [`${prefix}duration`]: "999h",
        [`${prefix}renew-before`]: "111h",
        [`${prefix}revision-history-limit`]: "7",
        [`${prefix}private-key-algorithm`]: "RSA",
        [`${prefix}private-key-encoding`]: "PKCS1",
        [`${prefix}private-key-size`]: "4096",
        [`${prefix}private-key-rotation-policy`]: "Always",
      };
      const tls = [{ hosts: [host], secretName: `${issuer}-ingress` }];
      const spec = { ingressClassName: "nginx", tls, rules: [] };
      await bench.store.create(INGRESS, make(INGRESS, `${issuer}-ingress`, { spec }, { annotations }));
      const certificate = await bench.untilIssued(`${issuer}-ingress`);
      const found = certificate.spec;
      assert.deepEqual([found.dnsNames, found.commonName], [[host], host]);
      assert.deepEqual([found.durationMs, found.renewBeforeMs], [999 * 3_600_000, 111 * 3_600_000]);
      assert.equal(found.revisionHistoryLimit, 7);
      assert.deepEqual(found.privateKey, {
        algorithm: "RSA",
        size: 4096,
        encoding: "PKCS1",
        rotationPolicy: "Always",
      });
      assert.match(await bench.validate(certificate, issuer), /Public-Key: \(4096 bit\)/);
    });
  }
});
