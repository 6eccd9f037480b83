import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";
import { run, stateFolder } from "./instance.ts";
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
    const image = makeImage(join(folder, "image"));
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

/** Writes an OCI image layout with layers that do not compress. */
function makeImage(folder: string): { readonly digest: string; readonly blobs: readonly string[] } {
  mkdirSync(join(folder, "blobs", "sha256"), { recursive: true });
  const put = (bytes: Uint8Array): { readonly digest: string; readonly size: number } => {
    const digest = sha256(bytes);
    writeFileSync(blobPath(folder, digest), bytes);
    return { digest, size: bytes.length };
  };
  const tars = LAYERS_MIB.map((mib, index) => tarOf(`layer-${index}`, randomBytes(mib * 1024 * 1024)));
  const layers = tars.map((tar) => put(gzipSync(tar, { level: 0 })));
  const config = put(
    json({
      architecture: "amd64",
      os: "linux",
      config: {},
      rootfs: { type: "layers", diff_ids: tars.map(sha256) },
    }),
  );
  const manifest = put(
    json({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: { mediaType: "application/vnd.oci.image.config.v1+json", ...config },
      layers: layers.map((layer) => ({ mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", ...layer })),
    }),
  );
  const entry = {
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    ...manifest,
    annotations: { "org.opencontainers.image.ref.name": "1" },
  };
  writeFileSync(join(folder, "oci-layout"), json({ imageLayoutVersion: "1.0.0" }));
  writeFileSync(join(folder, "index.json"), json({ schemaVersion: 2, manifests: [entry] }));
  return { digest: manifest.digest, blobs: [manifest, config, ...layers].map(({ digest }) => digest) };
}

/** A tar archive of one file. */
function tarOf(name: string, content: Buffer): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write("0000644\0", 100);
  header.write("0000000\0", 108);
  header.write("0000000\0", 116);
  header.write(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
  header.write("00000000000\0", 136);
  header.write("        0ustar\x0000", 148);
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512), Buffer.alloc(1024)]);
}

function manifestDigest(folder: string): string {
  const index = readFileSync(join(folder, "index.json"), "utf8");
  return /"digest":"(sha256:[0-9a-f]+)"/.exec(index.replaceAll(/\s/g, ""))?.[1] ?? "";
}

function blobPath(folder: string, digest: string): string {
  return join(folder, "blobs", "sha256", digest.slice("sha256:".length));
}

function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
