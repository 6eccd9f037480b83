import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ManualClock } from "../ground/testing.ts";
import { CONFIG_MAP, INGRESS, ISSUER, NAMESPACE, SERVICE } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import { MemoryStore } from "../store/memory.ts";
import type { ApplyOptions } from "./apply.ts";
import { applyObject } from "./apply.ts";
import { recordUpdate } from "./managed-fields/record-update.ts";
import { ApiStatusError } from "./status.ts";
import { admit } from "./validate/admit.ts";

const NOW_MS = Date.UTC(2026, 0, 1);

async function newStore(): Promise<MemoryStore> {
  const store = new MemoryStore({ clock: new ManualClock(NOW_MS) });
  await store.create(NAMESPACE, { apiVersion: "v1", kind: "Namespace", metadata: { name: "demo" } });
  return store;
}

function configMap(data: Readonly<Record<string, string>>, labels?: Readonly<Record<string, string>>): KubeObject {
  const metadata = { name: "web", namespace: "demo", ...(labels === undefined ? {} : { labels }) };
  return { apiVersion: "v1", kind: "ConfigMap", metadata, data };
}

function options(manager: string, more: Partial<ApplyOptions> = {}): ApplyOptions {
  return { fieldManager: manager, force: false, nowMs: NOW_MS, ...more };
}

async function refusal(work: Promise<unknown>): Promise<ApiStatusError> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof ApiStatusError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: "the object was accepted" });
}

function ingress(host: string): KubeObject {
  const backend = { service: { name: "web", port: { number: 80 } } };
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: { name: "web", namespace: "demo" },
    spec: { rules: [{ host, http: { paths: [{ path: "/", pathType: "Prefix", backend }] } }] },
  };
}

function service(ports: readonly unknown[]): KubeObject {
  return { apiVersion: "v1", kind: "Service", metadata: { name: "web", namespace: "demo" }, spec: { ports } };
}

function portsOf(object: KubeObject): readonly number[] {
  return (object["spec"] as { ports: readonly { port: number }[] }).ports.map(({ port }) => port);
}

function addressOf(object: KubeObject): unknown {
  return (object["spec"] as { clusterIP: unknown }).clusterIP;
}

function issuer(spec: unknown): KubeObject {
  return { apiVersion: "cert-manager.io/v1", kind: "Issuer", metadata: { name: "ca", namespace: "demo" }, spec };
}

test("applyObject() creates an object that is not there, owned by the manager", async () => {
  const store = await newStore();
  const { object, outcome } = await applyObject(store, ingress("web.example"), options("lintel-files"));
  assert.equal(outcome, "created");
  assert.deepEqual(object.metadata.managedFields, [
    {
      manager: "lintel-files",
      operation: "Apply",
      apiVersion: "networking.k8s.io/v1",
      time: "2026-01-01T00:00:00Z",
      fieldsType: "FieldsV1",
      fieldsV1: { "f:spec": { "f:rules": {} } },
    },
  ]);
  assert.deepEqual(object["status"], { loadBalancer: {} });
});

test("applyObject() changes nothing, not even the version, when the same is applied again", async () => {
  const store = await newStore();
  const objects: readonly KubeObject[] = [
    ingress("web.example"),
    configMap({ a: "1" }, { app: "web" }),
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web", namespace: "demo" },
      spec: { type: "NodePort", ports: [{ port: 80 }] },
    },
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "other" } },
    { apiVersion: "v1", kind: "Secret", metadata: { name: "web", namespace: "demo" }, stringData: { a: "b" } },
    {
      apiVersion: "cert-manager.io/v1",
      kind: "Issuer",
      metadata: { name: "ca", namespace: "demo" },
      spec: { selfSigned: {} },
    },
  ];
  for (const object of objects) {
    const first = await applyObject(store, object, options("a"));
    const second = await applyObject(store, object, options("a", { nowMs: NOW_MS + 60_000 }));
    assert.equal(second.outcome, "unchanged", object.kind);
    assert.deepEqual(second.object, first.object);
  }
});

