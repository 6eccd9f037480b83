import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { promisify } from "node:util";
import { numberAt, recordAt, stringAt } from "../../ground/json.ts";
import { skipWithout } from "../../ground/testing.ts";
import { temporaryFolder } from "../../pki/testing.ts";
import { parseCertificate } from "../../pki/x509/certificate.ts";
import { base64At, toBase64 } from "../../resource/certificate-request.ts";
import { CERTIFICATE, EVENT, ISSUER, SECRET } from "../../resource/kind.ts";
import type { KubeObject } from "../../resource/object.ts";
import { secretBytes } from "../../resource/secret.ts";
import { caSecret, make, TestPlane } from "../testing.ts";

const run = promisify(execFile);
const DAY_MS = 86_400_000;
const PASSWORD_REF = { name: "store-password", key: "pw" };
const BOTH = {
  jks: { create: true, passwordSecretRef: PASSWORD_REF, alias: "Shop" },
  pkcs12: { create: true, passwordSecretRef: PASSWORD_REF, profile: "Modern2023" },
};

async function withCa(): Promise<TestPlane> {
  const test = await TestPlane.open();
  await test.store.create(SECRET, await caSecret(test.clock, "ca-pair"));
  await test.store.create(ISSUER, make(ISSUER, "ca", { spec: { ca: { secretName: "ca-pair" } } }));
  return test;
}

function web(spec: Readonly<Record<string, unknown>> = {}): KubeObject {
  const base = { secretName: "web-tls", dnsNames: ["shop.example"], issuerRef: { name: "ca" } };
  return make(CERTIFICATE, "web", { spec: { ...base, privateKey: { algorithm: "ECDSA" }, ...spec } });
}

async function change(test: TestPlane, spec: Readonly<Record<string, unknown>>): Promise<void> {
  const found = await test.get(CERTIFICATE, "web");
  assert.ok(found !== undefined);
  await test.store.update(CERTIFICATE, { ...found, spec: recordAt(web(spec), "spec") });
  await test.quiet();
}

async function setPassword(test: TestPlane, password: string): Promise<void> {
  const wanted = make(SECRET, "store-password", { type: "Opaque", data: { pw: toBase64(password) } });
  const found = await test.get(SECRET, "store-password");
  await (found === undefined
    ? test.store.create(SECRET, wanted)
    : test.store.update(SECRET, { ...found, data: wanted["data"] }));
  await test.quiet();
}

async function secretOf(test: TestPlane): Promise<KubeObject> {
  const secret = await test.get(SECRET, "web-tls");
  assert.ok(secret !== undefined);
  return secret;
}

async function entriesOf(test: TestPlane): Promise<readonly string[]> {
  return Object.keys(recordAt(await secretOf(test), "data")).toSorted();
}

async function statusOf(test: TestPlane): Promise<unknown> {
  return (await test.get(CERTIFICATE, "web"))?.["status"];
}

async function eventReasons(test: TestPlane): Promise<ReadonlySet<string | undefined>> {
  return new Set((await test.store.list(EVENT)).items.map((event) => stringAt(event, "reason")));
}

/** Opens the keystore with OpenSSL and returns the serial number of its first certificate. */
async function serialInPkcs12(t: TestContext, test: TestPlane, password: string): Promise<string> {
  const file = join(await temporaryFolder(t), "keystore.p12");
  await writeFile(file, secretBytes(await secretOf(test), "keystore.p12") ?? "");
  const { stdout } = await run("openssl", ["pkcs12", "-in", file, "-passin", `pass:${password}`, "-nodes"]);
  return parseCertificate(stdout).serialHex;
}

async function serialInSecret(test: TestPlane): Promise<string> {
  return parseCertificate(base64At((await secretOf(test))["data"], "tls.crt") ?? "").serialHex;
}

