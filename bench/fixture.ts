import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { makeOciImage } from "../test/e2e/oci-image.ts";

/** What every contender is set up with. */
export interface Fixture {
  readonly folder: string;
  /** PEM files of an ECDSA P-256 certificate for `localhost`, trusted by nobody. */
  readonly certificate: string;
  readonly key: string;
  /** nginx: `/1k` and `/download`. */
  readonly fastPort: number;
  /** Node: `/upload` reads and counts, `/ws` echoes. */
  readonly sinkPort: number;
  /** docker-registry, with nothing in it. */
  readonly registryPort: number;
}

/** The size of the bulk bodies. */
export const BULK_BYTES: number = 1024 ** 3;

/** The layers of the image that is pushed and pulled. */
export const IMAGE_LAYERS_MIB: readonly number[] = [96, 64, 32];

/** Makes the certificate and the files to be served below `folder`. */
export async function makeFixture(folder: string): Promise<Fixture> {
  const certificate = join(folder, "tls.crt");
  const key = join(folder, "tls.key");
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const options = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"];
  execFileSync("openssl", ["req", "-x509", ...options, ...subject, "-keyout", key, "-out", certificate], {
    stdio: "ignore",
  });
  const www = join(folder, "www");
  mkdirSync(www);
  writeFileSync(join(www, "1k"), "x".repeat(1024));
  closeSync(openSync(join(www, "download"), "w"));
  truncateSync(join(www, "download"), BULK_BYTES);
  makeOciImage(join(folder, "image"), IMAGE_LAYERS_MIB);
  return {
    folder,
    certificate,
    key,
    fastPort: await freePort(),
    sinkPort: await freePort(),
    registryPort: await freePort(),
  };
}

/** A TCP port of loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("Cannot find a free port");
  return address.port;
}

/** The configuration of the fast backend. */
export function backendConfig(fixture: Fixture): string {
  return `user root; daemon off; worker_processes 1; pid ${fixture.folder}/backend.pid; error_log ${fixture.folder}/backend.log;
events { worker_connections 8192; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; keepalive_timeout 600;
  client_body_temp_path ${fixture.folder}/b1; proxy_temp_path ${fixture.folder}/b2; fastcgi_temp_path ${fixture.folder}/b3;
  uwsgi_temp_path ${fixture.folder}/b4; scgi_temp_path ${fixture.folder}/b5;
  default_type application/octet-stream;
  server { listen 127.0.0.1:${fixture.fastPort} backlog=4096; root ${fixture.folder}/www; open_file_cache max=10; } }
`;
}

/** The configuration of docker-registry. */
export function registryConfig(fixture: Fixture): string {
  return `version: 0.1
log: { level: error }
storage: { filesystem: { rootdirectory: ${fixture.folder}/registry }, delete: { enabled: true } }
http: { addr: "127.0.0.1:${fixture.registryPort}", relativeurls: true }
`;
}
