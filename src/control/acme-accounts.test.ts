// What becomes of ACME accounts: keys that change, contacts that go, bindings, directories, and the end of an issuer.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AcmeError } from "../acme/client/acme-error.ts";
import { isRecord } from "../ground/json.ts";
import { encodeKey, generateKey } from "../pki/key.ts";
import { base64At, toBase64 } from "../resource/certificate-request.ts";
import { CERTIFICATE, EVENT, ISSUER, SECRET } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import { ACCOUNT_ANNOTATIONS, ACCOUNT_FINALIZER } from "./issuers/account-care.ts";
import { make, problemOf, TestPlane } from "./testing.ts";

const ACME = {
  server: "https://ca.example/directory",
  email: "owner@shop.example",
  privateKeySecretRef: { name: "account" },
  solvers: [{ http01: { ingress: {} } }],
};

async function newKey(): Promise<string> {
  return toBase64(encodeKey(await generateKey({ algorithm: "ECDSA", size: 256 }), "PKCS8"));
}

async function planeWith(acme: Readonly<Record<string, unknown>> = {}): Promise<TestPlane> {
  const test = await TestPlane.open();
  await test.store.create(SECRET, make(SECRET, "account", { type: "Opaque", data: { "tls.key": await newKey() } }));
  await test.store.create(ISSUER, make(ISSUER, "le", { spec: { acme: { ...ACME, ...acme } } }));
  return test;
}

async function ready(test: TestPlane): Promise<void> {
  await test.until(async () => (await test.condition(ISSUER, "le", "Ready"))?.status === "True", "the issuer");
}

async function change(test: TestPlane, edit: (object: KubeObject) => KubeObject): Promise<void> {
  const found = await test.get(ISSUER, "le");
  assert.ok(found !== undefined);
  await test.store.update(ISSUER, edit(found));
  await test.quiet();
}

function annotated(annotations: Readonly<Record<string, string>>): (object: KubeObject) => KubeObject {
  return (object) => ({ ...object, metadata: { ...object.metadata, annotations } });
}

async function accountData(test: TestPlane): Promise<Readonly<Record<string, unknown>>> {
  const data = (await test.get(SECRET, "account"))?.["data"];
  return isRecord(data) ? data : {};
}

