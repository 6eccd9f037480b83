import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DEPLOYMENT, CUSTOM_RESOURCE_DEFINITION, INGRESS } from "../resource/kind.ts";
import { applyObject } from "./apply.ts";
import { TestApi, at } from "./testing.ts";
import type { TestAnswer } from "./testing.ts";

const DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments";
const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

function deployment(name: string, labels: Readonly<Record<string, string>> = {}): object {
  return { apiVersion: "apps/v1", kind: "Deployment", metadata: { name, labels }, spec: { replicas: 2 } };
}

function warning(headers: Headers): string {
  return (headers.get("warning") ?? "").replace(/^299 - "(.*)"$/, "$1").replaceAll(String.raw`\"`, '"');
}

describe("accepted kinds", () => {
  it("are stored with a sentence that nothing runs them", async () => {
    await using api = await TestApi.open();
    const created = await api.call("POST", DEPLOYMENTS, { body: deployment("web") });
    assert.equal(created.status, 201);
    assert.equal(warning(created.headers), 'Deployment "web": stored, but this edge runs no workloads');
    assert.equal(at((await api.call("GET", DEPLOYMENTS)).json, "items.0.spec.replicas"), 2);
  });

  it("say that cert-manager is not needed, and let scripts that wait for it go on", async () => {
    await using api = await TestApi.open();
    const body = deployment("cert-manager", { "app.kubernetes.io/instance": "cert-manager" });
    const created = await api.call("POST", DEPLOYMENTS, { body });
    assert.equal(
      warning(created.headers),
      'Deployment "cert-manager": not needed here, Lintel issues certificates itself',
    );
    const stored = await api.store.get(DEPLOYMENT, "default", "cert-manager");
    assert.equal(at(stored, "status.conditions.0.type"), "Available");
    assert.equal(at(stored, "status.availableReplicas"), 2);
  });

  it("say the same when they are applied from files", async () => {
    await using api = await TestApi.open();
    const labels = { "helm.sh/chart": "cert-manager-v1.16.0" };
    const object = {
      ...deployment("cert-manager", labels),
      metadata: { name: "cert-manager", namespace: "default", labels },
    };
    const options = { fieldManager: "files", force: true, nowMs: api.clock.nowMs() };
    const applied = await applyObject(api.store, { apiVersion: "apps/v1", kind: "Deployment", ...object }, options);
    assert.deepEqual(applied.warnings, [
      'Deployment "cert-manager": not needed here, Lintel issues certificates itself',
    ]);
    assert.equal(at(applied.object, "status.conditions.0.status"), "True");
    const again = await applyObject(api.store, { apiVersion: "apps/v1", kind: "Deployment", ...object }, options);
    assert.deepEqual([again.outcome, again.warnings], ["unchanged", []]);
  });

  it("say of a definition whether its kind is served", async () => {
    await using api = await TestApi.open();
    await api.store.delete(CUSTOM_RESOURCE_DEFINITION, "", "orders.acme.cert-manager.io");
    const body = {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "orders.acme.cert-manager.io" },
      spec: {
        group: "acme.cert-manager.io",
        scope: "Namespaced",
        names: { kind: "Order", plural: "orders" },
        versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }],
      },
    };
    const known = await api.call("POST", DEFINITIONS, { body });
    assert.match(warning(known.headers), /: accepted: already served by Lintel$/);
    const stored = await api.store.get(CUSTOM_RESOURCE_DEFINITION, "", "orders.acme.cert-manager.io");
    assert.equal(at(stored, "status.conditions.1.reason"), "AlreadyServed");
  });

  it("say nothing of kinds that are acted on, and nothing on a change", async () => {
    await using api = await TestApi.open();
    const ingress = { apiVersion: "networking.k8s.io/v1", kind: "Ingress", metadata: { name: "a" } };
    const rules = { defaultBackend: { service: { name: "web", port: { number: 80 } } } };
    const path = "/apis/networking.k8s.io/v1/namespaces/default/ingresses";
    const created = await api.call("POST", path, { body: { ...ingress, spec: rules } });
    assert.deepEqual([created.status, created.headers.get("warning")], [201, null]);
    assert.notEqual(await api.store.get(INGRESS, "default", "a"), undefined);
    await api.call("POST", DEPLOYMENTS, { body: deployment("web") });
    const type = "application/merge-patch+json";
    const patched = await api.call("PATCH", `${DEPLOYMENTS}/web`, { body: { spec: { replicas: 3 } }, type });
    assert.deepEqual([patched.status, patched.headers.get("warning")], [200, null]);
  });

  it("are scaled through their subresource", async () => {
    await using api = await TestApi.open();
    await api.call("POST", DEPLOYMENTS, { body: deployment("web") });
    const scale = `${DEPLOYMENTS}/web/scale`;
    assert.equal(at((await api.call("GET", scale)).json, "spec.replicas"), 2);
    const type = "application/merge-patch+json";
    assert.equal((await api.call("PATCH", scale, { body: { spec: { replicas: 5 } }, type })).status, 200);
    assert.equal(at(await api.store.get(DEPLOYMENT, "default", "web"), "spec.replicas"), 5);
  });

  it("are scaled by JSON patches and by whole Scales, at a version where one is named", async () => {
    await using api = await TestApi.open();
    await api.call("POST", DEPLOYMENTS, { body: deployment("web") });
    const scale = `${DEPLOYMENTS}/web/scale`;
    const body = [{ op: "replace", path: "/spec/replicas", value: 3 }];
    const patched = await api.call("PATCH", scale, { body, type: "application/json-patch+json" });
    assert.equal(at(patched.json, "spec.replicas"), 3);
    const { resourceVersion } = (await api.store.get(DEPLOYMENT, "default", "web"))?.metadata ?? {};
    const put = (version: unknown): Promise<TestAnswer> =>
      api.call("PUT", scale, { body: { metadata: { name: "web", resourceVersion: version }, spec: { replicas: 4 } } });
    assert.equal((await put("1")).status, 409);
    assert.equal(at((await put(resourceVersion)).json, "spec.replicas"), 4);
  });
});
