// The server against the client of this house: over real HTTPS, proofs over a real or a pretended network.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { promisify } from "node:util";
import { systemClock } from "../../ground/system-clock.ts";
import { generateKey } from "../../pki/key.ts";
import { temporaryFolder } from "../../pki/testing.ts";
import { coversHost, parseCertificate, parseChain } from "../../pki/x509/certificate.ts";
import { createRequest, type RequestSubject } from "../../pki/x509/request.ts";
import { certificateId } from "../certificate-id.ts";
import { AcmeClient, AcmeError } from "../client/acme-client.ts";
import { driveStep } from "../client/testing.ts";
import { HTTP01_PATH } from "../key-authorization.ts";
import { type AcmeOrder, advance, nextStep } from "../order.ts";
import { ChallengeResponder } from "../testing.ts";
import { type AcmeIdentifier, shortType } from "../wire.ts";
import { createHttp01Dialer, type Http01Dialer } from "./http01-dialer.ts";
import { openTestServer, type TestServer } from "./testing.ts";
import { skipWithout } from "../../ground/testing.ts";

const run = promisify(execFile);
const SHOP: readonly AcmeIdentifier[] = [{ type: "dns", value: "shop.internal" }];

interface Bench {
  readonly server: TestServer;
  readonly client: AcmeClient;
  readonly accountKey: KeyObject;
  /** By token. */
  readonly answers: Map<string, string>;
  readonly directory: string;
}

test(
  "AcmeServer issues for names and addresses, proven over the network",
  { skip: skipWithout("openssl") },
  async (t) => {
    await using responder = await ChallengeResponder.open();
    // A name without DNS is found at the fallback, as the edge itself is in one-machine mode.
    const dial = createHttp01Dialer({ port: responder.port, fallback: { address: "127.0.0.1", port: responder.port } });
    const bench = await open(t, { dial, answers: responder.answers });
    await bench.client.register({ contact: ["mailto:ops@shop.internal"] });
    const identifiers: AcmeIdentifier[] = [
      ...SHOP,
      { type: "dns", value: "localhost" },
      { type: "ip", value: "127.0.0.1" },
    ];
    const chain = await obtain(bench, identifiers);
    const [leaf, intermediate] = parseChain(chain);
    assert.ok(leaf !== undefined && intermediate !== undefined);
    assert.ok(["shop.internal", "localhost", "127.0.0.1"].every((name) => coversHost(leaf, name)));
    assert.deepEqual(leaf.usages, ["digital signature", "server auth"]);
    const file = join(bench.directory, "chain.pem");
    await writeFile(file, chain);
    const trust = ["-CAfile", join(bench.directory, "root.crt"), "-untrusted", file];
    const { stdout } = await run("openssl", ["verify", "-x509_strict", "-purpose", "sslserver", ...trust, file]);
    assert.match(stdout, /OK/);
  },
);

test("AcmeServer says what was tried and seen when the answer is wrong", async (t) => {
  await using responder = await ChallengeResponder.open();
  const dial = createHttp01Dialer({ port: responder.port });
  const { client } = await open(t, { dial, answers: new Map() });
  await client.register({ contact: [] });
  const order = await driveToEnd(client, [{ type: "dns", value: "localhost" }], new Map());
  assert.ok(order.state === "invalid");
  assert.match(
    order.problem.detail,
    /^"localhost" was not proven: GET http:\/\/localhost\/\.well-known\/acme-challenge\/[\w-]{43} at 127\.0\.0\.1 answered 404 with "nothing here"$/,
  );
  assert.equal(shortType(order.problem), "unauthorized");
  assert.equal(responder.asked.length, 4, "tried four times");
});

test("AcmeServer says which name has no address", async (t) => {
  const { client } = await open(t, { dial: createHttp01Dialer(), answers: new Map() });
  await client.register({ contact: [] });
  const order = await driveToEnd(client, [{ type: "dns", value: "no-such-name.invalid" }], new Map());
  assert.ok(order.state === "invalid");
  assert.equal(shortType(order.problem), "dns");
  assert.match(order.problem.detail, /"no-such-name\.invalid" has no address here/);
});