async function listedByKeytool(t: TestContext, test: TestPlane, entry: string, password: string): Promise<string> {
  const file = join(await temporaryFolder(t), entry);
  await writeFile(file, secretBytes(await secretOf(test), entry) ?? "");
  return (await run("keytool", ["-list", "-keystore", file, "-storetype", "JKS", "-storepass", password])).stdout;
}

const WITH_KEYSTORES = [
  "ca.crt",
  "keystore.jks",
  "keystore.p12",
  "tls.crt",
  "tls.key",
  "truststore.jks",
  "truststore.p12",
];
const PLAIN = ["ca.crt", "tls.crt", "tls.key"];

describe("keystores", () => {
  it(
    "are in the Secret with the certificate, and open with the password",
    {
      skip: skipWithout("openssl", "keytool"),
    },
    async (t) => {
      await using test = await withCa();
      await setPassword(test, "changeit");
      await test.store.create(CERTIFICATE, web({ keystores: BOTH }));
      await test.untilReady("web");
      assert.deepEqual(await entriesOf(test), WITH_KEYSTORES);
      assert.equal(await serialInPkcs12(t, test, "changeit"), await serialInSecret(test));
      const keystore = await listedByKeytool(t, test, "keystore.jks", "changeit");
      assert.match(keystore, /^shop, .*PrivateKeyEntry/m);
      assert.match(keystore, /^ca, .*trustedCertEntry/m);
      assert.match(await listedByKeytool(t, test, "truststore.jks", "changeit"), /contains 1 entry/);
    },
  );

  it(
    "are made anew, without a new certificate, when the password or a setting changes",
    {
      skip: skipWithout("openssl", "keytool"),
    },
    async (t) => {
      await using test = await withCa();
      await setPassword(test, "changeit");
      await test.store.create(CERTIFICATE, web({ keystores: BOTH }));
      await test.untilReady("web");
      await setPassword(test, "another one");
      await assert.rejects(serialInPkcs12(t, test, "changeit"));
      assert.equal(await serialInPkcs12(t, test, "another one"), await serialInSecret(test));
      const jks = { ...BOTH.jks, alias: "renamed", passwordSecretRef: undefined, password: "literal" };
      await change(test, { keystores: { jks } });
      assert.match(await listedByKeytool(t, test, "keystore.jks", "literal"), /^renamed, /m);
      assert.deepEqual(await entriesOf(test), [...PLAIN, "keystore.jks", "truststore.jks"].toSorted());
      await change(test, {});
      assert.deepEqual(await entriesOf(test), PLAIN);
      assert.equal(numberAt(await statusOf(test), "revision"), 1);
    },
  );

  it("stay as they are while nothing changes", async () => {
    await using test = await withCa();
    await setPassword(test, "changeit");
    await test.store.create(CERTIFICATE, web({ keystores: BOTH }));
    await test.untilReady("web");
    await test.quiet();
    const before = await secretOf(test);
    await change(test, { keystores: BOTH, revisionHistoryLimit: 3 });
    assert.equal((await secretOf(test)).metadata.resourceVersion, before.metadata.resourceVersion);
  });

  it("do not hold the certificate back when the password is missing, and follow once it is there", async () => {
    await using test = await withCa();
    await test.store.create(CERTIFICATE, web({ keystores: BOTH }));
    await test.until(async () => (await test.get(SECRET, "web-tls")) !== undefined, "the Secret");
    await test.quiet();
    assert.deepEqual(await entriesOf(test), PLAIN);
    const ready = await test.condition(CERTIFICATE, "web", "Ready");
    assert.deepEqual([ready?.status, ready?.reason], ["False", "SecretMismatch"]);
    assert.match(ready?.message ?? "", /entry "pw" of Secret "store-password" is missing; create it/);
    assert.ok((await eventReasons(test)).has("KeystorePasswordSecretNotFound"));
    await setPassword(test, "changeit");
    assert.deepEqual(await entriesOf(test), WITH_KEYSTORES);
    assert.equal((await test.condition(CERTIFICATE, "web", "Ready"))?.status, "True");
    await test.store.delete(SECRET, "shop", "store-password");
    await test.quiet();
    assert.equal((await test.condition(CERTIFICATE, "web", "Ready"))?.status, "True", "they were made already");
    assert.deepEqual(await entriesOf(test), WITH_KEYSTORES);
  });

  it("are made where the password is known, whatever becomes of the others", async () => {
    await using test = await withCa();
    const jks = { create: true, password: "changeit" };
    await test.store.create(CERTIFICATE, web({ keystores: { ...BOTH, jks } }));
    await test.until(async () => (await test.get(SECRET, "web-tls")) !== undefined, "the Secret");
    await test.quiet();
    assert.deepEqual(await entriesOf(test), [...PLAIN, "keystore.jks", "truststore.jks"].toSorted());
    assert.equal((await test.condition(CERTIFICATE, "web", "Ready"))?.status, "False");
  });

  it("get the new certificate when it is renewed", { skip: skipWithout("openssl") }, async (t) => {
    await using test = await withCa();
    await setPassword(test, "changeit");
    await test.store.create(CERTIFICATE, web({ keystores: { pkcs12: BOTH.pkcs12 } }));
    await test.untilReady("web");
    const first = await serialInSecret(test);
    await test.pass(61 * DAY_MS, 10 * DAY_MS);
    assert.notEqual(await serialInSecret(test), first);
    assert.equal(await serialInPkcs12(t, test, "changeit"), await serialInSecret(test));
  });

  it("tell nothing about the password in the annotation that keeps them current", async () => {
    await using test = await withCa();
    await setPassword(test, "changeit");
    await test.store.create(CERTIFICATE, web({ keystores: { pkcs12: BOTH.pkcs12 } }));
    await test.untilReady("web");
    const note = (await secretOf(test)).metadata.annotations?.["lintel.dev/keystore-pkcs12"] ?? "";
    await test.store.delete(SECRET, "shop", "web-tls");
    await test.until(async () => (await test.get(SECRET, "web-tls")) !== undefined, "a new Secret");
    const other = (await secretOf(test)).metadata.annotations?.["lintel.dev/keystore-pkcs12"] ?? "";
    assert.match(note, /^[0-9a-f]{64} [0-9a-f]{64}$/);
    assert.notEqual(note.split(" ")[1], other.split(" ")[1], "the same password under another key");
  });
});

