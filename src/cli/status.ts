import { join, resolve } from "node:path";
import { Command, Option } from "commander";
import type { ProcessSummary } from "../app/instance-summary.ts";
import { askCluster } from "../app/ask-cluster.ts";
import { addressText } from "../app/role-settings.ts";
import { askRunningInstance, type RunningInstance } from "../app/running-instance.ts";
import { LintelError } from "../ground/errors.ts";
import type { Host, Output } from "../ground/host.ts";
import { clusterIngressesText } from "./cluster-ingresses-text.ts";
import { clusterText } from "./cluster-text.ts";
import { addText } from "./option-values.ts";
import { defaultStateDirectory } from "./state-directory.ts";
import { clusterCertificatesText, summaryText } from "./summary-text.ts";
import { table } from "./terminal.ts";
import { programVersion } from "./version.ts";

interface StatusOptions {
  readonly state?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace: string;
  readonly ingressClass?: readonly string[];
  readonly output: "table" | "json";
}

/** `lintel status`: what a running instance serves. */
export function statusCommand(host: Host): Command {
  return new Command("status")
    .description("Show what a running instance serves: hosts, certificates, processes")
    .option(
      "--state <dir>",
      "the instance's state folder (default: the default one, else the example's, the proxy's or the controller's)",
    )
    .option("--kubeconfig <file>", "ask the API server of this cluster instead: who leads, which replicas run")
    .option("--context <name>", "ask the cluster of this context of the kubeconfig")
    .option("-n, --namespace <name>", "where the replicas of the cluster keep their Leases", "lintel")
    .option(
      "--ingress-class <name>",
      "class that the replicas of the cluster serve, repeatable (default: lintel)",
      addText,
    )
    .addOption(new Option("-o, --output <format>", "how").choices(["table", "json"]).default("table"))
    .addHelpText("after", EXAMPLES)
    .action(async (options: StatusOptions) => {
      if (options.kubeconfig !== undefined || options.context !== undefined) {
        await writeCluster(host, options);
        return;
      }
      const instance = await askRunningInstance(
        options.state === undefined
          ? [
              defaultStateDirectory(host, "default"),
              defaultStateDirectory(host, "example"),
              defaultStateDirectory(host, "proxy"),
              defaultStateDirectory(host, "controller"),
            ]
          : [resolve(host.workingDirectory, options.state)],
      );
      host.output.write(options.output === "json" ? jsonText(instance) : statusText(host.output, instance));
    });
}

const EXAMPLES = `
Examples:
  lintel status
  lintel status --kubeconfig ~/.kube/config
  lintel status -o json | jq '.certificates[] | select(.ready != "True")'

Exit codes: 0 it runs, 1 no replica of the cluster leads, 2 wrong usage or kubeconfig, 69 nothing runs or answers.
`;

/** Fails after it has told everything, so that a script notices. */
async function writeCluster(host: Host, options: StatusOptions): Promise<void> {
  const { kubeconfig, context, namespace, ingressClass: classes = ["lintel"] } = options;
  const asked = await askCluster({
    kubeconfig: kubeconfig === undefined ? undefined : resolve(host.workingDirectory, kubeconfig),
    context,
    namespace,
    classes,
    version: programVersion(host.program),
    environment: host.environment,
  });
  const { cluster, answerMs, certificates, ingresses } = asked;
  if (options.output === "json") host.output.write(`${JSON.stringify(asked, undefined, 2)}\n`);
  else {
    host.output.write(clusterText(host.output, cluster, answerMs));
    host.output.write(clusterIngressesText(host.output, ingresses));
    if (certificates.length > 0) host.output.write(clusterCertificatesText(host.output, certificates));
    host.output.write("\nWhat a replica serves at this moment only it knows: ask its /readyz and /metrics\n");
  }
  if (cluster.leader !== "") return;
  const none = cluster.replicas.length === 0 ? "No replica runs" : "No replica leads";
  throw new LintelError(`${none}, by the Leases in namespace "${namespace}"`, {
    code: "BadManifest",
    hint: `Look at them with "kubectl -n ${namespace} get pods", or say with --namespace where they are`,
  });
}

function jsonText(instance: RunningInstance): string {
  const { directory, facts, summary } = instance;
  return `${JSON.stringify({ state: directory, ...facts, ...summary }, undefined, 2)}\n`;
}

function statusText(output: Output, { directory, facts, summary }: RunningInstance): string {
  const since = new Date(facts.sinceMs).toISOString().slice(0, 19);
  const api = facts.api.port === 0 ? "" : `, API https://${addressText(facts.api)}`;
  const head = [
    `Lintel ${facts.version}, process ${facts.pid} since ${since}Z, state in ${directory}`,
    `http://${addressText(facts.edgeHttp)}, https://${addressText(facts.edgeHttps)}${api}`,
  ].join("\n");
  const processes = table(output, ["PROCESS", "PID", "STATE", "SINCE", "RESTARTS"], summary.processes.map(processRow));
  const cluster = summary.cluster === undefined ? "" : `${clusterText(output, summary.cluster)}\n`;
  const problems = summary.processes.filter(({ problem }) => problem !== "");
  const sentences = problems.map(
    ({ name, problem }) => `\n${name}: ${problem}; ${join(directory, "lintel.log")} has more\n`,
  );
  return `${head}\n\n${cluster}${summaryText(output, summary)}\n${processes}${sentences.join("")}`;
}

function processRow(process: ProcessSummary): readonly string[] {
  return [
    process.name,
    process.pid === 0 ? "-" : String(process.pid),
    process.state,
    process.since.slice(0, 19),
    String(process.restarts),
  ];
}
