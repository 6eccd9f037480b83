import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import type { Clock } from "../../ground/clock.ts";
import { LintelError, messageOf } from "../../ground/errors.ts";
import { arrayAt, booleanAt, isRecord, recordAt, stringAt } from "../../ground/json.ts";
import type { ClusterAccess, ClusterCredentials } from "./cluster-access.ts";
import { readExecPlugin, runExecPlugin, type ExecCredential, type ExecPlugin } from "./exec-credential.ts";

/** A token file is read again this often, as client-go does. */
const TOKEN_FRESH_MS = 60_000;
/** A plugin's credential is renewed this long before it expires, so that no request carries one that just did. */
const EXPIRY_MARGIN_MS = 10_000;

/** Which kubeconfig to read, and what of it. */
export interface KubeconfigOptions {
  readonly path: string;
  /** @default the file's current-context */
  readonly context?: string | undefined;
  readonly clock: Clock;
  /** What credential plugins inherit. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Returns the access that a context of a kubeconfig describes: client certificates, tokens, token files (read again every
 * minute) and exec plugins. Throws LintelError `BadConfig` naming the file and the stanza when it is unreadable,
 * incomplete, or asks for what is not supported (`auth-provider`, `proxy-url`, `username`).
 */
export async function kubeconfigAccess(options: KubeconfigOptions): Promise<ClusterAccess> {
  const file = new KubeconfigFile(options.path, await readText(options.path, "the kubeconfig"));
  const { cluster, user, namespace } = file.context(options.context);
  const server = stringAt(cluster, "server") ?? "";
  if (!URL.canParse(server) || !/^https?:$/.test(new URL(server).protocol)) {
    throw file.bad(`its cluster has no usable server: "${server}"`);
  }
  file.refuse(cluster, ["proxy-url"]);
  file.refuse(user, ["auth-provider", "username", "password", "as"]);
  const skipVerify = booleanAt(cluster, "insecure-skip-tls-verify") ?? false;
  const [caPem, certificatePem, keyPem] = await Promise.all([
    file.pem(cluster, "certificate-authority"),
    file.pem(user, "client-certificate"),
    file.pem(user, "client-key"),
  ]);
  if ((certificatePem === undefined) !== (keyPem === undefined)) {
    throw file.bad("its user has a client certificate without a key, or the reverse");
  }
  const fixed = { certificatePem, keyPem };
  return {
    server: server.replace(/\/+$/, ""),
    caPem,
    skipVerify,
    serverName: stringAt(cluster, "tls-server-name"),
    namespace: namespace ?? "default",
    source: `the kubeconfig "${options.path}"`,
    credentials: credentialsOf(user, fixed, file, options),
  };
}

type Credentials = ClusterAccess["credentials"];

function credentialsOf(
  user: Readonly<Record<string, unknown>>,
  fixed: ClusterCredentials,
  file: KubeconfigFile,
  { clock, environment }: KubeconfigOptions,
): Credentials {
  const tokenFile = stringAt(user, "tokenFile");
  const token = stringAt(user, "token");
  if (isRecord(user["exec"])) {
    return pluginCredentials(readExecPlugin(user["exec"], `the kubeconfig "${file.path}"`), fixed, clock, environment);
  }
  if (tokenFile === undefined) return async () => ({ ...fixed, token });
  let read: { readonly text: string; readonly atMs: number } | undefined;
  return async (renew = false) => {
    const nowMs = clock.monotonicMs();
    if (read === undefined || renew || nowMs - read.atMs >= TOKEN_FRESH_MS) {
      read = { text: (await readText(file.beside(tokenFile), "the token file")).trim(), atMs: nowMs };
    }
    return { ...fixed, token: read.text };
  };
}

/** One run of the plugin at a time serves everybody who waits for it. */
function pluginCredentials(
  plugin: ExecPlugin,
  fixed: ClusterCredentials,
  clock: Clock,
  environment: KubeconfigOptions["environment"],
): Credentials {
  let known: ExecCredential | undefined;
  let running: Promise<ExecCredential> | undefined;
  return async (renew = false) => {
    const usable =
      known !== undefined && (known.expiresMs === undefined || clock.nowMs() < known.expiresMs - EXPIRY_MARGIN_MS);
    if (!usable || renew) {
      running ??= runExecPlugin(plugin, environment).finally(() => {
        running = undefined;
      });
      known = await running;
    }
    const { token, certificatePem = fixed.certificatePem, keyPem = fixed.keyPem } = known ?? {};
    return { token, certificatePem, keyPem };
  };
}

class KubeconfigFile {
  readonly path: string;
  readonly #content: unknown;

  constructor(path: string, text: string) {
    this.path = path;
    try {
      this.#content = parse(text);
    } catch (error) {
      throw this.bad(`it is not YAML: ${messageOf(error)}`);
    }
  }

  context(wanted: string | undefined): {
    readonly cluster: Readonly<Record<string, unknown>>;
    readonly user: Readonly<Record<string, unknown>>;
    readonly namespace: string | undefined;
  } {
    const name = wanted ?? stringAt(this.#content, "current-context") ?? "";
    if (name === "") throw this.bad("it has no current-context");
    const context = this.#named("contexts", "context", name);
    const userName = stringAt(context, "user") ?? "";
    return {
      cluster: this.#named("clusters", "cluster", stringAt(context, "cluster") ?? ""),
      user: userName === "" ? {} : this.#named("users", "user", userName),
      namespace: stringAt(context, "namespace"),
    };
  }

  #named(list: string, field: string, name: string): Readonly<Record<string, unknown>> {
    const found = arrayAt(this.#content, list).find((entry) => stringAt(entry, "name") === name);
    if (found === undefined) throw this.bad(`it has no ${field} "${name}"`);
    return recordAt(found, field);
  }

  /** The PEM of `field` (a path) or `field-data` (base64); the data wins, as in client-go. */
  async pem(stanza: Readonly<Record<string, unknown>>, field: string): Promise<string | undefined> {
    const data = stringAt(stanza, `${field}-data`);
    if (data !== undefined && data !== "") return Buffer.from(data, "base64").toString();
    const path = stringAt(stanza, field);
    return path === undefined || path === "" ? undefined : readText(this.beside(path), `"${field}" of the kubeconfig`);
  }

  /** Fields we can't honour are refused rather than ignored: without them we would be somebody else. */
  refuse(stanza: Readonly<Record<string, unknown>>, fields: readonly string[]): void {
    const present = fields.find((field) => stanza[field] !== undefined && stanza[field] !== "");
    if (present !== undefined) throw this.bad(`it uses "${present}", which is not supported`);
  }

  beside(path: string): string {
    return resolve(dirname(this.path), path);
  }

  bad(what: string): LintelError {
    return new LintelError(`Cannot use the kubeconfig "${this.path}": ${what}`, {
      code: "BadConfig",
      fault: "user",
      hint: `Check it with: kubectl --kubeconfig ${this.path} version`,
    });
  }
}

async function readText(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new LintelError(`Cannot read ${what} "${path}": ${messageOf(error)}`, {
      code: "BadConfig",
      fault: "user",
      hint: "Name another with --kubeconfig, or mend its permissions",
      cause: error,
    });
  }
}