test("AcmeServer keeps accounts, orders and certificates across a restart", async (t) => {
  const bench = await open(t);
  const { accountUrl } = await bench.client.register({ contact: [] });
  const before = await obtain(bench, SHOP);
  await bench.server.restart();
  assert.equal((await bench.client.register({ contact: [], onlyExisting: true })).accountUrl, accountUrl);
  await bench.client.revoke(before);
  assert.ok(coversHost(parseCertificate(await obtain(bench, SHOP)), "shop.internal"));
});

test("AcmeServer takes up a validation that a restart interrupted", async (t) => {
  let asked = 0;
  const answers = new Map<string, string>();
  const dial: Http01Dialer = (_host, path, { signal }) => {
    asked++;
    if (asked > 1) return Promise.resolve({ status: 200, body: answers.get(path.slice(HTTP01_PATH.length)) ?? "" });
    return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("stopped"))));
  };
  const bench = await open(t, { dial, answers });
  await bench.client.register({ contact: [] });
  const order = await bench.client.newOrder({ identifiers: SHOP });
  const [url = ""] = order.authorizations;
  const [challenge] = (await bench.client.authorization(url)).challenges;
  assert.ok(challenge !== undefined);
  answers.set(challenge.token, `${challenge.token}.${bench.client.thumbprint()}`);
  await bench.client.accept(challenge.url);
  assert.equal((await bench.client.authorization(url)).status, "pending");
  await bench.server.restart();
  await eventually(async () => (await bench.client.authorization(url)).status === "valid");
  assert.equal((await bench.client.order(order.url)).status, "ready");
});

test("driveStep() reaches the certificate when every step is lost once in a crash and performed again", async (t) => {
  const bench = await open(t);
  await bench.client.register({ contact: [] });
  const { client, answers } = bench;
  const csr = await createRequest(await generateKey({ algorithm: "ECDSA", size: 256 }), {
    dnsNames: ["shop.internal"],
  });
  const options = {
    nowMs: () => systemClock.nowMs(),
    csr: () => Promise.resolve(csr),
    present: (challenge: { token: string }, keyAuthorization: string) => {
      answers.set(challenge.token, keyAuthorization);
      return Promise.resolve();
    },
  };
  let order: AcmeOrder = { state: "new", identifiers: SHOP };
  for (let steps = 0; order.state !== "issued"; steps++) {
    assert.ok(steps < 100, JSON.stringify(order));
    await driveStep(client, order, options);
    await systemClock.sleep(10);
    const event = await driveStep(client, order, options);
    assert.ok(event !== undefined && event.kind !== "refused", JSON.stringify(event));
    order = advance(order, event);
  }
  assert.ok(coversHost(parseCertificate(order.chain), "shop.internal"));
});

