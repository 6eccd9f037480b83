import { arrayAt, recordAt, stringAt } from "../ground/json.ts";
import type { KubeObject } from "../resource/object.ts";
import { NODE_PORTS, usesHostPorts, type Flavor } from "./install-options.ts";
import { seenBeside } from "./seen-beside.ts";

/** What of a cluster decides whether port 80 can get to the edge. */
export interface ClusterSight {
  readonly nodes: readonly KubeObject[];
  readonly namespaces: readonly KubeObject[];
  /** Deployments and DaemonSets. */
  readonly workloads: readonly KubeObject[];
  readonly services: readonly KubeObject[];
}

const ENFORCE = "pod-security.kubernetes.io/enforce";

/**
 * Returns what a person should know of the flavour before HTTP-01 fails for lack of port 80, a sentence each. `sight` is
 * undefined where nobody looked at the cluster.
 */
export function flavorWarnings(flavor: Flavor, namespace: string, sight: ClusterSight | undefined): readonly string[] {
  const general = generalWarning(flavor);
  if (sight === undefined) return general === undefined ? [] : [general];
  const seen = [
    ...portsTaken(flavor, sight),
    ...balancerMissing(flavor, sight),
    ...levelTooStrict(flavor, namespace, sight),
    ...labelMissing(flavor, sight),
  ];
  // What was looked at need not be guessed.
  return flavor === "nodeport" && general !== undefined ? [general, ...seen] : seen;
}

function generalWarning(flavor: Flavor): string | undefined {
  switch (flavor) {
    case "nodeport":
      return (
        `Ports ${String(NODE_PORTS.http)} and ${String(NODE_PORTS.https)} of the nodes lead to the edge, but CAs ask port 80 and browsers 443: ` +
        "put a balancer before them, or prove names with DNS-01"
      );
    case "k3s":
      return "k3s brings Traefik, which holds ports 80 and 443: start k3s with --disable traefik, or the Service stays pending";
    case "load-balancer":
      return "The Service stays pending where no cloud and no MetalLB gives it an address: then use --flavor bare-metal";
    case "kind":
      return "kind must map ports 80 and 443 of the node and label it ingress-ready=true (extraPortMappings in its config)";
    case "bare-metal":
    case "minikube":
      return undefined;
    default:
      return flavor satisfies never;
  }
}

/** Two Pods can't have the same port of a node: those of the later one stay pending. */
function portsTaken(flavor: Flavor, sight: ClusterSight): readonly string[] {
  if (!usesHostPorts(flavor) && flavor !== "k3s") return [];
  const holders = seenBeside(sight.workloads)
    .filter(({ hostPorts }) => hostPorts.length > 0)
    .map(
      ({ program, object, hostPorts }) =>
        `${program} (${object}) has port ${hostPorts.join(" and ")} of its nodes: Lintel's Pods stay pending there until it is gone`,
    );
  if (flavor !== "k3s") return holders;
  const balanced = sight.services
    .filter((service) => stringAt(service["spec"], "type") === "LoadBalancer" && takesEdgePort(service))
    .filter(({ metadata }) => metadata.labels?.["app.kubernetes.io/name"] !== "lintel")
    .map(
      ({ metadata }) =>
        `The Service ${metadata.namespace ?? ""}/${metadata.name} has ports 80 and 443 of k3s' balancer: Lintel's stays pending until it is gone (k3s --disable traefik)`,
    );
  return [...balanced, ...holders.filter((text) => !text.includes("svclb-"))];
}

function takesEdgePort(service: KubeObject): boolean {
  return arrayAt(service["spec"], "ports").some((port) =>
    [80, 443].includes(Number(recordAt({ port }, "port")["port"])),
  );
}

/** A cluster where no Service ever got an address, and none of whose nodes is of a cloud, has nobody who gives one. */
function balancerMissing(flavor: Flavor, sight: ClusterSight): readonly string[] {
  if (flavor !== "load-balancer") return [];
  const balanced = sight.services.filter((service) => stringAt(service["spec"], "type") === "LoadBalancer");
  const given = balanced.some((service) => arrayAt(recordAt(service["status"], "loadBalancer"), "ingress").length > 0);
  if (given || sight.nodes.some((node) => (stringAt(node["spec"], "providerID") ?? "") !== "")) return [];
  if (sight.namespaces.some(({ metadata }) => metadata.name === "metallb-system")) return [];
  const [waiting] = balanced;
  const because =
    waiting === undefined
      ? "No cloud and no MetalLB is seen in this cluster"
      : `The Service ${waiting.metadata.namespace ?? ""}/${waiting.metadata.name} waits for an address too`;
  return [`${because}: Lintel's Service will stay pending; use --flavor bare-metal, or install MetalLB`];
}

function levelTooStrict(flavor: Flavor, namespace: string, sight: ClusterSight): readonly string[] {
  if (!usesHostPorts(flavor)) return [];
  const found = sight.namespaces.find(({ metadata }) => metadata.name === namespace);
  const level = found?.metadata.labels?.[ENFORCE];
  if (level !== "restricted" && level !== "baseline") return [];
  return [
    `The namespace "${namespace}" is of Pod Security's level "${level}", which forbids ports of the node: these manifests make it "privileged"`,
  ];
}

function labelMissing(flavor: Flavor, sight: ClusterSight): readonly string[] {
  if (flavor !== "kind" || sight.nodes.length === 0) return [];
  if (sight.nodes.some(({ metadata }) => metadata.labels?.["ingress-ready"] === "true")) return [];
  return [
    'No node has the label ingress-ready=true, so no Pod of Lintel is placed: "kubectl label node --all ingress-ready=true", and map ports 80 and 443 (extraPortMappings in kind\'s config)',
  ];
}
