import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { Option, type Command } from "commander";
import type { PortWish } from "../app/bind-ports.ts";
import type { UpSettings } from "../app/up.ts";
import { LintelError } from "../ground/errors.ts";
import type { Host } from "../ground/host.ts";
import { addAddress, addBlock, addText, parseGrace, parsePort, parseSample, parseWorkers } from "./option-values.ts";
import { defaultStateDirectory } from "./state-directory.ts";
import { programVersion } from "./version.ts";

/** What people may say about the edge, to every command that runs one. */
export interface EdgeOptions {
  readonly state?: string;
  readonly listen?: readonly string[];
  readonly http?: number;
  readonly https?: number;
  readonly admin?: number;
  readonly workers?: number;
  readonly grace?: number;
  readonly accessLog?: string;
  readonly accessLogSample?: number;
  readonly trustedProxy?: readonly string[];
  readonly proxyProtocol?: boolean;
  readonly proxyProtocolFrom?: readonly string[];
}

/** What people may say about how certificates are got. */
export interface IssuanceOptions {
  readonly nameserver?: readonly string[];
  readonly preflight: "auto" | "always" | "off";
  readonly alertWebhook?: string;
}

/** What holds where nothing was said. */
export interface EdgeDefaults {
  /** The state folder is `~/.local/state/lintel/NAME`. */
  readonly state: "default" | "example" | "proxy" | "controller";
  /** IP literals. */
  readonly listen: readonly string[];
  readonly ports: Readonly<Record<"http" | "https" | "admin", PortWish>>;
  readonly graceMs: number;
}

/** How the help of a command tells its {@link EdgeDefaults}. */
export interface EdgeHelp {
  readonly state: string;
  readonly listen: string;
  readonly http: string;
  readonly https: string;
  readonly admin: string;
  readonly graceSeconds: number;
}

/** Lets a command take {@link EdgeOptions}. */
export function addEdgeOptions(command: Command, help: EdgeHelp): Command {
  return command
    .optionsGroup("Serving:")
    .option("--state <dir>", help.state)
    .option("--listen <address>", `IP address for HTTP and HTTPS, repeatable (default: ${help.listen})`, addAddress)
    .option("--http <port>", `port for HTTP (default: ${help.http})`, parsePort)
    .option("--https <port>", `port for HTTPS (default: ${help.https})`, parsePort)
    .option("--admin <port>", help.admin, parsePort)
    .option("--workers <count>", "processes that serve traffic (default: one a core)", parseWorkers)
    .option(
      "--grace <seconds>",
      `what a stopping process gets to finish its requests (default: ${help.graceSeconds})`,
      parseGrace,
    )
    .option("--access-log <file>", "write a line for each request: to a file, - or off (default: off)")
    .option("--access-log-sample <n>", "only for one of n requests answered below 400 (default: 1)", parseSample)
    .option(
      "--trusted-proxy <cidr>",
      "address or block of proxies whose X-Forwarded headers are believed, repeatable",
      addBlock,
    )
    .option("--proxy-protocol", "expect every connection to begin with a PROXY header, as balancers send it")
    .option("--proxy-protocol-from <cidr>", "the same, from these addresses only, repeatable", addBlock);
}

/** Lets a command take {@link IssuanceOptions}. */
export function addIssuanceOptions(command: Command): Command {
  return command
    .optionsGroup("Certificates:")
    .option(
      "--nameserver <host:port>",
      "DNS server for DNS-01 and its checks, repeatable (default: the system's)",
      addText,
    )
    .addOption(
      new Option(
        "--preflight <when>",
        "check DNS, CAA and port 80 before a CA is asked (auto: not for CAs on this machine)",
      )
        .choices(["auto", "always", "off"])
        .default("auto"),
    )
    .option("--alert-webhook <url>", "post JSON there when a certificate fails or nears its end (@FILE reads it)");
}

