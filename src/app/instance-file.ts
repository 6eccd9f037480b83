import { numberAt, stringAt } from "../ground/json.ts";
import { addressAt, addressText, type Address } from "./role-settings.ts";
import { readFileIfAny, writeFileAtomically, type StateFolder } from "./state-folder.ts";

/** Where a running instance is reached; what `lintel status` reads first. */
export interface InstanceFacts {
  readonly pid: number;
  readonly sinceMs: number;
  readonly version: string;
  readonly admin: Address;
  readonly api: Address;
  readonly edgeHttp: Address;
  readonly edgeHttps: Address;
}

/** Replaces the facts in the state folder. */
export function writeInstance(folder: StateFolder, facts: InstanceFacts): void {
  writeFileAtomically(folder.instance, `${JSON.stringify(facts)}\n`, 0o600);
}

/** Returns what the last start wrote, or undefined when there was none. It may no longer run. */
export function readInstance(folder: StateFolder): InstanceFacts | undefined {
  const text = readFileIfAny(folder.instance);
  if (text === undefined) return undefined;
  const value: unknown = JSON.parse(text);
  return {
    pid: numberAt(value, "pid") ?? 0,
    sinceMs: numberAt(value, "sinceMs") ?? 0,
    version: stringAt(value, "version") ?? "",
    admin: addressAt(value, "admin"),
    api: addressAt(value, "api"),
    edgeHttp: addressAt(value, "edgeHttp"),
    edgeHttps: addressAt(value, "edgeHttps"),
  };
}

/** `http://127.0.0.1:9254` */
export function adminUrl(facts: InstanceFacts): string {
  return `http://${addressText(facts.admin)}`;
}
