// Client certificates per host, with the clients and the certificates that people have: curl and OpenSSL.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { skipWithout } from "../../src/ground/testing.ts";
import { TestAuthorities } from "../../src/proxy/client-auth/testing.ts";
import { eventually } from "./eventually.ts";
import { type Instance, run, stateFolder } from "./instance.ts";
import { startSites } from "./site.ts";

const PREFIX = "nginx.ingress.kubernetes.io/";
const skip = skipWithout("curl", "openssl");

/** Enough connections that each of the two workers gets some. */
const TIMES = 6;

interface Scene {
  readonly instance: Instance;
  readonly authorities: TestAuthorities;
  /** Of the manifests. */
  readonly folder: string;
}

test("curl gets in with a trusted client certificate and is told what is wrong with any other", { skip }, async (t) => {
  const scene = await startScene(t);
  for (const version of ["1.2", "1.3"]) {
    const tls = [`--tlsv${version}`, "--tls-max", version];
    const answer = await curl(scene, "secret.localhost", [...tls, ...shown(scene, "ann")]);
    assert.equal(answer.status, 200, answer.body);
    assert.match(answer.body, /"ssl-client-verify":"SUCCESS","ssl-client-subject-dn":"CN=ann,O=Shop"/);
    for (const [name, said] of [
      ["alien", "no authority that is trusted here has signed it"],
      ["self", "no authority that is trusted here has signed it"],
      ["old", "it has expired"],
      ["revoked", "it, or one above it, has been revoked"],
      ["deep", "more than 1 certificates are between it and its root"],
    ] as const) {
      const refused = await curl(scene, "secret.localhost", [...tls, ...shown(scene, name)]);
      assert.equal(refused.status, 400, `${name} ${version}`);
      assert.match(refused.body, new RegExp(`does not get in at host "secret.localhost": ${said}`));
    }
    const without = await curl(scene, "secret.localhost", tls);
    assert.equal(without.status, 400);
    assert.match(without.body, /asks for a client certificate, and none was sent/);
  }
  const plain = await curl(scene, "secret.localhost", [], "http");
  assert.equal(plain.status, 308);
});

test("a connection made for an open host does not get around the certificate of another", { skip }, async (t) => {
  const scene = await startScene(t);
  const log = join(scene.folder, "access.log");
  for (const http of ["--http1.1", "--http2"]) {
    for (let time = 0; time < TIMES; time++) {
      for (const certificate of [[], shown(scene, "ann")]) {
        const args = [http, "--header", "Host: secret.localhost", ...certificate];
        const answer = await curl(scene, "open.localhost", args);
        assert.equal(answer.status, 421, http);
        assert.match(answer.body, /asks for other client certificates than the name that this connection was made for/);
      }
      assert.equal((await curl(scene, "open.localhost", [http])).status, 200);
    }
  }
  await eventually("the reason in the access log", async () => {
    const { stdout } = await run("cat", [log]);
    return /"status":421[^\n]*"reason":"Host \\"secret.localhost\\" asks for other client certificates/.test(stdout)
      ? true
      : undefined;
  });
});

test("a TLS session is not taken for a certificate, at whichever worker", { skip }, async (t) => {
  const scene = await startScene(t);
  for (const version of ["-tls1_2", "-tls1_3"]) {
    const session = join(scene.authorities.folder, `session${version}`);
    const { keyFile, certificateFile } = scene.authorities.files("ann");
    const first = await sClient(scene, [version, "-sess_out", session, "-cert", certificateFile, "-key", keyFile]);
    assert.match(first, /HTTP\/1\.1 200 OK/);
    for (let time = 0; time < TIMES; time++) {
      const again = await sClient(scene, [version, "-sess_in", session]);
      assert.match(again, /HTTP\/1\.1 400 Bad Request/);
      assert.doesNotMatch(again, /^Reused/m);
    }
  }
});

test("a new revocation list holds as soon as its Secret has it", { skip }, async (t) => {
  const scene = await startScene(t);
  assert.equal((await curl(scene, "secret.localhost", shown(scene, "bob"))).status, 200);
  await scene.authorities.revoke("bob", "root");
  await writeSecret(scene.folder, scene.authorities);
  await eventually("bob is refused", async () => {
    const { status } = await curl(scene, "secret.localhost", shown(scene, "bob"));
    return status === 400 ? true : undefined;
  });
  for (let time = 0; time < TIMES; time++) {
    assert.equal((await curl(scene, "secret.localhost", shown(scene, "ann"))).status, 200);
  }
});

