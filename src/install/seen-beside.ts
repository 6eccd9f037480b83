import { arrayAt, numberAt, recordAt, stringAt } from "../ground/json.ts";
import type { KubeObject } from "../resource/object.ts";

/** A program in the cluster that does what Lintel does, or has the ports that Lintel needs. */
export interface Neighbour {
  /** `cert-manager`, `ingress-nginx`, `traefik`, or the workload's own name. */
  readonly program: string;
  /** `Deployment ingress-nginx/controller` */
  readonly object: string;
  /** Which of the nodes' ports 80 and 443 its Pods take. */
  readonly hostPorts: readonly number[];
}

/** By a part of the image's name, the program in it. */
const PROGRAMS: readonly (readonly [string, string])[] = [
  ["cert-manager-controller", "cert-manager"],
  ["ingress-nginx/controller", "ingress-nginx"],
  ["ingress-nginx-controller", "ingress-nginx"],
  ["nginx-ingress-controller", "ingress-nginx"],
  ["traefik", "traefik"],
  ["klipper-lb", "klipper-lb"],
  ["haproxy-ingress", "haproxy-ingress"],
];
const EDGE_PORTS: readonly number[] = [80, 443];

/** Returns who is there, of the Deployments and DaemonSets of a cluster; those that are scaled to nothing are not. */
export function seenBeside(workloads: readonly KubeObject[]): readonly Neighbour[] {
  return workloads.flatMap((workload): readonly Neighbour[] => {
    const { name, namespace = "", labels } = workload.metadata;
    if (labels?.["app.kubernetes.io/name"] === "lintel") return [];
    if (numberAt(workload["spec"], "replicas") === 0) return [];
    const pod = recordAt(recordAt(workload["spec"], "template"), "spec");
    const containers = arrayAt(pod, "containers");
    const image = containers.map((one) => stringAt(one, "image") ?? "").join(" ");
    const known = PROGRAMS.find(([part]) => image.includes(part))?.[1];
    const hostPorts = portsOfNode(containers, pod["hostNetwork"] === true);
    if (known === undefined && hostPorts.length === 0) return [];
    return [{ program: known ?? name, object: `${workload.kind} ${namespace}/${name}`, hostPorts }];
  });
}

function portsOfNode(containers: readonly unknown[], hostNetwork: boolean): readonly number[] {
  const ports = containers
    .flatMap((container) => arrayAt(container, "ports"))
    .map((port) => numberAt(port, "hostPort") ?? (hostNetwork ? numberAt(port, "containerPort") : undefined) ?? 0);
  return EDGE_PORTS.filter((port) => ports.includes(port));
}
