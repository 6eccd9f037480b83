import { stringAt } from "../../ground/json.ts";
import { listOf, parseSettings, type SettingsSection } from "./renewal-file.ts";

/** What proves names in place of one of certbot's authenticators. */
export interface ReplacedAuthenticator {
  /** An entry of spec.acme.solvers; undefined: there is no counterpart, the user must choose. */
  readonly solver: Readonly<Record<string, unknown>> | undefined;
  /** Entries of the Secret that the solver reads, by key; empty: none is needed. */
  readonly secrets: Readonly<Record<string, string>>;
  /** One sentence: what takes its place. */
  readonly note: string;
}

/** Reads a file that a setting names; undefined when it is not there or may not be read. */
export type ReadFile = (path: string) => Promise<string | undefined>;

const HTTP01 = { http01: { ingress: {} } } as const;
const TSIG: Readonly<Record<string, string>> = {
  "HMAC-MD5": "HMACMD5",
  "HMAC-SHA1": "HMACSHA1",
  "HMAC-SHA256": "HMACSHA256",
  "HMAC-SHA512": "HMACSHA512",
};

/**
 * Returns what takes the place of the authenticator of a lineage. `secretName` is the Secret that `secrets` will be in. Credentials that
 * cannot be read leave the solver undefined and say so.
 */
export async function solverFor(
  settings: SettingsSection,
  secretName: string,
  read: ReadFile,
): Promise<ReplacedAuthenticator> {
  const authenticator = settings.values.get("authenticator") ?? "";
  if (authenticator.startsWith("dns-")) return dnsSolver(authenticator, settings, secretName, read);
  switch (authenticator) {
    case "webroot":
      return http(`webroot: Lintel answers HTTP-01 itself, the folder ${webrootOf(settings)} is not needed any more`);
    case "standalone":
      return http("standalone: Lintel answers HTTP-01 on port 80, which nothing else must hold");
    case "nginx":
    case "apache":
      return http(
        `${authenticator}: Lintel serves HTTP-01 and TLS in its place; write an Ingress for what ${authenticator} forwarded`,
      );
    case "manual":
      return listOf(settings.values.get("pref_challs")).includes("dns-01")
        ? unknown(
            "manual: DNS-01 by hand or hook",
            'the hooks "exec" and "http" of solver group lintel.dev run your own',
          )
        : http("manual: Lintel answers HTTP-01 itself, hooks are not needed any more");
    default:
      return unknown(`authenticator "${authenticator}"`, "Lintel does not know it");
  }
}

function http(note: string): ReplacedAuthenticator {
  return { solver: HTTP01, secrets: {}, note };
}

async function dnsSolver(
  plugin: string,
  settings: SettingsSection,
  secretName: string,
  read: ReadFile,
): Promise<ReplacedAuthenticator> {
  const path = settings.values.get(`${plugin.replaceAll("-", "_")}_credentials`);
  const text = path === undefined ? undefined : await read(path);
  if (plugin === "dns-route53") {
    return unknown("dns-route53", "its credentials are in the environment: add a route53 solver with an access key");
  }
  if (!Object.hasOwn(PLUGINS, plugin)) {
    const all = 'choose a dns01 provider of Lintel, or the hooks "exec" and "http" of solver group lintel.dev';
    return unknown(plugin, `there is no counterpart: ${all}`);
  }
  if (text === undefined) return unknown(plugin, `its credentials ${path ?? "(none named)"} cannot be read`);
  const found = PLUGINS[plugin]?.(text, (key) => ({ name: secretName, key }));
  if (found === undefined) return unknown(plugin, `its credentials ${path ?? ""} lack what is needed`);
  return {
    solver: { dns01: found.dns01 },
    secrets: found.secrets,
    note: `${plugin}: the dns01 solver ${Object.keys(found.dns01).join("")}, credentials in Secret "${secretName}"`,
  };
}

type Reference = (key: string) => { readonly name: string; readonly key: string };
type Plugin = (
  text: string,
  reference: Reference,
) =>
  { readonly dns01: Readonly<Record<string, unknown>>; readonly secrets: Readonly<Record<string, string>> } | undefined;

/** How each DNS plugin's credentials become a solver and a Secret; undefined when something is missing. */
const PLUGINS: Readonly<Record<string, Plugin>> = {
  "dns-cloudflare": (text, reference) => {
    const { values } = parseSettings(text);
    const token = values.get("dns_cloudflare_api_token");
    const key = values.get("dns_cloudflare_api_key");
    const email = values.get("dns_cloudflare_email");
    if (token !== undefined) {
      const apiTokenSecretRef = reference("api-token");
      return { dns01: { cloudflare: { apiTokenSecretRef } }, secrets: { "api-token": token } };
    }
    if (key === undefined || email === undefined) return undefined;
    return { dns01: { cloudflare: { email, apiKeySecretRef: reference("api-key") } }, secrets: { "api-key": key } };
  },
  "dns-digitalocean": (text, reference) => {
    const token = parseSettings(text).values.get("dns_digitalocean_token");
    if (token === undefined) return undefined;
    return { dns01: { digitalocean: { tokenSecretRef: reference("token") } }, secrets: { token } };
  },
  "dns-google": (text, reference) => {
    const project = stringAt(parseJson(text), "project_id");
    if (project === undefined) return undefined;
    const serviceAccountSecretRef = reference("key.json");
    return { dns01: { cloudDNS: { project, serviceAccountSecretRef } }, secrets: { "key.json": text } };
  },
  "dns-rfc2136": (text, reference) => {
    const { values } = parseSettings(text);
    const server = values.get("dns_rfc2136_server");
    const tsigKeyName = values.get("dns_rfc2136_name");
    const secret = values.get("dns_rfc2136_secret");
    const tsigAlgorithm = TSIG[(values.get("dns_rfc2136_algorithm") ?? "HMAC-MD5").toUpperCase()];
    if (server === undefined || tsigKeyName === undefined || secret === undefined || tsigAlgorithm === undefined) {
      return undefined;
    }
    const host = server.includes(":") ? `[${server}]` : server;
    const nameserver = `${host}:${values.get("dns_rfc2136_port") ?? "53"}`;
    const tsigSecretSecretRef = reference("tsig");
    return {
      dns01: { rfc2136: { nameserver, tsigKeyName, tsigAlgorithm, tsigSecretSecretRef } },
      secrets: { tsig: secret },
    };
  },
};

function unknown(what: string, why: string): ReplacedAuthenticator {
  return { solver: undefined, secrets: {}, note: `${what}: ${why}` };
}

function webrootOf(settings: SettingsSection): string {
  const mapped = [...(settings.sections.get("webroot_map")?.values.values() ?? [])];
  const all = [...new Set([...listOf(settings.values.get("webroot_path")), ...mapped])];
  return all.length === 0 ? "" : `"${all.join('", "')}"`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
