import assert from "node:assert/strict";
import { test } from "node:test";
import { CERTIFICATE, CONFIG_MAP, INGRESS, NAMESPACE, SERVICE } from "../../resource/kind.ts";
import type { Kind } from "../../resource/kind.ts";
import type { KubeObject } from "../../resource/object.ts";
import { admit } from "../validate/admit.ts";
import { recordUpdate } from "./record-update.ts";

const NOW_MS = Date.UTC(2026, 0, 1);
const LATER_MS = NOW_MS + 60_000;

function created(kind: Kind, fields: Readonly<Record<string, unknown>>, manager = "kubectl-create"): KubeObject {
  const metadata = { name: "web", ...(kind.namespaced ? { namespace: "demo" } : {}) };
  const updated = admit({ metadata, ...fields }, { kind }).object;
  return recordUpdate({ kind, live: undefined, updated, manager, nowMs: NOW_MS });
}

function fieldsOf(object: KubeObject): Readonly<Record<string, unknown>> {
  const entries = (object.metadata.managedFields ?? []) as readonly { manager: string; fieldsV1: unknown }[];
  return Object.fromEntries(entries.map((entry) => [entry.manager, entry.fieldsV1]));
}

const RULES = [
  {
    host: "web.example",
    http: { paths: [{ path: "/", pathType: "Prefix", backend: { service: { name: "web", port: { number: 80 } } } }] },
  },
];

test("recordUpdate() writes a whole entry for whoever creates an object", () => {
  assert.deepEqual(created(INGRESS, { spec: { rules: RULES } }).metadata.managedFields, [
    {
      manager: "kubectl-create",
      operation: "Update",
      apiVersion: "networking.k8s.io/v1",
      time: "2026-01-01T00:00:00Z",
      fieldsType: "FieldsV1",
      fieldsV1: { "f:spec": { "f:rules": {} } },
    },
  ]);
});

test("recordUpdate() counts containers that are new: in custom resources the spec is, in built-in kinds it is not", () => {
  const certificate = created(CERTIFICATE, {
    spec: { secretName: "tls", issuerRef: { name: "ca" }, dnsNames: ["a.example"] },
  });
  assert.deepEqual(fieldsOf(certificate)["kubectl-create"], {
    "f:spec": { ".": {}, "f:dnsNames": {}, "f:issuerRef": { ".": {}, "f:name": {} }, "f:secretName": {} },
  });
  assert.deepEqual(fieldsOf(created(CONFIG_MAP, { data: { a: "b" } }))["kubectl-create"], {
    "f:data": { ".": {}, "f:a": {} },
  });
});

test("recordUpdate() knows the items of a Service's ports by their keys, and does not count what the server assigns", () => {
  const service = created(SERVICE, { spec: { ports: [{ name: "http", port: 80 }], selector: { app: "web" } } });
  assert.deepEqual(fieldsOf(service)["kubectl-create"], {
    "f:spec": {
      "f:internalTrafficPolicy": {},
      "f:ports": {
        ".": {},
        'k:{"port":80,"protocol":"TCP"}': { ".": {}, "f:name": {}, "f:port": {}, "f:protocol": {}, "f:targetPort": {} },
      },
      "f:selector": {},
      "f:sessionAffinity": {},
      "f:type": {},
    },
  });
  assert.deepEqual(fieldsOf(created(NAMESPACE, {}))["kubectl-create"], {
    "f:metadata": { "f:labels": { ".": {}, "f:kubernetes.io/metadata.name": {} } },
  });
});

test("recordUpdate() moves a field to whoever changes it, and forgets removed ones", () => {
  const live = created(CONFIG_MAP, { data: { a: "1", b: "2" } });
  const updated = { ...live, data: { a: "9" } };
  const next = recordUpdate({ kind: CONFIG_MAP, live, updated, manager: "kubectl-edit", nowMs: LATER_MS });
  assert.deepEqual(fieldsOf(next), { "kubectl-create": { "f:data": {} }, "kubectl-edit": { "f:data": { "f:a": {} } } });
});

test("recordUpdate() leaves everything as it is when nothing changes", () => {
  const live = created(CONFIG_MAP, { data: { a: "1" } });
  assert.deepEqual(recordUpdate({ kind: CONFIG_MAP, live, updated: live, manager: "other", nowMs: LATER_MS }), live);
});

test("recordUpdate() keeps the status apart as a subresource", () => {
  const live = created(INGRESS, { spec: { rules: RULES } });
  const updated = { ...live, status: { loadBalancer: { ingress: [{ ip: "10.0.0.1" }] } } };
  const next = recordUpdate({
    kind: INGRESS,
    live,
    updated,
    manager: "lintel",
    subresource: "status",
    nowMs: LATER_MS,
  });
  assert.deepEqual(next.metadata.managedFields?.[1], {
    manager: "lintel",
    operation: "Update",
    apiVersion: "networking.k8s.io/v1",
    time: "2026-01-01T00:01:00Z",
    fieldsType: "FieldsV1",
    fieldsV1: { "f:status": { "f:loadBalancer": { "f:ingress": {} } } },
    subresource: "status",
  });
});

test("recordUpdate() takes the owners that a client writes, and none when it empties the list", () => {
  const live = created(CONFIG_MAP, { data: { a: "1" } });
  const entry = {
    manager: "b",
    operation: "Apply",
    apiVersion: "v1",
    fieldsType: "FieldsV1",
    fieldsV1: { "f:data": { "f:a": {} } },
  };
  const written = { ...live, metadata: { ...live.metadata, managedFields: [entry] } };
  const taken = recordUpdate({ kind: CONFIG_MAP, live, updated: written, manager: "c", nowMs: LATER_MS });
  assert.deepEqual(taken.metadata.managedFields, [entry]);
  const emptied = { ...live, metadata: { ...live.metadata, managedFields: [] } };
  const reset = recordUpdate({ kind: CONFIG_MAP, live, updated: emptied, manager: "c", nowMs: LATER_MS });
  assert.equal(reset.metadata.managedFields, undefined);
});

test("recordUpdate() puts the oldest managers together when there are too many", () => {
  let live = created(CONFIG_MAP, { data: { start: "" } });
  for (let index = 0; index < 15; index++) {
    const updated = { ...live, data: { ...(live["data"] as object), [`key${String(index)}`]: "" } };
    live = recordUpdate({
      kind: CONFIG_MAP,
      live,
      updated,
      manager: `m${String(index)}`,
      nowMs: NOW_MS + index * 1000,
    });
  }
  const fields = fieldsOf(live);
  assert.ok(Object.keys(fields).length <= 11);
  const ancient = fields["ancient-changes"] as { "f:data": Record<string, unknown> };
  assert.ok(ancient["f:data"]["f:start"] !== undefined);
});
