import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { skipWithout } from "../../src/ground/testing.ts";
import { run, stateFolder } from "../e2e/instance.ts";

const CHECKOUT = join(import.meta.dirname, "../..");
const skip = process.getuid?.() === 0 ? skipWithout("ldd", "npm") : "run as root to change into the image's root";

it("the image holds the program and no shell, and runs as a user without rights", { skip }, async (t) => {
  const folder = stateFolder(t);
  const node = join(CHECKOUT, "bin/node");
  await run(node, [join(CHECKOUT, "tools/build-image.ts"), "--layout", folder]);
  const root = join(folder, "root");
  assert.ok(!existsSync(join(root, "bin/sh")));
  assert.ok(!existsSync(join(root, "opt/lintel/node_modules/typescript")));
  const program = ["/opt/lintel/node", "--disable-warning=ExperimentalWarning", "/opt/lintel/dist/main.js"];
  const { stdout } = await run("chroot", ["--userspec=65532:65532", root, ...program, "manifests", "-o", "json"]);
  assert.match(stdout, /"kind": "DaemonSet"/);
});
