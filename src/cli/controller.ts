import { availableParallelism, hostname } from "node:os";
import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import type { ClusterWishes } from "../app/cluster-settings.ts";
import { publicAddresses, runUp, type UpReporter, type UpSettings } from "../app/up.ts";
import type { Host } from "../ground/host.ts";
import { defaultStateDirectory } from "./state-directory.ts";
import {
  accessLogTarget,
  alertWebhook,
  addAddress,
  addBlock,
  addText,
  parseGrace,
  parsePort,
  parseSample,
  parseWorkers,
  wish,
} from "./up.ts";
import { upReporter } from "./up-reporter.ts";
import { programVersion } from "./version.ts";

/** The ports of the Pod, which a user without rights may bind; Services and hostPorts lead 80 and 443 there. */
const PORTS = { http: 8080, https: 8443, admin: 9254 } as const;
/** Kubernetes lets a Pod have 30 s to end; balancers need some of them to notice. */
const GRACE_MS = 25_000;

interface ControllerOptions {
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
  readonly state?: string;
  readonly listen?: readonly string[];
  readonly http?: number;
  readonly https?: number;
  readonly admin?: number;
  readonly workers?: number;
  readonly nameserver?: readonly string[];
  readonly accessLog?: string;
  readonly accessLogSample?: number;
  readonly trustedProxy?: readonly string[];
  readonly proxyProtocol?: boolean;
  readonly proxyProtocolFrom?: readonly string[];
  readonly grace?: number;
  readonly preflight: "auto" | "always" | "off";
  readonly alertWebhook?: string;
}

/** `lintel controller`: runs the edge of a cluster, one replica of it. */
export function controllerCommand(host: Host): Command {
  return new Command("controller")
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
    .option("--state <dir>", "where what was served last is kept (default: ~/.local/state/lintel/controller)")
    .option("--listen <address>", "IP address to listen on, repeatable (default: all)", addAddress)
    .option("--http <port>", "port for HTTP (default: 8080)", parsePort)
    .option("--https <port>", "port for HTTPS (default: 8443)", parsePort)
    .option("--admin <port>", "port for health, readiness, metrics and status (default: 9254)", parsePort)
    .option("--workers <count>", "processes that serve traffic (default: one a core)", parseWorkers)
    .option("--nameserver <host:port>", "DNS server for DNS-01 and its checks, repeatable", addText)
    .addOption(
      new Option("--preflight <when>", "check DNS, CAA and port 80 before a CA is asked")
        .choices(["auto", "always", "off"])
        .default("auto"),
    )
    .option("--alert-webhook <url>", "post JSON there when a certificate fails or nears its end (@FILE reads it)")
    .option("--grace <seconds>", "what a stopping process gets to finish its requests (default: 25)", parseGrace)
    .option("--access-log <file>", "write a line for each request: to a file, - or off (default: off)")
    .option("--access-log-sample <n>", "only for one of n requests answered below 400 (default: 1)", parseSample)
    .option("--trusted-proxy <cidr>", "proxies whose X-Forwarded headers are believed, repeatable", addBlock)
    .option("--proxy-protocol", "expect every connection to begin with a PROXY header, as balancers send it")
    .option("--proxy-protocol-from <cidr>", "the same, from these addresses only, repeatable", addBlock)
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
  const listen = options.listen ?? ["0.0.0.0", "::"];
  const [ourAddress = ""] = publicAddresses(listen);
  return {
    version: programVersion(host.program),
    stateDirectory:
      options.state === undefined
        ? defaultStateDirectory(host, "controller")
        : resolve(workingDirectory, options.state),
    listen,
    optionalListen: options.listen === undefined ? ["::"] : [],
    ports: {
      http: wish(options.http ?? PORTS.http, []),
      https: wish(options.https ?? PORTS.https, []),
      admin: wish(options.admin ?? PORTS.admin, []),
    },
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
      identity: `${environment["POD_NAME"] ?? hostname()}_${randomUUID()}`,
    },
    workers: options.workers ?? availableParallelism(),
    offline: false,
    acmeListen: [],
    acmeNames: [],
    acmeRequireEab: false,
    preflight: options.preflight,
    alertWebhook: alertWebhook(host, options.alertWebhook),
    nameservers: options.nameserver ?? [],
    allowExecSolver: false,
    example: false,
    files: [],
    accessLog: accessLogTarget(host, options.accessLog),
    accessLogSample: options.accessLogSample ?? 1,
    trustedProxies: options.trustedProxy ?? [],
    proxyProtocol:
      options.proxyProtocol === true || options.proxyProtocolFrom !== undefined
        ? { sources: options.proxyProtocolFrom ?? [] }
        : undefined,
    graceMs: options.grace ?? GRACE_MS,
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

function parseService(text: string): string {
  if (!/^[a-z0-9-]+\/[a-z0-9-]+$/.test(text)) throw new InvalidArgumentError("A Service as namespace/name.");
  return text;
}