/**
 * Returns the settings that these options make, complete: what only some commands can ask for is off. Addresses of IPv6
 * that nobody asked for may be missing on a machine.
 */
export function edgeSettings(host: Host, options: EdgeOptions, defaults: EdgeDefaults): UpSettings {
  const { workingDirectory } = host;
  const { listen, state } = options;
  return {
    version: programVersion(host.program),
    stateDirectory:
      state === undefined ? defaultStateDirectory(host, defaults.state) : resolve(workingDirectory, state),
    listen: listen ?? defaults.listen,
    optionalListen: listen === undefined ? ["::", "::1"] : [],
    ports: {
      http: wish(options.http, defaults.ports.http),
      https: wish(options.https, defaults.ports.https),
      admin: wish(options.admin, defaults.ports.admin),
    },
    workers: options.workers ?? availableParallelism(),
    offline: false,
    nameservers: [],
    allowExecSolver: false,
    acmeListen: [],
    acmeNames: [],
    acmeRequireEab: false,
    preflight: "auto",
    alertWebhook: "",
    example: false,
    files: [],
    accessLog: accessLogTarget(host, options.accessLog),
    accessLogSample: options.accessLogSample ?? 1,
    trustedProxies: options.trustedProxy ?? [],
    proxyProtocol: proxyProtocolOf(options),
    graceMs: options.grace ?? defaults.graceMs,
  };
}

/** Returns the part of the settings that these options make. Throws BadConfig and NotFound for a bad `--alert-webhook`. */
export function issuanceSettings(
  host: Host,
  options: IssuanceOptions,
): Pick<UpSettings, "nameservers" | "preflight" | "alertWebhook"> {
  return {
    nameservers: options.nameserver ?? [],
    preflight: options.preflight,
    alertWebhook: alertWebhook(host, options.alertWebhook),
  };
}

/** Returns the wish for a port that was asked for, or else the one given. */
export function wish(port: number | undefined, otherwise: PortWish): PortWish {
  return port === undefined ? otherwise : { kind: "exact", port };
}

/** Returns the options that were typed, other than those with these names. */
export function optionsBeside(command: Command, names: readonly string[]): readonly string[] {
  return command.options.flatMap((option) => {
    const name = option.attributeName();
    return names.includes(name) || command.getOptionValueSource(name) !== "cli" ? [] : [option.long ?? name];
  });
}

/** Empty for nowhere. The URL may hold a secret, which does not belong on a command line: `@FILE` reads it. */
function alertWebhook(host: Host, option: string | undefined): string {
  if (option === undefined) return "";
  const file = option.startsWith("@") ? resolve(host.workingDirectory, option.slice(1)) : undefined;
  if (file !== undefined && !existsSync(file)) throw missingFile(file);
  const text = file === undefined ? option : readFileSync(file, "utf8").trim();
  if (/^https?:$/.test(URL.parse(text)?.protocol ?? "")) return text;
  const where = file === undefined ? "--alert-webhook" : `"${file}"`;
  throw new LintelError(`Cannot use the URL of ${where}: it is no http or https URL`, {
    code: "BadConfig",
    fault: "user",
    hint: 'Write it like "https://alerts.example/hook"',
  });
}

/** The error for a file that somebody named and that is not there. */
export function missingFile(file: string): LintelError {
  return new LintelError(`Cannot read "${file}": it does not exist`, {
    code: "NotFound",
    fault: "user",
    hint: 'Name a file or a folder of manifests, or try "lintel up --example"',
  });
}

function accessLogTarget(host: Host, option: string | undefined): string {
  if (option === undefined || option === "off") return "";
  return option === "-" ? "-" : resolve(host.workingDirectory, option);
}

function proxyProtocolOf(options: EdgeOptions): UpSettings["proxyProtocol"] {
  const { proxyProtocol, proxyProtocolFrom } = options;
  if (proxyProtocol !== true && proxyProtocolFrom === undefined) return undefined;
  return { sources: proxyProtocolFrom ?? [] };
}
