// The server against uacme and dehydrated, unmodified: by HTTP-01 through a folder that a web server shows.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { promisify } from "node:util";
import { temporaryFolder } from "../../pki/testing.ts";
import { coversHost, parseCertificate } from "../../pki/x509/certificate.ts";
import { HTTP01_PATH } from "../key-authorization.ts";
import { portOf } from "../testing.ts";
import { createHttp01Dialer } from "./http01-dialer.ts";
import { openTestServer, type TestServer } from "./testing.ts";
import { skipWithout } from "../../ground/testing.ts";

const run = promisify(execFile);

/** A server whose names lead to a web server that shows the files of `challenges`. */
async function openBench(
  t: TestContext,
  plain = false,
): Promise<{ server: TestServer; directory: string; challenges: string }> {
  const directory = await temporaryFolder(t);
  const challenges = join(directory, "challenges");
  await mkdir(challenges);
  const web = createServer((request, response) => {
    readFile(join(challenges, (request.url ?? "").slice(HTTP01_PATH.length)), "utf8").then(
      (text) => response.end(text),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  t.after(() => new Promise((resolve) => web.close(resolve)));
  const port = portOf(web);
  const dial = createHttp01Dialer({ port, fallback: { address: "127.0.0.1", port } });
  return { server: await openTestServer(t, { directory, dial, plain }), directory, challenges };
}

function revocations(server: TestServer): number {
  return server.log.lines.filter((line) => line.message === "Certificate revoked").length;
}

test("dehydrated gets, renews and revokes a certificate", { skip: skipWithout("dehydrated") }, async (t) => {
  const { server, directory, challenges } = await openBench(t);
  const config = join(directory, "dehydrated.conf");
  const lines = [
    `CA="${server.directoryUrl}"`,
    `BASEDIR="${directory}"`,
    `WELLKNOWN="${challenges}"`,
    'KEY_ALGO="prime256v1"',
    `CURL_OPTS="--cacert ${join(directory, "root.crt")}"`,
  ];
  await writeFile(config, `${lines.join("\n")}\n`);
  const dehydrated = (...args: readonly string[]): Promise<unknown> =>
    run("dehydrated", ["-f", config, ...args], { env: { PATH: process.env["PATH"], HOME: directory } });
  const live = join(directory, "certs", "shop.internal", "cert.pem");
  await dehydrated("--register", "--accept-terms");
  await dehydrated("-c", "-d", "shop.internal");
  const first = parseCertificate(await readFile(live, "utf8"));
  assert.ok(coversHost(first, "shop.internal"));
  await dehydrated("-c", "-x", "-d", "shop.internal");
  assert.notEqual(parseCertificate(await readFile(live, "utf8")).serialHex, first.serialHex);
  await dehydrated("-r", live);
  assert.equal(revocations(server), 1);
});

test("uacme gets, renews and revokes a certificate", { skip: skipWithout("uacme") }, async (t) => {
  const { server, directory, challenges } = await openBench(t, true);
  const hook = join(directory, "hook");
  const script = `#!/bin/sh\n[ "$2" = http-01 ] || exit 1\n[ "$1" = begin ] && printf %s "$5" > "${challenges}/$4"\nexit 0\n`;
  await writeFile(hook, script);
  await chmod(hook, 0o755);
  const state = join(directory, "uacme");
  const uacme = (...args: readonly string[]): Promise<unknown> =>
    run("uacme", ["-y", "-c", state, "-a", server.directoryUrl, "-t", "EC", ...args], {
      env: { PATH: process.env["PATH"] },
    });
  const live = join(state, "shop.internal", "cert.pem");
  await uacme("new");
  await uacme("-h", hook, "issue", "shop.internal");
  const first = parseCertificate(await readFile(live, "utf8"));
  assert.ok(coversHost(first, "shop.internal"));
  await uacme("-f", "-h", hook, "issue", "shop.internal");
  assert.notEqual(parseCertificate(await readFile(live, "utf8")).serialHex, first.serialHex);
  await uacme("revoke", live);
  assert.equal(revocations(server), 1);
});
