// Manifests in every version that cert-manager has had, with the real kubectl.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Instance, stateFolder } from "./instance.ts";
import { KubectlCluster, kubectlIsMissing } from "./kubectl.ts";

const skip = await kubectlIsMissing();

const FIRST = `
apiVersion: certmanager.k8s.io/v1alpha1
kind: ClusterIssuer
metadata: { name: letsencrypt }
spec:
  acme:
    server: https://ca.example/directory
    email: ops@shop.example
    privateKeySecretRef: { name: letsencrypt }
    http01: {}
---
apiVersion: certmanager.k8s.io/v1alpha1
kind: Certificate
metadata: { name: web, namespace: default }
spec:
  secretName: web-tls
  organization: [Shop]
  keyAlgorithm: ecdsa
  keySize: 256
  dnsNames: [shop.example]
  issuerRef: { name: letsencrypt, kind: ClusterIssuer }
  acme:
    config:
      - http01: { ingressClass: nginx }
        domains: [shop.example]
`;

test("kubectl applies the first version's manifests and gets them back in either version", { skip }, async () => {
  await using cluster = await KubectlCluster.open();
  const created = await cluster.apply(FIRST);
  assert.equal(created.code, 0, created.stderr);
  assert.match(created.stdout, /certificate\.certmanager\.k8s\.io\/web created/);
  assert.match(
    created.stderr,
    /certmanager\.k8s\.io\/v1alpha1 Certificate is deprecated.*use cert-manager\.io\/v1 Certificate/,
  );
  assert.match(created.stderr, /spec\.acme of a v1alpha1 Certificate is kept and not used/);
  assert.match((await cluster.apply(FIRST)).stdout, /certificate\.certmanager\.k8s\.io\/web unchanged/);
  assert.match(
    (await cluster.apply(FIRST)).stdout,
    /clusterissuer\.certmanager\.k8s\.io\/letsencrypt (unchanged|configured)/,
  );

  const get = async (resource: string, path: string): Promise<string> =>
    cluster.output(["get", resource, "web", "-n", "default", "-o", `jsonpath={${path}}`]);
  assert.equal(await get("certificates", ".apiVersion"), "cert-manager.io/v1");
  assert.equal(await get("certificates", ".spec.privateKey.algorithm"), "ECDSA");
  assert.equal(await get("certificates", ".spec.subject.organizations[0]"), "Shop");
  assert.equal(await get("certificates.v1alpha1.certmanager.k8s.io", ".spec.keyAlgorithm"), "ecdsa");
  assert.equal(
    await get("certificates.v1alpha1.certmanager.k8s.io", ".spec.acme.config[0].domains[0]"),
    "shop.example",
  );
  assert.equal(await get("certificates.v1alpha2.cert-manager.io", ".spec.keySize"), "256");
  assert.equal(await get("certificates.v1alpha3.cert-manager.io", ".spec.subject.organizations[0]"), "Shop");
  assert.equal(await get("certificates.v1beta1.cert-manager.io", ".spec.privateKey.size"), "256");

  const listed = await cluster.run(["get", "cert", "-n", "default"]);
  assert.equal(listed.stdout.match(/web-tls/g)?.length, 1, "names mean the stored version alone");
  assert.equal(listed.stderr, "");
  assert.match(
    await cluster.output(["explain", "certificate.spec.keySize", "--api-version", "cert-manager.io/v1alpha2"]),
    /keySize <integer>/,
  );
  const solvers = ["get", "clusterissuer", "letsencrypt", "-o", "jsonpath={.spec.acme.solvers[0].http01}"];
  assert.equal(await cluster.output(solvers), '{"ingress":{}}');
});

test(
  "kubectl applies every later version, client-side and server-side, and unknown fields are refused",
  { skip },
  async () => {
    await using cluster = await KubectlCluster.open();
    for (const version of ["v1alpha2", "v1alpha3", "v1beta1"]) {
      const key =
        version === "v1beta1" ? "privateKey: { algorithm: RSA, size: 4096 }" : "{ keyAlgorithm: rsa, keySize: 4096 }";
      const fields = key.replace(/^\{ (.*) \}$/, "$1").replace(", keySize", "\n  keySize");
      const manifest = `
apiVersion: cert-manager.io/${version}
kind: Certificate
metadata: { name: ${version}, namespace: default }
spec:
  secretName: ${version}-tls
  ${fields}
  uriSANs: ["spiffe://shop"]
  dnsNames: [shop.example]
  issuerRef: { name: letsencrypt }
`;
      for (const args of [[], ["--server-side", "--force-conflicts"]]) {
        const applied = await cluster.apply(manifest, ...args);
        assert.equal(applied.code, 0, applied.stderr);
      }
      const path = "jsonpath={.spec.privateKey.size} {.spec.uris[0]}";
      assert.equal(await cluster.output(["get", "cert", version, "-n", "default", "-o", path]), "4096 spiffe://shop");
      const wrong = await cluster.apply(manifest.replace("uriSANs", "uriSAN"));
      assert.match(wrong.stderr, /unknown field "spec\.uriSAN"/);
    }
  },
);

test("certificates of older manifests are issued as those of new ones", { skip }, async (t) => {
  const folder = stateFolder(t);
  mkdirSync(join(folder, "manifests"));
  const first = FIRST.replace("https://ca.example/directory", "https://localhost/acme/local/directory");
  writeFileSync(join(folder, "manifests", "old.yaml"), first.replaceAll("shop.example", "shop.localhost"));
  const instance = await Instance.start(t, { arguments: [join(folder, "manifests")] }).ready();
  await instance.kubectl("wait", "--for=condition=Ready", "certificate/web", "-n", "default", "--timeout=60s");
  const old = "certificates.v1alpha1.certmanager.k8s.io";
  const path = "jsonpath={.status.conditions[?(@.type=='Ready')].status}";
  assert.equal(await instance.kubectl("get", old, "web", "-n", "default", "-o", path), "True");
});
