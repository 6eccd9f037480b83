import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LintelError, isLintelError } from "../ground/errors.ts";
import { apiVersionOf, LEASE, SERVICE } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import { edgeAddresses } from "./edge-addresses.ts";
import { othersAtWork } from "./others-at-work.ts";

const NOW = Date.UTC(2026, 5, 1);

function lease(namespace: string, holderIdentity: string, silentMs: number): KubeObject {
  const renewTime = new Date(NOW - silentMs).toISOString();
  const metadata = { name: "cert-manager-controller", namespace };
  return { apiVersion: apiVersionOf(LEASE), kind: "Lease", metadata, spec: { holderIdentity, renewTime } };
}

function storeOf(...objects: readonly KubeObject[]): Parameters<typeof othersAtWork>[0] {
  return {
    get: async (kind, namespace, name) =>
      objects.find(
        (one) => one.kind === kind.kind && one.metadata.namespace === namespace && one.metadata.name === name,
      ),
  };
}

function failing(code: "Forbidden" | "Unreachable"): Parameters<typeof othersAtWork>[0] {
  return { get: () => Promise.reject(new LintelError("no", { code })) };
}

describe("othersAtWork()", () => {
  for (const [what, objects, expected] of [
    ["nothing holds a Lease", [], undefined],
    ["cert-manager renewed its Lease a moment ago", [lease("kube-system", "pod", 5_000)], "cert-manager"],
    ["its chart put the Lease elsewhere", [lease("cert-manager", "pod", 5_000)], "cert-manager"],
    ["it gave the Lease back", [lease("kube-system", "", 5_000)], undefined],
    ["it is gone without a word", [lease("kube-system", "pod", 120_000)], undefined],
  ] as const) {
    it(`says ${String(expected)} when ${what}`, async () => {
      assert.equal(await othersAtWork(storeOf(...objects), NOW), expected);
    });
  }

  it("takes it for nobody where we may not look, and does not hide other failures", async () => {
    assert.equal(await othersAtWork(failing("Forbidden"), NOW), undefined);
    await assert.rejects(othersAtWork(failing("Unreachable"), NOW), (error) => isLintelError(error, "Unreachable"));
  });
});

function service(spec: Readonly<Record<string, unknown>>, ingress: readonly unknown[] = []): KubeObject {
  const metadata = { name: "edge", namespace: "lintel" };
  return { apiVersion: apiVersionOf(SERVICE), kind: "Service", metadata, spec, status: { loadBalancer: { ingress } } };
}

const WISHES = { publishService: "lintel/edge", publishAddresses: [] };

describe("edgeAddresses()", () => {
  const replicas = ["192.0.2.2", "192.0.2.1", "192.0.2.2", ""].map((edgeAddress) => ({
    identity: edgeAddress,
    http: "",
    https: "",
    edgeAddress,
  }));

  it("gives the nodes of all replicas once when nothing is published", async () => {
    const found = await edgeAddresses(storeOf(), { publishService: "", publishAddresses: [] }, replicas);
    assert.deepEqual(found, [{ ip: "192.0.2.1" }, { ip: "192.0.2.2" }]);
  });

  it("gives named addresses before anything else, names as names", async () => {
    const wishes = { ...WISHES, publishAddresses: ["edge.example", "2001:db8::1"] };
    const found = await edgeAddresses(storeOf(), wishes, replicas);
    assert.deepEqual(found, [{ hostname: "edge.example" }, { ip: "2001:db8::1" }]);
  });

  for (const [what, object, expected] of [
    ["the balancer's", service({ type: "LoadBalancer" }, [{ hostname: "lb.example" }]), [{ hostname: "lb.example" }]],
    ["none while the balancer has none", service({ type: "LoadBalancer", clusterIP: "10.0.0.9" }), []],
    ["the external ones", service({ type: "NodePort", externalIPs: ["192.0.2.7"] }), [{ ip: "192.0.2.7" }]],
    ["the cluster's own", service({ clusterIP: "10.0.0.9" }), [{ ip: "10.0.0.9" }]],
    ["none of a headless one", service({ clusterIP: "None" }), []],
    ["the external name", service({ type: "ExternalName", externalName: "x.example" }), [{ hostname: "x.example" }]],
  ] as const) {
    it(`gives ${what} of a published Service`, async () => {
      assert.deepEqual(await edgeAddresses(storeOf(object), WISHES, replicas), expected);
    });
  }

  it("names the Service that is missing", async () => {
    await assert.rejects(edgeAddresses(storeOf(), WISHES, replicas), /no Service "lintel\/edge"/);
  });
});
