import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { stringAt } from "../ground/json.ts";
import type { Program } from "../ground/host.ts";

/** Returns the version in the package's own package.json. */
export function programVersion(program: Program): string {
  const manifest: unknown = JSON.parse(readFileSync(join(dirname(program.main), "..", "package.json"), "utf8"));
  return stringAt(manifest, "version") ?? "0.0.0";
}