describe("upkeep of the Secret", () => {
  it("takes back what the template no longer has, and leaves what others put there", async () => {
    await using test = await withCa();
    const secretTemplate = { labels: { team: "red", tier: "web" }, annotations: { note: "mine" } };
    await test.store.create(CERTIFICATE, web({ secretTemplate }));
    await test.untilReady("web");
    const secret = await secretOf(test);
    const { labels, annotations } = secret.metadata;
    await test.store.update(SECRET, {
      ...secret,
      metadata: { ...secret.metadata, labels: { ...labels, own: "yes" }, annotations: { ...annotations, own: "yes" } },
    });
    await change(test, { secretTemplate: { labels: { tier: "edge" } } });
    const after = (await secretOf(test)).metadata;
    assert.deepEqual(after.labels, { "controller.cert-manager.io/fao": "true", own: "yes", tier: "edge" });
    assert.equal(after.annotations?.["note"], undefined);
    assert.equal(after.annotations?.["own"], "yes");
    await change(test, {});
    assert.equal((await secretOf(test)).metadata.labels?.["tier"], undefined);
    assert.equal((await secretOf(test)).metadata.annotations?.["lintel.dev/secret-template"], undefined);
    assert.equal(numberAt(await statusOf(test), "revision"), 1);
  });

  it("adds and removes further forms of key and certificate without issuing", async () => {
    await using test = await withCa();
    await test.store.create(CERTIFICATE, web());
    await test.untilReady("web");
    await change(test, { additionalOutputFormats: [{ type: "CombinedPEM" }, { type: "DER" }] });
    const { data } = await secretOf(test);
    assert.equal(base64At(data, "tls-combined.pem"), `${base64At(data, "tls.key")}\n${base64At(data, "tls.crt")}`);
    await change(test, { additionalOutputFormats: [{ type: "DER" }] });
    assert.deepEqual(await entriesOf(test), [...PLAIN, "key.der"].toSorted());
    await change(test, {});
    assert.deepEqual(await entriesOf(test), PLAIN);
    assert.equal(numberAt(await statusOf(test), "revision"), 1);
  });

  it("repeats the parts of the subject in annotations, quoted where they have commas", async () => {
    await using test = await withCa();
    const subject = { organizations: ["Shop, Ltd", "Other"], serialNumber: "7" };
    await test.store.create(CERTIFICATE, web({ subject }));
    await test.untilReady("web");
    const { annotations = {} } = (await secretOf(test)).metadata;
    assert.equal(annotations["cert-manager.io/subject-organizations"], '"Shop, Ltd",Other');
    assert.equal(annotations["cert-manager.io/subject-serialnumber"], "7");
  });
});

