import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { HTTP01_PATH } from "../acme/key-authorization.ts";
import { AcmeServer, type Http01Dialer } from "../acme/server/acme-server.ts";
import { portOf } from "../acme/testing.ts";
import { systemClock } from "../ground/system-clock.ts";
import { MemoryLog, seededRandom, skipWithout } from "../ground/testing.ts";
import { parseKey } from "../pki/key.ts";
import { LocalCa } from "../pki/local-ca.ts";
import { parseCertificate, type CertificateFacts } from "../pki/x509/certificate.ts";
import { base64At } from "../resource/certificate-request.ts";
import { readCertificate, type Certificate } from "../resource/certificate.ts";
import { CERTIFICATE, CLUSTER_ISSUER, INGRESS, NAMESPACE, SECRET } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import { MemoryStore } from "../store/memory.ts";
import { ControlPlane } from "./control-plane.ts";
import { FakeEdge, make } from "./testing.ts";

/** How long one certificate may take on a machine that has other things to do. */
const PATIENCE_MS = 60_000;
const NAMESPACES = ["default", "kube-system", "shop"];
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

/** The issuers that every case is tried with, by their names in the store. */
const ISSUERS = ["ca", "intermediate", "self-signed", "acme"] as const;
type IssuerName = (typeof ISSUERS)[number];

/** A control plane with an issuer of each kind, on real time: key pairs and signatures take some. */
class Bench {
  readonly store: MemoryStore = new MemoryStore({ clock: systemClock });
  readonly #stack = new AsyncDisposableStack();

  async open(): Promise<void> {
    const edge = new FakeEdge();
    const { url, ca } = await this.#openAcmeServer(edge);
    for (const name of NAMESPACES) await this.store.create(NAMESPACE, make(NAMESPACE, name));
    const acme = { server: url, privateKeySecretRef: { name: "account" }, solvers: [{ http01: { ingress: {} } }] };
    const pointers = {
      crlDistributionPoints: ["http://crl.example/ca.crl"],
      ocspServers: ["http://ocsp.example"],
      issuingCertificateURLs: ["http://ca.example/ca.crt"],
    };
    const specs: Readonly<Record<string, unknown>> = {
      acme: { acme },
      "self-signed": { selfSigned: { crlDistributionPoints: pointers.crlDistributionPoints } },
      ca: { ca: { secretName: "root-pair", ...pointers } },
      intermediate: { ca: { secretName: "intermediate-pair" } },
    };
    for (const [name, spec] of Object.entries(specs)) {
      await this.store.create(CLUSTER_ISSUER, make(CLUSTER_ISSUER, name, { spec }));
    }
    const plane = await ControlPlane.open({
      store: this.store,
      edge,
      clock: systemClock,
      random: seededRandom(1),
      log: new MemoryLog(),
      localCa: ca,
      acmeDirectory: (server) => ({ url: server, caBundle: ca.rootPem, root: ca.rootPem, offline: false }),
      addresses: [],
      settings: { trustedProxies: [], httpsPort: 443 },
      classes: ["nginx"],
      serveClassless: true,
      clusterResourceNamespace: "shop",
    });
    this.#stack.defer(() => plane.close());
    // The authorities are Certificates themselves: a root by its own key, and an intermediate below it.
    const authority = { isCA: true, privateKey: ECDSA, duration: "87600h" };
    await this.create("root-pair", "self-signed", { ...authority, commonName: "Conformance Root" });
    await this.untilIssued("root-pair");
    await this.create("intermediate-pair", "ca", { ...authority, commonName: "Conformance Intermediate" });
    await this.untilIssued("intermediate-pair");
  }

  async close(): Promise<void> {
    await this.#stack.disposeAsync();
  }

  async create(name: string, issuer: IssuerName, spec: Readonly<Record<string, unknown>>): Promise<void> {
    const issuerRef = { name: issuer, kind: "ClusterIssuer" };
    await this.store.create(CERTIFICATE, make(CERTIFICATE, name, { spec: { secretName: name, issuerRef, ...spec } }));
  }

  async change(name: string, spec: Readonly<Record<string, unknown>>): Promise<void> {
    const found = await this.store.get(CERTIFICATE, "shop", name);
    assert.ok(found !== undefined);
    const old = found["spec"];
    assert.ok(typeof old === "object");
    await this.store.update(CERTIFICATE, { ...found, spec: { ...old, ...spec } });
  }

  /** Follows the Certificate until `fits` holds of it. */
  async until(name: string, fits: (certificate: Certificate) => boolean): Promise<Certificate> {
    for await (const { object } of this.store.watch(CERTIFICATE, { signal: AbortSignal.timeout(PATIENCE_MS) })) {
      if (object.metadata.name !== name) continue;
      const certificate = readCertificate(object);
      if (fits(certificate)) return certificate;
    }
    const object = await this.store.get(CERTIFICATE, "shop", name);
    throw new Error(`Certificate "${name}": ${JSON.stringify(object?.["status"])}`);
  }

  async untilIssued(name: string, revision: number = 1): Promise<Certificate> {
    return this.until(name, ({ object, status }) => {
      const ready = status.conditions.find(({ type }) => type === "Ready");
      const issuing = status.conditions.some(({ type }) => type === "Issuing");
      const current = ready?.observedGeneration === object.metadata.generation;
      return ready?.status === "True" && current && !issuing && status.revision >= revision;
    });
  }

