import { Command, Option } from "commander";
import { edgeAddresses } from "../app/edge-addresses.ts";
import { foresee, type Foreseen } from "../app/foresee.ts";
import { othersAtWork } from "../app/others-at-work.ts";
import type { Host, Output } from "../ground/host.ts";
import { systemClock, systemRandom } from "../ground/system-clock.ts";
import { seenBeside, type Neighbour } from "../install/seen-beside.ts";
import { DAEMON_SET, DEPLOYMENT } from "../resource/kind.ts";
import { ClusterStore } from "../store/cluster/cluster-store.ts";
import { findAccess } from "../store/cluster/find-access.ts";
import { parseService } from "./controller.ts";
import { addText } from "./option-values.ts";
import { paint, table } from "./terminal.ts";
import { programVersion } from "./version.ts";

interface ShadowOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly ingressClass?: readonly string[];
  readonly watchIngressWithoutClass?: boolean;
  readonly publishService?: string;
  readonly publishAddress?: readonly string[];
  readonly output: "table" | "json";
}

interface ShadowReport {
  readonly neighbours: readonly Neighbour[];
  /** Who holds the Lease of certificates; empty: nobody. */
  readonly certificatesAreOf: string;
  readonly changes: readonly Foreseen[];
}

/** `lintel shadow`: what would change in a cluster if Lintel took over, without writing anything. */
export function shadowCommand(host: Host): Command {
  return new Command("shadow")
    .description("Show what would change in a cluster if Lintel took over; writes nothing")
    .option("--kubeconfig <file>", "how to reach the cluster (default: as kubectl does)")
    .option("--context <name>", "context of the kubeconfig (default: its current one)")
    .option("--ingress-class <name>", "IngressClass that would be served, repeatable (default: lintel)", addText)
    .option("--watch-ingress-without-class", "Ingresses that name no class would be served too")
    .option("--publish-service <namespace/name>", "Service whose addresses Ingresses would get", parseService)
    .option("--publish-address <address>", "IP address or name that Ingresses would get, repeatable", addText)
    .addOption(new Option("-o, --output <format>", "how").choices(["table", "json"]).default("table"))
    .addHelpText("after", EXAMPLES)
    .action(async (options: ShadowOptions) => {
      const report = await readReport(host, options);
      const text =
        options.output === "json" ? `${JSON.stringify(report, undefined, 2)}\n` : textOf(host.output, report);
      host.output.write(text);
    });
}

const EXAMPLES = `
Examples:
  lintel shadow --ingress-class nginx          before taking over from ingress-nginx
  lintel shadow -o json | jq '.changes[] | select(.act == "issue")'
`;

async function readReport(host: Host, options: ShadowOptions): Promise<ShadowReport> {
  const access = await findAccess({ ...options, environment: host.environment, clock: systemClock });
  const userAgent = `lintel/${programVersion(host.program)}`;
  await using store = new ClusterStore({ access, clock: systemClock, random: systemRandom, userAgent });
  const wishes = {
    publishService: options.publishService ?? "",
    publishAddresses: options.publishAddress ?? [],
  };
  const [deployments, daemonSets, certificatesAreOf, addresses] = await Promise.all([
    store.list(DEPLOYMENT),
    store.list(DAEMON_SET),
    othersAtWork(store, systemClock.nowMs()),
    edgeAddresses(store, wishes, []),
  ]);
  const classes = {
    classes: options.ingressClass ?? ["lintel"],
    serveClassless: options.watchIngressWithoutClass ?? false,
  };
  return {
    neighbours: seenBeside([...deployments.items, ...daemonSets.items]),
    certificatesAreOf: certificatesAreOf ?? "",
    changes: await foresee({ store, clock: systemClock, classes, addresses }),
  };
}

function textOf(output: Output, report: ShadowReport): string {
  const { neighbours, certificatesAreOf, changes } = report;
  const lines = neighbours.map(({ program, object, hostPorts }) => {
    const ports = hostPorts.length === 0 ? "" : `, on port ${hostPorts.join(" and ")} of its nodes`;
    return `${program} is here: ${object}${ports}\n`;
  });
  if (certificatesAreOf !== "") {
    lines.push(
      `${paint(output, "yellow", "!")} ${certificatesAreOf} looks after certificates: what concerns them happens with --certificates always alone\n`,
    );
  }
  if (changes.length === 0) return `${lines.join("")}Nothing would change\n`;
  const rows = changes.map(({ object, act, detail }) => [object, act, detail]);
  return `${lines.join("")}${table(output, ["OBJECT", "WOULD", "BECAUSE"], rows)}`;
}
