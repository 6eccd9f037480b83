// The server against lego, and the newest certbot and lego: TLS-ALPN-01, external accounts, renewal information, profiles, addresses.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { promisify } from "node:util";
import { freePort, skipWithout } from "../../ground/testing.ts";
import { temporaryFolder } from "../../pki/testing.ts";
import { type CertificateFacts, parseCertificate } from "../../pki/x509/certificate.ts";
import { issueExternalAccount } from "./external-account-keys.ts";
import { createHttp01Dialer } from "./http01-dialer.ts";
import { Ledger } from "./ledger.ts";
import { openTestServer, type TestServer } from "./testing.ts";
import { createTlsAlpnDialer } from "./tls-alpn-dialer.ts";

const run = promisify(execFile);
const NAME = "shop.internal";
const DAY_MS = 86_400_000;
/** Where CI puts what Debian has in older versions only. */
const CACHE = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "lintel-tests");
const CERTBOT = join(CACHE, "certbot-5.8.0");
const LEGO = join(CACHE, "lego-5.6.0", "lego");

interface Bench {
  readonly server: TestServer;
  readonly directory: string;
  /** Where the client must answer, whatever the challenge. */
  readonly port: number;
  readonly externalAccount: { readonly id: string; readonly hmacKey: string };
}

async function open(t: TestContext): Promise<Bench> {
  const directory = await temporaryFolder(t);
  const port = await freePort();
  const place = { host: "127.0.0.1", port };
  const server = await openTestServer(t, {
    directory,
    dial: createHttp01Dialer({ port, fallback: { address: "127.0.0.1", port } }),
    dialTls: createTlsAlpnDialer(() => Promise.resolve(place)),
    requireExternalAccount: true,
  });
  const ledger = Ledger.open(directory);
  const externalAccount = issueExternalAccount(ledger, { note: "", reusable: true, nowMs: Date.UTC(2026, 10, 24) });
  ledger.close();
  return { server, directory, port, externalAccount };
}

function said(server: TestServer, message: string): number {
  return server.log.lines.filter((line) => line.message === message).length;
}

async function factsOf(file: string): Promise<CertificateFacts> {
  return parseCertificate(await readFile(file, "utf8"));
}

for (const [challenge, flags] of [
  ["HTTP-01", (port: number) => ["--http", "--http.port", `127.0.0.1:${port}`]],
  ["TLS-ALPN-01", (port: number) => ["--tls", "--tls.port", `127.0.0.1:${port}`]],
] as const) {
  test(
    `lego registers with a key, gets, renews and revokes by ${challenge}`,
    { skip: skipWithout("lego") },
    async (t) => {
      const { server, directory, port, externalAccount } = await open(t);
      const { id, hmacKey } = externalAccount;
      const eab = ["--eab", "--kid", id, "--hmac", hmacKey];
      const account = [
        "--path",
        join(directory, "lego"),
        "--server",
        server.directoryUrl,
        "-a",
        "-m",
        "ops@shop.internal",
      ];
      const env = { PATH: process.env["PATH"], LEGO_CA_CERTIFICATES: join(directory, "root.crt") };
      const lego = (...act: readonly string[]): Promise<unknown> =>
        run("lego", [...account, ...eab, ...flags(port), "-d", NAME, ...act], { env });
      const live = join(directory, "lego", "certificates", `${NAME}.crt`);
      await lego("run");
      const first = await factsOf(live);
      assert.deepEqual(first.dnsNames, [NAME]);
      await lego("renew", "--days", "90", "--no-random-sleep");
      assert.notEqual((await factsOf(live)).serialHex, first.serialHex);
      await lego("revoke");
      assert.equal(said(server, "Certificate revoked"), 1);
    },
  );
}

const skipLego = existsSync(LEGO) ? false : `run .ci/run, which builds lego 5.6.0, to run this`;

test("lego 5 takes a profile, renews when the CA asks, and names what it replaces", { skip: skipLego }, async (t) => {
  const { server, directory, port, externalAccount } = await open(t);
  const env = { PATH: process.env["PATH"], LEGO_CA_CERTIFICATES: join(directory, "root.crt") };
  const { id, hmacKey } = externalAccount;
  const account = ["--path", join(directory, "lego"), "--server", server.directoryUrl, "-m", "ops@shop.internal"];
  const eab = ["--eab", "--eab.kid", id, "--eab.hmac", hmacKey];
  const http = ["--http", "--http.address", `127.0.0.1:${port}`, "--no-random-sleep"];
  const lego = (...more: readonly string[]): Promise<unknown> =>
    run(LEGO, ["run", ...account, "-a", ...eab, ...http, "-d", NAME, ...more], { env });
  const live = join(directory, "lego", "certificates", `${NAME}.crt`);
  await lego("--profile", "shortlived");
  const first = await factsOf(live);
  assert.ok(first.notAfterMs - first.notBeforeMs < 1.5 * DAY_MS);
  await lego("--profile", "shortlived");
  assert.equal((await factsOf(live)).serialHex, first.serialHex, "the window has not begun");
  await server.ca.revokeIntermediate(1);
  await lego("--profile", "shortlived");
  const second = await factsOf(live);
  assert.notEqual(second.serialHex, first.serialHex, "the CA asks for renewal at once");
  const ledger = Ledger.open(directory);
  t.after(() => ledger.close());
  assert.notEqual(ledger.certificate(first.serialHex)?.replacedBy, undefined);
  await run(LEGO, ["certificates", "revoke", ...account, "-c", NAME], { env });
  assert.equal(said(server, "Certificate revoked"), 1);
});

const skipCertbot = existsSync(join(CERTBOT, "bin", "certbot"))
  ? skipWithout("python3")
  : "run .ci/run, which installs certbot 5.8.0, to run this";

test("certbot 5 takes a profile and an address, and renews when the CA asks", { skip: skipCertbot }, async (t) => {
  const { server, directory, port, externalAccount } = await open(t);
  const env = {
    PATH: process.env["PATH"],
    HOME: directory,
    PYTHONPATH: CERTBOT,
    REQUESTS_CA_BUNDLE: join(directory, "root.crt"),
  };
  const folders = ["config", "work", "logs"].flatMap((name) => [`--${name}-dir`, join(directory, name)]);
  const certbot = (...args: readonly string[]): Promise<unknown> =>
    run("python3", [join(CERTBOT, "bin", "certbot"), ...args, ...folders, "-n"], { env });
  const { id, hmacKey } = externalAccount;
  const account = ["--register-unsafely-without-email", "--agree-tos", "--eab-kid", id, "--eab-hmac-key", hmacKey];
  const standalone = ["--standalone", "--http-01-address", "127.0.0.1", "--http-01-port", String(port)];
  const wish = ["--preferred-profile", "tlsserver", "--cert-name", "shop", "-d", NAME, "--ip-address", "127.0.0.1"];
  await certbot("certonly", "--server", server.directoryUrl, ...account, ...standalone, ...wish);
  const live = join(directory, "config", "live", "shop", "cert.pem");
  const first = await factsOf(live);
  assert.deepEqual([first.commonName, first.dnsNames, first.ipAddresses], ["", [NAME], ["127.0.0.1"]]);
  // Not asked before: certbot would keep the answer for as long as Retry-After says.
  await server.ca.revokeIntermediate(1);
  await certbot("renew", "--no-random-sleep-on-renew");
  assert.notEqual((await factsOf(live)).serialHex, first.serialHex, "the CA asks for renewal at once");
  await certbot("revoke", "--server", server.directoryUrl, "--cert-path", live, "--no-delete-after-revoke");
  assert.equal(said(server, "Certificate revoked"), 1);
});
