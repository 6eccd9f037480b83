// The client against Pebble, a CA that is strict on purpose.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { KeyObject } from "node:crypto";
import { writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { get } from "node:https";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import { systemClock } from "../../ground/system-clock.ts";
import { generateKey, spkiFingerprint } from "../../pki/key.ts";
import { LocalCa } from "../../pki/local-ca.ts";
import { temporaryFolder } from "../../pki/testing.ts";
import { coversHost, parseCertificate, parseChain } from "../../pki/x509/certificate.ts";
import { parseIp } from "../../pki/x509/ip-address.ts";
import { createRequest } from "../../pki/x509/request.ts";
import { type AcmeOrder, advance, nextStep } from "../order.ts";
import { ChallengeResponder } from "../testing.ts";
import { AcmeClient, AcmeError } from "./acme-client.ts";
import { driveStep } from "./testing.ts";
import { freePort, skipWithout } from "../../ground/testing.ts";

const skip = skipWithout("pebble");

interface Pebble {
  readonly directoryUrl: string;
  readonly managementUrl: string;
  readonly caBundle: string;
  readonly responder: ChallengeResponder;
}

for (const reuse of ["0", "100"]) {
  test(
    `AcmeClient gets a certificate from Pebble when it reuses ${reuse} % of authorizations and refuses one nonce in five`,
    { skip },
    async (t) => {
      const pebble = await startPebble(t, { PEBBLE_AUTHZREUSE: reuse });
      const client = await clientOf(t, pebble);
      await client.register({ contact: ["mailto:ops@shop.example"] });
      for (const names of [["localhost"], ["localhost", "127.0.0.1"]]) {
        const key = await generateKey({ algorithm: "ECDSA", size: 256 });
        const chain = await obtain(
          client,
          pebble,
          names,
          await createRequest(key, {
            dnsNames: names.filter((name) => parseIp(name) === undefined),
            ipAddresses: names.filter((name) => parseIp(name) !== undefined),
          }),
        );
        const leaf = parseCertificate(chain);
        assert.ok(names.every((name) => coversHost(leaf, name)));
        assert.equal(leaf.spkiSha256, spkiFingerprint(key));
        assert.ok(parseChain(chain).length >= 2);
      }
      // Two names were proven anew without reuse; with it the second order needed only the new one.
      assert.equal(pebble.responder.answers.size, reuse === "0" ? 3 : 2);
    },
  );
}

test("AcmeClient finds an order that it made at Pebble and whose answer it lost", { skip }, async (t) => {
  const pebble = await startPebble(t, {});
  const client = await clientOf(t, pebble);
  await client.register({ contact: [] });
  const localhost = { type: "dns", value: "localhost" } as const;
  const address = { type: "ip", value: "127.0.0.1" } as const;
  assert.equal((await client.findOrder([localhost])) === undefined, true);
  const made = await client.newOrder({ identifiers: [localhost, address] });
  await client.newOrder({ identifiers: [localhost] });
  assert.equal((await client.findOrder([address, localhost]))?.url, made.url);
  assert.equal((await client.findOrder([address])) === undefined, true);
});

test("AcmeClient finds, changes, revokes with and closes its account at Pebble", { skip }, async (t) => {
  const pebble = await startPebble(t, {});
  const accountKey = await generateKey({ algorithm: "RSA", size: 2048 });
  const client = await clientOf(t, pebble, accountKey);
  const { accountUrl, status } = await client.register({ contact: ["mailto:a@shop.example"] });
  assert.equal(status, "valid");
  assert.equal((await client.register({ contact: ["mailto:b@shop.example"] })).accountUrl, accountUrl);
  assert.equal(
    (await (await clientOf(t, pebble, accountKey)).register({ contact: [], onlyExisting: true })).accountUrl,
    accountUrl,
  );
  const key = await generateKey({ algorithm: "ECDSA", size: 256 });
  const chain = await obtain(client, pebble, ["localhost"], await createRequest(key, { dnsNames: ["localhost"] }));
  await client.revoke(chain, 4);
  await assert.rejects(
    client.revoke(chain, 4),
    (error) => error instanceof AcmeError && error.problem.type.endsWith("alreadyRevoked"),
  );
  const second = await obtain(client, pebble, ["localhost"], await createRequest(key, { dnsNames: ["localhost"] }));
  await client.revoke(second, 1, key);
  const newKey = await generateKey({ algorithm: "ECDSA", size: 256 });
  await client.changeKey(newKey);
  const renewed = await clientOf(t, pebble, newKey);
  assert.equal((await renewed.register({ contact: [], onlyExisting: true })).accountUrl, accountUrl);
  await renewed.deactivate();
  await assert.rejects(renewed.newOrder({ identifiers: [{ type: "dns", value: "localhost" }] }), AcmeError);
});

test("AcmeClient binds an external account at Pebble, and reads well without one", { skip }, async (t) => {
  const hmacKey = Buffer.alloc(32, 7).toString("base64url");
  const pebble = await startPebble(
    t,
    {},
    { externalAccountBindingRequired: true, externalAccountMACKeys: { "kid-1": hmacKey } },
  );
  const client = await clientOf(t, pebble);
  assert.equal((await client.directory()).externalAccountRequired, true);
  await assert.rejects(client.register({ contact: [] }), (error) => {
    assert.ok(error instanceof AcmeError);
    assert.match(error.message, /^Cannot register an ACME account: .*\(externalAccountRequired\)$/);
    assert.match(error.hint ?? "", /externalAccountBinding/);
    return true;
  });
  await client.register({ contact: [], externalAccount: { kid: "kid-1", hmacKey } });
});

test("AcmeClient chooses the preferred chain among Pebble's alternates", { skip }, async (t) => {
  const pebble = await startPebble(t, { PEBBLE_ALTERNATE_ROOTS: "2", PEBBLE_CHAIN_LENGTH: "2" });
  const client = await clientOf(t, pebble);
  const key = await generateKey({ algorithm: "ECDSA", size: 256 });
  await client.register({ contact: [] });
  let order: AcmeOrder = { state: "new", identifiers: [{ type: "dns", value: "localhost" }] };
  const csr = await createRequest(key, { dnsNames: ["localhost"] });
  order = await drive(client, pebble, order, csr, (at) => at.state === "valid");
  assert.ok(order.state === "valid");
  const first = parseChain(await client.certificate(order.certificateUrl)).at(-1)?.issuerCommonName ?? "";
  const rootNames = new Set<string>();
  for (const index of [0, 1, 2]) rootNames.add(await rootName(pebble, index));
  const other = [...rootNames].find((name) => name !== first) ?? "";
  const chosen = await client.certificate(order.certificateUrl, { preferredChain: other });
  assert.equal(parseChain(chosen).at(-1)?.issuerCommonName, other);
  const fallback = await client.certificate(order.certificateUrl, { preferredChain: "No Such Root" });
  assert.equal(parseChain(fallback).at(-1)?.issuerCommonName, first);
});

test("driveStep() reaches a certificate of Pebble when every step is lost once in a crash", { skip }, async (t) => {
  const pebble = await startPebble(t, { PEBBLE_AUTHZREUSE: "0" });
  const client = await clientOf(t, pebble);
  await client.register({ contact: [] });
  const csr = await createRequest(await generateKey({ algorithm: "ECDSA", size: 256 }), { dnsNames: ["localhost"] });
  const start: AcmeOrder = { state: "new", identifiers: [{ type: "dns", value: "localhost" }] };
  const order = await drive(client, pebble, start, csr, () => false, undefined, true);
  assert.equal(order.state, "issued", JSON.stringify(order));
});

test("driveStep() ends in Pebble's own words when the answer is wrong", { skip }, async (t) => {
  const pebble = await startPebble(t, {});
  const client = await clientOf(t, pebble);
  await client.register({ contact: [] });
  const key = await generateKey({ algorithm: "ECDSA", size: 256 });
  const csr = await createRequest(key, { dnsNames: ["localhost"] });
  const start: AcmeOrder = { state: "new", identifiers: [{ type: "dns", value: "localhost" }] };
  const order = await drive(client, pebble, start, csr, () => false, "wrong");
  assert.ok(order.state === "invalid");
  assert.match(order.problem.detail, /^"localhost" was not proven: .*wrong/);
  assert.match(order.problem.type, /unauthorized|incorrectResponse/);
});

async function obtain(client: AcmeClient, pebble: Pebble, names: readonly string[], csr: string): Promise<string> {
  const identifiers = names.map((value) => ({
    type: parseIp(value) === undefined ? ("dns" as const) : ("ip" as const),
    value,
  }));
  const order = await drive(client, pebble, { state: "new", identifiers }, csr, () => false);
  assert.ok(order.state === "issued", JSON.stringify(order));
  return order.chain;
}

async function drive(
  client: AcmeClient,
  pebble: Pebble,
  start: AcmeOrder,
  csr: string,
  until: (order: AcmeOrder) => boolean,
  answer?: string,
  crashing = false,
): Promise<AcmeOrder> {
  let order = start;
  while (!until(order)) {
    const step = nextStep(order, systemClock.nowMs());
    if (step.kind === "poll") await systemClock.sleep(step.atMs - systemClock.nowMs());
    const options = {
      nowMs: () => systemClock.nowMs(),
      csr: () => Promise.resolve(csr),
      present: (challenge: { token: string }, keyAuthorization: string) => {
        pebble.responder.answers.set(challenge.token, answer ?? keyAuthorization);
        return Promise.resolve();
      },
    };
    // A crash after the CA has answered and before that is written down: the step is performed again.
    if (crashing) await driveStep(client, order, options);
    const event = await driveStep(client, order, options);
    if (event === undefined) return order;
    order = advance(order, event);
  }
  return order;
}

async function clientOf(t: TestContext, pebble: Pebble, key?: KeyObject): Promise<AcmeClient> {
  const accountKey = key ?? (await generateKey({ algorithm: "ECDSA", size: 256 }));
  const { directoryUrl, caBundle } = pebble;
  const client = new AcmeClient({ directoryUrl, caBundle, accountKey, clock: systemClock, userAgent: "lintel-test" });
  t.after(() => client.close());
  return client;
}

async function rootName(pebble: Pebble, index: number): Promise<string> {
  const outgoing = get(`${pebble.managementUrl}/roots/${index}`, { ca: pebble.caBundle });
  const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.on("response", resolve).on("error", reject);
  });
  return parseCertificate(await text(incoming)).commonName;
}