describe("spec.renewal", () => {
  it("keeps a certificate until it expires when the policy is Disabled, and renews by hand", async () => {
    await using test = await withCa();
    await test.store.create(CERTIFICATE, web({ renewal: { policy: "Disabled" } }));
    await test.untilReady("web");
    assert.equal(stringAt(await statusOf(test), "renewalTime"), undefined);
    await test.pass(89 * DAY_MS, 10 * DAY_MS);
    assert.equal((await test.condition(CERTIFICATE, "web", "Ready"))?.status, "True");
    await test.pass(2 * DAY_MS, DAY_MS);
    assert.equal((await test.condition(CERTIFICATE, "web", "Ready"))?.reason, "Expired");
    assert.equal(numberAt(await statusOf(test), "revision"), 1);
    const found = await test.get(CERTIFICATE, "web");
    assert.ok(found !== undefined);
    const conditions = [{ type: "Issuing", status: "True", reason: "ManuallyTriggered", message: "by hand" }];
    await test.store.updateStatus(CERTIFICATE, { ...found, status: { ...recordAt(found, "status"), conditions } });
    await test.untilReady("web");
    assert.equal(numberAt(await statusOf(test), "revision"), 2);
  });

  it("renews inside the windows", async () => {
    await using test = await withCa();
    // The clock starts on 1 January 2026; two thirds of 90 days are over on 2 March, a Monday.
    const windows = [{ cron: "0 22 * * sat", windowDuration: "3h", timezone: "Europe/Berlin" }];
    await test.store.create(CERTIFICATE, web({ renewal: { policy: "RenewBefore", windows } }));
    await test.untilReady("web");
    assert.equal(stringAt(await statusOf(test), "renewalTime"), "2026-03-07T21:00:00Z");
    await test.pass(65 * DAY_MS, 5 * DAY_MS);
    assert.equal(numberAt(await statusOf(test), "revision"), 1);
    await test.pass(DAY_MS, 3_600_000);
    assert.equal(numberAt(await statusOf(test), "revision"), 2);
  });

  it("says so in an Event when no window opens before a certificate ends", async () => {
    await using test = await withCa();
    const windows = [{ cron: "0 2 24 12 *", windowDuration: "2h" }];
    await test.store.create(CERTIFICATE, web({ renewal: { policy: "RenewBefore", windows } }));
    await test.untilReady("web");
    // Not a day longer: Events go after an hour.
    await test.pass(60 * DAY_MS, 5 * DAY_MS);
    assert.equal(numberAt(await statusOf(test), "revision"), 2);
    assert.ok((await eventReasons(test)).has("WindowError"));
  });
});
