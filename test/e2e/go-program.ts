import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { messageOf } from "../../src/ground/errors.ts";
import { skipWithout } from "../../src/ground/testing.ts";

/** Where Go's own archive is unpacked. */
const WELL_KNOWN_GO = "/usr/local/go/bin/go";

/** Where a program is, or why it is not there. */
export type GoProgram = { readonly path: string } | { readonly missing: string };

/** Returns a program of the Go module proxy in exactly this version: kept in the user's cache, built once where Go is there. */
export function goProgram(packagePath: string, version: string): GoProgram {
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const folder = join(cache, "lintel-tests", `${basename(packagePath)}-${version}`);
  const path = join(folder, basename(packagePath));
  if (existsSync(path)) return { path };
  const go = [skipWithout("go") === false ? "go" : "", WELL_KNOWN_GO].find((one) => one === "go" || existsSync(one));
  if (go === undefined) return { missing: "install Go to run this" };
  mkdirSync(folder, { recursive: true });
  try {
    execFileSync(go, ["install", `${packagePath}@${version}`], {
      env: { ...process.env, GOBIN: folder, GOFLAGS: "" },
      stdio: ["ignore", "ignore", "pipe"],
    });
    return { path };
  } catch (error) {
    return { missing: `Go cannot build ${packagePath}: ${messageOf(error).split("\n")[1] ?? ""}` };
  }
}
