// The server against certbot, dehydrated, uacme and lego, unmodified: by DNS-01, with records in a real DNS server.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { promisify } from "node:util";
import { skipWithout } from "../../ground/testing.ts";
import { temporaryFolder } from "../../pki/testing.ts";
import { parseCertificate } from "../../pki/x509/certificate.ts";
import { hasKnot, KNOT_SECRET, startKnot } from "../solvers/testing.ts";
import { openTestServer, type TestServer } from "./testing.ts";

const run = promisify(execFile);
const NAME = "www.shop.example";
const WILDCARD = "*.shop.example";

interface Bench {
  readonly server: TestServer;
  readonly directory: string;
  readonly dnsPort: number;
  /** A program that takes `add` or `del`, a name and a value, and changes the TXT record of its challenge. */
  readonly change: string;
}

function skipUnless(client: string): string | false {
  return hasKnot() ? skipWithout(client, "knsupdate") : "install the Debian package knot to run this";
}

async function open(t: TestContext, plain = false): Promise<Bench> {
  const directory = await temporaryFolder(t);
  const dnsPort = await startKnot(t);
  const server = await openTestServer(t, { directory, dial: noWeb, nameservers: [`127.0.0.1:${dnsPort}`], plain });
  const commands = [
    `server 127.0.0.1 ${dnsPort}`,
    `key hmac-sha256:hmac-sha256-key ${KNOT_SECRET}`,
    "zone shop.example.",
    "$1 _acme-challenge.$2. 10 TXT $3",
    "send",
  ];
  const change = await program(directory, "change", `knsupdate <<END\n${commands.join("\n")}\nEND`);
  return { server, directory, dnsPort, change };
}

function noWeb(): Promise<never> {
  return Promise.reject(new Error("proven by DNS alone"));
}

async function program(directory: string, name: string, script: string): Promise<string> {
  const file = join(directory, name);
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  return file;
}

function revocations(server: TestServer): number {
  return server.log.lines.filter((line) => line.message === "Certificate revoked").length;
}

test("certbot gets, renews and revokes a certificate by DNS-01", { skip: skipUnless("certbot") }, async (t) => {
  const { server, directory, change } = await open(t);
  const add = await program(directory, "add", `${change} add "$CERTBOT_DOMAIN" "$CERTBOT_VALIDATION"`);
  const remove = await program(directory, "remove", `${change} del "$CERTBOT_DOMAIN" "$CERTBOT_VALIDATION"`);
  const folders = ["config", "work", "logs"].flatMap((name) => [`--${name}-dir`, join(directory, name)]);
  const env = { PATH: process.env["PATH"], HOME: directory, REQUESTS_CA_BUNDLE: join(directory, "root.crt") };
  const certbot = (...args: readonly string[]): Promise<unknown> =>
    run("certbot", [...args, ...folders, "-n"], { env });
  const manual = ["--manual", "--preferred-challenges", "dns", "--manual-auth-hook", add];
  const account = ["--register-unsafely-without-email", "--agree-tos", "--server", server.directoryUrl];
  const names = ["-d", NAME, "-d", WILDCARD];
  await certbot("certonly", ...manual, "--manual-cleanup-hook", remove, ...account, ...names);
  const live = join(directory, "config", "live", NAME, "fullchain.pem");
  const first = parseCertificate(await readFile(live, "utf8"));
  assert.deepEqual(first.dnsNames.toSorted(), [WILDCARD, NAME]);
  await certbot("renew", "--force-renewal", "--no-random-sleep-on-renew");
  assert.notEqual(parseCertificate(await readFile(live, "utf8")).serialHex, first.serialHex);
  await certbot("revoke", "--server", server.directoryUrl, "--cert-path", live, "--no-delete-after-revoke");
  assert.equal(revocations(server), 1);
});

