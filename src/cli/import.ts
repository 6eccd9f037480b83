import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { Command, Option } from "commander";
import { stringify } from "yaml";
import { type CertbotImport, type ImportedCertificate, importObjects } from "../app/certbot/import-objects.ts";
import { readCertbot } from "../app/certbot/read-installation.ts";
import { createObjects, type CreatedObject } from "../app/create-objects.ts";
import { stateFolderAt } from "../app/state-folder.ts";
import { LintelError } from "../ground/errors.ts";
import type { Host, Output } from "../ground/host.ts";
import { systemClock, systemRandom } from "../ground/system-clock.ts";
import type { ClusterAccess } from "../store/cluster/cluster-access.ts";
import { findAccess } from "../store/cluster/find-access.ts";
import { kubeconfigAccess } from "../store/cluster/kubeconfig-access.ts";
import { defaultStateDirectory } from "./state-directory.ts";
import { table } from "./terminal.ts";
import { programVersion } from "./version.ts";

interface ImportCommandOptions {
  readonly namespace: string;
  readonly state?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly caBundle?: string;
  readonly output?: "yaml" | "json";
  readonly dryRun?: boolean;
  readonly replace?: boolean;
}

/** `lintel import`: takes over what another program looks after. */
export function importCommand(host: Host): Command {
  const command = new Command("import").description("Take over certificates and accounts from another program");
  command.addCommand(
    new Command("certbot")
      .description("Take over certbot's certificates, keys and accounts; nothing is ordered while they are good")
      .argument("[folder]", "certbot's configuration folder, or a copy of it", "/etc/letsencrypt")
      .option("-n, --namespace <name>", "where the objects go", "default")
      .option("--state <dir>", "the state folder of the instance that takes over (default: the default one)")
      .option("--kubeconfig <file>", "the cluster that takes over, in place of an instance on this machine")
      .option("--context <name>", "of that file (default: its current one)")
      .option("--ca-bundle <file>", "the certificates, in PEM, that the CA's own HTTPS is trusted by")
      .option("--dry-run", "say what would be made, and make nothing")
      .option("--replace", "replace objects that exist already (default: they stay as they are)")
      .addOption(new Option("-o, --output <format>", "print the objects, and make nothing").choices(["yaml", "json"]))
      .addHelpText("after", EXAMPLES)
      .action((folder: string, options: ImportCommandOptions) => importCertbot(host, folder, options)),
  );
  return command;
}

const EXAMPLES = `
Of certbot's folder renewal/, live/ and accounts/ are read; nothing is changed there. Each certificate becomes a Secret and a
Certificate, each account an Issuer that keeps using it. Stop certbot afterwards, or both renew.

Examples:
  sudo lintel import certbot --dry-run
  sudo lintel import certbot --state /var/lib/lintel
  sudo lintel import certbot -o yaml > certificates.yaml      keep it safe: it holds the private keys
  lintel import certbot ./letsencrypt-copy --kubeconfig ~/.kube/config -n web
`;

async function importCertbot(host: Host, folder: string, options: ImportCommandOptions): Promise<void> {
  const root = resolve(host.workingDirectory, folder);
  const { caBundle } = options;
  const made = await importObjects(await readCertbot(root), {
    namespace: options.namespace,
    caBundle: caBundle === undefined ? undefined : readBundle(resolve(host.workingDirectory, caBundle)),
    nowMs: systemClock.nowMs(),
    read: (path) => readFile(path, "utf8").catch(() => undefined),
  });
  if (options.output !== undefined) {
    host.output.write(objectsText(made, options.output));
    // The objects may be piped on: what people should know goes beside them.
    for (const note of made.notes) host.errors.write(`${note}\n`);
    return;
  }
  if (made.certificates.length > 0) host.output.write(`${certificatesText(host.output, made.certificates)}\n`);
  else host.output.write(`There is no certificate to take over in "${root}"\n`);
  for (const note of made.notes) host.output.write(`${note}\n`);
  if (options.dryRun === true || made.objects.length === 0) return;
  const done = await createObjects({
    access: await accessOf(host, options),
    clock: systemClock,
    random: systemRandom,
    userAgent: `lintel-import/${programVersion(host.program)}`,
    objects: made.objects,
    replace: options.replace === true,
  });
  host.output.write(resultText(done, options.namespace));
}

async function accessOf(host: Host, options: ImportCommandOptions): Promise<ClusterAccess> {
  const { environment } = host;
  const { kubeconfig, context, state } = options;
  if (kubeconfig !== undefined) {
    return findAccess({
      kubeconfig: resolve(host.workingDirectory, kubeconfig),
      context,
      environment,
      clock: systemClock,
    });
  }
  const directory =
    state === undefined ? defaultStateDirectory(host, "default") : resolve(host.workingDirectory, state);
  try {
    return await kubeconfigAccess({
      path: stateFolderAt(directory).kubeconfig,
      context,
      environment,
      clock: systemClock,
    });
  } catch (cause) {
    throw new LintelError(`Cannot find an instance with an API in "${directory}"`, {
      code: "Unreachable",
      fault: "user",
      hint: 'Start one with "lintel up", name its folder with --state, or print the objects with "-o yaml"',
      cause,
    });
  }
}

function objectsText(made: CertbotImport, format: "yaml" | "json"): string {
  if (format === "yaml") return made.objects.map((object) => `---\n${stringify(object)}`).join("");
  return `${JSON.stringify({ apiVersion: "v1", kind: "List", items: made.objects }, undefined, 2)}\n`;
}

function certificatesText(output: Output, certificates: readonly ImportedCertificate[]): string {
  const rows = certificates.map(({ name, names, issuer, notAfterMs, state }) => [
    name,
    namesText(names),
    issuer,
    new Date(notAfterMs).toISOString().slice(0, 10),
    STATES[state],
  ]);
  const notes = [...new Set(certificates.map(({ issuer, note }) => `Issuer "${issuer}" in place of ${note}`))];
  return `${table(output, ["CERTIFICATE", "NAMES", "ISSUER", "UNTIL", "THEN"], rows)}\n${notes.join("\n")}\n`;
}

const STATES: Readonly<Record<ImportedCertificate["state"], string>> = {
  valid: "renewed when it is due",
  due: "due for renewal: ordered at once",
  expired: "expired: ordered at once",
};

const NAMES_SHOWN_MAX = 3;

function namesText(names: readonly string[]): string {
  const more = names.length - NAMES_SHOWN_MAX;
  return `${names.slice(0, NAMES_SHOWN_MAX).join(",")}${more > 0 ? ` and ${more} more` : ""}`;
}

function resultText(done: readonly CreatedObject[], namespace: string): string {
  const lines = done.map(({ object, outcome }) => {
    const what = outcome === "left" ? "exists already and stays as it is" : outcome;
    return `${object.kind} "${namespace}/${object.metadata.name}" ${what}\n`;
  });
  return `${lines.join("")}Stop certbot now, or both renew: sudo systemctl disable --now certbot.timer\n`;
}

function readBundle(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new LintelError(`Cannot read "${file}"`, {
      code: "NotFound",
      fault: "user",
      hint: "Name a PEM file with --ca-bundle",
      cause,
    });
  }
}
