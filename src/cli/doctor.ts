import { resolve } from "node:path";
import { Command, Option } from "commander";
import { apiAccess } from "../app/api-access.ts";
import { lifetimeReport, type LifetimeReport, type LifetimeRow } from "../app/lifetime-report.ts";
import { LintelError } from "../ground/errors.ts";
import type { Host } from "../ground/host.ts";
import { systemClock, systemRandom } from "../ground/system-clock.ts";
import { defaultStateDirectory } from "./state-directory.ts";
import { paint, table } from "./terminal.ts";

interface DoctorOptions {
  readonly lifetimes?: boolean;
  readonly state?: string;
  readonly kubeconfig?: string;
  readonly output: "table" | "json";
}

/** `lintel doctor`: looks for what will go wrong, and says what to do. */
export function doctorCommand(host: Host): Command {
  return new Command("doctor")
    .description("Tell what will go wrong: --lifetimes, certificates that would not be renewed in time")
    .option("--lifetimes", "which certificates would not have been renewed in time under CAs' coming lifetimes")
    .option("--state <dir>", "the instance's state folder (default: the default one, else the example's)")
    .option("--kubeconfig <file>", "ask the API of this kubeconfig instead of the running instance")
    .addOption(new Option("-o, --output <format>", "how").choices(["table", "json"]).default("table"))
    .addHelpText("after", EXAMPLES)
    .action(async (options: DoctorOptions) => {
      if (options.lifetimes !== true) {
        throw new LintelError("Cannot look: it was not said at what", {
          code: "BadConfig",
          fault: "user",
          hint: 'Try "lintel doctor --lifetimes"',
        });
      }
      const report = await read(host, options);
      host.output.write(options.output === "json" ? jsonText(report) : reportText(host, report));
      const late = report.rows.filter((row) => row.verdicts.some(({ verdict }) => verdict === "late")).length;
      if (late > 0) {
        throw new LintelError(`${String(late)} of ${String(report.rows.length)} certificates would come too late`, {
          code: "BadManifest",
          hint: "The table says what to change",
        });
      }
    });
}

const EXAMPLES = `
Public CAs shorten the lives of certificates: 64 days from 2027-02-10 and 45 days from 2028-02-16 at Let's Encrypt, at most 47 days
anywhere from 2029-03-15, and six days with the profile "shortlived" today. For each Certificate of a public CA the rules that
renew it are run under each of these. "late": it would have expired or not been issued; "tight": nothing may go wrong.

Examples:
  lintel doctor --lifetimes
  lintel doctor --lifetimes --kubeconfig ~/.kube/config
  lintel doctor --lifetimes -o json | jq '.certificates[] | select(.verdicts[].verdict == "late")'

Exit codes: 0 all in time, 1 one would be late, 2 wrong usage, 69 no instance runs.
`;

async function read(host: Host, options: DoctorOptions): Promise<LifetimeReport> {
  const { store } = await apiAccess({
    kubeconfig: options.kubeconfig === undefined ? undefined : resolve(host.workingDirectory, options.kubeconfig),
    directories:
      options.state === undefined
        ? [defaultStateDirectory(host, "default"), defaultStateDirectory(host, "example")]
        : [resolve(host.workingDirectory, options.state)],
    environment: host.environment,
    clock: systemClock,
    random: systemRandom,
  });
  return lifetimeReport(store, systemClock.nowMs());
}

function jsonText({ rows, privateOnes }: LifetimeReport): string {
  const certificates = rows.map(({ verdicts, ...row }) => ({
    ...row,
    verdicts: verdicts.map(({ lifetime, verdict, renewsAfterMs, roomMs, message }) => ({
      lifetime: lifetime.name,
      from: lifetime.from ?? "now, with the profile",
      why: lifetime.why,
      verdict,
      renewsAfterHours: hoursOf(renewsAfterMs),
      roomHours: hoursOf(roomMs),
      message,
    })),
  }));
  return `${JSON.stringify({ certificates, ofPrivateCas: privateOnes }, undefined, 2)}\n`;
}

function hoursOf(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.round(ms / 3_600_000);
}

function reportText(host: Host, { rows, privateOnes }: LifetimeReport): string {
  const own = privateOnes === 0 ? "" : `${String(privateOnes)} of private CAs, whose lifetimes stay as they are\n`;
  if (rows.length === 0) return `No certificate of a public CA\n${own}`;
  const lifetimes = rows[0]?.verdicts.map(({ lifetime }) => lifetime) ?? [];
  const heading = ["NAMESPACE", "NAME", "ISSUER", ...lifetimes.map(({ name }) => name.toUpperCase())];
  const body = rows.map((row) => [row.namespace, row.name, row.issuer, ...row.verdicts.map(({ verdict }) => verdict)]);
  const calendar = lifetimes
    .map(({ name, from, why }) => `  ${name}: ${from === undefined ? "today" : `from ${from}`}, ${why}\n`)
    .join("");
  return `${table(host.output, heading, body)}\n${rows.map((row) => advice(host, row)).join("")}${own}\nLifetimes\n${calendar}`;
}

/** Each different sentence once, with the lifetimes it is about. */
function advice(host: Host, { namespace, name, verdicts }: LifetimeRow): string {
  const messages = new Map<string, readonly string[]>();
  for (const { message, lifetime } of verdicts) {
    if (message !== "") messages.set(message, [...(messages.get(message) ?? []), lifetime.name]);
  }
  const place = paint(host.output, "bold", `${namespace}/${name.split(" ").at(-1) ?? ""}`);
  return [...messages].map(([message, names]) => `${place} (${names.join(", ")}): ${message}\n`).join("");
}