test("AcmeServer refuses a request whose names, key or signature are not right", async (t) => {
  const bench = await open(t);
  await bench.client.register({ contact: [] });
  const key = await generateKey({ algorithm: "ECDSA", size: 256 });
  const weak = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey;
  const cases: readonly [KeyObject, RequestSubject, RegExp][] = [
    [key, { dnsNames: ["shop.internal", "evil.internal"] }, /asks for "evil\.internal", which the order does not have/],
    [key, { commonName: "evil.internal", dnsNames: ["shop.internal"] }, /asks for "evil\.internal"/],
    [key, { dnsNames: [] }, /lacks "shop\.internal"/],
    [
      key,
      { dnsNames: ["shop.internal"], emailAddresses: ["root@shop.internal"] },
      /neither DNS names nor IP addresses/,
    ],
    [key, { dnsNames: ["shop.internal"], isCa: true }, /asks for a CA certificate/],
    [bench.accountKey, { dnsNames: ["shop.internal"] }, /is the account's own/],
    [weak, { dnsNames: ["shop.internal"] }, /it has 1024 bits/],
  ];
  const order = await prove(bench, SHOP);
  for (const [csrKey, subject, why] of cases) {
    await assert.rejects(bench.client.finalize(order.finalize, await createRequest(csrKey, subject)), (error) => {
      assert.ok(error instanceof AcmeError && shortType(error.problem) === "badCSR", String(error));
      assert.match(error.problem.detail, why);
      return true;
    });
  }
  // None of these spoiled the order.
  const done = await bench.client.finalize(
    order.finalize,
    await createRequest(key, { commonName: "SHOP.internal", subject: { organizations: ["Not Proven"] } }),
  );
  const leaf = parseCertificate(await bench.client.certificate(done.certificate ?? ""));
  assert.deepEqual(leaf.subject, { commonName: ["shop.internal"] });
});

test("AcmeServer refuses names it cannot certify, each with its reason", async (t) => {
  const { client } = await open(t);
  await client.register({ contact: [] });
  const cases: readonly [AcmeIdentifier, RegExp][] = [
    [{ type: "dns", value: "*.*.shop.internal" }, /"\*" is no part of a domain name/],
    [{ type: "dns", value: "10.0.0.1" }, /order it with type ip/],
    [{ type: "dns", value: "shop_.internal" }, /"shop_" is no part of a domain name/],
    [{ type: "ip", value: "10.0.0" }, /not an IPv4 or IPv6 address/],
  ];
  for (const [identifier, why] of cases) {
    await assert.rejects(client.newOrder({ identifiers: [...SHOP, identifier] }), (error) => {
      assert.ok(error instanceof AcmeError && shortType(error.problem) === "rejectedIdentifier");
      assert.match(error.problem.detail, why);
      assert.deepEqual(
        error.problem.subproblems?.map((part) => part.identifier),
        [identifier],
      );
      return true;
    });
  }
});

test("AcmeServer honours notAfter within five days and refuses a later one", async (t) => {
  const bench = await open(t);
  await bench.client.register({ contact: [] });
  const notAfterMs = Math.ceil(systemClock.nowMs() / 1000) * 1000 + 3_600_000;
  assert.equal(parseCertificate(await obtain(bench, SHOP, { notAfterMs })).notAfterMs, notAfterMs);
  await assert.rejects(
    bench.client.newOrder({ identifiers: SHOP, notAfterMs: notAfterMs + 6 * 86_400_000 }),
    /must lie between now and/,
  );
});

test("AcmeServer finalizes an order only when every name is proven, and only once", async (t) => {
  const bench = await open(t);
  await bench.client.register({ contact: [] });
  const csr = await createRequest(await generateKey({ algorithm: "ECDSA", size: 256 }), {
    dnsNames: ["shop.internal"],
  });
  const open1 = await bench.client.newOrder({ identifiers: SHOP });
  await assert.rejects(
    bench.client.finalize(open1.finalize, csr),
    /not every authorization is valid yet \(orderNotReady\)/,
  );
  const ready = await prove(bench, SHOP);
  const both = await Promise.allSettled([1, 2].map(() => bench.client.finalize(ready.finalize, csr)));
  assert.deepEqual(both.map((result) => result.status).sort(), ["fulfilled", "rejected"]);
});

test("AcmeServer makes an order invalid when an authorization is given up", async (t) => {
  const bench = await open(t);
  await bench.client.register({ contact: [] });
  const order = await bench.client.newOrder({ identifiers: SHOP });
  await bench.client.deactivateAuthorization(order.authorizations[0] ?? "");
  assert.equal((await bench.client.order(order.url)).status, "invalid");
});

test("AcmeServer lets account and certificate key revoke, once, and others not", async (t) => {
  const bench = await open(t);
  await bench.client.register({ contact: [] });
  const stranger = await clientOf(t, bench.server);
  await stranger.register({ contact: [] });
  const key = await generateKey({ algorithm: "ECDSA", size: 256 });
  const chain = await obtain(bench, SHOP, {}, key);
  await assert.rejects(stranger.revoke(chain), refusal("unauthorized"));
  await assert.rejects(bench.client.revoke(chain, 2), refusal("badRevocationReason"));
  await assert.rejects(
    bench.client.revoke(chain, 1, await generateKey({ algorithm: "ECDSA", size: 256 })),
    refusal("unauthorized"),
  );
  await bench.client.revoke(chain, 1, key);
  await assert.rejects(bench.client.revoke(chain), refusal("alreadyRevoked"));
});

test("AcmeServer gives renewal information and takes each replacement once", async (t) => {
  const bench = await open(t);
  await bench.client.register({ contact: [] });
  const chain = await obtain(bench, SHOP);
  const facts = parseCertificate(chain);
  const info = await bench.client.renewalInfo(chain);
  assert.ok(info !== undefined && info.startMs > systemClock.nowMs() && info.endMs < facts.notAfterMs);
  const replaces = certificateId(chain) ?? "";
  await obtain(bench, SHOP, { replaces });
  await assert.rejects(bench.client.newOrder({ identifiers: SHOP, replaces }), /replaced already \(alreadyReplaced\)/);
  await bench.client.revoke(chain);
  const revoked = await bench.client.renewalInfo(chain);
  assert.ok(revoked !== undefined && revoked.endMs <= systemClock.nowMs(), "renew at once");
});

test("AcmeServer makes certificates of each profile, and refuses profiles it does not have", async (t) => {
  const bench = await open(t);
  await bench.client.register({ contact: [] });
  assert.deepEqual((await bench.client.directory()).profiles, ["default", "tlsserver", "shortlived"]);
  const key = await generateKey({ algorithm: "RSA", size: 2048 });
  const commonName = "shop.internal";
  const made = async (profile?: string): Promise<readonly unknown[]> => {
    const order = await prove(bench, SHOP, profile);
    const csr = await createRequest(key, { commonName, dnsNames: [commonName] });
    const done = await bench.client.finalize(order.finalize, csr);
    const facts = parseCertificate(await bench.client.certificate(done.certificate ?? ""));
    const days = Math.round((facts.notAfterMs - systemClock.nowMs()) / 86_400_000);
    return [days, facts.commonName, facts.usages.includes("key encipherment")];
  };
  assert.deepEqual(await made(), [5, commonName, true]);
  assert.deepEqual(await made("tlsserver"), [5, "", false]);
  assert.deepEqual(await made("shortlived"), [1, "", false]);
  await assert.rejects(bench.client.newOrder({ identifiers: SHOP, profile: "toString" }), refusal("invalidProfile"));
});

test("AcmeServer asks for renewal at once when the intermediate was revoked, and signs with another", async (t) => {
  const bench = await open(t);
  await bench.client.register({ contact: [] });
  const before = await obtain(bench, SHOP);
  const early = await bench.client.renewalInfo(before);
  assert.ok(early !== undefined && early.startMs > systemClock.nowMs(), "not yet");
  assert.notEqual(await bench.server.ca.revokeIntermediate(1), undefined);
  const info = await bench.client.renewalInfo(before);
  assert.ok(info !== undefined && info.endMs <= systemClock.nowMs(), "renew at once");
  const after = await obtain(bench, SHOP);
  assert.notEqual(parseCertificate(after).authorityKeyIdHex, parseCertificate(before).authorityKeyIdHex);
});

test("AcmeServer updates, re-keys and deactivates accounts", async (t) => {
  const bench = await open(t);
  const { accountUrl } = await bench.client.register({ contact: ["mailto:a@shop.internal"] });
  assert.equal((await bench.client.register({ contact: ["mailto:b@shop.internal"] })).accountUrl, accountUrl);
  const newKey = await generateKey({ algorithm: "RSA", size: 2048 });
  await bench.client.changeKey(newKey);
  await assert.rejects(bench.client.newOrder({ identifiers: SHOP }), AcmeError);
  const renewed = await clientOf(t, bench.server, newKey);
  assert.equal((await renewed.register({ contact: [], onlyExisting: true })).accountUrl, accountUrl);
  const other = await clientOf(t, bench.server);
  await other.register({ contact: [] });
  await assert.rejects(other.changeKey(newKey), (error) => error instanceof AcmeError && error.problem.status === 409);
  await renewed.deactivate();
  await assert.rejects(renewed.newOrder({ identifiers: SHOP }), /The account is deactivated \(unauthorized\)/);
  await assert.rejects(renewed.register({ contact: [] }), /deactivated/);
});

test("AcmeServer says that no account has the key when only an existing one is wanted", async (t) => {
  const { client } = await open(t);
  await assert.rejects(
    client.register({ contact: [], onlyExisting: true }),
    /No account has this key \(accountDoesNotExist\)/,
  );
});

function refusal(type: string): (error: unknown) => boolean {
  return (error) => error instanceof AcmeError && shortType(error.problem) === type;
}

async function open(t: TestContext, given?: { dial: Http01Dialer; answers: Map<string, string> }): Promise<Bench> {
  const directory = await temporaryFolder(t);
  const answers = given?.answers ?? new Map<string, string>();
  const dial: Http01Dialer = (_host, path) =>
    Promise.resolve({ status: 200, body: `${answers.get(path.slice(HTTP01_PATH.length)) ?? ""}\n` });
  const server = await openTestServer(t, { directory, dial: given?.dial ?? dial });
  const accountKey = await generateKey({ algorithm: "ECDSA", size: 256 });
  return { server, client: await clientOf(t, server, accountKey), accountKey, answers, directory };
}

async function clientOf(t: TestContext, server: TestServer, key?: KeyObject): Promise<AcmeClient> {
  const accountKey = key ?? (await generateKey({ algorithm: "ECDSA", size: 256 }));
  const { directoryUrl, caBundle } = server;
  const client = new AcmeClient({ directoryUrl, caBundle, accountKey, clock: systemClock, userAgent: "lintel-test" });
  t.after(() => client.close());
  return client;
}

async function obtain(
  bench: Bench,
  identifiers: readonly AcmeIdentifier[],
  wish: { notAfterMs?: number; replaces?: string } = {},
  key?: KeyObject,
): Promise<string> {
  const order = await driveToEnd(bench.client, identifiers, bench.answers, wish, key);
  assert.ok(order.state === "issued", JSON.stringify(order));
  return order.chain;
}

async function driveToEnd(
  client: AcmeClient,
  identifiers: readonly AcmeIdentifier[],
  answers: Map<string, string>,
  wish: { notAfterMs?: number; replaces?: string } = {},
  key?: KeyObject,
): Promise<AcmeOrder> {
  const certificateKey = key ?? (await generateKey({ algorithm: "ECDSA", size: 256 }));
  const csr = await createRequest(certificateKey, {
    dnsNames: identifiers.filter(({ type }) => type === "dns").map(({ value }) => value),
    ipAddresses: identifiers.filter(({ type }) => type === "ip").map(({ value }) => value),
  });
  let order: AcmeOrder = { state: "new", identifiers, ...wish };
  for (;;) {
    const step = nextStep(order, systemClock.nowMs());
    if (step.kind === "poll") await systemClock.sleep(10);
    const event = await driveStep(client, order, {
      nowMs: () => systemClock.nowMs(),
      csr: () => Promise.resolve(csr),
      present: (challenge, keyAuthorization) => {
        answers.set(challenge.token, keyAuthorization);
        return Promise.resolve();
      },
    });
    if (event === undefined) return order;
    order = advance(order, event);
  }
}

/** Returns a ready order for `identifiers`. */
async function prove(
  bench: Bench,
  identifiers: readonly AcmeIdentifier[],
  profile?: string,
): ReturnType<AcmeClient["order"]> {
  const order = await bench.client.newOrder({ identifiers, profile });
  for (const url of order.authorizations) {
    for (const challenge of (await bench.client.authorization(url)).challenges) {
      bench.answers.set(challenge.token, `${challenge.token}.${bench.client.thumbprint()}`);
      await bench.client.accept(challenge.url);
    }
  }
  await eventually(async () => (await bench.client.order(order.url)).status === "ready");
  return order;
}

async function eventually(condition: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (await condition()) return;
    await systemClock.sleep(10);
  }
  assert.fail("it did not happen within two seconds");
}
