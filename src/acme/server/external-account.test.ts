import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test, type TestContext } from "node:test";
import { isLintelError } from "../../ground/errors.ts";
import { systemClock } from "../../ground/system-clock.ts";
import { generateKey } from "../../pki/key.ts";
import { temporaryFolder } from "../../pki/testing.ts";
import { AcmeClient, AcmeError } from "../client/acme-client.ts";
import { shortType } from "../wire.ts";
import type { SignedCall } from "./call.ts";
import { boundExternalAccount } from "./external-account.ts";
import { issueExternalAccount, makeExternalAccount, revokeExternalAccount } from "./external-account-keys.ts";
import { verificationKey } from "./jws.ts";
import { Ledger } from "./ledger.ts";
import { openTestServer, type TestServer } from "./testing.ts";

const NOW_MS = Date.UTC(2026, 10, 24);
const ONCE = { note: "web-1", reusable: false, nowMs: NOW_MS };

test("AcmeServer registers nobody without a binding where one is required, and says so in its directory", async (t) => {
  const { server, ledger } = await open(t);
  const client = await clientOf(t, server);
  assert.equal((await client.directory()).externalAccountRequired, true);
  await assert.rejects(client.register({ contact: [] }), refusal("externalAccountRequired"));
  const key = issueExternalAccount(ledger, ONCE);
  const bound = { contact: [], externalAccount: { kid: key.id, hmacKey: key.hmacKey } };
  const { accountUrl } = await client.register(bound);
  assert.deepEqual(ledger.externalAccount(key.id)?.accountIds, [accountUrl.split("/").at(-1)]);
  assert.equal((await client.register({ contact: [] })).accountUrl, accountUrl, "an account that exists is found");
});

test("AcmeServer takes a key once, a reusable one often, and neither after it was revoked", async (t) => {
  const { server, ledger } = await open(t);
  const register = async (kid: string, hmacKey: string): Promise<AcmeClient> => {
    const client = await clientOf(t, server);
    await client.register({ contact: [], externalAccount: { kid, hmacKey } });
    return client;
  };
  const once = issueExternalAccount(ledger, ONCE);
  await register(once.id, once.hmacKey);
  await assert.rejects(register(once.id, once.hmacKey), /registered an account already \(unauthorized\)/);
  const often = issueExternalAccount(ledger, { ...ONCE, reusable: true });
  const first = await register(often.id, often.hmacKey);
  await register(often.id, often.hmacKey);
  await assert.rejects(register(often.id, once.hmacKey), /unknown or revoked.*\(unauthorized\)/);
  await assert.rejects(register("nobody", once.hmacKey), /unknown or revoked.*\(unauthorized\)/);
  assert.equal(revokeExternalAccount(ledger, often.id, NOW_MS), 2);
  await assert.rejects(register(often.id, often.hmacKey), /unknown or revoked/);
  await assert.rejects(
    first.newOrder({ identifiers: [{ type: "dns", value: "a.internal" }] }),
    /account is deactivated/,
  );
  assert.throws(
    () => revokeExternalAccount(ledger, "nobody", NOW_MS),
    (error) => isLintelError(error, "NotFound"),
  );
});

test("AcmeServer registers this instance's own accounts by a key that nobody can list", async (t) => {
  const { server, ledger } = await open(t);
  const client = await clientOf(t, server);
  await client.register({ contact: [], externalAccount: server.ownExternalAccount() });
  assert.deepEqual([ledger.accounts(), ledger.externalAccounts()], [1, []]);
});

const URL_TEXT = "https://ca.test/acme/local/new-account";
const KEY = makeExternalAccount(ONCE);

