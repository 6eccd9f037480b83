import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { LocalAuthority } from "../app/local-authority.ts";
import type { Host } from "../ground/host.ts";
import { systemClock } from "../ground/system-clock.ts";
import { defaultStateDirectory } from "./state-directory.ts";

/** Options that every command about the local CA has. */
export interface CaOptions {
  readonly state?: string;
  readonly output: "table" | "json";
}

/** Returns the local CA that the options mean: by default that of the default instance, else the example's, else the proxy's. */
export function authorityOf(host: Host, options: { readonly state?: string }): LocalAuthority {
  const directories =
    options.state === undefined
      ? (["default", "example", "proxy"] as const).map((name) => defaultStateDirectory(host, name))
      : [resolve(host.workingDirectory, options.state)];
  return new LocalAuthority(directories, systemClock);
}

/** Returns `command` with the option that names the state folder. */
export function withState(command: Command): Command {
  return command.option(
    "--state <dir>",
    "the instance's state folder (default: the default one, else the example's or the proxy's)",
  );
}

/** Returns `command` with the option that chooses between a table and JSON. */
export function withOutput(command: Command): Command {
  return command.addOption(new Option("-o, --output <format>", "how").choices(["table", "json"]).default("table"));
}

/** Returns `value` as JSON for programs. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** Returns a moment as tables show it. */
export function momentText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
