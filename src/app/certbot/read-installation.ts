import { createPrivateKey, type KeyObject } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { basename, isAbsolute, join } from "node:path";
import { LintelError, messageOf } from "../../ground/errors.ts";
import { arrayAt, isRecord, recordAt } from "../../ground/json.ts";
import { parseKey, spkiFingerprint } from "../../pki/key.ts";
import { type CertificateFacts, parseCertificate } from "../../pki/x509/certificate.ts";
import { parseSettings, type SettingsSection } from "./renewal-file.ts";

/** Files of `renewal/` that are read; more are refused. */
const LINEAGES_MAX = 10_000;

/** Hooks of one kind that are named. */
const HOOKS_MAX = 20;

/** A certificate that certbot renews. */
export interface CertbotLineage {
  /** As `certbot certificates` names it. */
  readonly name: string;
  /** `[renewalparams]`. */
  readonly settings: SettingsSection;
  /** PEM, leaf first. */
  readonly chain: string;
  /** PEM as certbot wrote it. */
  readonly keyPem: string;
  readonly key: KeyObject;
  readonly facts: CertificateFacts;
}

/** An account with a CA. */
export interface CertbotAccount {
  /** Directory URL. */
  readonly server: string;
  readonly id: string;
  readonly key: KeyObject;
  /** "" when certbot has none. */
  readonly email: string;
}

/** Everything in certbot's folder that can be taken over. */
export interface CertbotInstallation {
  readonly root: string;
  readonly lineages: readonly CertbotLineage[];
  /** Returns the account of a lineage, or undefined when its files are gone. */
  readonly accountOf: (lineage: CertbotLineage) => CertbotAccount | undefined;
  /** Programs that certbot runs at every renewal. */
  readonly hooks: readonly string[];
  /** One sentence for each lineage or account that cannot be read. */
  readonly problems: readonly string[];
}

/**
 * Reads certbot's folder, such as `/etc/letsencrypt`, or a copy of it: `renewal/`, `live/` and `accounts/`. Changes nothing.
 * Throws NotFound when it is no such folder, and Forbidden when it may not be read.
 */
export async function readCertbot(root: string): Promise<CertbotInstallation> {
  const names = (await listRenewals(root)).toSorted();
  const problems: string[] = [];
  const lineages: CertbotLineage[] = [];
  for (const name of names.slice(0, LINEAGES_MAX)) {
    try {
      lineages.push(await readLineage(root, name));
    } catch (error) {
      problems.push(`Certificate "${name}" is left out: ${messageOf(error)}`);
    }
  }
  const accounts = new Map<string, CertbotAccount>();
  for (const { settings } of lineages) {
    const server = settings.values.get("server") ?? "";
    const id = settings.values.get("account") ?? "";
    if (id === "" || accounts.has(`${server} ${id}`)) continue;
    try {
      accounts.set(`${server} ${id}`, await readAccount(root, server, id));
    } catch (error) {
      problems.push(`Account "${id}" at ${server} is left out, a new one is registered: ${messageOf(error)}`);
    }
  }
  const accountOf = ({ settings }: CertbotLineage): CertbotAccount | undefined =>
    accounts.get(`${settings.values.get("server") ?? ""} ${settings.values.get("account") ?? ""}`);
  return { root, lineages, accountOf, hooks: await listHooks(root), problems };
}

async function listHooks(root: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const kind of ["pre", "deploy", "post"]) {
    const folder = join(root, "renewal-hooks", kind);
    const names = await readdir(folder).catch(() => []);
    found.push(...names.slice(0, HOOKS_MAX).map((name) => join(folder, name)));
  }
  return found;
}

async function listRenewals(root: string): Promise<readonly string[]> {
  try {
    const files = await readdir(join(root, "renewal"));
    return files.filter((file) => file.endsWith(".conf")).map((file) => file.slice(0, -".conf".length));
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : "";
    if (code === "EACCES" || code === "EPERM") {
      throw new LintelError(`Cannot read "${root}/renewal": permission denied`, {
        code: "Forbidden",
        fault: "user",
        hint: "Run the command as root: the folder holds private keys",
        cause,
      });
    }
    throw new LintelError(`Cannot find certbot's certificates in "${root}": there is no folder "renewal"`, {
      code: "NotFound",
      fault: "user",
      hint: "Name certbot's configuration folder, such as /etc/letsencrypt",
      cause,
    });
  }
}

async function readLineage(root: string, name: string): Promise<CertbotLineage> {
  const file = parseSettings(await readFile(join(root, "renewal", `${name}.conf`), "utf8"));
  const settings = file.sections.get("renewalparams");
  if (settings === undefined) throw new Error("its file in renewal/ has no [renewalparams]");
  const read = (key: string, fallback: string): Promise<string> =>
    readLive(root, name, file.values.get(key) ?? fallback);
  const [chain, keyPem] = await Promise.all([read("fullchain", "fullchain.pem"), read("privkey", "privkey.pem")]);
  const facts = parseCertificate(chain);
  const key = parseKey(keyPem);
  if (spkiFingerprint(key) !== facts.spkiSha256) throw new Error("its private key is not the one of its certificate");
  return { name, settings, chain, keyPem, key, facts };
}

/** In a copy of the folder the paths of the settings lead elsewhere: what lies in the copy goes first. */
async function readLive(root: string, name: string, path: string): Promise<string> {
  const own = join(root, "live", name, basename(path));
  try {
    return await readFile(own, "utf8");
  } catch (error) {
    if (!isAbsolute(path)) throw error;
    return readFile(path, "utf8");
  }
}

async function readAccount(root: string, server: string, id: string): Promise<CertbotAccount> {
  const url = new URL(server);
  if (!/^[\w-]+$/.test(id)) throw new Error("its id is malformed");
  // certbot's own way to name the folder: host with port, then the directory's path.
  const folder = join(
    root,
    "accounts",
    url.host,
    ...url.pathname.split("/").filter((part) => /^[\w.~-]+$/.test(part) && part !== ".."),
    id,
  );
  const jwk: unknown = JSON.parse(await readFile(join(folder, "private_key.json"), "utf8"));
  if (!isRecord(jwk)) throw new Error("its private_key.json is no key");
  const key = createPrivateKey({ key: jwk, format: "jwk" });
  return { server, id, key, email: await readEmail(folder) };
}

async function readEmail(folder: string): Promise<string> {
  const text = await readFile(join(folder, "regr.json"), "utf8").catch(() => "{}");
  const contacts = arrayAt(recordAt(JSON.parse(text), "body"), "contact");
  const first = contacts.find((entry) => typeof entry === "string" && entry.startsWith("mailto:"));
  return typeof first === "string" ? first.slice("mailto:".length) : "";
}
