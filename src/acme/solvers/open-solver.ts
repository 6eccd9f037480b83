import type { Clock } from "../../ground/clock.ts";
import { LintelError } from "../../ground/errors.ts";
import { arrayAt, isRecord, recordAt, stringAt } from "../../ground/json.ts";
import { parseDnsServer } from "../dns/dns-exchange.ts";
import { parseTsigAlgorithm, type TsigKey } from "../dns/tsig.ts";
import { AcmeDnsSolver } from "./acme-dns.ts";
import { AzureDnsSolver } from "./azure-dns.ts";
import { CloudDnsSolver } from "./cloud-dns.ts";
import { CloudflareSolver } from "./cloudflare.ts";
import { DigitalOceanSolver } from "./digital-ocean.ts";
import type { DnsSolver } from "./dns-solver.ts";
import { ExecSolver, HttpHookSolver } from "./hook.ts";
import { ProviderApi } from "./provider-api.ts";
import { Rfc2136Solver } from "./rfc2136.ts";
import { Route53Solver } from "./route53.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The webhook group of the solvers that Lintel brings along: `http` and `exec`. */
const OWN_GROUP = "lintel.dev";

/** What a solver is opened with. */
export interface SolverSource {
  /** `dns01` of the solver, as the user wrote it. */
  readonly config: Fields;
  /** The name to prove, without `*.`. */
  readonly domain: string;
  readonly clock: Clock;
  /** Reads an entry of a Secret. Rejects with NotFound naming it. */
  readonly secret: (name: string, key: string) => Promise<string>;
  /** Whether programs may be run. */
  readonly allowExec: boolean;
}

/** Returns the solver that the configuration asks for. Rejects with BadConfig or NotFound when it can't be made. */
export async function openSolver(source: SolverSource): Promise<DnsSolver> {
  for (const [field, open] of Object.entries(PROVIDERS)) {
    if (isRecord(source.config[field])) return open(recordAt(source.config, field), source);
  }
  if (isRecord(source.config["akamai"])) throw badConfig("Akamai is not supported", "Use another solver, or a hook");
  throw badConfig("no provider is configured", "Set one of the providers below dns01");
}

const PROVIDERS: Readonly<Record<string, (config: Fields, source: SolverSource) => Promise<DnsSolver>>> = {
  rfc2136: async (config, source) => {
    const protocol = stringAt(config, "protocol") === "TCP" ? "TCP" : "UDP";
    const server = parseDnsServer(stringAt(config, "nameserver") ?? "");
    return new Rfc2136Solver({ clock: source.clock, server, protocol, key: await tsigKey(config, source) });
  },
  acmeDNS: async (config, source) => {
    const bundle = stringAt(config, "caBundle");
    const ca = bundle === undefined ? undefined : Buffer.from(bundle, "base64").toString("utf8");
    return new AcmeDnsSolver({
      api: new ProviderApi({ provider: "acme-dns", clock: source.clock, ca }),
      host: stringAt(config, "host") ?? "",
      accounts: await secretAt(config, "accountSecretRef", source, ""),
      domain: source.domain,
    });
  },
  cloudflare: async (config, source) =>
    new CloudflareSolver({
      api: new ProviderApi({ provider: "Cloudflare", clock: source.clock }),
      login: isRecord(config["apiTokenSecretRef"])
        ? { token: await secretAt(config, "apiTokenSecretRef", source, "") }
        : { email: stringAt(config, "email") ?? "", key: await secretAt(config, "apiKeySecretRef", source, "") },
    }),
  digitalocean: async (config, source) =>
    new DigitalOceanSolver({
      api: new ProviderApi({ provider: "DigitalOcean", clock: source.clock }),
      token: await secretAt(config, "tokenSecretRef", source, ""),
    }),
  route53: async (config, source) => {
    const id = stringAt(config, "accessKeyID") ?? "";
    const accessKeyId = id === "" ? await secretAt(config, "accessKeyIDSecretRef", source, "") : id;
    return new Route53Solver({
      api: new ProviderApi({ provider: "Route 53", clock: source.clock }),
      clock: source.clock,
      credentials: { accessKeyId, secretAccessKey: await secretAt(config, "secretAccessKeySecretRef", source, "") },
      region: nonEmpty(stringAt(config, "region")),
      role: nonEmpty(stringAt(config, "role")),
      hostedZoneId: nonEmpty(stringAt(config, "hostedZoneID")),
    });
  },
  cloudDNS: async (config, source) =>
    new CloudDnsSolver({
      api: new ProviderApi({ provider: "Google Cloud DNS", clock: source.clock }),
      clock: source.clock,
      project: stringAt(config, "project") ?? "",
      serviceAccount: await secretAt(config, "serviceAccountSecretRef", source, ""),
      hostedZoneName: nonEmpty(stringAt(config, "hostedZoneName")),
    }),
  azureDNS: async (config, source) => {
    if (!isRecord(config["clientSecretSecretRef"])) {
      throw badConfig(
        "Azure DNS needs clientID, tenantID and clientSecretSecretRef here",
        "Managed identities exist only inside Azure",
      );
    }
    return new AzureDnsSolver({
      api: new ProviderApi({ provider: "Azure DNS", clock: source.clock }),
      tenantId: stringAt(config, "tenantID") ?? "",
      clientId: stringAt(config, "clientID") ?? "",
      clientSecret: await secretAt(config, "clientSecretSecretRef", source, ""),
      subscriptionId: stringAt(config, "subscriptionID") ?? "",
      resourceGroup: stringAt(config, "resourceGroupName") ?? "",
      zone: nonEmpty(stringAt(config, "hostedZoneName")),
      environment: nonEmpty(stringAt(config, "environment")),
    });
  },
  webhook: openWebhook,
};

