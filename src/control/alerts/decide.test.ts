import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readCertificate, type Certificate } from "../../resource/certificate.ts";
import { CERTIFICATE } from "../../resource/kind.ts";
import { make } from "../testing.ts";
import { alertsFor } from "./decide.ts";

const DAY = 24 * 3_600_000;
const START = Date.UTC(2026, 0, 1);

function at(ms: number): string {
  return new Date(START + ms).toISOString();
}

function certificate(days: number, status: Readonly<Record<string, unknown>> = {}): Certificate {
  const life = { notBefore: at(0), notAfter: at(days * DAY), renewalTime: at((days * DAY * 2) / 3) };
  const ready = { type: "Ready", status: "True", reason: "Ready", message: "" };
  return readCertificate(
    make(CERTIFICATE, "web", { spec: {}, status: { ...life, conditions: [ready], ...status } }, { uid: "u" }),
  );
}

function kindsAt(wanted: Certificate, ms: number): readonly string[] {
  return alertsFor(wanted, START + ms).alerts.map((alert) => alert.kind);
}

describe("alertsFor()", () => {
  for (const [days, overdue, soon] of [
    [90, 75, 87],
    [64, 53.34, 61],
    [47, 39.17, 44],
    [6, 5, 5.6],
  ] as const) {
    it(`is silent in time and speaks up three times for a lifetime of ${String(days)} days`, () => {
      const wanted = certificate(days);
      assert.deepEqual(kindsAt(wanted, (days * DAY * 2) / 3 + DAY / 24), []);
      assert.deepEqual(kindsAt(wanted, overdue * DAY + 600_000), ["RenewalOverdue"]);
      assert.deepEqual(kindsAt(wanted, soon * DAY + 900_000), ["ExpiresSoon"]);
      assert.deepEqual(kindsAt(wanted, days * DAY), ["Expired"]);
    });
  }

  it("names the next moment to look, and none after the end", () => {
    const wanted = certificate(90);
    assert.equal(alertsFor(wanted, START).nextAtMs, START + 75 * DAY);
    assert.equal(alertsFor(wanted, START + 76 * DAY).nextAtMs, START + 87 * DAY);
    assert.equal(alertsFor(wanted, START + 91 * DAY).nextAtMs, undefined);
  });

  it("tells of each failed attempt once, with the cause and how many there were", () => {
    const failed = { lastFailureTime: new Date(START).toISOString(), failedIssuanceAttempts: 2 };
    const conditions = [{ type: "Ready", status: "False", reason: "DoesNotExist", message: "port 80 is closed" }];
    const [first] = alertsFor(certificate(90, { ...failed, conditions }), START + DAY).alerts;
    assert.equal(first?.message, 'Certificate "shop/web" was not issued (2 failed attempts): port 80 is closed');
    const later = { ...failed, lastFailureTime: new Date(START + 60_000).toISOString() };
    assert.notEqual(alertsFor(certificate(90, later), START + DAY).alerts[0]?.id, first.id);
  });

  it("says nothing of a certificate that was never issued and has not failed", () => {
    const none = { notBefore: undefined, notAfter: undefined, renewalTime: undefined };
    assert.deepEqual(alertsFor(certificate(90, none), START), { alerts: [], nextAtMs: undefined });
  });
});