test("applyObject() removes what the manager applied before and does not apply now", async () => {
  const store = await newStore();
  await applyObject(store, configMap({ a: "1", b: "2" }, { app: "web" }), options("a"));
  const { object, outcome } = await applyObject(store, configMap({ a: "1" }), options("a"));
  assert.equal(outcome, "configured");
  assert.deepEqual(object["data"], { a: "1" });
  assert.equal(object.metadata.labels, undefined);
});

test("applyObject() keeps what somebody else owns too", async () => {
  const store = await newStore();
  await applyObject(store, configMap({ a: "1", b: "2" }), options("a"));
  await applyObject(store, configMap({ b: "2", c: "3" }), options("b"));
  const { object } = await applyObject(store, configMap({ a: "1" }), options("a"));
  assert.deepEqual(object["data"], { a: "1", b: "2", c: "3" });
});

test("applyObject() merges lists by key and removes only its own items", async () => {
  const store = await newStore();
  await applyObject(store, service([{ name: "http", port: 80 }]), options("a"));
  await applyObject(store, service([{ name: "https", port: 443 }]), options("b"));
  const both = await store.get(SERVICE, "demo", "web");
  assert.ok(both !== undefined);
  assert.deepEqual(portsOf(both), [80, 443]);
  const { object } = await applyObject(store, service([{ name: "alt", port: 8080 }]), options("b"));
  assert.deepEqual(portsOf(object), [80, 8080]);
});

test("applyObject() refuses to change another manager's field, and names both", async () => {
  const store = await newStore();
  await applyObject(store, configMap({ a: "1" }), options("kubectl"));
  const error = await refusal(applyObject(store, configMap({ a: "2" }), options("other")));
  assert.equal(error.httpStatus, 409);
  assert.equal(error.message, 'Apply failed with 1 conflict: conflict with "kubectl": .data.a');
  assert.deepEqual(error.status.details?.causes, [
    { reason: "FieldManagerConflict", message: 'conflict with "kubectl"', field: ".data.a" },
  ]);
});

test("applyObject() lists several conflicts by manager", async () => {
  const store = await newStore();
  const live = admit(configMap({ a: "1", b: "1" }), { kind: CONFIG_MAP }).object;
  const manager = "kubectl-client-side-apply";
  await store.create(
    CONFIG_MAP,
    recordUpdate({ kind: CONFIG_MAP, live: undefined, updated: live, manager, nowMs: NOW_MS }),
  );
  const error = await refusal(applyObject(store, configMap({ a: "2", b: "2" }), options("other")));
  assert.equal(
    error.message,
    'Apply failed with 2 conflicts: conflicts with "kubectl-client-side-apply" using v1:\n- .data.a\n- .data.b',
  );
});

test("applyObject() takes the fields over when forced", async () => {
  const store = await newStore();
  await applyObject(store, configMap({ a: "1", b: "1" }), options("kubectl"));
  const { object } = await applyObject(store, configMap({ a: "2" }), options("other", { force: true }));
  assert.deepEqual(object["data"], { a: "2", b: "1" });
  const fields = (object.metadata.managedFields ?? []).map((entry) => (entry as { fieldsV1: unknown }).fieldsV1);
  assert.deepEqual(fields, [{ "f:data": { "f:b": {} } }, { "f:data": { "f:a": {} } }]);
});

test("applyObject() lets kubectl take over what it applied from the client's side, and keeps its annotation right", async () => {
  const store = await newStore();
  const annotation = "kubectl.kubernetes.io/last-applied-configuration";
  const configuration = configMap({ a: "1" });
  const annotated = {
    ...configuration,
    metadata: { ...configuration.metadata, annotations: { [annotation]: `${JSON.stringify(configuration)}\n` } },
  };
  const manager = "kubectl-client-side-apply";
  const updated = admit(annotated, { kind: CONFIG_MAP }).object;
  await store.create(CONFIG_MAP, recordUpdate({ kind: CONFIG_MAP, live: undefined, updated, manager, nowMs: NOW_MS }));
  const { object } = await applyObject(store, configMap({ a: "2" }), options("kubectl"));
  assert.deepEqual(object["data"], { a: "2" });
  assert.equal(
    object.metadata.annotations?.[annotation],
    '{"apiVersion":"v1","data":{"a":"2"},"kind":"ConfigMap","metadata":{"name":"web","namespace":"demo"}}\n',
  );
});

