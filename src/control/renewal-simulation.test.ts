// Two years of renewals under each lifetime that CAs give or have announced, with outages by chance: at no moment is a certificate
// served that has ended, and people hear of an outage before the end, never of one that heals in time.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AcmeError } from "../acme/client/acme-error.ts";
import { seededRandom } from "../ground/testing.ts";
import { encodeKey, generateKey } from "../pki/key.ts";
import { parseCertificate } from "../pki/x509/certificate.ts";
import { base64At, toBase64 } from "../resource/certificate-request.ts";
import { CERTIFICATE, ISSUER, SECRET } from "../resource/kind.ts";
import { make, problemOf, TestPlane } from "./testing.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const YEARS = 2;

async function planeWith(lifetimeMs: number): Promise<TestPlane> {
  const test = await TestPlane.open();
  test.ca.lifetimeMs = lifetimeMs;
  const key = encodeKey(await generateKey({ algorithm: "ECDSA", size: 256 }), "PKCS8");
  await test.store.create(SECRET, make(SECRET, "account", { type: "Opaque", data: { "tls.key": toBase64(key) } }));
  const solvers = [{ http01: { ingress: {} } }];
  const acme = { server: "https://ca.example/directory", privateKeySecretRef: { name: "account" }, solvers };
  await test.store.create(ISSUER, make(ISSUER, "le", { spec: { acme } }));
  const spec = {
    secretName: "web-tls",
    dnsNames: ["shop.example"],
    issuerRef: { name: "le" },
    privateKey: { algorithm: "ECDSA" },
  };
  await test.store.create(CERTIFICATE, make(CERTIFICATE, "web", { spec }));
  await test.untilReady("web");
  return test;
}

async function endOf(test: TestPlane): Promise<number> {
  const secret = await test.get(SECRET, "web-tls");
  return parseCertificate(base64At(secret?.["data"], "tls.crt") ?? "").notAfterMs;
}

describe("renewals", () => {
  for (const [days, renewals] of [
    [90, 12],
    [64, 17],
    [47, 23],
    [160 / 24, 164],
  ] as const) {
    it(`happen in time over two years for a lifetime of ${days.toFixed(1)} days, through outages`, async () => {
      await using test = await planeWith(days * DAY);
      const seed = Math.round(days * 100);
      const random = seededRandom(seed);
      // Outages begin at any time and last up to a third of the room that a renewal has.
      const longestMs = (days * DAY) / 9;
      const stepMs = (days * DAY) / 30;
      let outage = { fromMs: test.clock.nowMs() + random() * 30 * DAY, untilMs: 0 };
      outage.untilMs = outage.fromMs + random() * longestMs;
      const isDown = (): boolean => test.clock.nowMs() >= outage.fromMs && test.clock.nowMs() < outage.untilMs;
      let down = 0;
      test.ca.refuse = (call) => {
        if (!isDown() || call.startsWith("renewalInfo")) return;
        down += 1;
        throw new AcmeError(call, problemOf(random() < 0.5 ? "serverInternal" : "rateLimited", "not now", 503));
      };
      test.ca.validate = () => (isDown() ? problemOf("connection", "refused") : undefined);
      const stopMs = test.clock.nowMs() + YEARS * 365 * DAY;
      while (test.clock.nowMs() < stopMs) {
        await test.pass(Math.min(stepMs, stopMs - test.clock.nowMs()), stepMs);
        assert.ok(
          (await endOf(test)) > test.clock.nowMs(),
          `seed ${String(seed)}: ended at ${new Date(test.clock.nowMs()).toISOString()}`,
        );
        if (test.clock.nowMs() >= outage.untilMs) {
          const fromMs = test.clock.nowMs() + random() * 20 * DAY;
          outage = { fromMs, untilMs: fromMs + random() * longestMs };
        }
      }
      assert.ok(down > 0, "some outages met a renewal");
      assert.ok(test.ca.issued >= renewals && test.ca.issued <= renewals * 1.2 + 2, String(test.ca.issued));
      const urgent = test.alerts.filter(({ kind }) => kind === "Expired" || kind === "ExpiresSoon");
      assert.deepEqual(
        urgent.map(({ kind }) => kind),
        [],
      );
    });
  }

  it("that fail until the end are told of in order, and recover", async () => {
    await using test = await planeWith(6 * DAY);
    test.ca.validate = () => problemOf("dns", "no such host");
    await test.pass(7 * DAY);
    const kinds = [...new Set(test.alerts.map(({ kind }) => kind))];
    assert.deepEqual(kinds, ["AttemptFailed", "RenewalOverdue", "ExpiresSoon", "Expired"]);
    assert.match(test.alerts.at(-1)?.message ?? "", /no such host/);
    test.ca.validate = () => undefined;
    await test.pass(7 * HOUR);
    assert.equal(test.alerts.at(-1)?.kind, "Recovered");
    await test.untilReady("web");
  });
});
