import { recordAt, stringAt } from "../ground/json.ts";
import type { KubeObject } from "../resource/object.ts";
import type { Flavor } from "./install-options.ts";

/** A flavour, and by what it was recognized. */
interface FlavorProposal {
  readonly flavor: Flavor;
  readonly because: string;
}

/** Clouds whose controller gives every Service of type LoadBalancer an address. */
const CLOUDS: Readonly<Record<string, string>> = {
  aws: "AWS",
  azure: "Azure",
  digitalocean: "DigitalOcean",
  gce: "Google Cloud",
  hcloud: "Hetzner",
  ibm: "IBM Cloud",
  linode: "Linode",
  openstack: "OpenStack",
  scaleway: "Scaleway",
  vultr: "Vultr",
};

/** Returns the flavour that fits the nodes and namespaces of a cluster. */
export function proposeFlavor(nodes: readonly KubeObject[], namespaces: readonly KubeObject[]): FlavorProposal {
  for (const node of nodes) {
    const provider = (stringAt(node["spec"], "providerID") ?? "").split(":")[0] ?? "";
    const kubelet = stringAt(recordAt(node["status"], "nodeInfo"), "kubeletVersion") ?? "";
    if (provider === "kind") return { flavor: "kind", because: "its nodes are kind's" };
    if (node.metadata.labels?.["minikube.k8s.io/name"] !== undefined) {
      return { flavor: "minikube", because: "its node is minikube's" };
    }
    if (provider === "k3s" || kubelet.includes("+k3s")) return { flavor: "k3s", because: "its nodes run k3s" };
    const cloud = CLOUDS[provider];
    if (cloud !== undefined) return { flavor: "load-balancer", because: `its nodes are of ${cloud}` };
  }
  if (namespaces.some(({ metadata }) => metadata.name === "metallb-system")) {
    return { flavor: "load-balancer", because: "MetalLB gives Services addresses here" };
  }
  return {
    flavor: "bare-metal",
    because: "no cloud and no MetalLB is seen, so the nodes' own ports 80 and 443 are used",
  };
}
