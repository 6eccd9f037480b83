import { hostname } from "node:os";
import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import type { ClusterWishes } from "../app/cluster-settings.ts";
import { publicAddresses, runUp, type UpReporter, type UpSettings } from "../app/up.ts";
import type { Host } from "../ground/host.ts";
import {
  addEdgeOptions,
  addIssuanceOptions,
  edgeSettings,
  issuanceSettings,
  type EdgeDefaults,
  type EdgeOptions,
  type IssuanceOptions,
} from "./edge-options.ts";
import { addText, parsePort } from "./option-values.ts";
import { upReporter } from "./up-reporter.ts";

/**
 * The ports are those of the Pod, which a user without rights may bind; Services and hostPorts lead 80 and 443 there.
 * Kubernetes lets a Pod have 30 s to end, of which balancers need some to notice.
 */
const DEFAULTS: EdgeDefaults = {
  state: "controller",
  listen: ["0.0.0.0", "::"],
  ports: {
    http: { kind: "exact", port: 8080 },
    https: { kind: "exact", port: 8443 },
    admin: { kind: "exact", port: 9254 },
  },
  graceMs: 25_000,
};

const WEBHOOK_PORT = 9443;

interface ControllerOptions extends EdgeOptions, IssuanceOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly ingressClass?: readonly string[];
  readonly watchIngressWithoutClass?: boolean;
  readonly shadow?: boolean;
  readonly certificates: ClusterWishes["certificates"];
  readonly publishService?: string;
  readonly publishAddress?: readonly string[];
  readonly replicaAddress?: string;
  readonly webhook?: string;
  readonly webhookPort?: number;
}

/** `lintel controller`: runs the edge of a cluster, one replica of it. */
export function controllerCommand(host: Host): Command {
  const command = new Command("controller")
    .description("Run the edge of a Kubernetes cluster: serve what its API server says, and look after certificates")
    .option(
      "--kubeconfig <file>",
      "how to reach the cluster (default: $KUBECONFIG, the Pod's ServiceAccount, ~/.kube/config)",
    )
    .option("--context <name>", "context of the kubeconfig (default: its current one)")
    .option("--namespace <name>", "where Lintel keeps its Leases and the Secrets of ClusterIssuers (default: its own)")
    .option("--ingress-class <name>", "IngressClass to serve, repeatable (default: lintel)", addText)
    .option("--watch-ingress-without-class", "serve Ingresses that name no class too")
    .addOption(
      new Option("--certificates <when>", "manage certificates: auto leaves them to a cert-manager that runs")
        .choices(["auto", "always", "never"])
        .default("auto"),
    )
    .option("--shadow", "serve, and write nothing: a look before taking over")
    .option("--publish-service <namespace/name>", "Service whose addresses the status of Ingresses gets", parseService)
    .option("--publish-address <address>", "IP address or name the status of Ingresses gets, repeatable", addText)
    .option("--replica-address <ip>", "where other replicas reach this one (default: $POD_IP, this machine's address)")
    .option("--webhook <name>", "serve the admission webhook of the configurations of this name (default: none)")
    .option("--webhook-port <port>", "port for it (default: 9443)", parsePort);
  addEdgeOptions(command, {
    state: "where what was served last is kept (default: ~/.local/state/lintel/controller)",
    listen: "all",
    http: "8080",
    https: "8443",
    admin: "port for health, readiness, metrics and status (default: 9254)",
    graceSeconds: DEFAULTS.graceMs / 1_000,
  });
  return addIssuanceOptions(command)
    .addHelpText("after", EXAMPLES)
    .action(async (options: ControllerOptions) => {
      await runUp(host, controllerSettings(host, options), linesOnly(upReporter(host.output)));
    });
}

const EXAMPLES = `
Every replica serves; one of them, elected by a Lease, writes. Without the API server the last state is served on.

Examples:
  lintel controller                                    in a Pod, as "lintel manifests" sets it up
  lintel controller --kubeconfig ~/.kube/config --shadow    serve what the cluster says, and write nothing
  lintel controller --ingress-class nginx              take over from ingress-nginx
  lintel controller --publish-service lintel/lintel    the status of Ingresses gets the Service's addresses
`;

function controllerSettings(host: Host, options: ControllerOptions): UpSettings {
  const { environment, workingDirectory } = host;
  const edge = edgeSettings(host, options, DEFAULTS);
  const [ourAddress = ""] = publicAddresses(edge.listen);
  return {
    ...edge,
    ...issuanceSettings(host, options),
    cluster: {
      kubeconfig: options.kubeconfig === undefined ? undefined : resolve(workingDirectory, options.kubeconfig),
      context: options.context,
      namespace: options.namespace ?? environment["POD_NAMESPACE"] ?? "",
      classes: options.ingressClass ?? ["lintel"],
      serveClassless: options.watchIngressWithoutClass ?? false,
      shadow: options.shadow ?? false,
      certificates: options.certificates,
      publishService: options.publishService ?? "",
      publishAddresses: options.publishAddress ?? [],
      replicaAddress: options.replicaAddress ?? environment["POD_IP"] ?? ourAddress,
      edgeAddress: environment["HOST_IP"] ?? options.replicaAddress ?? ourAddress,
      webhook: options.webhook ?? "",
      webhookPort: options.webhookPort ?? WEBHOOK_PORT,
      identity: `${environment["POD_NAME"] ?? hostname()}_${randomUUID()}`,
    },
  };
}

/** Nobody types the next command into a container's log. */
function linesOnly(reporter: UpReporter): UpReporter {
  return {
    line: (tone, text) => reporter.line(tone, text),
    summary: ({ routes, certificates }) => {
      reporter.line(
        "done",
        `Serving ${String(routes.length)} routes; ${String(certificates.length)} certificates known`,
      );
    },
  };
}

/** Returns a Service given as `namespace/name`. */
export function parseService(text: string): string {
  if (!/^[a-z0-9-]+\/[a-z0-9-]+$/.test(text)) throw new InvalidArgumentError("A Service as namespace/name.");
  return text;
}
