import assert from "node:assert/strict";
import { test } from "node:test";
import { DEPLOYMENT, INGRESS, SERVICE } from "../../resource/kind.ts";
import { schemaOf } from "../../resource/schema/schema-of.ts";
import { applyPatch } from "./apply-patch.ts";
import { applyStrategicMergePatch } from "./strategic-merge-patch.ts";

const service = schemaOf(SERVICE);
const HTTP = { name: "http", port: 80, protocol: "TCP", targetPort: 8080 };
const HTTPS = { name: "https", port: 443, protocol: "TCP" };

function patchService(spec: unknown, patch: unknown): unknown {
  const result = applyStrategicMergePatch({ spec }, { spec: patch }, service) as { spec: unknown };
  return result.spec;
}

test("applyStrategicMergePatch() merges items by their key and keeps the others", () => {
  const result = patchService({ ports: [HTTP, HTTPS] }, { ports: [{ port: 443, name: "tls" }] });
  assert.deepEqual(result, { ports: [HTTP, { ...HTTPS, name: "tls" }] });
});

test("applyStrategicMergePatch() puts a new item in front when nothing orders it", () => {
  const result = patchService({ ports: [HTTP] }, { ports: [HTTPS] });
  assert.deepEqual(result, { ports: [HTTPS, HTTP] });
});

test("applyStrategicMergePatch() orders items by $setElementOrder", () => {
  const order = [{ port: 80 }, { port: 443 }];
  assert.deepEqual(patchService({ ports: [HTTP] }, { "$setElementOrder/ports": order, ports: [HTTPS] }), {
    ports: [HTTP, HTTPS],
  });
  assert.deepEqual(patchService({ ports: [HTTPS, HTTP] }, { "$setElementOrder/ports": order }), {
    ports: [HTTP, HTTPS],
  });
});

test("applyStrategicMergePatch() deletes the items that $patch names", () => {
  assert.deepEqual(patchService({ ports: [HTTP, HTTPS] }, { ports: [{ port: 80, $patch: "delete" }] }), {
    ports: [HTTPS],
  });
});

test("applyStrategicMergePatch() replaces a list or an object when $patch says so", () => {
  assert.deepEqual(patchService({ ports: [HTTP] }, { ports: [HTTPS, { $patch: "replace" }] }), { ports: [HTTPS] });
  assert.deepEqual(patchService({ selector: { app: "a", tier: "b" } }, { selector: { $patch: "replace", app: "c" } }), {
    selector: { app: "c" },
  });
  assert.deepEqual(patchService({ selector: { app: "a" } }, { selector: { $patch: "delete" } }), { selector: {} });
});

test("applyStrategicMergePatch() removes a field that is null, and nulls inside new objects", () => {
  assert.deepEqual(patchService({ type: "NodePort" }, { type: null }), {});
  assert.deepEqual(patchService({}, { selector: { app: "a", tier: null } }), { selector: { app: "a" } });
});

test("applyStrategicMergePatch() replaces lists that are not merged", () => {
  const spec = { tls: [{ secretName: "a" }] };
  const patch = { spec: { tls: [{ secretName: "b" }] } };
  assert.deepEqual(applyStrategicMergePatch({ spec }, patch, schemaOf(INGRESS)), patch);
});

test("applyStrategicMergePatch() merges and deletes in lists of plain values", () => {
  const before = { metadata: { finalizers: ["example.com/a", "example.com/b"] } };
  const added = { metadata: { finalizers: ["example.com/c"] } };
  assert.deepEqual(applyStrategicMergePatch(before, added, service), {
    metadata: { finalizers: ["example.com/c", "example.com/a", "example.com/b"] },
  });
  const deleted = { metadata: { "$deleteFromPrimitiveList/finalizers": ["example.com/a"] } };
  assert.deepEqual(applyStrategicMergePatch(before, deleted, service), { metadata: { finalizers: ["example.com/b"] } });
});

test("applyStrategicMergePatch() keeps only what $retainKeys lists", () => {
  const before = { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } } };
  const patch = { strategy: { $retainKeys: ["type"], type: "Recreate" } };
  assert.deepEqual(patchService(before, patch), { strategy: { type: "Recreate" } });
  assert.throws(() => patchService(before, { strategy: { $retainKeys: [], type: "Recreate" } }), /retainKeys/);
});

test("applyStrategicMergePatch() merges containers by name in kinds whose fields are not described", () => {
  const container = { name: "web", image: "web:1", ports: [{ containerPort: 80 }] };
  const before = { spec: { template: { spec: { containers: [container, { name: "log", image: "log:1" }] } } } };
  const patch = { spec: { template: { spec: { containers: [{ name: "web", image: "web:2" }] } } } };
  assert.deepEqual(applyStrategicMergePatch(before, patch, schemaOf(DEPLOYMENT)), {
    spec: {
      template: {
        spec: {
          containers: [
            { ...container, image: "web:2" },
            { name: "log", image: "log:1" },
          ],
        },
      },
    },
  });
});

test("applyStrategicMergePatch() refuses items without their key and directives it does not know", () => {
  assert.throws(() => patchService({ ports: [HTTP] }, { ports: [{ name: "x" }] }), /declared merge key: port/);
  assert.throws(() => patchService({ selector: { a: "b" } }, { selector: { $patch: "frob" } }), /patch directive/);
  assert.throws(() => patchService({}, { $frob: 1 }), /invalid patch directive/);
});

test("applyPatch() shows a strategic merge patch in the words of a real server", () => {
  const patch = { spec: { ingressClassName: null, tls: [{ hosts: ["a", "b"] }], n: 1 } };
  const { shown } = applyPatch("application/strategic-merge-patch+json", {}, patch, schemaOf(INGRESS));
  assert.equal(shown, "map[spec:map[ingressClassName:<nil> n:1 tls:[map[hosts:[a b]]]]]");
});
