import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { arrayAt, recordAt } from "../ground/json.ts";
import { CERTIFICATE, CERTIFICATE_REQUEST, CHALLENGE, CLUSTER_ISSUER, ISSUER, ORDER } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import { customResourceDefinitions } from "../resource/definition/custom-resource-definitions.ts";
import { flavorWarnings } from "./flavor-warnings.ts";
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
      assert.equal(
        proposeFlavor(
          nodes,
          namespaces.map((name) => namespaceOf(name)),
        ).flavor,
        flavor,
      );
    });
  }
});

function namespaceOf(name: string, level?: string): KubeObject {
  const labels = level === undefined ? {} : { "pod-security.kubernetes.io/enforce": level };
  return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}

function workload(kind: string, image: string, more: Readonly<Record<string, unknown>>, spec: object = {}): KubeObject {
  const template = { spec: { containers: [{ image, ...more }], ...spec } };
  return { apiVersion: "apps/v1", kind, metadata: { name: "controller", namespace: "other" }, spec: { template } };
}

function balancer(name: string, ingress: readonly unknown[] = []): KubeObject {
  const spec = { type: "LoadBalancer", ports: [{ port: 80 }] };
  const metadata = { name, namespace: "kube-system" };
  return { apiVersion: "v1", kind: "Service", metadata, spec, status: { loadBalancer: { ingress } } };
}

describe("flavorWarnings()", () => {
  const nothing = { nodes: [node({})], namespaces: [], workloads: [], services: [] };
  const nginx = workload("DaemonSet", "registry.example/ingress-nginx/controller:v1", { ports: [{ hostPort: 80 }] });
  const onHost = workload("Deployment", "web:1", { ports: [{ containerPort: 443 }] }, { hostNetwork: true });
  for (const [what, flavor, sight, expected] of [
    ["nothing is in the way", "bare-metal", nothing, undefined],
    ["ingress-nginx has port 80", "bare-metal", { ...nothing, workloads: [nginx] }, /ingress-nginx .*has port 80/],
    ["something is on the network of the host", "minikube", { ...nothing, workloads: [onHost] }, /has port 443/],
    [
      "a balancer is before the nodes anyway",
      "load-balancer",
      { ...nothing, services: [balancer("a", [{}])] },
      undefined,
    ],
    ["nobody gives addresses", "load-balancer", nothing, /No cloud and no MetalLB/],
    ["others wait as well", "load-balancer", { ...nothing, services: [balancer("a")] }, /kube-system\/a waits/],
    ["Traefik has the balancer of k3s", "k3s", { ...nothing, services: [balancer("traefik")] }, /--disable traefik/],
    ["k3s was started without Traefik", "k3s", nothing, undefined],
    [
      "the namespace is strict",
      "bare-metal",
      { ...nothing, namespaces: [namespaceOf("edge", "restricted")] },
      /forbids/,
    ],
    ["no node is labelled", "kind", nothing, /ingress-ready=true/],
    ["ports are those of nodes", "nodeport", nothing, /CAs ask port 80/],
  ] as const) {
    it(`says ${expected === undefined ? "nothing" : String(expected)} when ${what}`, () => {
      const said = flavorWarnings(flavor, "edge", sight);
      if (expected === undefined) assert.deepEqual(said, []);
      else assert.match(said.join("\n"), expected);
    });
  }

  it("says what may be wrong when nobody looked", () => {
    assert.match(flavorWarnings("k3s", "edge", undefined).join(), /Traefik/);
    assert.deepEqual(flavorWarnings("bare-metal", "edge", undefined), []);
  });
});
