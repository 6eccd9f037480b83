import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { Command } from "commander";
import type { PortWish } from "../app/bind-ports.ts";
import { STOP_GRACE_MS, runReplace, runUp, type UpSettings } from "../app/up.ts";
import type { Host } from "../ground/host.ts";
import {
  addEdgeOptions,
  addIssuanceOptions,
  edgeSettings,
  issuanceSettings,
  missingFile,
  optionsBeside,
  wish,
  type EdgeOptions,
  type IssuanceOptions,
} from "./edge-options.ts";
import { addAddress, addName, parsePort } from "./option-values.ts";
import { upReporter } from "./up-reporter.ts";

/** The ports that are tried, in this order, when none is asked for. */
export const PREFERRED_PORTS: Readonly<Record<"http" | "https" | "api" | "acme" | "admin", PortWish>> = {
  http: { kind: "preferred", ports: [80, 8080] },
  https: { kind: "preferred", ports: [443, 8443] },
  api: { kind: "preferred", ports: [6443] },
  acme: { kind: "preferred", ports: [8555] },
  admin: { kind: "preferred", ports: [9254] },
};

interface UpOptions extends EdgeOptions, IssuanceOptions {
  readonly api?: number;
  readonly acme?: number;
  readonly offline?: boolean;
  readonly allowExecSolver?: boolean;
  readonly acmeListen?: readonly string[];
  readonly acmeName?: readonly string[];
  readonly acmeRequireEab?: boolean;
  readonly example?: boolean;
  readonly replace?: boolean;
}

/** `lintel up`: runs the edge on this machine. */
export function upCommand(host: Host): Command {
  const command = new Command("up")
    .description("Run the edge on this machine, with a Kubernetes API that kubectl talks to")
    .argument("[manifests...]", "files and folders of Kubernetes objects; applied now and whenever they change")
    .option("--example", "serve the example, with its own state folder and two small backends")
    .option("--replace", "put this version in the place of the one that runs on the state folder")
    .option("--api <port>", "port of the Kubernetes API, on 127.0.0.1 (default: 6443)", parsePort);
  addEdgeOptions(command, {
    state: "where certificates and objects are kept (default: ~/.local/state/lintel/default)",
    listen: "all, with --example loopback",
    http: "80, else 8080",
    https: "443, else 8443",
    admin: "port for health, metrics and status, on 127.0.0.1 (default: 9254)",
    graceSeconds: STOP_GRACE_MS / 1_000,
  });
  addIssuanceOptions(command)
    .option("--allow-exec-solver", "let issuers run programs of this machine to change DNS")
    .option("--offline", "answer every ACME issuer with the local CA: nothing leaves this machine")
    .option("--acme <port>", "port of the local CA's ACME server, on 127.0.0.1 (default: 8555)", parsePort)
    .option("--acme-listen <address>", "IP address where others reach that server too, repeatable", addAddress)
    .option("--acme-name <name>", "name or IP address that they reach it by, repeatable", addName)
    .option("--acme-require-eab", 'have that server register only clients with a key of "lintel ca eab create"');
  return command.addHelpText("after", EXAMPLES).action(async (manifests: readonly string[], options: UpOptions) => {
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
  const { example = false } = options;
  const edge = edgeSettings(host, options, {
    state: example ? "example" : "default",
    listen: example ? ["127.0.0.1", "::1"] : ["0.0.0.0", "::"],
    ports: PREFERRED_PORTS,
    graceMs: STOP_GRACE_MS,
  });
  return {
    ...edge,
    ...issuanceSettings(host, options),
    ports: {
      ...edge.ports,
      api: wish(options.api, PREFERRED_PORTS.api),
      acme: wish(options.acme, PREFERRED_PORTS.acme),
    },
    offline: options.offline ?? false,
    allowExecSolver: options.allowExecSolver ?? false,
    acmeListen: options.acmeListen ?? [],
    acmeNames: options.acmeName ?? [],
    acmeRequireEab: options.acmeRequireEab ?? false,
    example,
    files,
  };
}
