import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { arrayAt, recordAt } from "../ground/json.ts";
import { CERTIFICATE, CERTIFICATE_REQUEST, CHALLENGE, CLUSTER_ISSUER, ISSUER, ORDER } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import { customResourceDefinitions } from "../resource/definition/custom-resource-definitions.ts";
import { FLAVORS, type Flavor, type InstallOptions } from "./install-options.ts";
import { installObjects } from "./install-objects.ts";
import { PRINTER_COLUMNS } from "../resource/definition/printer-columns.ts";
import { proposeFlavor } from "./propose-flavor.ts";

const OPTIONS: InstallOptions = {
  flavor: "bare-metal",
  name: "lintel",
  namespace: "edge",
  image: "lintel:1",
  version: "1",
  replicas: 3,
  classes: ["lintel"],
  arguments: ["--workers=2"],
  priorityClass: "",
  webhook: false,
};

function find(flavor: Flavor, kind: string): KubeObject {
  const found = installObjects({ ...OPTIONS, flavor }).find((object) => object.kind === kind);
  assert.ok(found !== undefined, `${flavor} has a ${kind}`);
  return found;
}

function podSpecOf(flavor: Flavor): unknown {
  const workload = installObjects({ ...OPTIONS, flavor }).find(({ apiVersion }) => apiVersion === "apps/v1");
  return recordAt(recordAt(workload?.["spec"], "template"), "spec");
}

function node(spec: Readonly<Record<string, unknown>>, kubeletVersion = "v1.34.0", label = ""): KubeObject {
  const labels = label === "" ? {} : { [label]: "x" };
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "n", labels },
    spec,
    status: { nodeInfo: { kubeletVersion } },
  };
}

describe("installObjects()", () => {
  for (const flavor of FLAVORS) {
    it(`lets the Pods of ${flavor} do nothing that an edge need not`, () => {
      const pod = podSpecOf(flavor);
      assert.equal(recordAt(pod, "securityContext")["runAsNonRoot"], true);
      const [container] = arrayAt(pod, "containers");
      const security = recordAt(container, "securityContext");
      assert.deepEqual(security["capabilities"], { drop: ["ALL"] });
      assert.equal(security["readOnlyRootFilesystem"], true);
      assert.equal(security["allowPrivilegeEscalation"], false);
      assert.ok(arrayAt(container, "args").includes("--workers=2"));
    });
  }

  it("brings port 80 of the nodes to the edge on bare metal, and leads a balancer there in a cloud", () => {
    assert.equal(find("bare-metal", "DaemonSet").metadata.namespace, "edge");
    const [bare] = arrayAt(podSpecOf("bare-metal"), "containers");
    assert.deepEqual(
      arrayAt(bare, "ports").map((port) => recordAt({ port }, "port")["hostPort"]),
      [80, 443, undefined],
    );
    const [cloud] = arrayAt(podSpecOf("load-balancer"), "containers");
    assert.ok(arrayAt(cloud, "ports").every((port) => recordAt({ port }, "port")["hostPort"] === undefined));
    assert.ok(arrayAt(cloud, "args").includes("--publish-service=edge/lintel"));
    assert.equal(recordAt(find("load-balancer", "Service"), "spec")["type"], "LoadBalancer");
    assert.equal(recordAt(find("load-balancer", "Deployment"), "spec")["replicas"], 3);
  });

  it("leaves an IngressClass alone that it only takes over", () => {
    const objects = installObjects({ ...OPTIONS, classes: ["nginx"] });
    assert.ok(objects.every(({ kind }) => kind !== "IngressClass"));
  });
});

describe("customResourceDefinitions()", () => {
  it("has columns for every kind that a cluster lacks", () => {
    const kinds = [ISSUER, CLUSTER_ISSUER, CERTIFICATE, CERTIFICATE_REQUEST, ORDER, CHALLENGE].map(({ kind }) => kind);
    assert.deepEqual(
      customResourceDefinitions().map((definition) => recordAt(recordAt(definition, "spec"), "names")["kind"]),
      kinds,
    );
    assert.deepEqual(Object.keys(PRINTER_COLUMNS).sort(), kinds.toSorted());
  });
});

describe("proposeFlavor()", () => {
  for (const [flavor, nodes, namespaces] of [
    ["kind", [node({ providerID: "kind://docker/kind/kind-control-plane" })], []],
    ["minikube", [node({}, "v1.34.0", "minikube.k8s.io/name")], []],
    ["k3s", [node({ providerID: "k3s://a" }, "v1.34.0+k3s1")], []],
    ["load-balancer", [node({ providerID: "aws:///eu-west-1a/i-1" })], []],
    ["load-balancer", [node({})], ["metallb-system"]],
    ["bare-metal", [node({})], ["default"]],
    ["bare-metal", [], []],
  ] as const) {
    it(`proposes ${flavor} for ${JSON.stringify(nodes.map((one) => one["spec"]))} with ${namespaces.join() || "no namespaces"}`, () => {
      assert.equal(proposeFlavor(nodes, namespaces).flavor, flavor);
    });
  }
});
