import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { isIP } from "node:net";
import { resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import type { PortWish } from "../app/bind-ports.ts";
import { STOP_GRACE_MS, runReplace, runUp, type UpSettings } from "../app/up.ts";
import { LintelError } from "../ground/errors.ts";
import type { Host } from "../ground/host.ts";
import { defaultStateDirectory } from "./state-directory.ts";
import { upReporter } from "./up-reporter.ts";
import { programVersion } from "./version.ts";

/** The ports that are tried, in this order, when none is asked for. */
export const PREFERRED = { http: [80, 8080], https: [443, 8443], api: [6443], acme: [8555], admin: [9254] } as const;

const WORKERS_MAX = 256;

interface UpOptions {
  readonly state?: string;
  readonly listen?: readonly string[];
  readonly http?: number;
  readonly https?: number;
  readonly api?: number;
  readonly acme?: number;
  readonly admin?: number;
  readonly workers?: number;
  readonly offline?: boolean;
  readonly nameserver?: readonly string[];
  readonly allowExecSolver?: boolean;
  readonly acmeListen?: readonly string[];
  readonly acmeName?: readonly string[];
  readonly acmeRequireEab?: boolean;
  readonly preflight: "auto" | "always" | "off";
  readonly alertWebhook?: string;
  readonly example?: boolean;
  readonly accessLog?: string;
  readonly accessLogSample?: number;
  readonly trustedProxy?: readonly string[];
  readonly proxyProtocol?: boolean;
  readonly proxyProtocolFrom?: readonly string[];
  readonly grace?: number;
  readonly replace?: boolean;
}

/** `lintel up`: runs the edge on this machine. */
export function upCommand(host: Host): Command {
  return new Command("up")
    .description("Run the edge on this machine, with a Kubernetes API that kubectl talks to")
    .argument("[manifests...]", "files and folders of Kubernetes objects; applied now and whenever they change")
    .option("--state <dir>", "where certificates and objects are kept (default: ~/.local/state/lintel/default)")
    .option(
      "--listen <address>",
      "IP address for HTTP and HTTPS, repeatable (default: all, with --example loopback)",
      addAddress,
    )
    .option("--http <port>", "port for HTTP (default: 80, else 8080)", parsePort)
    .option("--https <port>", "port for HTTPS (default: 443, else 8443)", parsePort)
    .option("--api <port>", "port of the Kubernetes API, on 127.0.0.1 (default: 6443)", parsePort)
    .option("--acme <port>", "port of the local CA's ACME server, on 127.0.0.1 (default: 8555)", parsePort)
    .option("--acme-listen <address>", "IP address where others reach that server too, repeatable", addAddress)
    .option("--acme-name <name>", "name or IP address that they reach it by, repeatable", addName)
    .option("--acme-require-eab", 'have that server register only clients with a key of "lintel ca eab create"')
    .option("--admin <port>", "port for health, metrics and status, on 127.0.0.1 (default: 9254)", parsePort)
    .option("--workers <count>", "processes that serve traffic (default: one a core)", parseWorkers)
    .option("--offline", "answer every ACME issuer with the local CA: nothing leaves this machine")
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
    .option("--alert-webhook <url>", "post JSON there when a certificate fails or nears its end (@FILE reads it)")
    .option("--allow-exec-solver", "let issuers run programs of this machine to change DNS")
    .option("--example", "serve the example, with its own state folder and two small backends")
    .option("--grace <seconds>", "what a stopping process gets to finish its requests (default: 10)", parseGrace)
    .option("--replace", "put this version in the place of the one that runs on the state folder")
    .option("--access-log <file>", "write a line for each request: to a file, - or off (default: off)")
    .option("--access-log-sample <n>", "only for one of n requests answered below 400 (default: 1)", parseSample)
    .option(
      "--trusted-proxy <cidr>",
      "address or block of proxies whose X-Forwarded headers are believed, repeatable",
      addBlock,
    )
    .option("--proxy-protocol", "expect every connection to begin with a PROXY header, as balancers send it")
    .option("--proxy-protocol-from <cidr>", "the same, from these addresses only, repeatable", addBlock)
    .addHelpText("after", EXAMPLES)
    .action(async (manifests: readonly string[], options: UpOptions, command: Command) => {
      const settings = upSettings(host, manifests, options);
      const reporter = upReporter(host.output);
      if (options.replace !== true) return await runUp(host, settings, reporter);
      const unused = [...optionsBeside(command, ["state", "replace", "example"]), ...manifests];
      return await runReplace(host, { ...settings, unused }, reporter);
    });
}

const EXAMPLES = `
A port of 0 takes any free one. The state folder also holds kubeconfig, ca.crt and lintel.log.

Examples:
  lintel up --example                      see it work: HTTPS for https://hello.localhost
  lintel up site.yaml                      serve what the file says; edit it and it is applied again
  lintel up ./manifests --offline          the same on a plane: the local CA answers every issuer
  lintel up --listen 127.0.0.1 --http 0 --https 0    for this machine only, on free ports
`;

function upSettings(host: Host, manifests: readonly string[], options: UpOptions): UpSettings {
  const files = manifests.map((path) => resolve(host.workingDirectory, path));
  for (const file of files) if (!existsSync(file)) throw missingFile(file);
  const { example = false, listen } = options;
  return {
    version: programVersion(host.program),
    stateDirectory:
      options.state === undefined
        ? defaultStateDirectory(host, example ? "example" : "default")
        : resolve(host.workingDirectory, options.state),
    listen: listen ?? (example ? ["127.0.0.1", "::1"] : ["0.0.0.0", "::"]),
    optionalListen: listen === undefined ? ["::", "::1"] : [],
    ports: {
      http: wish(options.http, PREFERRED.http),
      https: wish(options.https, PREFERRED.https),
      api: wish(options.api, PREFERRED.api),
      acme: wish(options.acme, PREFERRED.acme),
      admin: wish(options.admin, PREFERRED.admin),
    },
    workers: options.workers ?? availableParallelism(),
    offline: options.offline ?? false,
    nameservers: options.nameserver ?? [],
    allowExecSolver: options.allowExecSolver ?? false,
    acmeListen: options.acmeListen ?? [],
    acmeNames: options.acmeName ?? [],
    acmeRequireEab: options.acmeRequireEab ?? false,
    preflight: options.preflight,
    alertWebhook: alertWebhook(host, options.alertWebhook),
    example,
    files,
    accessLog: accessLogTarget(host, options.accessLog),
    accessLogSample: options.accessLogSample ?? 1,
    trustedProxies: options.trustedProxy ?? [],
    proxyProtocol: proxyProtocolOf(options),
    graceMs: options.grace ?? STOP_GRACE_MS,
  };
}

/** Returns whether connections begin with a PROXY header and from where, as {@link UpSettings} wants it. */
export function proxyProtocolOf(options: {
  readonly proxyProtocol?: boolean;
  readonly proxyProtocolFrom?: readonly string[];
}): UpSettings["proxyProtocol"] {
  const { proxyProtocol, proxyProtocolFrom } = options;
  if (proxyProtocol !== true && proxyProtocolFrom === undefined) return undefined;
  return { sources: proxyProtocolFrom ?? [] };
}

/** Returns the options that were typed, other than those with these names. */
export function optionsBeside(command: Command, names: readonly string[]): readonly string[] {
  return command.options.flatMap((option) => {
    const name = option.attributeName();
    return names.includes(name) || command.getOptionValueSource(name) !== "cli" ? [] : [option.long ?? name];
  });
}

/** Returns where alerts go; empty for nowhere. The URL may hold a secret, which does not belong on a command line: `@FILE` reads it. Throws BadConfig and NotFound. */
export function alertWebhook(host: Host, option: string | undefined): string {
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

function missingFile(file: string): LintelError {
  return new LintelError(`Cannot read "${file}": it does not exist`, {
    code: "NotFound",
    fault: "user",
    hint: 'Name a file or a folder of manifests, or try "lintel up --example"',
  });
}

/** Returns the wish for a port that was asked for, or for the first of the preferred ones. */
export function wish(port: number | undefined, preferred: readonly number[]): PortWish {
  return port === undefined ? { kind: "preferred", ports: preferred } : { kind: "exact", port };
}

/** Reads a port number; 0 is any. Throws InvalidArgumentError. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new InvalidArgumentError("A port is a number from 0 to 65535.");
  return port;
}

/** Reads a number of workers. Throws InvalidArgumentError. */
export function parseWorkers(text: string): number {
  const count = Number(text);
  if (!/^\d{1,3}$/.test(text) || count < 1 || count > WORKERS_MAX) {
    throw new InvalidArgumentError(`A number from 1 to ${WORKERS_MAX}.`);
  }
  return count;
}

/** Reads seconds, up to a day; returns milliseconds. Throws InvalidArgumentError. */
export function parseGrace(text: string): number {
  const seconds = Number(text);
  if (!/^\d{1,5}$/.test(text) || seconds > 86_400) throw new InvalidArgumentError("Whole seconds, from 0 to 86400.");
  return seconds * 1_000;
}

/** Returns where access lines go, as {@link UpSettings} wants it. */
export function accessLogTarget(host: Host, option: string | undefined): string {
  if (option === undefined || option === "off") return "";
  return option === "-" ? "-" : resolve(host.workingDirectory, option);
}

/** Reads how many requests share a line. Throws InvalidArgumentError. */
export function parseSample(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError("A number from 1 to 999999.");
  return Number(text);
}

/** Adds a text to those before. */
export function addText(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** Adds a DNS name or an IP address, in lower case, to those before. Throws InvalidArgumentError for anything else. */
function addName(text: string, before: readonly string[] = []): readonly string[] {
  const name = text.toLowerCase().replace(/^\[(.*)\]$/, "$1");
  const isName =
    name.length <= 253 && /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/.test(name);
  if (isIP(name) === 0 && !isName) throw new InvalidArgumentError('A name or an IP address, such as "ca.lan".');
  return before.includes(name) ? before : [...before, name];
}

/** Adds an address or CIDR block to those before. Throws InvalidArgumentError for anything else. */
export function addBlock(text: string, before: readonly string[] = []): readonly string[] {
  const [address = "", prefix, ...more] = text.split("/");
  const bits = isIP(address) === 6 ? 128 : 32;
  const isBlock = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits);
  if (isIP(address) === 0 || !isBlock || more.length > 0) {
    throw new InvalidArgumentError('An address or a block, such as "10.0.0.0/8" or "2001:db8::1".');
  }
  return [...before, text];
}

/** Adds an IP address to those before. Throws InvalidArgumentError for anything else. */
export function addAddress(text: string, before: readonly string[] = []): readonly string[] {
  const address = text.replace(/^\[(.*)\]$/, "$1");
  if (isIP(address) === 0) throw new InvalidArgumentError('An IP address, such as "127.0.0.1" or "::1".');
  return before.includes(address) ? before : [...before, address];
}
