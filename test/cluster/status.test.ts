/** Who owns what of a status, as `kubectl get --show-managed-fields` shows it. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { arrayAt, isRecord, recordAt, stringAt } from "../../src/ground/json.ts";
import { writeStatus, type StatusFields } from "../../src/control/status-writer.ts";
import { conditionsOf } from "../../src/resource/condition.ts";
import { apiVersionOf, CERTIFICATE, INGRESS, NAMESPACE, type Kind } from "../../src/resource/kind.ts";
import type { KubeObject } from "../../src/resource/object.ts";
import type { ClusterStore } from "../../src/store/cluster/cluster-store.ts";
import type { KubeClient } from "../../src/store/cluster/kube-client.ts";
import { objectOf } from "../../src/store/testing.ts";
import { ApiServer } from "./api-server.ts";
import { findKubernetesBinaries } from "./kubernetes-binaries.ts";

const binaries = findKubernetesBinaries();
const MOMENT = "2026-01-01T00:00:00Z";
const INGRESS_SPEC = { defaultBackend: { service: { name: "web", port: { number: 80 } } } };
const CERTIFICATE_SPEC = { secretName: "web-tls", dnsNames: ["a.example"], issuerRef: { name: "le" } };

function condition(type: string, reason = "Why"): StatusFields {
  return { type, status: "True", reason, message: "", lastTransitionTime: MOMENT };
}

function pathOf(kind: Kind, name: string): string {
  return `/apis/${apiVersionOf(kind)}/namespaces/demo/${kind.plural}/${name}`;
}

describe("the status on a real API server", { skip: typeof binaries === "string" ? binaries : false }, () => {
  let server: ApiServer;
  let store: ClusterStore;
  let client: KubeClient;
  before(async () => {
    if (typeof binaries === "string") return;
    server = await ApiServer.start(binaries);
    store = await server.store();
    client = await server.client();
    await store.create(NAMESPACE, objectOf(NAMESPACE, "demo"));
  });
  after(async () => {
    client.close();
    await store.close();
    await server.stop();
  });

  /** A condition that another program sets beside those that are there, as cmctl and controllers do. */
  async function setAs(manager: string, kind: Kind, name: string, more: StatusFields): Promise<void> {
    const found = await client.request({ method: "GET", path: pathOf(kind, name) });
    const status = recordAt(found, "status");
    const conditions = [...arrayAt(status, "conditions"), more];
    const body = { ...(isRecord(found) ? found : {}), status: { ...status, conditions } };
    await client.request({ method: "PUT", path: `${pathOf(kind, name)}/status?fieldManager=${manager}`, body });
  }

  /** The fields of the status that `manager` owns, as `f:` paths. */
  async function owned(kind: Kind, name: string, manager: string): Promise<readonly string[]> {
    const found = await client.request({ method: "GET", path: pathOf(kind, name) });
    return arrayAt(recordAt(found, "metadata"), "managedFields")
      .filter((entry) => stringAt(entry, "manager") === manager && stringAt(entry, "subresource") === "status")
      .flatMap((entry) =>
        pathsOf(recordAt(recordAt(entry, "fieldsV1"), "f:status"), stringAt(entry, "operation") ?? ""),
      )
      .sort();
  }

  async function make(kind: Kind, name: string, spec: unknown): Promise<KubeObject> {
    return store.create(kind, { ...objectOf(kind, name), spec });
  }

  it("is ours as far as we set it; conditions of others stay theirs, also when both write at once", async () => {
    const made = await make(CERTIFICATE, "web", CERTIFICATE_SPEC);
    await writeStatus(store, CERTIFICATE, made, () => ({ revision: 1, conditions: [condition("Ready")] }));
    await setAs("policy", CERTIFICATE, "web", condition("Audited"));
    // From the object as it was before: a conflict, and then from what is there.
    await writeStatus(store, CERTIFICATE, made, (status) => ({ ...status, revision: 2 }));
    const after = await store.get(CERTIFICATE, "demo", "web");
    assert.deepEqual(
      conditionsOf(after?.["status"])
        .map(({ type }) => type)
        .sort(),
      ["Audited", "Ready"],
    );
    assert.deepEqual(await owned(CERTIFICATE, "web", "lintel"), [
      'Apply f:conditions/k:{"type":"Ready"}',
      "Apply f:revision",
    ]);
    assert.deepEqual(await owned(CERTIFICATE, "web", "policy"), ['Update f:conditions/k:{"type":"Audited"}']);
  });

  it("loses what we take away, also when another program has set it", async () => {
    const made = await make(CERTIFICATE, "renewed", CERTIFICATE_SPEC);
    await writeStatus(store, CERTIFICATE, made, () => ({
      lastFailureTime: MOMENT,
      conditions: [condition("Ready")],
    }));
    await setAs("cmctl", CERTIFICATE, "renewed", condition("Issuing", "ManuallyTriggered"));
    const marked = await store.get(CERTIFICATE, "demo", "renewed");
    assert.ok(marked !== undefined);
    const issued = await writeStatus(store, CERTIFICATE, marked, (status) => ({
      ...status,
      lastFailureTime: undefined,
      conditions: conditionsOf(status).filter(({ type }) => type !== "Issuing"),
    }));
    assert.deepEqual(
      conditionsOf(issued?.["status"]).map(({ type }) => type),
      ["Ready"],
    );
    assert.equal(stringAt(issued?.["status"], "lastFailureTime"), undefined);
    assert.deepEqual(await owned(CERTIFICATE, "renewed", "cmctl"), []);
  });

  it("of an Ingress is the addresses, and leaves the labels and annotations of others alone", async () => {
    const made = await make(INGRESS, "web", INGRESS_SPEC);
    await store.update(INGRESS, { ...made, metadata: { ...made.metadata, labels: { team: "a" } } });
    const addresses = [{ ip: "192.0.2.1" }];
    await writeStatus(store, INGRESS, made, (status) => ({ ...status, loadBalancer: { ingress: addresses } }));
    const found = await store.get(INGRESS, "demo", "web");
    assert.deepEqual(recordAt(found?.["status"], "loadBalancer"), { ingress: addresses });
    assert.deepEqual(found?.metadata.labels, { team: "a" });
    assert.deepEqual(await owned(INGRESS, "web", "lintel"), ["Apply f:loadBalancer/f:ingress"]);
    assert.ok(found !== undefined);
    await writeStatus(store, INGRESS, found, (status) => ({ ...status, loadBalancer: {} }));
    const cleared = await store.get(INGRESS, "demo", "web");
    assert.deepEqual(arrayAt(recordAt(cleared?.["status"], "loadBalancer"), "ingress"), []);
  });

  it("is written where the definitions do not know a field of it, without that field", async () => {
    const made = await make(CERTIFICATE, "older", CERTIFICATE_SPEC);
    const status = { revision: 3, unheardOf: "x" };
    const stored = await store.updateStatus(CERTIFICATE, { ...made, status });
    assert.deepEqual(stored["status"], { revision: 3 });
  });
});

/** Down to the fields of the status, and to the items of lists. */
function pathsOf(fields: Readonly<Record<string, unknown>>, operation: string): readonly string[] {
  return Object.entries(fields).flatMap(([name, inner]) => {
    const deeper = Object.keys(isRecord(inner) ? inner : {}).filter((key) => key !== ".");
    return deeper.length === 0 ? [`${operation} ${name}`] : deeper.map((key) => `${operation} ${name}/${key}`);
  });
}
