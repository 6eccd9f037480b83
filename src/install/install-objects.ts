import type { KubeObject } from "../resource/object.ts";
import { customResourceDefinitions } from "../resource/definition/custom-resource-definitions.ts";
import { labels, NODE_PORTS, selector, usesHostPorts, type Flavor, type InstallOptions } from "./install-options.ts";
import { accessObjects } from "./roles.ts";
import { webhookObjects } from "./webhook.ts";
import { portsOf, workload } from "./workload.ts";

/** Returns everything that puts Lintel on a cluster, in the order in which it must be applied. */
export function installObjects(options: InstallOptions): readonly KubeObject[] {
  const { namespace } = options;
  return [
    {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: namespace, labels: { ...labels(options), ...podSecurity(options.flavor) } },
    },
    ...customResourceDefinitions(),
    ...accessObjects(options),
    ...ingressClass(options),
    service(options),
    workload(options),
    disruptionBudget(options),
    networkPolicy(options),
    ...webhookObjects(options),
  ];
}

/** Ports of the node are more than the strictest level allows. */
function podSecurity(flavor: Flavor): Readonly<Record<string, string>> {
  return { "pod-security.kubernetes.io/enforce": usesHostPorts(flavor) ? "privileged" : "restricted" };
}

function ingressClass(options: InstallOptions): readonly KubeObject[] {
  if (!options.classes.includes("lintel")) return [];
  return [
    {
      apiVersion: "networking.k8s.io/v1",
      kind: "IngressClass",
      metadata: { name: "lintel", labels: labels(options) },
      spec: { controller: "lintel.dev/ingress" },
    },
  ];
}

function service(options: InstallOptions): KubeObject {
  const { flavor, name, namespace } = options;
  const types: Readonly<Record<Flavor, string>> = {
    "bare-metal": "ClusterIP",
    kind: "ClusterIP",
    minikube: "ClusterIP",
    "load-balancer": "LoadBalancer",
    k3s: "LoadBalancer",
    nodeport: "NodePort",
  };
  const port = (which: "http" | "https", number: number): Readonly<Record<string, string | number>> => ({
    name: which,
    port: number,
    targetPort: which,
    ...(flavor === "nodeport" ? { nodePort: NODE_PORTS[which] } : {}),
  });
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace, labels: labels(options) },
    spec: {
      type: types[flavor],
      selector: selector(options),
      ports: [port("http", 80), port("https", 443)],
      // Clients' addresses get through, for access lists and logs.
      ...(types[flavor] === "ClusterIP" ? {} : { externalTrafficPolicy: "Local" }),
    },
  };
}

function disruptionBudget(options: InstallOptions): KubeObject {
  const { name, namespace } = options;
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name, namespace, labels: labels(options) },
    spec: { maxUnavailable: 1, selector: { matchLabels: selector(options) } },
  };
}

/** Everyone may come in to what the edge is for; it may go out anywhere: endpoints, the API server, CAs, DNS. */
function networkPolicy(options: InstallOptions): KubeObject {
  const { name, namespace } = options;
  const ports = portsOf(options).map(([, port]) => ({ port, protocol: "TCP" }));
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name, namespace, labels: labels(options) },
    spec: {
      podSelector: { matchLabels: selector(options) },
      policyTypes: ["Ingress", "Egress"],
      ingress: [{ ports }],
      egress: [{}],
    },
  };
}