describe("ACME accounts", () => {
  it("get a new key when the issuer asks, once for each wish, and go on issuing", async () => {
    await using test = await planeWith();
    await ready(test);
    const before = base64At(await accountData(test), "tls.key");
    await change(test, annotated({ [ACCOUNT_ANNOTATIONS.rotateKey]: "2026-01" }));
    await test.until(() => test.ca.count("changeKey") === 1, "the change");
    await test.quiet();
    const data = await accountData(test);
    assert.notEqual(base64At(data, "tls.key"), before);
    assert.deepEqual(Object.keys(data), ["tls.key"]);
    await test.restart();
    await test.quiet();
    assert.equal(test.ca.count("changeKey"), 1);
    const spec = { secretName: "web-tls", dnsNames: ["shop.example"], issuerRef: { name: "le" } };
    await test.store.create(CERTIFICATE, make(CERTIFICATE, "web", { spec }));
    await test.untilReady("web");
    await change(test, annotated({ [ACCOUNT_ANNOTATIONS.rotateKey]: "2026-02" }));
    await test.until(() => test.ca.count("changeKey") === 2, "the second change");
    await test.quiet();
    const reasons = (await test.store.list(EVENT)).items.map((event) => event["reason"]);
    assert.ok(reasons.includes("AccountKeyRotated"));
  });

  it("take up a change of key that a crash interrupted after the CA had made it", async () => {
    await using test = await planeWith();
    await ready(test);
    const next = await newKey();
    const secret = await test.get(SECRET, "account");
    assert.ok(secret !== undefined);
    await test.store.update(SECRET, { ...secret, data: { ...(await accountData(test)), "tls.key.next": next } });
    await change(test, annotated({ [ACCOUNT_ANNOTATIONS.rotateKey]: "now" }));
    await test.until(async () => (await accountData(test))["tls.key"] === next, "the key in its place");
    assert.equal(test.ca.count("changeKey"), 0);
    assert.equal(test.ca.count("register existing"), 1);
  });

  it("keep their key, and say why, when the CA does not change it", async () => {
    await using test = await planeWith();
    await ready(test);
    const before = (await accountData(test))["tls.key"];
    let refusing = true;
    test.ca.refuse = (call) => {
      const isOurs = call.startsWith("register existing");
      if (isOurs && refusing) throw new AcmeError("find", problemOf("accountDoesNotExist", "no such account", 400));
      if (call === "changeKey" && refusing) throw new AcmeError("change", problemOf("serverInternal", "busy", 503));
    };
    await change(test, annotated({ [ACCOUNT_ANNOTATIONS.rotateKey]: "now" }));
    await test.quiet();
    assert.equal((await accountData(test))["tls.key"], before);
    assert.equal((await test.condition(ISSUER, "le", "Ready"))?.status, "True");
    const messages = (await test.store.list(EVENT)).items.map((event) => String(event["message"]));
    assert.ok(
      messages.some((text) =>
        text.startsWith("Cannot do with the ACME account what the annotations ask, so it stays as it is"),
      ),
    );
    refusing = false;
    await test.pass(60_000, 1000);
    assert.notEqual((await accountData(test))["tls.key"], before);
  });

  it("are closed when the issuer is deleted and asked for it, and left alone otherwise", async () => {
    await using test = await planeWith();
    await ready(test);
    await change(test, annotated({ [ACCOUNT_ANNOTATIONS.deactivate]: "true" }));
    assert.deepEqual((await test.get(ISSUER, "le"))?.metadata.finalizers, [ACCOUNT_FINALIZER]);
    await change(test, annotated({}));
    assert.deepEqual((await test.get(ISSUER, "le"))?.metadata.finalizers ?? [], []);
    await change(test, annotated({ [ACCOUNT_ANNOTATIONS.deactivate]: "true" }));
    await test.store.delete(ISSUER, "shop", "le");
    await test.until(async () => (await test.get(ISSUER, "le")) === undefined, "the end of the issuer");
    assert.equal(test.ca.count("deactivate"), 1);

    await test.store.create(ISSUER, make(ISSUER, "le", { spec: { acme: ACME } }));
    await ready(test);
    await test.store.delete(ISSUER, "shop", "le");
    await test.quiet();
    assert.equal(test.ca.count("deactivate"), 1);
  });

  it("do not keep an issuer for ever whose CA is away", async () => {
    await using test = await planeWith();
    await ready(test);
    await change(test, annotated({ [ACCOUNT_ANNOTATIONS.deactivate]: "true" }));
    test.ca.refuse = (call) => {
      if (call === "deactivate") throw new AcmeError("close", problemOf("serverInternal", "away", 503));
    };
    await test.store.delete(ISSUER, "shop", "le");
    await test.quiet();
    assert.ok((await test.get(ISSUER, "le")) !== undefined);
    await test.pass(10 * 60_000, 5000);
    assert.equal((await test.get(ISSUER, "le")) === undefined, true);
    assert.equal(test.ca.count("deactivate"), 4);
  });

  it("forget their e-mail address when the issuer has none any more", async () => {
    await using test = await planeWith();
    await ready(test);
    const { email: _, ...without } = ACME;
    await change(test, (object) => ({ ...object, spec: { acme: without } }));
    await test.until(() => test.ca.count("register  forget") === 1, "the contact's end");
    assert.equal(test.ca.count("register mailto:owner@shop.example"), 1);
  });

  it("are registered anew at another directory of the same host", async () => {
    await using test = await planeWith();
    await ready(test);
    await change(test, (object) => ({ ...object, spec: { acme: { ...ACME, server: "https://ca.example/other" } } }));
    await test.until(() => test.ca.count("register") === 2, "the second registration");
  });

  it("wait for the Secret of their external binding, and say which entry is missing", async () => {
    const externalAccountBinding = { keyID: "kid", keySecretRef: { name: "eab", key: "hmac" } };
    await using test = await planeWith({ externalAccountBinding });
    await test.quiet();
    const message = (await test.condition(ISSUER, "le", "Ready"))?.message ?? "";
    assert.match(message, /Secret "shop\/eab" has no entry "hmac" with the key of externalAccountBinding; create it/);
    assert.equal(test.ca.count("register"), 0);
    const data = { hmac: toBase64(Buffer.alloc(32, 1).toString("base64url")) };
    await test.store.create(SECRET, make(SECRET, "eab", { type: "Opaque", data }));
    await ready(test);
  });
});
