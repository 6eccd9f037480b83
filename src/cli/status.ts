import { join, resolve } from "node:path";
import { Command, Option } from "commander";
import type { ProcessSummary } from "../app/instance-summary.ts";
import { addressText } from "../app/role-settings.ts";
import { askRunningInstance, type RunningInstance } from "../app/running-instance.ts";
import type { Host, Output } from "../ground/host.ts";
import { defaultStateDirectory } from "./state-directory.ts";
import { summaryText } from "./summary-text.ts";
import { table } from "./terminal.ts";

interface StatusOptions {
  readonly state?: string;
  readonly output: "table" | "json";
}

/** `lintel status`: what a running instance serves. */
export function statusCommand(host: Host): Command {
  return new Command("status")
    .description("Show what a running instance serves: hosts, certificates, processes")
    .option(
      "--state <dir>",
      "the instance's state folder (default: the default one, else the example's or the proxy's)",
    )
    .addOption(new Option("-o, --output <format>", "how").choices(["table", "json"]).default("table"))
    .addHelpText("after", EXAMPLES)
    .action(async (options: StatusOptions) => {
      const instance = await askRunningInstance(
        options.state === undefined
          ? [
              defaultStateDirectory(host, "default"),
              defaultStateDirectory(host, "example"),
              defaultStateDirectory(host, "proxy"),
            ]
          : [resolve(host.workingDirectory, options.state)],
      );
      host.output.write(options.output === "json" ? jsonText(instance) : statusText(host.output, instance));
    });
}

const EXAMPLES = `
Examples:
  lintel status
  lintel status -o json | jq '.certificates[] | select(.ready != "True")'
`;

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
  const problems = summary.processes.filter(({ problem }) => problem !== "");
  const sentences = problems.map(
    ({ name, problem }) => `\n${name}: ${problem}; ${join(directory, "lintel.log")} has more\n`,
  );
  return `${head}\n\n${summaryText(output, summary)}\n${processes}${sentences.join("")}`;
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
