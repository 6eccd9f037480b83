import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
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
  const name = basename(packagePath.replace(/\/v\d+$/, ""));
  const folder = join(cache, "lintel-tests", `${name}-${version}`);
  const path = join(folder, name);
  if (existsSync(path)) return { path };
  const go = [skipWithout("go") === false ? "go" : "", WELL_KNOWN_GO].find((one) => one === "go" || existsSync(one));
  if (go === undefined) return { missing: "install Go to run this" };
  mkdirSync(folder, { recursive: true });
  const build = (cwd: string, ...args: readonly string[]): void => {
    const env = { ...process.env, GOBIN: folder, GOFLAGS: "-buildvcs=false" };
    execFileSync(go, args, { cwd, env, stdio: ["ignore", "ignore", "pipe"] });
  };
  try {
    try {
      build(folder, "install", `${packagePath}@${version}`);
    } catch {
      // Some modules list no versions, which the short form asks for; as a tool of a module it needs no list.
      const module = mkdtempSync(join(folder, "module-"));
      build(module, "mod", "init", "tools");
      build(module, "get", "-tool", `${packagePath}@${version}`);
      build(module, "install", packagePath);
      rmSync(module, { recursive: true, force: true });
    }
    return { path };
  } catch (error) {
    return { missing: `Go cannot build ${packagePath}: ${messageOf(error).split("\n")[1] ?? ""}` };
  }
}