test("dehydrated gets, renews and revokes a certificate by DNS-01", { skip: skipUnless("dehydrated") }, async (t) => {
  const { server, directory, change } = await open(t);
  const acts = `deploy_challenge) ${change} add "$2" "$4" ;;\nclean_challenge) ${change} del "$2" "$4" ;;`;
  const hook = await program(directory, "hook", `case "$1" in\n${acts}\nesac`);
  const config = join(directory, "dehydrated.conf");
  const lines = [
    `CA="${server.directoryUrl}"`,
    `BASEDIR="${directory}"`,
    'CHALLENGETYPE="dns-01"',
    `HOOK="${hook}"`,
    'KEY_ALGO="prime256v1"',
    `CURL_OPTS="--cacert ${join(directory, "root.crt")}"`,
  ];
  await writeFile(config, `${lines.join("\n")}\n`);
  const dehydrated = (...args: readonly string[]): Promise<unknown> =>
    run("dehydrated", ["-f", config, ...args], { env: { PATH: process.env["PATH"], HOME: directory } });
  const live = join(directory, "certs", NAME, "cert.pem");
  await dehydrated("--register", "--accept-terms");
  await dehydrated("-c", "-d", NAME);
  const first = parseCertificate(await readFile(live, "utf8"));
  await dehydrated("-c", "-x", "-d", NAME);
  assert.notEqual(parseCertificate(await readFile(live, "utf8")).serialHex, first.serialHex);
  await dehydrated("-r", live);
  assert.equal(revocations(server), 1);
});

test("uacme gets, renews and revokes a certificate by DNS-01", { skip: skipUnless("uacme") }, async (t) => {
  const { server, directory, change } = await open(t, true);
  const acts = `begin) ${change} add "$3" "$5" ;;\n*) ${change} del "$3" "$5" ;;`;
  const hook = await program(directory, "hook", `[ "$2" = dns-01 ] || exit 1\ncase "$1" in\n${acts}\nesac`);
  const state = join(directory, "uacme");
  const uacme = (...args: readonly string[]): Promise<unknown> =>
    run("uacme", ["-y", "-c", state, "-a", server.directoryUrl, "-t", "EC", ...args], {
      env: { PATH: process.env["PATH"] },
    });
  const live = join(state, NAME, "cert.pem");
  await uacme("new");
  await uacme("-h", hook, "issue", NAME);
  const first = parseCertificate(await readFile(live, "utf8"));
  await uacme("-f", "-h", hook, "issue", NAME);
  assert.notEqual(parseCertificate(await readFile(live, "utf8")).serialHex, first.serialHex);
  await uacme("revoke", live);
  assert.equal(revocations(server), 1);
});

test(
  "lego gets, renews and revokes a wildcard by DNS-01 with dynamic updates",
  { skip: skipUnless("lego") },
  async (t) => {
    const { server, directory, dnsPort } = await open(t);
    const env = {
      PATH: process.env["PATH"],
      LEGO_CA_CERTIFICATES: join(directory, "root.crt"),
      RFC2136_NAMESERVER: `127.0.0.1:${dnsPort}`,
      RFC2136_TSIG_ALGORITHM: "hmac-sha256.",
      RFC2136_TSIG_KEY: "hmac-sha256-key",
      RFC2136_TSIG_SECRET: KNOT_SECRET,
    };
    const resolvers = ["--dns", "rfc2136", "--dns.resolvers", `127.0.0.1:${dnsPort}`, "--dns.disable-cp"];
    const common = ["--path", join(directory, "lego"), "--server", server.directoryUrl, "-a", "-m", "ops@shop.example"];
    const lego = (...act: readonly string[]): Promise<unknown> =>
      run("lego", [...common, ...resolvers, "-d", WILDCARD, ...act], { env });
    const live = join(directory, "lego", "certificates", "_.shop.example.crt");
    await lego("run");
    const first = parseCertificate(await readFile(live, "utf8"));
    assert.deepEqual(first.dnsNames, [WILDCARD]);
    await lego("renew", "--days", "90", "--no-random-sleep");
    assert.notEqual(parseCertificate(await readFile(live, "utf8")).serialHex, first.serialHex);
    await lego("revoke");
    assert.equal(revocations(server), 1);
  },
);
