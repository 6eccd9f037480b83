/** The kinds of cluster that differ in how port 80 gets to the edge. */
export const FLAVORS = ["bare-metal", "load-balancer", "nodeport", "kind", "minikube", "k3s"] as const;
/** One of {@link FLAVORS}. */
export type Flavor = (typeof FLAVORS)[number];

/** The ports of every node with the flavour `nodeport`. */
export const NODE_PORTS = { http: 30_080, https: 30_443 } as const;

/** What is put on a cluster. */
export interface InstallOptions {
  readonly flavor: Flavor;
  /** Of every object; the namespace may be another. */
  readonly name: string;
  readonly namespace: string;
  readonly image: string;
  readonly version: string;
  /** Of the Deployment; a DaemonSet has one a node. */
  readonly replicas: number;
  /** Classes to serve; the first is created as an IngressClass when it is Lintel's own. */
  readonly classes: readonly string[];
  /** Further arguments of `lintel controller`. */
  readonly arguments: readonly string[];
  /** Name of the PriorityClass of the Pods; empty: the cluster's default. */
  readonly priorityClass: string;
  /** Whether there is an admission webhook. */
  readonly webhook: boolean;
}

/** The label that selects the Pods. */
export function selector(options: Pick<InstallOptions, "name">): Readonly<Record<string, string>> {
  return { "app.kubernetes.io/name": "lintel", "app.kubernetes.io/instance": options.name };
}

/** The recommended labels of Kubernetes, for every object. */
export function labels(options: Pick<InstallOptions, "name" | "version">): Readonly<Record<string, string>> {
  return { ...selector(options), "app.kubernetes.io/version": options.version, "app.kubernetes.io/component": "edge" };
}

/** Whether the edge has port 80 and 443 of every node itself: nothing else in the cluster would bring them. */
export function usesHostPorts(flavor: Flavor): boolean {
  return flavor === "bare-metal" || flavor === "kind" || flavor === "minikube";
}
