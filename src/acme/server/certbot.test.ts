// The server against certbot, unmodified.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { temporaryFolder } from "../../pki/testing.ts";
import { coversHost, parseCertificate } from "../../pki/x509/certificate.ts";
import { createHttp01Dialer } from "./http01-dialer.ts";
import { openTestServer } from "./testing.ts";
import { freePort, skipWithout } from "../../ground/testing.ts";

const run = promisify(execFile);

test("certbot gets, renews after a restart, and revokes a certificate", { skip: skipWithout("certbot") }, async (t) => {
  const directory = await temporaryFolder(t);
  const port = await freePort();
  const dial = createHttp01Dialer({ port, fallback: { address: "127.0.0.1", port } });
  const server = await openTestServer(t, { directory, dial });
  const folders = ["config", "work", "logs"].flatMap((name) => [`--${name}-dir`, join(directory, name)]);
  const certbot = (...args: readonly string[]): Promise<unknown> =>
    run("certbot", [...args, ...folders, "-n"], {
      env: { PATH: process.env["PATH"], HOME: directory, REQUESTS_CA_BUNDLE: join(directory, "root.crt") },
    });
  const live = join(directory, "config", "live", "shop.internal", "fullchain.pem");
  const names = ["-d", "shop.internal", "-d", "www.shop.internal"];
  const standalone = ["--standalone", "--http-01-address", "127.0.0.1", "--http-01-port", String(port)];
  const account = ["--register-unsafely-without-email", "--agree-tos"];
  await certbot("certonly", ...standalone, "--server", server.directoryUrl, ...account, ...names);
  const first = parseCertificate(await readFile(live, "utf8"));
  assert.ok(coversHost(first, "shop.internal") && coversHost(first, "www.shop.internal"));
  await server.restart();
  await certbot("renew", "--force-renewal", "--no-random-sleep-on-renew");
  const second = parseCertificate(await readFile(live, "utf8"));
  assert.notEqual(second.serialHex, first.serialHex);
  await certbot(
    "revoke",
    "--server",
    server.directoryUrl,
    "--cert-path",
    live,
    "--reason",
    "superseded",
    "--no-delete-after-revoke",
  );
  const revoked = server.log.lines.find((line) => line.message === "Certificate revoked");
  assert.deepEqual(revoked?.fields, { serial: second.serialHex, reason: 4 });
});
