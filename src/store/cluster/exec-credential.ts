import { execFile } from "node:child_process";
import { arrayAt, isRecord, recordAt, stringAt } from "../../ground/json.ts";
import { LintelError } from "../../ground/errors.ts";
import type { ClusterCredentials } from "./cluster-access.ts";

/** A plugin that asks a person or a cloud may take its time; one that hangs must not take ours. */
const PLUGIN_MS_MAX = 60_000;
const OUTPUT_BYTES_MAX = 1_048_576;
const VERSIONS: ReadonlySet<string> = new Set([
  "client.authentication.k8s.io/v1",
  "client.authentication.k8s.io/v1beta1",
]);

/** What a plugin gave, and until when it may be used. */
export interface ExecCredential extends ClusterCredentials {
  /** Undefined: until it is refused. */
  readonly expiresMs: number | undefined;
}

/** The `exec` stanza of a kubeconfig's user. */
export interface ExecPlugin {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly installHint: string | undefined;
}

/** Reads an `exec` stanza. Throws LintelError `BadConfig` for a version other than v1 and v1beta1, or without a command. */
export function readExecPlugin(stanza: unknown, source: string): ExecPlugin {
  const apiVersion = stringAt(stanza, "apiVersion") ?? "";
  const command = stringAt(stanza, "command") ?? "";
  if (!VERSIONS.has(apiVersion) || command === "") {
    throw new LintelError(`Cannot use the exec plugin in ${source}: apiVersion "${apiVersion}", command "${command}"`, {
      code: "BadConfig",
      fault: "user",
      hint: "Set apiVersion client.authentication.k8s.io/v1 and a command",
    });
  }
  const env: Record<string, string> = {};
  for (const entry of arrayAt(stanza, "env")) env[stringAt(entry, "name") ?? ""] = stringAt(entry, "value") ?? "";
  const args = arrayAt(stanza, "args").filter((argument) => typeof argument === "string");
  return { apiVersion, command, args, env, installHint: stringAt(stanza, "installHint") };
}

/**
 * Runs a credential plugin as client-go does (KEP-541): never interactively, its standard error left alone. Throws
 * LintelError `BadConfig` when it can't be run, fails, takes over a minute, or says something else.
 */
export async function runExecPlugin(
  plugin: ExecPlugin,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ExecCredential> {
  const info = { apiVersion: plugin.apiVersion, kind: "ExecCredential", spec: { interactive: false } };
  const output = await new Promise<string>((resolve, reject) => {
    const options = {
      env: { ...environment, ...plugin.env, KUBERNETES_EXEC_INFO: JSON.stringify(info) },
      timeout: PLUGIN_MS_MAX,
      maxBuffer: OUTPUT_BYTES_MAX,
    };
    execFile(plugin.command, [...plugin.args], options, (error, stdout) => {
      if (error === null) resolve(stdout);
      else
        reject(
          pluginFailed(
            plugin,
            error.killed === true ? "it did not end in time" : `it ended with ${String(error.code)}`,
          ),
        );
    });
  });
  return readCredential(plugin, output);
}

function readCredential(plugin: ExecPlugin, output: string): ExecCredential {
  let parsed: unknown;
  try {
    parsed = JSON.parse(output);
  } catch {
    throw pluginFailed(plugin, "it did not print JSON");
  }
  if (!isRecord(parsed) || parsed["kind"] !== "ExecCredential" || parsed["apiVersion"] !== plugin.apiVersion) {
    throw pluginFailed(plugin, `it did not print an ExecCredential of ${plugin.apiVersion}`);
  }
  const status = recordAt(parsed, "status");
  const token = stringAt(status, "token");
  const certificatePem = stringAt(status, "clientCertificateData");
  const keyPem = stringAt(status, "clientKeyData");
  if (token === undefined && (certificatePem === undefined || keyPem === undefined)) {
    throw pluginFailed(plugin, "it gave neither a token nor a client certificate with its key");
  }
  const expiresMs = Date.parse(stringAt(status, "expirationTimestamp") ?? "");
  return { token, certificatePem, keyPem, expiresMs: Number.isNaN(expiresMs) ? undefined : expiresMs };
}

function pluginFailed(plugin: ExecPlugin, what: string): LintelError {
  return new LintelError(`Cannot get credentials from "${plugin.command}": ${what}`, {
    code: "BadConfig",
    fault: "user",
    hint: plugin.installHint ?? `Run "${[plugin.command, ...plugin.args].join(" ")}" by hand and see what it says`,
  });
}
