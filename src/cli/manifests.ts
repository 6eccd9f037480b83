import { Command, InvalidArgumentError, Option } from "commander";
import { stringify } from "yaml";
import { messageOf } from "../ground/errors.ts";
import type { Host } from "../ground/host.ts";
import { systemClock, systemRandom } from "../ground/system-clock.ts";
import { FLAVORS, type Flavor } from "../install/install-options.ts";
import { flavorWarnings, type ClusterSight } from "../install/flavor-warnings.ts";
import { installObjects } from "../install/install-objects.ts";
import { proposeFlavor } from "../install/propose-flavor.ts";
import { DAEMON_SET, DEPLOYMENT, NAMESPACE, NODE, SERVICE } from "../resource/kind.ts";
import { ClusterStore } from "../store/cluster/cluster-store.ts";
import { findAccess } from "../store/cluster/find-access.ts";
import { paint } from "./terminal.ts";
import { addText } from "./option-values.ts";
import { programVersion } from "./version.ts";

const REPLICAS_MAX = 1_000;

interface ManifestsOptions {
  readonly flavor?: Flavor;
  readonly namespace: string;
  readonly image?: string;
  readonly replicas: number;
  readonly ingressClass?: readonly string[];
  readonly argument?: readonly string[];
  readonly priorityClass: string;
  readonly webhook?: boolean;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly output: "yaml" | "json";
}

/** `lintel manifests`: prints what puts Lintel on a cluster. */
export function manifestsCommand(host: Host): Command {
  return new Command("manifests")
    .description("Print the objects that put Lintel on a cluster, for kubectl apply")
    .addOption(
      new Option(
        "--flavor <name>",
        "how port 80 gets to the edge (default: what fits the cluster that kubectl uses)",
      ).choices(FLAVORS),
    )
    .option("--namespace <name>", "where it runs", "lintel")
    .option("--image <reference>", "the image to run (default: lintel:VERSION)")
    .option("--replicas <count>", "replicas of a Deployment; a DaemonSet has one a node", parseReplicas, 2)
    .option("--ingress-class <name>", "IngressClass to serve, repeatable (default: lintel)", addText)
    .option("--argument <text>", 'further argument of "lintel controller", repeatable', addText)
    .option("--priority-class <name>", "PriorityClass of the Pods (default: the cluster's)", "")
    .option("--webhook", "with an admission webhook, which refuses early what could not be served or issued")
    .option("--kubeconfig <file>", "the cluster to look at")
    .option("--context <name>", "context of the kubeconfig")
    .addOption(new Option("-o, --output <format>", "what to print").choices(["yaml", "json"]).default("yaml"))
    .addHelpText("after", EXAMPLES)
    .action(async (options: ManifestsOptions) => {
      const sight = await lookAtCluster(host, options);
      const proposal = typeof sight === "string" ? UNSEEN : proposeFlavor(sight.nodes, sight.namespaces);
      const flavor = options.flavor ?? proposal.flavor;
      if (options.flavor === undefined) {
        note(
          host,
          `Flavour ${flavor}: ${typeof sight === "string" ? `cannot look at a cluster (${sight})` : proposal.because}`,
        );
      }
      const seen = typeof sight === "string" ? undefined : sight;
      for (const warning of flavorWarnings(flavor, options.namespace, seen)) note(host, warning);
      host.output.write(manifestsText(host, flavor, options));
    });
}

const EXAMPLES = `
Flavours:
  bare-metal      a DaemonSet on ports 80 and 443 of every node
  load-balancer   a Deployment behind a Service that a cloud or MetalLB gives an address
  nodeport        a Deployment on ports 30080 and 30443 of every node
  kind, minikube  a DaemonSet on the ports of the node
  k3s             a Deployment behind k3s' own load balancer

Examples:
  lintel manifests | kubectl apply -f -                     looks at the cluster first
  lintel manifests --flavor bare-metal > lintel.yaml        the same for another day
  lintel manifests --ingress-class nginx | kubectl diff -f -    take over from ingress-nginx, and see what changes
`;

/** Whoever has no cluster at hand gets the flavour that needs nothing of one. */
const UNSEEN = { flavor: "bare-metal", because: "" } as const;

/** Returns what of the cluster matters, or why it cannot be seen. */
async function lookAtCluster(host: Host, options: ManifestsOptions): Promise<ClusterSight | string> {
  const { environment } = host;
  try {
    const access = await findAccess({ ...options, environment, clock: systemClock });
    const userAgent = `lintel/${programVersion(host.program)}`;
    await using store = new ClusterStore({ access, clock: systemClock, random: systemRandom, userAgent });
    const [nodes = [], namespaces = [], deployments = [], daemonSets = [], services = []] = await Promise.all(
      [NODE, NAMESPACE, DEPLOYMENT, DAEMON_SET, SERVICE].map(async (kind) => (await store.list(kind)).items),
    );
    return { nodes, namespaces, workloads: [...deployments, ...daemonSets], services };
  } catch (error) {
    return messageOf(error);
  }
}

function manifestsText(host: Host, flavor: Flavor, options: ManifestsOptions): string {
  const version = programVersion(host.program);
  const objects = installObjects({
    flavor,
    name: "lintel",
    namespace: options.namespace,
    image: options.image ?? `lintel:${version}`,
    version,
    replicas: options.replicas,
    classes: options.ingressClass ?? ["lintel"],
    arguments: options.argument ?? [],
    priorityClass: options.priorityClass,
    webhook: options.webhook ?? false,
  });
  if (options.output === "json") {
    return `${JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }, undefined, 2)}\n`;
  }
  return objects.map((object) => `---\n${stringify(object, { aliasDuplicateObjects: false })}`).join("");
}

/** On standard error: standard output is for kubectl. */
function note(host: Host, text: string): void {
  host.errors.write(`${paint(host.errors, "yellow", "!")} ${text}\n`);
}

function parseReplicas(text: string): number {
  if (!/^[1-9]\d*$/.test(text) || Number(text) > REPLICAS_MAX)
    throw new InvalidArgumentError("A number from 1 to 1000.");
  return Number(text);
}
