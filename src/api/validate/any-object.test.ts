import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ManualClock } from "../../ground/testing.ts";
import type { Kind } from "../../resource/kind.ts";
import { KINDS, NAMESPACE } from "../../resource/kind.ts";
import type { KubeObject } from "../../resource/object.ts";
import { MemoryStore } from "../../store/memory.ts";
import { applyObject } from "../apply.ts";
import { applyMergePatch } from "../patch/merge-patch.ts";
import { ApiStatusError } from "../status.ts";
import { admit } from "./admit.ts";
import { objectsOf } from "./testing.ts";

const RUNS = 40;

/** The outline of a signing request, which is all that is looked at. */
const CSR = Buffer.from(
  `-----BEGIN CERTIFICATE REQUEST-----\n${Buffer.from([48, 5, 48, 3, 2, 1, 0]).toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`,
).toString("base64");

/** Merged over any object, these make most of them fit to be accepted. */
const SENSE: Readonly<Record<string, unknown>> = {
  Service: {
    spec: {
      type: "ClusterIP",
      ports: [{ port: 80 }],
      clusterIP: null,
      clusterIPs: null,
      externalIPs: null,
      externalTrafficPolicy: null,
      internalTrafficPolicy: null,
      selector: { app: "web" },
      sessionAffinity: null,
      sessionAffinityConfig: null,
    },
  },
  Endpoints: { subsets: [{ addresses: [{ ip: "10.0.0.1" }], ports: [{ port: 80 }] }] },
  Event: { involvedObject: { namespace: "demo" } },
  EndpointSlice: { addressType: "FQDN", endpoints: [{ addresses: ["a.example"] }], ports: [{ port: 80 }] },
  IngressClass: {
    spec: { controller: "a.example/b", parameters: { kind: "A", name: "b", scope: null, namespace: null } },
  },
  Ingress: {
    spec: {
      defaultBackend: { resource: null, service: { name: "web", port: { number: 80, name: null } } },
      rules: null,
      tls: null,
    },
  },
  Issuer: { spec: { acme: null, ca: { secretName: "ca" }, selfSigned: null, vault: null, venafi: null } },
  ClusterIssuer: {
    spec: {
      acme: {
        server: "https://ca.example",
        privateKeySecretRef: { name: "a", key: null },
        caBundle: null,
        externalAccountBinding: null,
        renewalInformationSource: null,
        solvers: [{ http01: { ingress: { class: "nginx" } } }],
      },
      ca: null,
      selfSigned: null,
      vault: null,
      venafi: null,
    },
  },
  Certificate: {
    spec: {
      secretName: "web-tls",
      issuerRef: { name: "ca", kind: null, group: null },
      dnsNames: ["a.example"],
      duration: "24h",
      renewBefore: null,
      renewBeforePercentage: null,
      literalSubject: null,
      ipAddresses: null,
      emailAddresses: null,
      otherNames: null,
      keystores: null,
      renewal: null,
      revisionHistoryLimit: null,
      additionalOutputFormats: null,
      nameConstraints: null,
      privateKey: null,
      secretTemplate: null,
      signatureAlgorithm: null,
    },
  },
  CertificateRequest: {
    // The server says who asks.
    spec: {
      issuerRef: { name: "ca", kind: null, group: null },
      request: CSR,
      username: null,
      uid: null,
      groups: null,
      extra: null,
    },
  },
  Order: { spec: { issuerRef: { name: "ca" }, request: "eA==" } },
  Challenge: {
    spec: {
      authorizationURL: "a",
      dnsName: "a",
      issuerRef: { name: "ca" },
      key: "a",
      solver: { dns01: null, http01: null },
      token: "a",
      type: "HTTP-01",
      url: "a",
    },
  },
};

function sensible(kind: Kind): fc.Arbitrary<unknown> {
  return objectsOf(kind).map((object) => applyMergePatch(object, SENSE[kind.kind] ?? {}));
}

/** What is admitted, or undefined when it is refused; anything else than a refusal is thrown on. */
function admittedOr(kind: Kind, input: unknown, existing?: KubeObject): KubeObject | undefined {
  try {
    return admit(input, { kind, existing }).object;
  } catch (error) {
    assert.ok(error instanceof ApiStatusError, String(error));
    return undefined;
  }
}

async function isApplied(applying: Promise<unknown>): Promise<boolean> {
  try {
    await applying;
    return true;
  } catch (error) {
    assert.ok(
      error instanceof ApiStatusError && error.message.startsWith("failed to create typed patch"),
      String(error),
    );
    return false;
  }
}

for (const kind of KINDS) {
  test(`admit() answers any ${kind.kind}, and settles what it accepts`, () => {
    fc.assert(
      fc.property(fc.oneof(objectsOf(kind), sensible(kind)), (input) => {
        const first = admittedOr(kind, input);
        if (first === undefined) return;
        const stored = { ...first, metadata: { ...first.metadata, resourceVersion: "1" } };
        assert.deepEqual(admittedOr(kind, stored, stored), stored);
      }),
      { numRuns: RUNS },
    );
  });

  test(`applyObject() changes nothing when it applies any ${kind.kind} twice`, async () => {
    await fc.assert(
      fc.asyncProperty(sensible(kind), async (input) => {
        const object = admittedOr(kind, input) === undefined ? undefined : input;
        if (object === undefined) return;
        const store = new MemoryStore({ clock: new ManualClock() });
        await store.create(NAMESPACE, { apiVersion: "v1", kind: "Namespace", metadata: { name: "demo" } });
        const options = { fieldManager: "a", force: false, nowMs: 0 };
        // What create takes, apply may not: items without the key that tells them apart have no owner.
        if (!(await isApplied(applyObject(store, object as KubeObject, options)))) return;
        const again = await applyObject(store, object as KubeObject, options);
        assert.equal(again.outcome, "unchanged");
      }),
      { numRuns: RUNS },
    );
  });
}