async function startScene(t: TestContext): Promise<Scene> {
  const authorities = await TestAuthorities.open();
  t.after(() => authorities[Symbol.asyncDispose]());
  await authorities.make("root", { subject: "/CN=root", kind: "authority" });
  await authorities.make("other", { subject: "/CN=other", kind: "authority" });
  await authorities.make("mid", { subject: "/CN=mid", issuer: "root", kind: "authority" });
  await authorities.make("low", { subject: "/CN=low", issuer: "mid", kind: "authority" });
  await authorities.make("ann", { subject: "/O=Shop/CN=ann", issuer: "root" });
  await authorities.make("bob", { subject: "/CN=bob", issuer: "root" });
  await authorities.make("revoked", { subject: "/CN=revoked", issuer: "root" });
  await authorities.make("old", { subject: "/CN=old", issuer: "root", endDate: "20210101000000Z" });
  await authorities.make("alien", { subject: "/CN=ann", issuer: "other" });
  await authorities.make("self", { subject: "/CN=ann" });
  await authorities.make("deep", { subject: "/CN=deep", issuer: "low" });
  await authorities.revoke("revoked", "root");
  const folder = stateFolder(t);
  await writeSecret(folder, authorities);
  const server = createServer((request, response) => response.end(JSON.stringify(request.headers)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const annotations = { [`${PREFIX}auth-tls-secret`]: "default/clients" };
  const accessLog = ["--access-log", join(folder, "access.log")];
  const sites = [
    { name: "secret", port, annotations },
    { name: "open", port },
  ];
  return { instance: await startSites(t, sites, [folder, ...accessLog]), authorities, folder };
}

async function writeSecret(folder: string, authorities: TestAuthorities): Promise<void> {
  const lists = await Promise.all(["root", "mid", "low"].map((name) => authorities.revocations(name)));
  const data = {
    "ca.crt": Buffer.from(authorities.certificate("root")).toString("base64"),
    "ca.crl": Buffer.from(lists.join("")).toString("base64"),
  };
  const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "clients", namespace: "default" }, data };
  writeFileSync(join(folder, "clients.new"), JSON.stringify(secret));
  renameSync(join(folder, "clients.new"), join(folder, "clients.yaml"));
}

/** What curl needs to show a certificate; of one far from its root also what lies between. */
function shown({ authorities }: Scene, name: string): readonly string[] {
  const { certificateFile, keyFile } = authorities.files(name);
  if (name !== "deep") return ["--cert", certificateFile, "--key", keyFile];
  const chain = join(authorities.folder, "deep.chain");
  writeFileSync(chain, ["deep", "low", "mid"].map((each) => authorities.certificate(each)).join(""));
  return ["--cert", chain, "--key", keyFile];
}

async function curl(
  { instance }: Scene,
  host: string,
  args: readonly string[],
  scheme: "http" | "https" = "https",
): Promise<{ readonly status: number; readonly body: string }> {
  const { port } = instance[scheme];
  const trust = ["--cacert", join(instance.state, "ca.crt"), "--resolve", `${host}:${port}:127.0.0.1`];
  const shape = ["--silent", "--show-error", "--max-time", "20", "--write-out", "\n%{http_code}"];
  const { stdout } = await run("curl", [...shape, ...trust, ...args, `${scheme}://${host}:${port}/`]);
  const at = stdout.lastIndexOf("\n");
  return { status: Number(stdout.slice(at + 1)), body: stdout.slice(0, at) };
}

/** Asks with OpenSSL's own client and returns all it says. */
function sClient({ instance }: Scene, args: readonly string[]): Promise<string> {
  const { port } = instance.https;
  const to = ["-connect", `127.0.0.1:${port}`, "-servername", "secret.localhost", "-ign_eof"];
  const child = spawn("openssl", ["s_client", ...to, ...args]);
  let said = "";
  child.stdout.on("data", (bytes: Buffer) => (said += bytes.toString("latin1")));
  child.stdin.on("error", () => undefined);
  child.stdin.write("GET / HTTP/1.1\r\nHost: secret.localhost\r\nConnection: close\r\n\r\n");
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", () => resolve(said));
  });
}