  async secret(name: string): Promise<KubeObject> {
    const secret = await this.store.get(SECRET, "shop", name);
    assert.ok(secret !== undefined, `Secret "${name}"`);
    return secret;
  }

  async leaf(certificate: Certificate): Promise<CertificateFacts> {
    return parseCertificate(base64At((await this.secret(certificate.spec.secretName))["data"], "tls.crt") ?? "");
  }

  /** What must be true of every certificate, whatever its issuer; returns what OpenSSL reads in it. */
  async validate(certificate: Certificate, issuer: IssuerName): Promise<string> {
    const { spec, status, name } = certificate;
    const secret = await this.secret(spec.secretName);
    const { annotations = {} } = secret.metadata;
    assert.deepEqual(Object.keys(dataOf(secret)).sort(), ["ca.crt", "tls.crt", "tls.key"]);
    assert.equal(annotations["cert-manager.io/certificate-name"], name);
    assert.equal(annotations["cert-manager.io/issuer-name"], issuer);
    const leaf = await this.leaf(certificate);
    const key = parseKey(base64At(secret["data"], "tls.key") ?? "");
    const type = { RSA: "rsa", ECDSA: "ec", Ed25519: "ed25519" }[spec.privateKey.algorithm];
    assert.equal(key.asymmetricKeyType, type);
    assert.equal(status.notAfterMs, leaf.notAfterMs);
    assert.equal(leaf.isCa, spec.isCa);
    assert.deepEqual(leaf.dnsNames.toSorted(), spec.dnsNames.toSorted());
    assert.deepEqual([leaf.uris, leaf.emailAddresses], [spec.uris, spec.emailAddresses]);
    assert.equal(leaf.ipAddresses.length, spec.ipAddresses.length);
    if (spec.commonName !== "") assert.equal(leaf.commonName, spec.commonName);
    if (issuer !== "acme") {
      const minutes = Math.round((leaf.notAfterMs - leaf.notBeforeMs) / 60_000);
      assert.equal(
        minutes,
        (spec.durationMs ?? 90 * 24 * 3_600_000) / 60_000 + 1,
        "as asked, and a minute of backdating",
      );
    }
    return this.#openssl(secret, issuer);
  }

  /** Has OpenSSL follow the chain up to `ca.crt`, and read the certificate. */
  async #openssl(secret: KubeObject, issuer: IssuerName): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), "lintel-conformance-"));
    try {
      const run = promisify(execFile);
      const [chain, ca] = [join(directory, "tls.crt"), join(directory, "ca.crt")];
      await writeFile(chain, base64At(secret["data"], "tls.crt") ?? "");
      await writeFile(ca, base64At(secret["data"], "ca.crt") ?? "");
      // A certificate that its own key signed is trusted as it is, CA or not.
      const trust = issuer === "self-signed" ? ["-partial_chain"] : [];
      await run("openssl", ["verify", ...trust, "-CAfile", ca, "-untrusted", chain, chain]);
      const format = ["-noout", "-text", "-nameopt", "RFC2253,utf8,-esc_msb"];
      const { stdout } = await run("openssl", ["x509", "-in", chain, ...format]);
      const text = stdout.replaceAll(/\s+/g, " ");
      if (issuer === "ca" || issuer === "self-signed") assert.match(text, /URI:http:\/\/crl\.example\/ca\.crl/);
      if (issuer === "ca")
        assert.match(text, /OCSP - URI:http:\/\/ocsp\.example CA Issuers - URI:http:\/\/ca\.example/);
      return text;
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  async #openAcmeServer(edge: FakeEdge): Promise<{ url: string; ca: LocalCa }> {
    const directory = await mkdtemp(join(tmpdir(), "lintel-conformance-"));
    this.#stack.defer(() => rm(directory, { recursive: true, force: true }));
    const ca = await LocalCa.open({ directory, clock: systemClock });
    const { chain, key } = await ca.issue({ names: ["127.0.0.1", "localhost"], durationMs: 86_400_000 });
    const dial: Http01Dialer = (host, path) => {
      const answer = edge.snapshot.challenges.get(path.slice(HTTP01_PATH.length));
      return Promise.resolve(
        answer?.host === host ? { status: 200, body: answer.keyAuthorization } : { status: 404, body: "" },
      );
    };
    let baseUrl = "";
    const options = { baseUrl: () => baseUrl, ca, clock: systemClock, log: new MemoryLog(), directory, dial };
    const server = await AcmeServer.open({ ...options, random: seededRandom(1) });
    this.#stack.defer(() => server.close());
    const listener = createServer({ cert: chain, key }, (request, response) => server.handle(request, response));
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    this.#stack.defer(async () => {
      listener.closeAllConnections();
      await new Promise((resolve) => listener.close(resolve));
    });
    baseUrl = `https://127.0.0.1:${String(portOf(listener))}`;
    return { url: `${baseUrl}/acme/local/directory`, ca };
  }
}

function dataOf(secret: KubeObject): Readonly<Record<string, unknown>> {
  const { data } = secret;
  return typeof data === "object" && data !== null ? { ...data } : {};
}

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
