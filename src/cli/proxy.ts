import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { proxyObjects, writeProxyManifests, type ProxySite, type ProxyUpstream } from "../app/proxy-manifests.ts";
import { STOP_GRACE_MS, runReplace, runUp } from "../app/up.ts";
import { LintelError } from "../ground/errors.ts";
import type { Host } from "../ground/host.ts";
import { addEdgeOptions, edgeSettings, optionsBeside, wish, type EdgeOptions } from "./edge-options.ts";
import { parsePort } from "./option-values.ts";
import { PREFERRED_PORTS } from "./up.ts";
import { upReporter } from "./up-reporter.ts";

const LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory";
const LETS_ENCRYPT_STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory";

interface ProxyOptions extends EdgeOptions {
  readonly to: readonly string[];
  readonly acmeServer?: string;
  readonly acmeCaBundle?: string;
  readonly email?: string;
  readonly staging?: boolean;
  readonly localCa?: boolean;
  readonly api?: number;
  readonly acme?: number;
  readonly replace?: boolean;
}

/** `lintel proxy`: HTTPS with a certificate in front of one server or several, on one command line. */
export function proxyCommand(host: Host): Command {
  const command = new Command("proxy")
    .description("Put HTTPS with a certificate of its own in front of a server")
    .argument("[host]", "the name or IP address that clients use, when there is just one")
    .requiredOption("--to <url>", "the server's URL, or HOST=URL; repeatable", addSite)
    .option("--email <address>", "where the CA writes to about the account")
    .option("--acme-server <url>", "the CA's ACME directory (default: Let's Encrypt)")
    .option("--acme-ca-bundle <file>", "the certificates, in PEM, that the CA's own HTTPS is trusted by")
    .option("--staging", "use the staging directory of Let's Encrypt: no limits, and no browser trusts it")
    .option("--local-ca", "use the local CA for every host (default: where no public CA can)")
    .option("--acme <port>", "port of the local CA's ACME server, on 127.0.0.1 (default: 8555)", parsePort)
    .option("--api <port>", "port for a Kubernetes API, on 127.0.0.1 (default: none)", parsePort)
    .option("--replace", "put this version in the place of the one that runs on the state folder");
  addEdgeOptions(command, {
    state: "where certificates are kept (default: ~/.local/state/lintel/proxy)",
    listen: "all",
    http: "80, else 8080",
    https: "443, else 8443",
    admin: "port for health, metrics and status, on 127.0.0.1 (default: 9254)",
    graceSeconds: STOP_GRACE_MS / 1_000,
  });
  return command
    .addHelpText("after", EXAMPLES)
    .action((name: string | undefined, options: ProxyOptions) =>
      runProxy(host, name, options, optionsBeside(command, ["state", "replace"])),
    );
}

const EXAMPLES = `
Examples:
  lintel proxy registry.example.com --to http://10.0.0.5:8081
  lintel proxy --to a.example.com=http://10.0.0.5:8081 --to b.example.com=https://backend.lan
  lintel proxy shop.localhost --to http://127.0.0.1:3000     for this machine: the local CA signs
`;

async function runProxy(
  host: Host,
  name: string | undefined,
  options: ProxyOptions,
  typed: readonly string[],
): Promise<void> {
  const sites = parseSites(name, options);
  const bundle = options.acmeCaBundle;
  const ca = {
    server: options.acmeServer ?? (options.staging === true ? LETS_ENCRYPT_STAGING : LETS_ENCRYPT),
    email: options.email,
    caBundle: bundle === undefined ? undefined : readBundle(resolve(host.workingDirectory, bundle)),
  };
  const edge = edgeSettings(host, options, {
    state: "proxy",
    listen: ["0.0.0.0", "::"],
    ports: PREFERRED_PORTS,
    graceMs: STOP_GRACE_MS,
  });
  const reporter = upReporter(host.output);
  if (options.replace === true) {
    await runReplace(host, { ...edge, unused: typed }, reporter);
    return;
  }
  for (const site of sites) {
    const reason = options.localCa === true ? "as asked" : "no public CA can vouch for it";
    reporter.line(
      "note",
      site.isLocal ? `${site.host}: the local CA signs (${reason})` : `${site.host}: certificate from ${ca.server}`,
    );
  }
  const ports = {
    ...edge.ports,
    ...(options.api === undefined ? {} : { api: wish(options.api, PREFERRED_PORTS.api) }),
    acme: wish(options.acme, PREFERRED_PORTS.acme),
  };
  const generate = (directory: string): string => writeProxyManifests(directory, proxyObjects(sites, ca));
  await runUp(host, { ...edge, ports, generate }, reporter);
}

