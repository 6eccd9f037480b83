import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { freePort } from "../../src/ground/testing.ts";
import { eventually } from "./eventually.ts";
import { run, stateFolder } from "./instance.ts";
import { blobPath, makeOciImage, manifestDigest, sha256 } from "./oci-image.ts";
import { startSites } from "./site.ts";
import { WorkerMemory } from "./worker-memory.ts";

const REGISTRY = "/usr/bin/docker-registry";
const SKOPEO = "/usr/bin/skopeo";
const tools = {
  skip: existsSync(REGISTRY) && existsSync(SKOPEO) ? false : "install the Debian packages docker-registry and skopeo",
};

/** skopeo asks the system for addresses, and that knows no other name of loopback everywhere. */
const HOST = "localhost";

const LAYERS_MIB: readonly number[] = [32, 24, 16, 1];

test(
  "skopeo pushes an image of several layers to docker-registry behind the edge and pulls the same",
  tools,
  async (t) => {
    const folder = stateFolder(t);
    const image = makeOciImage(join(folder, "image"), LAYERS_MIB);
    const port = await startRegistry(t, folder);
    const instance = await startSites(t, [{ name: "registry", host: HOST, port }]);
    const certificates = join(folder, "certificates");
    mkdirSync(certificates);
    writeFileSync(join(certificates, "ca.crt"), instance.ca);
    const memory = await WorkerMemory.watch(instance);
    const remote = `docker://${HOST}:${instance.https.port}/team/app:1`;
    const policy = ["--insecure-policy", "copy", "--quiet"];
    await run(SKOPEO, [...policy, "--dest-cert-dir", certificates, `oci:${join(folder, "image")}:1`, remote]);
    const back = join(folder, "back");
    await run(SKOPEO, [...policy, "--src-cert-dir", certificates, remote, `oci:${back}:1`]);
    assert.equal(manifestDigest(back), image.digest);
    for (const digest of image.blobs) assert.equal(sha256(readFileSync(blobPath(back, digest))), digest);
    assert.ok(memory.grownMib() < 64, `a worker grew by ${memory.grownMib()} MiB`);
  },
);

/** Starts docker-registry with its files in `folder` and resolves with its port. */
async function startRegistry(t: TestContext, folder: string): Promise<number> {
  const port = await freePort();
  const config = join(folder, "registry.yaml");
  const storage = join(folder, "storage");
  writeFileSync(
    config,
    `version: 0.1\nlog: { level: error }\nstorage: { filesystem: { rootdirectory: ${storage} } }\nhttp: { addr: 127.0.0.1:${port}, relativeurls: false }\n`,
  );
  const child = spawn(REGISTRY, ["serve", config], { stdio: "ignore" });
  t.after(async () => {
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  });
  await eventually("the registry answers", async () => (await fetch(`http://127.0.0.1:${port}/v2/`)).ok || undefined);
  return port;
}
