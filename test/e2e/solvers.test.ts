// Names proven by DNS-01 and TLS-ALPN-01 in the real program, two workers, with the local CA as the one that looks.
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { hasKnot, KNOT_SECRET, startKnot } from "../../src/acme/solvers/testing.ts";
import { skipWithout } from "../../src/ground/testing.ts";
import { eventually } from "./eventually.ts";
import { Instance } from "./instance.ts";

function manifests(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "lintel-solvers-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "site.yaml");
  writeFileSync(path, text);
  return path;
}

function issuer(solver: string): string {
  return `
apiVersion: cert-manager.io/v1
kind: Issuer
metadata: { name: local, namespace: default }
spec:
  acme:
    server: https://localhost/acme/local/directory
    privateKeySecretRef: { name: account }
    solvers: [${solver}]
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: { name: web, namespace: default }
spec: { secretName: web-tls, issuerRef: { name: local }, privateKey: { algorithm: ECDSA }, dnsNames: NAMES }
`;
}

async function certificateOf(instance: Instance): Promise<X509Certificate> {
  await instance.ready();
  return eventually("the certificate", async () => {
    const pem = await instance.kubectl("get", "secret", "web-tls", "-o", "jsonpath={.data.tls\\.crt}");
    return new X509Certificate(Buffer.from(pem, "base64"));
  });
}

test("lintel up proves a name by TLS-ALPN-01 on the port for HTTPS", { skip: skipWithout("kubectl") }, async (t) => {
  const text = issuer("{ tlsALPN01: {} }").replace("NAMES", "[alpn.localhost]");
  const instance = Instance.start(t, { arguments: [manifests(t, text)] });
  const certificate = await certificateOf(instance);
  assert.equal(certificate.subjectAltName, "DNS:alpn.localhost");
  const events = await instance.kubectl("get", "events", "-o", "jsonpath={.items[*].message}");
  assert.match(events, /verified with "TLS-ALPN-01" validation/);
});

test(
  "lintel up proves a wildcard by DNS-01 at a server with dynamic updates",
  { skip: hasKnot() ? skipWithout("kubectl") : "install the Debian package knot" },
  async (t) => {
    const server = `127.0.0.1:${String(await startKnot(t))}`;
    const key =
      "tsigSecretSecretRef: { name: tsig, key: key }, tsigKeyName: hmac-sha256-key, tsigAlgorithm: HMACSHA256";
    const solver = `{ dns01: { nameservers: ["${server}"], rfc2136: { nameserver: "${server}", ${key} } } }`;
    const secret = `---
apiVersion: v1
kind: Secret
metadata: { name: tsig, namespace: default }
stringData: { key: ${KNOT_SECRET} }
`;
    const text = issuer(solver).replace("NAMES", '["*.shop.example", shop.example]') + secret;
    const instance = Instance.start(t, { arguments: [manifests(t, text), "--nameserver", server] });
    const certificate = await certificateOf(instance);
    assert.match(String(certificate.subjectAltName), /DNS:\*\.shop\.example/);
  },
);
