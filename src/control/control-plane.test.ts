import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseCertificate } from "../pki/x509/certificate.ts";
import { base64At } from "../resource/certificate-request.ts";
import { CERTIFICATE, CERTIFICATE_REQUEST, CLUSTER_ISSUER, INGRESS, ISSUER, SECRET } from "../resource/kind.ts";
import { caSecret, make, TestPlane } from "./testing.ts";

const INGRESS_SPEC = {
  ingressClassName: "nginx",
  tls: [{ hosts: ["shop.example"], secretName: "web-tls" }],
  rules: [
    {
      host: "shop.example",
      http: { paths: [{ path: "/", pathType: "Prefix", backend: { service: { name: "web", port: { number: 80 } } } }] },
    },
  ],
};

describe("ControlPlane", () => {
  it("issues and publishes a certificate for an annotated Ingress with a ca issuer", async () => {
    await using test = await TestPlane.open();
    await test.store.create(SECRET, await caSecret(test.clock, "ca-pair"));
    await test.store.create(ISSUER, make(ISSUER, "ca", { spec: { ca: { secretName: "ca-pair" } } }));
    const annotations = { "cert-manager.io/issuer": "ca" };
    await test.store.create(INGRESS, make(INGRESS, "web", { spec: INGRESS_SPEC }, { annotations }));
    await test.untilReady("web-tls");

    const secret = await test.get(SECRET, "web-tls");
    const chain = base64At(secret?.["data"], "tls.crt") ?? "";
    assert.deepEqual(parseCertificate(chain).dnsNames, ["shop.example"]);
    assert.equal(secret?.["type"], "kubernetes.io/tls");
    assert.equal(secret?.metadata.annotations?.["cert-manager.io/issuer-name"], "ca");
    assert.equal(test.edge.snapshot.certificates.get("shop/web-tls")?.standIn, false);
    assert.deepEqual(test.edge.snapshot.tls.get("shop.example")?.certificates, ["shop/web-tls"]);
    await test.quiet();
    const ingress = await test.get(INGRESS, "web");
    assert.deepEqual(ingress?.["status"], { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } });
  });

  it("does not look at Certificates of an Ingress again when only its status has changed", async () => {
    await using test = await TestPlane.open();
    const made = await test.store.create(
      INGRESS,
      make(INGRESS, "web", { spec: { rules: [{ host: "shop.example" }] } }),
    );
    await test.quiet();
    const looks = (): number =>
      test.plane.syncCounts.find(({ controller }) => controller === "ingress-shim")?.calls ?? Number.NaN;
    const before = looks();
    const status = { loadBalancer: { ingress: [{ ip: "192.0.2.77" }] } };
    await test.store.updateStatus(INGRESS, { ...made, metadata: { name: "web", namespace: "shop" }, status });
    await test.quiet();
    assert.equal(looks(), before);
    await test.store.update(INGRESS, make(INGRESS, "web", { spec: { rules: [{ host: "www.shop.example" }] } }));
    await test.quiet();
    assert.ok(looks() > before);
  });

  it("issues a self-signed certificate", async () => {
    await using test = await TestPlane.open();
    await test.store.create(CLUSTER_ISSUER, make(CLUSTER_ISSUER, "self", { spec: { selfSigned: {} } }));
    const issuerRef = { name: "self", kind: "ClusterIssuer" };
    const privateKey = { algorithm: "ECDSA" };
    const spec = { secretName: "web-tls", dnsNames: ["a.example", "b.example"], issuerRef, privateKey };
    await test.store.create(CERTIFICATE, make(CERTIFICATE, "web", { spec }));
    await test.untilReady("web");
    const chain = base64At((await test.get(SECRET, "web-tls"))?.["data"], "tls.crt") ?? "";
    assert.deepEqual(parseCertificate(chain).dnsNames, ["a.example", "b.example"]);
    assert.equal((await test.get(CERTIFICATE_REQUEST, "web-1")) === undefined, false);
  });

  it("issues through ACME and answers the challenge from the edge", async () => {
    await using test = await TestPlane.open();
    test.ca.validate = (name, token) => {
      assert.equal(test.edge.snapshot.challenges.get(token)?.host, name);
      return undefined;
    };
    const acme = {
      server: "https://ca.example/directory",
      privateKeySecretRef: { name: "account" },
      solvers: [{ http01: { ingress: {} } }],
    };
    await test.store.create(CLUSTER_ISSUER, make(CLUSTER_ISSUER, "le", { spec: { acme } }));
    const annotations = { "cert-manager.io/cluster-issuer": "le" };
    await test.store.create(INGRESS, make(INGRESS, "web", { spec: INGRESS_SPEC }, { annotations }));
    await test.untilReady("web-tls");
    assert.equal(test.ca.count("newOrder"), 1);
    assert.equal(test.edge.snapshot.certificates.get("shop/web-tls")?.standIn, false);
    await test.quiet();
    assert.equal(test.edge.snapshot.challenges.size, 0);
  });
});