/** Bindings with one thing wrong, and what is said about it. */
const WRONGS: readonly (readonly [what: string, binding: (jwk: unknown) => unknown, said: RegExp])[] = [
  ["it is no JWS", () => "text", /flattened JSON/],
  ["its algorithm is none", (jwk) => binding(jwk, { alg: "none" }), /HS256, HS384, HS512/],
  ["its algorithm is not a MAC", (jwk) => binding(jwk, { alg: "ES256" }), /HS256, HS384, HS512/],
  ["it has a nonce", (jwk) => binding(jwk, { nonce: "AAAA" }), /no nonce/],
  ["its url is another", (jwk) => binding(jwk, { url: "https://ca.test/" }), /url is not/],
  ["its payload is another key", (jwk) => binding({ ...Object(jwk), x: "AAAA" }, {}), /public key of the account/],
  ["its MAC is another's", (jwk) => binding(jwk, {}, "AAAA"), /unknown or revoked/],
  ["its MAC is empty", (jwk) => ({ ...binding(jwk, {}), signature: "" }), /unknown or revoked/],
];

for (const [what, make, said] of WRONGS) {
  test(`boundExternalAccount() refuses a binding when ${what}`, async () => {
    const { jwk, call } = await newAccountCall();
    const wrong = { ...call, payload: { externalAccountBinding: make(jwk) } };
    assert.throws(() => boundExternalAccount(wrong, () => KEY), said);
  });
}

for (const alg of ["HS256", "HS384", "HS512"]) {
  test(`boundExternalAccount() takes a binding with ${alg}`, async () => {
    const { jwk, call } = await newAccountCall();
    const good = { ...call, payload: { externalAccountBinding: binding(jwk, { alg }) } };
    assert.equal(boundExternalAccount(good, () => KEY)?.id, KEY.id);
  });
}

test("boundExternalAccount() refuses an empty MAC key for a key that does not exist", async () => {
  const { jwk, call } = await newAccountCall();
  const wrong = { ...call, payload: { externalAccountBinding: binding(jwk, {}, "") } };
  assert.throws(() => boundExternalAccount(wrong, () => undefined), /unknown or revoked/);
});

function binding(jwk: unknown, header: Readonly<Record<string, unknown>>, hmacKey = KEY.hmacKey): object {
  const full = { alg: "HS256", kid: KEY.id, url: URL_TEXT, ...header };
  const protectedText = Buffer.from(JSON.stringify(full)).toString("base64url");
  const payload = Buffer.from(JSON.stringify(jwk)).toString("base64url");
  const hash = { HS384: "sha384", HS512: "sha512" }[full.alg] ?? "sha256";
  const mac = createHmac(hash, Buffer.from(hmacKey, "base64url")).update(`${protectedText}.${payload}`);
  return { protected: protectedText, payload, signature: mac.digest("base64url") };
}

async function newAccountCall(): Promise<{ jwk: unknown; call: SignedCall }> {
  const {
    kty = "",
    crv = "",
    x = "",
    y = "",
  } = (await generateKey({ algorithm: "ECDSA", size: 256 })).export({
    format: "jwk",
  });
  const jwk = { kty, crv, x, y };
  return { jwk, call: { payload: undefined, key: verificationKey(jwk), account: undefined, url: URL_TEXT } };
}

function refusal(type: string): (error: unknown) => boolean {
  return (error) => error instanceof AcmeError && shortType(error.problem) === type;
}

async function open(t: TestContext): Promise<{ server: TestServer; ledger: Ledger }> {
  const directory = await temporaryFolder(t);
  const server = await openTestServer(t, { directory, dial: noNetwork, requireExternalAccount: true });
  // A second connection to the same file, as the command line has.
  const ledger = Ledger.open(directory);
  t.after(() => ledger.close());
  return { server, ledger };
}

function noNetwork(): Promise<never> {
  return Promise.reject(new Error("no network here"));
}

async function clientOf(t: TestContext, server: TestServer): Promise<AcmeClient> {
  const accountKey = await generateKey({ algorithm: "ECDSA", size: 256 });
  const { directoryUrl, caBundle } = server;
  const client = new AcmeClient({ directoryUrl, caBundle, accountKey, clock: systemClock, userAgent: "lintel-test" });
  t.after(() => client.close());
  return client;
}
