import { join, resolve } from "node:path";
import type { Host } from "../ground/host.ts";

/**
 * Returns the state folder of an instance that names none: `$XDG_STATE_HOME/lintel/NAME`, by default below
 * `~/.local/state`; `.lintel/NAME` here when the user has no home. The example has a folder of its own, so that trying
 * Lintel never touches what somebody runs.
 */
export function defaultStateDirectory(host: Host, name: "default" | "example" | "proxy" | "controller"): string {
  const { XDG_STATE_HOME: stateHome = "", HOME: home = "" } = host.environment;
  if (stateHome !== "") return join(stateHome, "lintel", name);
  return home === "" ? resolve(host.workingDirectory, ".lintel", name) : join(home, ".local", "state", "lintel", name);
}
