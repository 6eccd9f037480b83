import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/** An image on disk: the digest of its manifest, and of everything that a registry stores for it. */
export interface OciImage {
  readonly digest: string;
  readonly blobs: readonly string[];
}

/** Writes an OCI image layout, tagged `1`, with layers of these sizes that do not compress. */
export function makeOciImage(folder: string, layersMib: readonly number[]): OciImage {
  mkdirSync(join(folder, "blobs", "sha256"), { recursive: true });
  const put = (bytes: Uint8Array): { readonly digest: string; readonly size: number } => {
    const digest = sha256(bytes);
    writeFileSync(blobPath(folder, digest), bytes);
    return { digest, size: bytes.length };
  };
  const tars = layersMib.map((mib, index) => tarOf(`layer-${index}`, randomBytes(mib * 1024 * 1024)));
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

/** Returns the digest of the manifest in a layout. */
export function manifestDigest(folder: string): string {
  const index = readFileSync(join(folder, "index.json"), "utf8");
  return /"digest":"(sha256:[0-9a-f]+)"/.exec(index.replaceAll(/\s/g, ""))?.[1] ?? "";
}

/** Returns where a layout keeps a blob. */
export function blobPath(folder: string, digest: string): string {
  return join(folder, "blobs", "sha256", digest.slice("sha256:".length));
}

/** Returns `sha256:` and the digest in hexadecimal. */
export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
