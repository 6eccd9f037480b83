// Coming from cert-manager with a backup: what is there is kept, and nothing is ordered.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodeKey, generateKey } from "../pki/key.ts";
import { selfSign } from "../pki/sign.ts";
import { createRequest } from "../pki/x509/request.ts";
import { toBase64 } from "../resource/certificate-request.ts";
import { CERTIFICATE, CERTIFICATE_REQUEST, EVENT, INGRESS, ISSUER, ORDER, SECRET } from "../resource/kind.ts";
import { readCertificate } from "../resource/certificate.ts";
import type { KubeObject } from "../resource/object.ts";
import { make, TestPlane } from "./testing.ts";

const DAY_MS = 86_400_000;
const GONE = "00000000-0000-4000-8000-000000000000";

interface Kept {
  readonly names?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
}

const BY_CERT_MANAGER = {
  "cert-manager.io/alt-names": "shop.example",
  "cert-manager.io/certificate-name": "web",
  "cert-manager.io/common-name": "shop.example",
  "cert-manager.io/ip-sans": "",
  "cert-manager.io/issuer-group": "cert-manager.io",
  "cert-manager.io/issuer-kind": "Issuer",
  "cert-manager.io/issuer-name": "le",
  "cert-manager.io/uri-sans": "",
};

/** The Secret of Certificate `web`, a month into its life. */
async function keptSecret(
  plane: TestPlane,
  { names = ["shop.example"], annotations = BY_CERT_MANAGER }: Kept = {},
): Promise<KubeObject> {
  const key = await generateKey({ algorithm: "RSA", size: 2048 });
  const { chain } = await selfSign({
    csr: await createRequest(key, { dnsNames: names }),
    key,
    notBeforeMs: plane.clock.nowMs() - 30 * DAY_MS,
    durationMs: 90 * DAY_MS,
    isCa: false,
    usages: ["digital signature", "key encipherment"],
  });
  const data = { "tls.crt": toBase64(chain), "tls.key": toBase64(encodeKey(key, "PKCS1")) };
  return make(SECRET, "web-tls", { type: "kubernetes.io/tls", data }, { annotations });
}

function certificate(metadata: Parameters<typeof make>[3] = {}): KubeObject {
  const spec = { secretName: "web-tls", dnsNames: ["shop.example"], issuerRef: { name: "le" } };
  const status = {
    conditions: [{ type: "Ready", status: "True", reason: "Ready", message: "Certificate is up to date" }],
    notAfter: "2030-01-01T00:00:00Z",
    revision: 4,
  };
  return make(CERTIFICATE, "web", { spec, status }, metadata);
}

function issuer(): KubeObject {
  const solvers = [{ http01: { ingress: { ingressClassName: "nginx" } } }];
  return make(ISSUER, "le", {
    spec: { acme: { server: "https://ca.example/dir", privateKeySecretRef: { name: "le-account" }, solvers } },
  });
}

async function restored(plane: TestPlane, kept: Kept = {}): Promise<KubeObject> {
  const secret = await keptSecret(plane, kept);
  await plane.store.create(SECRET, secret);
  await plane.store.create(ISSUER, issuer());
  await plane.store.create(CERTIFICATE, certificate());
  await plane.quiet();
  return secret;
}

async function isKept(plane: TestPlane, secret: KubeObject): Promise<boolean> {
  return JSON.stringify((await plane.get(SECRET, "web-tls"))?.["data"]) === JSON.stringify(secret["data"]);
}

