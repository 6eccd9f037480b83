import { resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { apiAccess } from "../app/api-access.ts";
import { renewCertificates, type RenewalOutcome } from "../app/renew-certificates.ts";
import { LintelError } from "../ground/errors.ts";
import type { Host } from "../ground/host.ts";
import { systemClock, systemRandom } from "../ground/system-clock.ts";
import { parseGoDuration } from "../resource/go-duration.ts";
import { defaultStateDirectory } from "./state-directory.ts";
import { paint, table } from "./terminal.ts";

interface RenewOptions {
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  readonly all?: boolean;
  readonly selector?: string;
  readonly wait: boolean;
  readonly timeout?: number;
  readonly state?: string;
  readonly kubeconfig?: string;
  readonly output: "table" | "json";
}

const TIMEOUT_MS_DEFAULT: number = 5 * 60_000;

/** `lintel renew`: asks for new certificates now, and waits for them. */
export function renewCommand(host: Host): Command {
  return new Command("renew")
    .description("Renew certificates now, and wait until the new ones are served")
    .argument("[names...]", "Certificates")
    .option("-n, --namespace <name>", "where they are (default: the kubeconfig's, which is default)")
    .option("--all", "all Certificates of the namespace")
    .option("-A, --all-namespaces", "all Certificates of all namespaces, or those with -l")
    .option("-l, --selector <labels>", "those with these labels, as kubectl takes them")
    .option("--no-wait", "only ask, and return at once")
    .option("--timeout <duration>", "how long to wait (default: 5m)", parseTimeout)
    .option("--state <dir>", "the instance's state folder (default: the default one, else the example's)")
    .option("--kubeconfig <file>", "ask the API of this kubeconfig instead of the running instance")
    .addOption(new Option("-o, --output <format>", "how").choices(["table", "json"]).default("table"))
    .addHelpText("after", EXAMPLES)
    .action(async (names: readonly string[], options: RenewOptions) => {
      checkUsage(names, options);
      const outcomes = await run(host, names, options);
      host.output.write(
        options.output === "json" ? `${JSON.stringify(outcomes, undefined, 2)}\n` : outcomeText(host, outcomes),
      );
      const missing = outcomes.filter(({ outcome }) => outcome === "failed" || outcome === "timeout").length;
      if (missing > 0) {
        throw new LintelError(`Cannot renew ${String(missing)} of ${String(outcomes.length)} certificates`, {
          code: "AcmeRefused",
          hint: 'The reason is in the table; "kubectl describe certificate NAME" has the whole story',
        });
      }
    });
}

const EXAMPLES = `
Sets the condition Issuing, as "cmctl renew" does. What each certificate waits for goes to standard error.

Examples:
  lintel renew shop-tls
  lintel renew shop-tls api-tls -n shop --timeout 2m
  lintel renew --all-namespaces -l team=web --no-wait
  lintel renew --all -o json | jq '.[] | select(.outcome != "renewed")'

Exit codes: 0 all renewed (or asked for), 1 one failed or took too long, 2 wrong usage, 66 no such Certificate,
69 no instance runs.
`;

async function run(host: Host, names: readonly string[], options: RenewOptions): Promise<readonly RenewalOutcome[]> {
  const { store, namespace: home } = await apiAccess({
    kubeconfig: options.kubeconfig === undefined ? undefined : resolve(host.workingDirectory, options.kubeconfig),
    directories:
      options.state === undefined
        ? [defaultStateDirectory(host, "default"), defaultStateDirectory(host, "example")]
        : [resolve(host.workingDirectory, options.state)],
    environment: host.environment,
    clock: systemClock,
    random: systemRandom,
  });
  const namespace = options.allNamespaces === true ? undefined : (options.namespace ?? home);
  return renewCertificates(
    { namespace, names, selector: options.selector },
    {
      store,
      clock: systemClock,
      timeoutMs: options.wait ? (options.timeout ?? TIMEOUT_MS_DEFAULT) : undefined,
      onProgress: (certificate, message) =>
        host.errors.write(`${paint(host.errors, "dim", certificate)}  ${message}\n`),
    },
  );
}

function checkUsage(names: readonly string[], { all, allNamespaces, selector }: RenewOptions): void {
  const picks = all === true || allNamespaces === true || selector !== undefined;
  if (names.length > 0 !== picks) return;
  throw new LintelError(
    picks
      ? "Cannot renew: name Certificates or pick them by --all, -A or -l, not both"
      : "Cannot renew: no Certificate is named",
    { code: "BadConfig", fault: "user", hint: 'See "lintel renew --help"' },
  );
}

function outcomeText(host: Host, outcomes: readonly RenewalOutcome[]): string {
  const rows = outcomes.map(({ namespace, name, outcome, revision, notAfter, message }) => [
    namespace,
    name,
    outcome,
    String(revision),
    notAfter === "" ? "-" : notAfter,
    message,
  ]);
  return table(host.output, ["NAMESPACE", "NAME", "OUTCOME", "REVISION", "UNTIL", "MESSAGE"], rows);
}

function parseTimeout(text: string): number {
  const ms = parseGoDuration(text);
  if (ms === undefined || ms <= 0) throw new InvalidArgumentError('A duration, such as "90s" or "5m".');
  return ms;
}
