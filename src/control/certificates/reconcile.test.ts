import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { numberAt, stringAt } from "../../ground/json.ts";
import { parseKey, spkiFingerprint } from "../../pki/key.ts";
import { base64At } from "../../resource/certificate-request.ts";
import { CERTIFICATE, CERTIFICATE_REQUEST, CLUSTER_ISSUER, EVENT, ISSUER, SECRET } from "../../resource/kind.ts";
import { caSecret, make, TestPlane } from "../testing.ts";

async function withCa(): Promise<TestPlane> {
  const test = await TestPlane.open();
  await test.store.create(SECRET, await caSecret(test.clock, "ca-pair"));
  await test.store.create(ISSUER, make(ISSUER, "ca", { spec: { ca: { secretName: "ca-pair" } } }));
  return test;
}

function web(spec: Readonly<Record<string, unknown>> = {}, name = "web"): ReturnType<typeof make> {
  const privateKey = { algorithm: "ECDSA" };
  const base = { secretName: "web-tls", dnsNames: ["shop.example"], issuerRef: { name: "ca" }, privateKey };
  return make(CERTIFICATE, name, { spec: { ...base, ...spec } });
}

async function change(test: TestPlane, spec: Readonly<Record<string, unknown>>): Promise<void> {
  const before = await test.get(CERTIFICATE, "web");
  assert.ok(before);
  await test.store.update(CERTIFICATE, { ...before, spec: { ...web()["spec"]!, ...spec } });
}

async function keyOf(test: TestPlane): Promise<string> {
  const secret = await test.get(SECRET, "web-tls");
  return spkiFingerprint(parseKey(base64At(secret?.["data"], "tls.key") ?? ""));
}

async function revision(test: TestPlane): Promise<number | undefined> {
  return numberAt((await test.get(CERTIFICATE, "web"))?.["status"], "revision");
}

