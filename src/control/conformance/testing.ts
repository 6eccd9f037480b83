import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { HTTP01_PATH } from "../../acme/key-authorization.ts";
import { AcmeServer, type Http01Dialer } from "../../acme/server/acme-server.ts";
import { portOf } from "../../acme/testing.ts";
import { systemClock } from "../../ground/system-clock.ts";
import { MemoryLog, seededRandom } from "../../ground/testing.ts";
import { parseKey } from "../../pki/key.ts";
import { LocalCa } from "../../pki/local-ca.ts";
import { parseCertificate, type CertificateFacts } from "../../pki/x509/certificate.ts";
import { base64At } from "../../resource/certificate-request.ts";
import { readCertificate, type Certificate } from "../../resource/certificate.ts";
import { CERTIFICATE, CLUSTER_ISSUER, NAMESPACE, SECRET } from "../../resource/kind.ts";
import type { KubeObject } from "../../resource/object.ts";
import { MemoryStore } from "../../store/memory.ts";
import { ControlPlane } from "../control-plane.ts";
import { FakeEdge, make } from "../testing.ts";

/** How long one certificate may take on a machine that has other things to do. */
const PATIENCE_MS = 180_000;
const NAMESPACES = ["default", "kube-system", "shop"];
const ECDSA = { algorithm: "ECDSA" };

/** The issuers that every case is tried with, by their names in the store. */
export const ISSUERS = ["ca", "intermediate", "self-signed", "acme"] as const;
/** One of {@link ISSUERS}. */
export type IssuerName = (typeof ISSUERS)[number];

/** A control plane with an issuer of each kind, on real time: key pairs and signatures take some. */
export class Bench {
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

/** Returns the entries of a Secret. */
export function dataOf(secret: KubeObject): Readonly<Record<string, unknown>> {
  const { data } = secret;
  return typeof data === "object" && data !== null ? { ...data } : {};
}
