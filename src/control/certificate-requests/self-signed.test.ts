import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { stringAt } from "../../ground/json.ts";
import { encodeKey, generateKey } from "../../pki/key.ts";
import { parseCertificate } from "../../pki/x509/certificate.ts";
import { createRequest, type RequestSubject } from "../../pki/x509/request.ts";
import { base64At, toBase64 } from "../../resource/certificate-request.ts";
import { CERTIFICATE_REQUEST, EVENT, ISSUER, SECRET } from "../../resource/kind.ts";
import { make, TestPlane } from "../testing.ts";

const KEY = await generateKey({ algorithm: "ECDSA", size: 256 });
const BY_KEY = { annotations: { "cert-manager.io/private-key-secret-name": "own-key" } };

async function withRequest(
  subject: RequestSubject,
  metadata: { readonly annotations?: Readonly<Record<string, string>> } = BY_KEY,
  fields: Readonly<Record<string, unknown>> = {},
): Promise<TestPlane> {
  const test = await TestPlane.open();
  await test.store.create(ISSUER, make(ISSUER, "self", { spec: { selfSigned: {} } }));
  const request = toBase64(await createRequest(KEY, subject));
  const spec = { request, issuerRef: { name: "self" }, ...fields };
  await test.store.create(CERTIFICATE_REQUEST, make(CERTIFICATE_REQUEST, "by-hand", { spec }, metadata));
  await test.quiet();
  return test;
}

async function storeKey(test: TestPlane, key: typeof KEY): Promise<void> {
  const data = { "tls.key": toBase64(encodeKey(key, "PKCS8")) };
  await test.store.create(SECRET, make(SECRET, "own-key", { type: "Opaque", data }));
  await test.quiet();
}

async function ready(test: TestPlane): Promise<string> {
  const condition = await test.condition(CERTIFICATE_REQUEST, "by-hand", "Ready");
  return `${condition?.reason ?? ""}: ${condition?.message ?? ""}`;
}

async function eventReasons(test: TestPlane): Promise<readonly (string | undefined)[]> {
  return (await test.store.list(EVENT)).items.map((event) => stringAt(event, "reason"));
}

describe("a request made by hand for a selfSigned issuer", () => {
  it("waits for the Secret with its key, and is signed once that is there", async () => {
    await using test = await withRequest({ commonName: "mine" });
    assert.match(await ready(test), /^Pending: Waiting for Secret "shop\/own-key".*does not exist/);
    assert.ok((await eventReasons(test)).includes("MissingSecret"));
    await storeKey(test, KEY);
    assert.match(await ready(test), /^Issued: /);
    const pem = base64At((await test.get(CERTIFICATE_REQUEST, "by-hand"))?.["status"], "certificate") ?? "";
    const { commonName, selfIssued, usages } = parseCertificate(pem);
    assert.deepEqual([commonName, selfIssued], ["mine", true]);
    assert.deepEqual(usages, ["digital signature", "key encipherment"], "the usages of a request that names none");
  });

  it("fails when the Secret has another key", async () => {
    await using test = await withRequest({ commonName: "mine" });
    await storeKey(test, await generateKey({ algorithm: "ECDSA", size: 256 }));
    assert.match(await ready(test), /^Failed: CSR not signed by referenced private key/);
  });

  it("fails when no Secret is named", async () => {
    await using test = await withRequest({ commonName: "mine" }, {});
    assert.match(await ready(test), /^Failed: Annotation "cert-manager.io\/private-key-secret-name" missing/);
  });

  it("fails when it asks inside for more than the object says", async () => {
    await using test = await withRequest({ commonName: "mine", isCa: true, usages: ["cert sign"] });
    await storeKey(test, KEY);
    assert.match(await ready(test), /^Failed: encoded CSR error: IsCA true does not match expected value false/);
  });

  it("is warned that its certificate will have no issuer when it has no subject", async () => {
    await using test = await withRequest({ dnsNames: ["shop.example"] });
    await storeKey(test, KEY);
    assert.match(await ready(test), /^Issued: /);
    assert.ok((await eventReasons(test)).includes("BadConfig"));
  });
});