/** Starts Pebble on free ports of 127.0.0.1, resolving every name to that address. */
async function startPebble(
  t: TestContext,
  environment: Readonly<Record<string, string>>,
  config: Readonly<Record<string, unknown>> = {},
): Promise<Pebble> {
  const directory = await temporaryFolder(t);
  const responder = await ChallengeResponder.open();
  t.after(() => responder[Symbol.asyncDispose]());
  const ca = await LocalCa.open({ directory, clock: systemClock });
  const issued = await ca.issue({ names: ["127.0.0.1"], durationMs: 3_600_000 });
  const [certificate, privateKey, configFile] = ["cert.pem", "key.pem", "config.json"].map((name) =>
    join(directory, name),
  );
  assert.ok(certificate !== undefined && privateKey !== undefined && configFile !== undefined);
  const [port, managementPort] = await Promise.all([freePort(), freePort()]);
  const pebble = {
    listenAddress: `127.0.0.1:${port}`,
    managementListenAddress: `127.0.0.1:${managementPort}`,
    certificate,
    privateKey,
    httpPort: responder.port,
    tlsPort: 1,
    ocspResponderURL: "",
    ...config,
  };
  await writeFile(certificate, issued.chain);
  await writeFile(privateKey, issued.key);
  await writeFile(configFile, JSON.stringify({ pebble }));
  const child = spawn("pebble", ["-strict", "-config", configFile], {
    env: { PATH: process.env["PATH"], PEBBLE_VA_NOSLEEP: "1", PEBBLE_WFE_NONCEREJECT: "20", ...environment },
    stdio: ["ignore", "pipe", "ignore"],
  });
  t.after(() => child.kill("SIGKILL"));
  await new Promise<void>((resolve, reject) => {
    child.on("exit", (code) => reject(new Error(`pebble ended with code ${code}`)));
    child.stdout.setEncoding("utf8").on("data", (line: string) => {
      if (line.includes("ACME directory available")) resolve();
    });
  });
  await answers(port);
  await answers(managementPort);
  return {
    directoryUrl: `https://127.0.0.1:${port}/dir`,
    managementUrl: `https://127.0.0.1:${managementPort}`,
    caBundle: ca.rootPem,
    responder,
  };
}

/** Pebble says that it listens a moment before it does. */
async function answers(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const socket = connect(port, "127.0.0.1");
    const connected = await new Promise<boolean>((resolve) => {
      socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    });
    socket.destroy();
    if (connected) return;
    await systemClock.sleep(10);
  }
}
