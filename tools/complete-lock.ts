// Adds to package-lock.json the platform packages of other systems that npm left out: a registry mirror that carries only
// some platforms makes npm write a lock file that its own `npm ci` then refuses. Run it after each `npm install`;
// `--check` changes nothing and fails when something is missing.
import { readFileSync, writeFileSync } from "node:fs";
import { isRecord, recordAt, stringAt } from "../src/ground/json.ts";

const PATH = "package-lock.json";
const lock: unknown = JSON.parse(readFileSync(PATH, "utf8"));
const packages: Record<string, unknown> = { ...recordAt(lock, "packages") };
let added = 0;
for (const [place, entry] of Object.entries(packages)) {
  for (const [name, version] of Object.entries(recordAt(entry, "optionalDependencies"))) {
    const places = [`${place}/node_modules/${name}`, `node_modules/${name}`];
    const found = places.some((path) => stringAt(packages[path], "version") === version);
    if (place === "" || typeof version !== "string" || found) continue;
    const target =
      packages[`node_modules/${name}`] === undefined ? `node_modules/${name}` : `${place}/node_modules/${name}`;
    packages[target] = { version, ...platformOf(name), dev: true, optional: true };
    added += 1;
  }
}
const isCheck = process.argv.includes("--check");
if (isCheck && added > 0) process.exitCode = 1;
if (isRecord(lock) && !isCheck)
  writeFileSync(PATH, `${JSON.stringify({ ...lock, packages: sorted(packages) }, undefined, 2)}\n`);
process.stdout.write(`${added} platform packages ${isCheck ? "are missing in" : "added to"} ${PATH}\n`);

/** The fields by which npm decides not to install it, read from the naming that these packages share. */
function platformOf(name: string): Readonly<Record<string, readonly string[]>> {
  const words = name.split(/[/-]/);
  const system = ["android", "darwin", "freebsd", "linux", "openharmony", "win32"].find((word) => words.includes(word));
  const cpu = ["arm64", "x64", "ia32", "ppc64", "riscv64", "s390x", "arm", "loong64"].find((word) =>
    words.includes(word),
  );
  if (words.includes("wasm32")) return { cpu: ["wasm32"] };
  if (system === undefined || cpu === undefined) throw new Error(`Cannot read the platform of "${name}"`);
  const libc = words.includes("musl") ? ["musl"] : words.includes("gnu") ? ["glibc"] : undefined;
  return { cpu: [cpu], ...(libc === undefined ? {} : { libc }), os: [system] };
}

function sorted(entries: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(entries).sort(([left], [right]) => (left < right ? -1 : 1)));
}
