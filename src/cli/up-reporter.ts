import type { InstanceSummary } from "../app/instance-summary.ts";
import type { Tone } from "../app/notice.ts";
import type { UpPlace, UpReporter } from "../app/up.ts";
import type { Output } from "../ground/host.ts";
import { paint, shellWord, type Look } from "./terminal.ts";
import { summaryText } from "./summary-text.ts";

const MARKS: Readonly<Record<Tone, readonly [Look, string]>> = {
  done: ["green", "✓"],
  note: ["dim", "·"],
  warn: ["yellow", "!"],
  error: ["red", "✗"],
};

/** Returns a reporter that prints a line for each event, and at the end what is served and what to type next. */
export function upReporter(output: Output): UpReporter {
  return {
    line: (tone, text) => {
      const [look, mark] = MARKS[tone];
      const [first, ...others] = text.split("\n");
      output.write(`${paint(output, look, mark)} ${first ?? ""}\n`);
      for (const other of others) output.write(`  ${other}\n`);
    },
    summary: (summary, place) =>
      output.write(`\n${summaryText(output, summary, "  ")}\n${nextSteps(output, summary, place)}`),
  };
}

function nextSteps(output: Output, summary: InstanceSummary, place: UpPlace): string {
  const { folder } = place;
  const curl = curlCommand(summary, place);
  const steps: readonly (readonly [string, string])[] = [
    ...(curl === undefined ? [] : [["Try it", curl] as const]),
    ...(place.api === undefined ? [] : [["kubectl", `export KUBECONFIG=${shellWord(folder.kubeconfig)}`] as const]),
    ["Trust", `${folder.caCertificate} is the local CA: add it to a browser or system to lose the warning`],
    ["Stop", "Ctrl-C; certificates and objects stay in the state folder for the next start"],
  ];
  return steps.map(([title, text]) => `  ${paint(output, "bold", title.padEnd(8))} ${text}\n`).join("");
}

function curlCommand(summary: InstanceSummary, place: UpPlace): string | undefined {
  const route = summary.routes.find(
    (one) => (one.tls === "valid" || one.tls === "stand-in") && !one.host.includes("*") && !one.path.startsWith("~"),
  );
  if (route === undefined) return undefined;
  const { host, port } = place.https;
  const address = host.includes(":") ? `[${host}]` : host;
  const authority = port === 443 ? route.host : `${route.host}:${port}`;
  const trust = `--cacert ${shellWord(place.folder.caCertificate)}`;
  return `curl ${trust} --resolve ${route.host}:${port}:${address} ${shellWord(`https://${authority}${route.path}`)}`;
}
