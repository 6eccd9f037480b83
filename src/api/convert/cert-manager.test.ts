import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  CERTIFICATE,
  CERTIFICATE_REQUEST,
  CHALLENGE,
  CLUSTER_ISSUER,
  ISSUER,
  ORDER,
  type Kind,
} from "../../resource/kind.ts";
import type { KubeObject } from "../../resource/object.ts";
import { fromStored, toStored } from "./convert.ts";

const REF = { name: "le", kind: "Issuer" };
const SECRET = { name: "cf", key: "token" };
const CLOUDFLARE = { cloudflare: { email: "a@shop.example", apiKeySecretRef: SECRET } };
const NEW_DNS = { acmeDNS: { host: "https://auth.example", accountSecretRef: SECRET } };
const OLD_DNS = { acmedns: { host: "https://auth.example", accountSecretRef: SECRET } };

const OLD_CERTIFICATE = {
  secretName: "web-tls",
  organization: ["Shop"],
  keySize: 384,
  keyAlgorithm: "ecdsa",
  keyEncoding: "pkcs8",
  emailSANs: ["a@shop.example"],
  uriSANs: ["spiffe://shop"],
  subject: { countries: ["DE"] },
  issuerRef: REF,
};
const NEW_CERTIFICATE = {
  secretName: "web-tls",
  privateKey: { size: 384, algorithm: "ECDSA", encoding: "PKCS8" },
  emailAddresses: ["a@shop.example"],
  uris: ["spiffe://shop"],
  subject: { organizations: ["Shop"], countries: ["DE"] },
  issuerRef: REF,
};
const { organization: _, ...ALPHA_3 } = OLD_CERTIFICATE;
const BETA = {
  secretName: "web-tls",
  privateKey: NEW_CERTIFICATE.privateKey,
  emailSANs: ["a@shop.example"],
  uriSANs: ["spiffe://shop"],
  subject: NEW_CERTIFICATE.subject,
  issuerRef: REF,
};

function solver(dns01: unknown, server = "https://ca.example/dir"): Readonly<Record<string, unknown>> {
  return { acme: { server, solvers: [{ http01: { ingress: { class: "nginx" } } }, { dns01 }] } };
}

/** Kind, older version, its spec, and the stored one. */
const CASES: readonly (readonly [Kind, string, object, object])[] = [
  [CERTIFICATE, "cert-manager.io/v1alpha2", OLD_CERTIFICATE, NEW_CERTIFICATE],
  [CERTIFICATE, "certmanager.k8s.io/v1alpha1", OLD_CERTIFICATE, NEW_CERTIFICATE],
  [CERTIFICATE, "cert-manager.io/v1alpha3", { ...ALPHA_3, subject: NEW_CERTIFICATE.subject }, NEW_CERTIFICATE],
  [CERTIFICATE, "cert-manager.io/v1beta1", BETA, NEW_CERTIFICATE],
  [
    CERTIFICATE_REQUEST,
    "cert-manager.io/v1alpha2",
    { csr: "QQ==", issuerRef: REF },
    { request: "QQ==", issuerRef: REF },
  ],
  [
    CERTIFICATE_REQUEST,
    "cert-manager.io/v1beta1",
    { request: "QQ==", issuerRef: REF },
    { request: "QQ==", issuerRef: REF },
  ],
  [ISSUER, "cert-manager.io/v1alpha3", solver(OLD_DNS), solver(NEW_DNS)],
  [ISSUER, "cert-manager.io/v1beta1", solver(NEW_DNS), solver(NEW_DNS)],
  [CLUSTER_ISSUER, "certmanager.k8s.io/v1alpha1", solver(OLD_DNS), solver(NEW_DNS)],
  [ORDER, "acme.cert-manager.io/v1alpha2", { csr: "QQ==", issuerRef: REF }, { request: "QQ==", issuerRef: REF }],
  [
    CHALLENGE,
    "acme.cert-manager.io/v1alpha2",
    { authzURL: "https://ca.example/1", type: "dns-01", solver: { dns01: OLD_DNS } },
    { authorizationURL: "https://ca.example/1", type: "DNS-01", solver: { dns01: NEW_DNS } },
  ],
];

function object(
  kind: Kind,
  apiVersion: string,
  spec: unknown,
  annotations?: Readonly<Record<string, string>>,
): KubeObject {
  const metadata = { name: "web", ...(annotations === undefined ? {} : { annotations }) };
  return { apiVersion, kind: kind.kind, metadata, spec };
}

describe("older versions of cert-manager's kinds", () => {
  for (const [kind, apiVersion, older, stored] of CASES) {
    it(`toStored() and fromStored() move the fields of ${apiVersion} ${kind.kind}`, () => {
      const moved = toStored(kind, object(kind, apiVersion, older)) as KubeObject;
      assert.deepEqual(moved["spec"], stored);
      assert.deepEqual(fromStored(kind, moved, apiVersion)["spec"], older);
    });
  }

  it("toStored() makes solvers of what an Issuer had before there were any", () => {
    const acme = {
      server: "https://ca.example/dir",
      http01: {},
      dns01: {
        providers: [
          { name: "prod", ...CLOUDFLARE },
          { name: "own", ...OLD_DNS },
        ],
      },
    };
    const moved = toStored(ISSUER, object(ISSUER, "certmanager.k8s.io/v1alpha1", { acme })) as KubeObject;
    const solvers = [{ http01: { ingress: {} } }, { dns01: CLOUDFLARE }, { dns01: NEW_DNS }];
    assert.deepEqual(moved["spec"], { acme: { server: "https://ca.example/dir", solvers } });
    const back = fromStored(ISSUER, moved, "certmanager.k8s.io/v1alpha1");
    const oldSolvers = [{ http01: { ingress: {} } }, { dns01: CLOUDFLARE }, { dns01: OLD_DNS }];
    assert.deepEqual(back["spec"], { acme: { ...acme, solvers: oldSolvers } });
  });

  it("keeps what only the first version had, and forgets it when it is taken away", () => {
    const acme = { config: [{ http01: { ingressClass: "nginx" }, domains: ["shop.example"] }] };
    const first = object(CERTIFICATE, "certmanager.k8s.io/v1alpha1", { secretName: "web-tls", acme });
    const moved = toStored(CERTIFICATE, first) as KubeObject;
    assert.deepEqual(moved["spec"], { secretName: "web-tls" });
    assert.deepEqual(fromStored(CERTIFICATE, moved, "certmanager.k8s.io/v1alpha1")["spec"], {
      secretName: "web-tls",
      acme,
    });
    assert.deepEqual(fromStored(CERTIFICATE, moved, "cert-manager.io/v1alpha2")["spec"], { secretName: "web-tls" });
    const without = { ...first, metadata: moved.metadata, spec: { secretName: "web-tls" } };
    const again = toStored(CERTIFICATE, without) as KubeObject;
    assert.deepEqual(again.metadata, { name: "web" });
  });
});
