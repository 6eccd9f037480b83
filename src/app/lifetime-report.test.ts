import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { caSecret, make } from "../control/testing.ts";
import { ManualClock } from "../ground/testing.ts";
import { generateKey, parseKey } from "../pki/key.ts";
import { signRequest } from "../pki/sign.ts";
import { createRequest } from "../pki/x509/request.ts";
import { base64At, toBase64 } from "../resource/certificate-request.ts";
import { CERTIFICATE, ISSUER, NAMESPACE, SECRET } from "../resource/kind.ts";
import { MemoryStore } from "../store/memory.ts";
import { lifetimeReport } from "./lifetime-report.ts";

const DAY = 24 * 3_600_000;

async function storeWith(clock: ManualClock): Promise<MemoryStore> {
  const store = new MemoryStore({ clock });
  await store.create(NAMESPACE, { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
  for (const [name, server] of [
    ["public", "https://acme-v02.api.letsencrypt.org/directory"],
    ["local", "https://localhost/acme/local/directory"],
  ] as const) {
    const acme = { server, privateKeySecretRef: { name }, solvers: [] };
    await store.create(ISSUER, make(ISSUER, name, { spec: { acme } }));
  }
  return store;
}

function certificate(name: string, issuer: string, renewBefore?: string): ReturnType<typeof make> {
  const more = renewBefore === undefined ? {} : { renewBefore };
  const spec = { secretName: `${name}-tls`, dnsNames: [`${name}.example`], issuerRef: { name: issuer }, ...more };
  const status = { conditions: [{ type: "Ready", status: "True", reason: "Ready", message: "up to date" }] };
  return make(CERTIFICATE, name, { spec, status });
}

describe("lifetimeReport()", () => {
  it("judges certificates of public CAs, counts the others, and finds Secrets that nothing renews", async () => {
    const clock = new ManualClock();
    const store = await storeWith(clock);
    await store.create(CERTIFICATE, certificate("good", "public"));
    await store.create(CERTIFICATE, certificate("hasty", "public", "1h"));
    await store.create(CERTIFICATE, certificate("own", "local"));
    const { status: _, ...unready } = certificate("unready", "nobody");
    await store.create(CERTIFICATE, unready);
    const pair = await caSecret(clock, "ca");
    await store.create(SECRET, pair);
    const key = parseKey(base64At(pair["data"], "tls.key") ?? "");
    const leafKey = await generateKey({ algorithm: "ECDSA", size: 256 });
    const { chain } = await signRequest({
      csr: await createRequest(leafKey, { dnsNames: ["by-hand.example"] }),
      authority: { chain: base64At(pair["data"], "tls.crt") ?? "", key },
      notBeforeMs: clock.nowMs(),
      durationMs: 90 * DAY,
      isCa: false,
      usages: ["server auth"],
    });
    for (const name of ["by-hand", "good-tls"]) {
      const data = { "tls.crt": toBase64(chain), "tls.key": "" };
      await store.create(SECRET, make(SECRET, name, { type: "kubernetes.io/tls", data }));
    }
    const report = await lifetimeReport(store, clock.nowMs());
    assert.deepEqual(
      report.rows.map(({ name, verdicts }) => [name, ...verdicts.map(({ verdict }) => verdict)]),
      [
        ["Certificate good", "ok", "ok", "ok", "ok"],
        ["Certificate hasty", "late", "late", "late", "late"],
        ["Certificate unready", "late", "late", "late", "late"],
        ["Secret by-hand", "late", "late", "late", "late"],
      ],
    );
    assert.equal(report.privateOnes, 1);
    assert.match(report.rows[3]?.verdicts[0]?.message ?? "", /Nothing renews it/);
  });
});