describe("certificates controller", () => {
  it("writes Secret and status as cert-manager does", async () => {
    await using test = await withCa();
    const secretTemplate = {
      labels: { team: "red" },
      annotations: { note: "mine", "cert-manager.io/issuer-name": "x" },
    };
    const additionalOutputFormats = [{ type: "CombinedPEM" }, { type: "DER" }];
    await test.store.create(CERTIFICATE, web({ secretTemplate, additionalOutputFormats }));
    await test.untilReady("web");
    const secret = await test.get(SECRET, "web-tls");
    assert.equal(secret?.["type"], "kubernetes.io/tls");
    assert.deepEqual(Object.keys(secret["data"] as object).sort(), [
      "ca.crt",
      "key.der",
      "tls-combined.pem",
      "tls.crt",
      "tls.key",
    ]);
    assert.deepEqual(secret.metadata.labels, { team: "red", "controller.cert-manager.io/fao": "true" });
    assert.deepEqual(secret.metadata.annotations, {
      note: "mine",
      "lintel.dev/secret-template": '{"labels":["team"],"annotations":["note"]}',
      "cert-manager.io/certificate-name": "web",
      "cert-manager.io/common-name": "",
      "cert-manager.io/alt-names": "shop.example",
      "cert-manager.io/ip-sans": "",
      "cert-manager.io/uri-sans": "",
      "cert-manager.io/issuer-name": "ca",
      "cert-manager.io/issuer-kind": "Issuer",
      "cert-manager.io/issuer-group": "cert-manager.io",
    });
    const status = (await test.get(CERTIFICATE, "web"))?.["status"];
    assert.equal(stringAt(status, "notAfter"), "2026-04-01T00:00:00Z");
    assert.equal(stringAt(status, "renewalTime"), "2026-03-01T23:59:40Z");
    assert.equal(stringAt(status, "nextPrivateKeySecretName"), undefined);
    assert.equal(await test.condition(CERTIFICATE, "web", "Issuing"), undefined);
    assert.equal(await revision(test), 1);
  });

  it("issues again when the Secret is deleted, damaged or the spec changes", async () => {
    await using test = await withCa();
    await test.store.create(CERTIFICATE, web());
    await test.untilReady("web");
    await test.store.delete(SECRET, "shop", "web-tls");
    await test.until(async () => (await revision(test)) === 2, "revision 2");
    const secret = await test.get(SECRET, "web-tls");
    assert.ok(secret);
    await test.store.update(SECRET, { ...secret, data: { ...(secret["data"] as object), "tls.crt": "bm9uc2Vuc2U=" } });
    await test.until(async () => (await revision(test)) === 3, "revision 3");
    await change(test, { dnsNames: ["shop.example", "www.shop.example"] });
    await test.until(async () => (await revision(test)) === 4, "revision 4");
    await test.untilReady("web");
    await test.quiet();
    const requests = (await test.store.list(CERTIFICATE_REQUEST)).items.map((request) => request.metadata.name);
    assert.deepEqual(requests, ["web-4"]);
  });

  it("brings a changed secretTemplate into the Secret without issuing", async () => {
    await using test = await withCa();
    await test.store.create(CERTIFICATE, web());
    await test.untilReady("web");
    await change(test, { secretTemplate: { labels: { team: "blue" } } });
    await test.quiet();
    assert.equal((await test.get(SECRET, "web-tls"))?.metadata.labels?.["team"], "blue");
    assert.equal(await revision(test), 1);
  });

  it("issues when somebody sets the Issuing condition, with a new key", async () => {
    await using test = await withCa();
    await test.store.create(CERTIFICATE, web());
    await test.untilReady("web");
    const before = await keyOf(test);
    const object = await test.get(CERTIFICATE, "web");
    assert.ok(object);
    const conditions = [{ type: "Issuing", status: "True", reason: "ManuallyTriggered", message: "by hand" }];
    await test.store.updateStatus(CERTIFICATE, { ...object, status: { ...(object["status"] as object), conditions } });
    await test.until(async () => (await revision(test)) === 2, "revision 2");
    assert.notEqual(await keyOf(test), before);
  });

  it("keeps the key when rotationPolicy is Never, and refuses to when the spec asks for another", async () => {
    await using test = await withCa();
    const privateKey = { algorithm: "ECDSA", rotationPolicy: "Never" };
    await test.store.create(CERTIFICATE, web({ privateKey }));
    await test.untilReady("web");
    const before = await keyOf(test);
    await change(test, { privateKey, dnsNames: ["other.example"] });
    await test.until(async () => (await revision(test)) === 2, "revision 2");
    assert.equal(await keyOf(test), before);
    await change(test, { privateKey: { ...privateKey, size: 384 } });
    await test.quiet();
    const ready = await test.condition(CERTIFICATE, "web", "Ready");
    assert.equal(ready?.reason, "SecretMismatch");
    assert.match(ready?.message ?? "", /rotationPolicy is Never; set it to Always or delete the Secret/);
    assert.equal(await keyOf(test), before);
  });

  it("lets two Certificates that share a Secret not fight over it", async () => {
    await using test = await withCa();
    await test.store.create(CERTIFICATE, web());
    await test.untilReady("web");
    await test.store.create(CERTIFICATE, web({ dnsNames: ["other.example"] }, "rival"));
    await test.quiet();
    const ready = await test.condition(CERTIFICATE, "rival", "Ready");
    assert.equal(ready?.reason, "IncorrectCertificate");
    assert.match(ready?.message ?? "", /belongs to Certificate "web"; give each Certificate a secretName of its own/);
    assert.equal(await revision(test), 1);
    await test.store.delete(CERTIFICATE, "shop", "web");
    await test.untilReady("rival");
  });

  it("says what is wrong with a spec that can't be honoured, and issues once it is corrected", async () => {
    await using test = await withCa();
    await test.store.create(CERTIFICATE, web({ duration: "ten days" }));
    await test.quiet();
    const ready = await test.condition(CERTIFICATE, "web", "Ready");
    assert.equal(ready?.reason, "InvalidConfig");
    assert.match(ready?.message ?? "", /spec\.duration "ten days" is not a duration/);
    await change(test, { duration: "240h" });
    await test.untilReady("web");
  });

  it("follows the issuer that the spec names now", async () => {
    await using test = await withCa();
    await test.store.create(CLUSTER_ISSUER, make(CLUSTER_ISSUER, "self", { spec: { selfSigned: {} } }));
    await test.store.create(CERTIFICATE, web());
    await test.untilReady("web");
    await change(test, { issuerRef: { name: "self", kind: "ClusterIssuer" } });
    await test.until(
      async () => (await test.get(SECRET, "web-tls"))?.metadata.annotations?.["cert-manager.io/issuer-name"] === "self",
      "the new issuer",
    );
  });

  it("fails and backs off when a request is denied", async () => {
    await using test = await TestPlane.open();
    await test.store.create(CERTIFICATE, web());
    await test.until(async () => (await test.get(CERTIFICATE_REQUEST, "web-1")) !== undefined, "the request");
    const request = await test.get(CERTIFICATE_REQUEST, "web-1");
    assert.ok(request);
    const conditions = [{ type: "Denied", status: "True", reason: "Policy", message: "names must end in .internal" }];
    await test.store.updateStatus(CERTIFICATE_REQUEST, { ...request, status: { conditions } });
    await test.until(async () => (await test.condition(CERTIFICATE, "web", "Issuing"))?.status === "False", "denial");
    assert.equal((await test.condition(CERTIFICATE, "web", "Issuing"))?.reason, "Denied");
    await test.quiet();
    assert.match((await test.condition(CERTIFICATE, "web", "Ready"))?.message ?? "", /names must end in \.internal/);
  });

  it("leaves no key Secrets behind, and no more Events than there is news", async () => {
    await using test = await withCa();
    await test.store.create(CERTIFICATE, web());
    await test.untilReady("web");
    await test.quiet();
    const secrets = (await test.store.list(SECRET)).items.map((secret) => secret.metadata.name);
    assert.deepEqual(secrets, ["ca-pair", "web-tls"]);
    const events = (await test.store.list(EVENT)).items.filter(
      (event) => stringAt(event["involvedObject"], "kind") === "Certificate",
    );
    assert.deepEqual(events.map((event) => String(event["reason"])).sort(), [
      "Generated",
      "Issuing",
      "Issuing",
      "Requested",
    ]);
  });
});
