// What many Certificates cost: nothing at rest, and for one that changes no more than when it is alone.
// `bench/certificates.ts` measures ten thousand of them in the real program.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodeKey, generateKey } from "../pki/key.ts";
import { selfSign } from "../pki/sign.ts";
import { createRequest } from "../pki/x509/request.ts";
import { toBase64 } from "../resource/certificate-request.ts";
import { CERTIFICATE, EVENT, INGRESS, ISSUER, SECRET } from "../resource/kind.ts";
import { make, TestPlane } from "./testing.ts";

const COUNT = 200;
const DAY_MS = 86_400_000;

/** A namespace full of Certificates with their Secrets, and an Ingress for every tenth. */
async function fill(plane: TestPlane): Promise<void> {
  await plane.store.create(ISSUER, make(ISSUER, "self", { spec: { selfSigned: {} } }));
  const key = await generateKey({ algorithm: "ECDSA", size: 256 });
  for (let index = 0; index < COUNT; index++) {
    const name = `host-${String(index)}`;
    const host = `${name}.shop.example`;
    const { chain } = await selfSign({
      csr: await createRequest(key, { dnsNames: [host] }),
      key,
      notBeforeMs: plane.clock.nowMs() - DAY_MS,
      durationMs: 90 * DAY_MS,
      isCa: false,
      usages: ["digital signature", "key encipherment"],
    });
    const data = { "tls.crt": toBase64(chain), "tls.key": toBase64(encodeKey(key, "PKCS8")) };
    const annotations = { "cert-manager.io/issuer-name": "self", "cert-manager.io/certificate-name": name };
    await plane.store.create(SECRET, make(SECRET, `${name}-tls`, { type: "kubernetes.io/tls", data }, { annotations }));
    const privateKey = { algorithm: "ECDSA", encoding: "PKCS8" };
    const spec = { secretName: `${name}-tls`, dnsNames: [host], issuerRef: { name: "self" }, privateKey };
    await plane.store.create(CERTIFICATE, make(CERTIFICATE, name, { spec }));
    const tls = [{ hosts: [host], secretName: `${name}-tls` }];
    if (index % 10 === 0) await plane.store.create(INGRESS, make(INGRESS, name, { spec: { tls } }));
  }
  await plane.quiet();
}

function looks(plane: TestPlane): number {
  return plane.plane.syncCounts.reduce((sum, { calls }) => sum + calls, 0);
}

async function version(plane: TestPlane): Promise<string> {
  const lists = await Promise.all([CERTIFICATE, SECRET, EVENT, INGRESS].map((kind) => plane.store.list(kind)));
  return JSON.stringify(lists.map(({ items }) => items.map(({ metadata }) => metadata.resourceVersion)));
}

describe(`${String(COUNT)} Certificates`, () => {
  it("cost nothing while nothing changes, one look each after a restart, and a few when one changes", async () => {
    await using plane = await TestPlane.open();
    await fill(plane);
    for (const name of ["host-0", `host-${String(COUNT - 1)}`]) {
      assert.equal((await plane.condition(CERTIFICATE, name, "Ready"))?.status, "True");
    }

    const atRest = looks(plane);
    await plane.pass(DAY_MS);
    assert.equal(looks(plane), atRest, "a day passes and nobody looks");

    const written = await version(plane);
    await plane.restart();
    await plane.quiet();
    assert.equal(await version(plane), written, "a restart writes nothing");
    for (const { controller, calls } of plane.plane.syncCounts) {
      assert.ok(calls <= COUNT + 16, `${controller} looked ${String(calls)} times`);
    }

    const before = looks(plane);
    const one = (await plane.get(CERTIFICATE, "host-7")) ?? make(CERTIFICATE, "host-7");
    await plane.store.update(CERTIFICATE, { ...one, metadata: { ...one.metadata, labels: { touched: "yes" } } });
    await plane.quiet();
    assert.ok(looks(plane) - before <= 8, `${String(looks(plane) - before)} looks for one change`);

    const secret = await plane.get(SECRET, "host-7-tls");
    await plane.store.delete(SECRET, "shop", "host-7-tls");
    await plane.untilReady("host-7");
    assert.ok(looks(plane) - before <= 100, `${String(looks(plane) - before)} looks for one issuance`);
    assert.notDeepEqual((await plane.get(SECRET, "host-7-tls"))?.["data"], secret?.["data"]);
  });
});