async function openWebhook(webhook: Fields, source: SolverSource): Promise<DnsSolver> {
  const [group, name] = [stringAt(webhook, "groupName") ?? "", stringAt(webhook, "solverName") ?? ""];
  const config = recordAt(webhook, "config");
  if (group === OWN_GROUP && name === "http") {
    const token = isRecord(config["tokenSecretRef"]) ? await secretAt(config, "tokenSecretRef", source, "") : undefined;
    const url = URL.parse(stringAt(config, "url") ?? "");
    if (url === null || !/^https?:$/.test(url.protocol))
      throw badConfig("config.url of the HTTP hook is not a URL", "Correct it");
    const api = new ProviderApi({ provider: "the HTTP hook", clock: source.clock });
    return new HttpHookSolver({ api, url: url.href, token, domain: source.domain });
  }
  if (group === OWN_GROUP && name === "exec") {
    const command = arrayAt(config, "command").filter((part) => typeof part === "string");
    if (!source.allowExec)
      throw badConfig("running programs is not allowed", 'Start Lintel with "--allow-exec-solver"');
    if (!(command[0] ?? "").startsWith("/"))
      throw badConfig("config.command must begin with the absolute path of a program", "Correct it");
    return new ExecSolver({ command, clock: source.clock });
  }
  throw badConfig(
    `the webhook "${group}/${name}" runs inside a cluster's API server, which Lintel is not`,
    `Use a built-in provider, or the hooks "http" and "exec" of group ${OWN_GROUP}`,
  );
}

async function tsigKey(config: Fields, source: SolverSource): Promise<TsigKey | undefined> {
  const name = stringAt(config, "tsigKeyName") ?? "";
  if (name === "") return undefined;
  const word = nonEmpty(stringAt(config, "tsigAlgorithm")) ?? "HMACMD5";
  const algorithm = parseTsigAlgorithm(word);
  if (algorithm === undefined) throw badConfig(`tsigAlgorithm "${word}" is unknown`, "Use HMACSHA256 or HMACSHA512");
  const secret = await secretAt(config, "tsigSecretSecretRef", source, "");
  return { name, algorithm, secret: Buffer.from(secret, "base64") };
}

async function secretAt(config: Fields, field: string, source: SolverSource, keyDefault: string): Promise<string> {
  const reference = recordAt(config, field);
  const value = await source.secret(stringAt(reference, "name") ?? "", stringAt(reference, "key") ?? keyDefault);
  return value.trim();
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

function badConfig(why: string, hint: string): LintelError {
  return new LintelError(`Cannot solve challenges by DNS: ${why}`, { code: "BadConfig", fault: "user", hint });
}