describe("a Certificate whose Secret is there already", () => {
  it("is Ready with what cert-manager stored, through a restart and until renewal is due", async () => {
    await using plane = await TestPlane.open();
    const secret = await restored(plane);
    assert.equal((await plane.condition(CERTIFICATE, "web", "Ready"))?.status, "True");
    await plane.restart();
    await plane.pass(20 * DAY_MS, DAY_MS);
    assert.equal(plane.ca.count("newOrder"), 0);
    assert.ok(await isKept(plane, secret));
    await plane.pass(11 * DAY_MS, DAY_MS);
    assert.equal(plane.ca.count("newOrder"), 1, "it is renewed when a third of its life is left");
  });

  for (const [what, annotations] of [
    [
      "by the first cert-manager, under its old annotations",
      {
        "certmanager.k8s.io/certificate-name": "web",
        "certmanager.k8s.io/issuer-name": "le",
        "certmanager.k8s.io/issuer-kind": "Issuer",
      },
    ],
    ["by a cert-manager that wrote no group", { ...BY_CERT_MANAGER, "cert-manager.io/issuer-group": "" }],
    ["by hand, and says who issued it", { "cert-manager.io/issuer-name": "le" }],
  ] as const) {
    it(`is Ready with what was stored ${what}`, async () => {
      await using plane = await TestPlane.open();
      const secret = await restored(plane, { annotations });
      assert.equal((await plane.condition(CERTIFICATE, "web", "Ready"))?.status, "True");
      assert.equal(plane.ca.count("newOrder"), 0);
      assert.ok(await isKept(plane, secret));
      const written = (await plane.get(SECRET, "web-tls"))?.metadata.annotations ?? {};
      assert.equal(written["cert-manager.io/certificate-name"], "web");
      assert.equal(written["cert-manager.io/issuer-group"], "cert-manager.io");
    });
  }

  for (const [what, kept, reason] of [
    [
      "another issuer made it",
      { annotations: { ...BY_CERT_MANAGER, "cert-manager.io/issuer-name": "other" } },
      /was previously issued by Issuer "other" instead of Issuer "le"/,
    ],
    ["nobody says who made it", { annotations: {} }, /was not issued by Issuer "le"/],
    ["it is for other names", { names: ["old.example"] }, /does not have the spec's spec\.dnsNames/],
  ] as const) {
    it(`is issued anew when ${what}`, async () => {
      await using plane = await TestPlane.open();
      const secret = await keptSecret(plane, kept);
      await plane.store.create(SECRET, secret);
      await plane.store.create(ISSUER, issuer());
      plane.ca.validate = () => ({ type: "urn:ietf:params:acme:error:dns", detail: "no", status: 400 });
      await plane.store.create(CERTIFICATE, certificate());
      await plane.pass(1000);
      const issued = plane.progress.some(({ step }) => step === "certificate-ordered");
      assert.ok(issued);
      const events = (await plane.store.list(EVENT)).items;
      assert.ok(
        events.some(({ message }) => reason.test(String(message))),
        JSON.stringify(events.map(({ message }) => message)),
      );
      assert.ok(await isKept(plane, secret), "what is there stays until something better is");
    });
  }
});

describe("what else is in a backup", () => {
  it("requests and orders of a Certificate that has a new uid are removed, not asked for again", async () => {
    await using plane = await TestPlane.open();
    const owner = { apiVersion: "cert-manager.io/v1", controller: true, blockOwnerDeletion: true, uid: GONE };
    const annotations = { "cert-manager.io/certificate-name": "web", "cert-manager.io/certificate-revision": "4" };
    const request = Buffer.from("whatever").toString("base64");
    const spec = { request, issuerRef: { name: "le" }, dnsNames: ["shop.example"] };
    await plane.store.create(
      CERTIFICATE_REQUEST,
      make(
        CERTIFICATE_REQUEST,
        "web-4",
        { spec },
        { annotations, ownerReferences: [{ ...owner, kind: "Certificate", name: "web" }] },
      ),
    );
    await plane.store.create(
      ORDER,
      make(
        ORDER,
        "web-4-1",
        { spec },
        { annotations, ownerReferences: [{ ...owner, kind: "CertificateRequest", name: "web-4" }] },
      ),
    );
    await restored(plane);
    assert.equal(await plane.get(CERTIFICATE_REQUEST, "web-4"), undefined);
    assert.equal(await plane.get(ORDER, "web-4-1"), undefined);
    assert.equal(plane.ca.count("newOrder"), 0);
  });

  it("a Certificate of an annotated Ingress goes on following it", async () => {
    await using plane = await TestPlane.open();
    await plane.store.create(SECRET, await keptSecret(plane));
    await plane.store.create(ISSUER, issuer());
    const ownerReferences = [
      { apiVersion: "networking.k8s.io/v1", kind: "Ingress", name: "shop", controller: true, uid: GONE },
    ];
    await plane.store.create(CERTIFICATE, {
      ...certificate({ ownerReferences }),
      metadata: { name: "web-tls", namespace: "shop", ownerReferences },
    });
    const tls = [{ hosts: ["shop.example"], secretName: "web-tls" }];
    const annotations = { "cert-manager.io/issuer": "le" };
    const ingress = await plane.store.create(INGRESS, make(INGRESS, "shop", { spec: { tls } }, { annotations }));
    await plane.quiet();
    const followed = await plane.get(CERTIFICATE, "web-tls");
    assert.deepEqual(
      followed?.metadata.ownerReferences?.map(({ uid }) => uid),
      [ingress.metadata.uid],
    );
    const more = [{ hosts: ["shop.example", "www.shop.example"], secretName: "web-tls" }];
    const current = (await plane.get(INGRESS, "shop")) ?? ingress;
    await plane.store.update(INGRESS, { ...current, spec: { tls: more } });
    await plane.quiet();
    const after = await plane.get(CERTIFICATE, "web-tls");
    assert.ok(after !== undefined);
    assert.deepEqual(readCertificate(after).spec.dnsNames, ["shop.example", "www.shop.example"]);
  });
});