test("applyObject() knows the fields of objects nobody kept account of", async () => {
  const store = await newStore();
  await store.create(CONFIG_MAP, configMap({ a: "1", b: "1" }));
  const error = await refusal(applyObject(store, configMap({ a: "2" }), options("other")));
  assert.equal(error.message, 'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.a');
});

test("applyObject() refuses fields that the kind does not have, whatever is to be validated", async () => {
  const store = await newStore();
  const typo: KubeObject = {
    ...ingress("web.example"),
    spec: { ...(ingress("web.example")["spec"] as object), tsl: [] },
  };
  for (const validation of ["Strict", "Ignore"] as const) {
    const error = await refusal(applyObject(store, typo, options("a", { validation })));
    assert.equal(error.httpStatus, 500);
    assert.equal(error.status.reason === undefined, true);
    assert.equal(
      error.message,
      "failed to create typed patch object (demo/web; networking.k8s.io/v1, Kind=Ingress): .spec.tsl: field not declared in schema",
    );
  }
});

test("applyObject() stores nothing on a dry run, and nothing that breaks the rules", async () => {
  const store = await newStore();
  await applyObject(store, ingress("web.example"), options("a", { dryRun: true }));
  const error = await refusal(applyObject(store, ingress("WEB"), options("a")));
  assert.equal(error.httpStatus, 422);
  assert.equal(await store.get(INGRESS, "demo", "web"), undefined);
});

test("applyObject() takes retired versions", async () => {
  const store = await newStore();
  const spec = { backend: { serviceName: "web", servicePort: 80 } };
  const beta: KubeObject = { ...ingress("web.example"), apiVersion: "extensions/v1beta1", spec };
  const { object } = await applyObject(store, beta, options("a"));
  assert.equal(object.apiVersion, "networking.k8s.io/v1");
  assert.deepEqual(object["spec"], { defaultBackend: { service: { name: "web", port: { number: 80 } } } });
});

test("applyObject() applies only the status to the status", async () => {
  const store = await newStore();
  await applyObject(store, ingress("web.example"), options("a"));
  const status = { loadBalancer: { ingress: [{ ip: "10.0.0.1" }] } };
  const { object } = await applyObject(
    store,
    { ...ingress("other.example"), status },
    options("lintel", { subresource: "status" }),
  );
  assert.deepEqual(object["status"], status);
  assert.deepEqual(object["spec"], ingress("web.example")["spec"]);
});

test("applyObject() keeps the assigned address of a Service", async () => {
  const store = await newStore();
  const first = await applyObject(store, service([{ port: 80 }]), options("a"));
  const second = await applyObject(store, service([{ port: 81 }]), options("a"));
  assert.equal(addressOf(second.object), addressOf(first.object));
});

test("applyObject() merges Issuers as their schema says", async () => {
  const store = await newStore();
  await applyObject(store, issuer({ selfSigned: {} }), options("a"));
  const { object } = await applyObject(store, issuer({ ca: { secretName: "ca" } }), options("a"));
  assert.deepEqual(object["spec"], { ca: { secretName: "ca" } });
  assert.equal((await store.list(ISSUER)).items.length, 1);
});

const data = fc.dictionary(fc.constantFrom("a", "b", "c", "d"), fc.constantFrom("1", "2"));

test("applyObject() leaves exactly what the last applications say, whatever was applied before", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom("x", "y"), data), { minLength: 1, maxLength: 8 }),
      async (steps) => {
        const store = await newStore();
        const last = new Map<string, Record<string, string>>();
        for (const [manager, entries] of steps) {
          const forced = options(manager, { force: true });
          const { object } = await applyObject(store, configMap(entries), forced);
          last.delete(manager);
          for (const other of last.values()) {
            for (const [name, value] of Object.entries(entries)) if (other[name] !== value) delete other[name];
          }
          last.set(manager, { ...entries });
          assert.deepEqual(object["data"] ?? {}, Object.assign({}, ...last.values()));
          const again = await applyObject(store, configMap(entries), forced);
          assert.equal(again.outcome, "unchanged");
        }
      },
    ),
    { numRuns: 60 },
  );
});