/** Reads the pairs of host and URL. Throws BadConfig naming the one that cannot be used. */
function parseSites(name: string | undefined, options: ProxyOptions): readonly ProxySite[] {
  const choice = {
    all: options.localCa === true,
    explicit: options.acmeServer !== undefined || options.staging === true,
  };
  const seen = new Map<string, ProxySite>();
  for (const text of options.to) {
    const pair = /^([^=/?#]+)=(.+)$/.exec(text);
    const host = parseHost(pair?.[1] ?? name, text);
    if (seen.has(host)) throw bad(`Cannot serve "${host}" twice`, "Give every host one --to");
    const isIp = isIP(host) !== 0;
    const isLocal = choice.all || (!choice.explicit && (isIp || hasNoPublicCa(host)));
    seen.set(host, { host, isIp, isLocal, upstream: parseUpstream(pair?.[2] ?? text) });
  }
  if (name !== undefined && !seen.has(parseHost(name, name))) {
    throw bad(`Cannot serve "${name}": no --to says where to`, "Add --to URL");
  }
  const addresses = [...seen.values()].filter((site) => site.isIp);
  if (addresses.length > 1)
    throw bad("Cannot serve several IP addresses", "Give one IP address, and names for the rest");
  return [...seen.values()];
}

function parseHost(text: string | undefined, to: string): string {
  if (text === undefined) throw bad(`Cannot tell which host "--to ${to}" is for`, "Write --to HOST=URL");
  const host = text.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  if (isIP(host) !== 0) return host;
  if (host.startsWith("*.")) throw bad(`Cannot serve "${host}": HTTP-01 proves no wildcard`, "Name each host");
  if (host.length > 253 || !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/.test(host)) {
    throw bad(`Cannot serve "${text}": it is neither a DNS name nor an IP address`, "Write it like shop.example.com");
  }
  return host;
}

function parseUpstream(text: string): ProxyUpstream {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw bad(`Cannot forward to "${text}": it is not an http or https URL`, "Write it like http://10.0.0.5:8081");
  }
  if (url.username !== "" || url.password !== "") {
    throw bad("Cannot forward to a URL with a user or password", "Let the server ask the clients itself");
  }
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    throw bad(`Cannot forward to "${text}": paths are passed on as clients send them`, `Write ${url.origin}`);
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const protocol = url.protocol === "https:" ? "https" : "http";
  const family = isIP(host);
  // A Service's external name may not lead back into the machine by name; the address may.
  const isLoopback = host === "localhost";
  return {
    protocol,
    host: isLoopback ? "127.0.0.1" : host,
    addressType: isLoopback || family === 4 ? "IPv4" : family === 6 ? "IPv6" : "FQDN",
    port: url.port === "" ? (protocol === "https" ? 443 : 80) : Number(url.port),
  };
}

/** Names that are kept for private use or not in the public DNS: RFC 2606, 6761, 6762, 8375, and ICANN's `internal`. */
function hasNoPublicCa(host: string): boolean {
  const last = host.slice(host.lastIndexOf(".") + 1);
  return !host.includes(".") || PRIVATE_SUFFIXES.includes(last) || host.endsWith(".home.arpa");
}

const PRIVATE_SUFFIXES: readonly string[] = ["localhost", "internal", "local", "test", "example", "invalid", "lan"];

function readBundle(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new LintelError(`Cannot read "${file}"`, {
      code: "NotFound",
      fault: "user",
      hint: "Name a PEM file with --acme-ca-bundle",
      cause: error,
    });
  }
}

function bad(message: string, hint: string): LintelError {
  return new LintelError(message, { code: "BadConfig", fault: "user", hint });
}

function addSite(text: string, before: readonly string[] = []): readonly string[] {
  if (before.length >= SITES_MAX) throw new InvalidArgumentError(`At most ${SITES_MAX} hosts.`);
  return [...before, text];
}

/** More than this is a folder of manifests, not a command line. */
const SITES_MAX = 100;
