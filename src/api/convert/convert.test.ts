import assert from "node:assert/strict";
import { test } from "node:test";
import { EVENT, INGRESS } from "../../resource/kind.ts";
import type { KubeObject } from "../../resource/object.ts";
import { fromStored, toStored } from "./convert.ts";

const BETA = {
  apiVersion: "extensions/v1beta1",
  kind: "Ingress",
  metadata: { name: "web", namespace: "demo" },
  spec: {
    backend: { serviceName: "fallback", servicePort: "http" },
    rules: [
      { host: "web.example", http: { paths: [{ path: "/", backend: { serviceName: "web", servicePort: 80 } }] } },
    ],
    tls: [{ hosts: ["web.example"], secretName: "web-tls" }],
  },
} as const;

test("toStored() moves the fields of a beta Ingress and fills in its path type", () => {
  assert.deepEqual(toStored(INGRESS, BETA), {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: { name: "web", namespace: "demo" },
    spec: {
      defaultBackend: { service: { name: "fallback", port: { name: "http" } } },
      rules: [
        {
          host: "web.example",
          http: {
            paths: [
              {
                path: "/",
                pathType: "ImplementationSpecific",
                backend: { service: { name: "web", port: { number: 80 } } },
              },
            ],
          },
        },
      ],
      tls: [{ hosts: ["web.example"], secretName: "web-tls" }],
    },
  });
});

test("fromStored() gives back the beta Ingress that toStored() took", () => {
  const stored = toStored(INGRESS, BETA) as KubeObject;
  const back = fromStored(INGRESS, stored, "extensions/v1beta1");
  const path = { path: "/", pathType: "ImplementationSpecific", backend: { serviceName: "web", servicePort: 80 } };
  assert.deepEqual(back, {
    ...BETA,
    spec: { ...BETA.spec, rules: [{ host: "web.example", http: { paths: [path] } }] },
  });
});

test("toStored() keeps a backend that is not a service", () => {
  const resource = { apiGroup: "k8s.example", kind: "Bucket", name: "static" };
  const stored = toStored(INGRESS, { ...BETA, spec: { backend: { resource } } });
  assert.deepEqual(stored["spec"], { defaultBackend: { resource } });
});

test("toStored() and fromStored() leave the stored version alone", () => {
  const object = { apiVersion: "networking.k8s.io/v1", kind: "Ingress", metadata: { name: "web" } };
  assert.equal(toStored(INGRESS, object), object);
  assert.equal(fromStored(INGRESS, object, "networking.k8s.io/v1"), object);
});

test("toStored() and fromStored() rename the fields of Events", () => {
  const newer = {
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    metadata: { name: "web.1" },
    note: "Certificate issued",
    regarding: { kind: "Certificate", name: "web" },
    reportingController: "lintel",
    reason: "Issued",
  };
  const stored = toStored(EVENT, newer) as KubeObject;
  assert.equal(stored["message"], "Certificate issued");
  assert.deepEqual(stored["involvedObject"], { kind: "Certificate", name: "web" });
  assert.deepEqual(fromStored(EVENT, stored, "events.k8s.io/v1"), newer);
});

test("fromStored() names the source of an older Event as its controller", () => {
  const stored = {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: "web.1" },
    source: { component: "lintel" },
    reportingComponent: "",
  };
  assert.equal(fromStored(EVENT, stored, "events.k8s.io/v1")["reportingController"], "lintel");
});
