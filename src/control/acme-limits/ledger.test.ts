import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { limitsOf, type CaLimits } from "./ca-limits.ts";
import { LimitLedger, type LimitedOrder } from "./ledger.ts";
import { registeredDomain } from "./registered-domain.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function letsEncrypt(): CaLimits {
  const limits = limitsOf("https://acme-v02.api.letsencrypt.org/directory");
  assert.ok(limits !== undefined);
  return limits;
}

function order(name: string, change: Partial<LimitedOrder> = {}): LimitedOrder {
  const domains = [registeredDomain(name)];
  return { account: "a", names: [name], domains, isRenewal: false, replaces: false, ...change };
}

describe("LimitLedger", () => {
  it("refuses the sixth certificate for the same names and gives room after 34 hours", () => {
    const ledger = new LimitLedger();
    const limits = letsEncrypt();
    for (let count = 0; count < 5; count++) {
      assert.equal(ledger.usedUp(limits, order("shop.example"), 0), undefined, String(count));
      ledger.noteOrder(limits, order("shop.example"), 0);
    }
    const used = ledger.usedUp(limits, order("shop.example"), 0);
    assert.match(used?.sentence ?? "", /The 5 certificates for exactly these names that the CA allows in 7 days/);
    assert.equal(used?.atMs, (7 * DAY) / 5);
    assert.equal(ledger.usedUp(limits, order("shop.example"), (7 * DAY) / 5), undefined);
    assert.equal(ledger.usedUp(limits, order("shop.example", { replaces: true }), 0), undefined, "ARI is exempt");
  });

  it("counts certificates by registered domain, renewals aside", () => {
    const ledger = new LimitLedger();
    const limits = letsEncrypt();
    for (let host = 0; host < 50; host++) {
      const wanted = order(`h${String(host)}.shop.co.uk`);
      assert.equal(ledger.usedUp(limits, wanted, 0), undefined);
      ledger.noteOrder(limits, wanted, 0);
    }
    assert.match(ledger.usedUp(limits, order("new.shop.co.uk"), 0)?.sentence ?? "", /names of "shop\.co\.uk"/);
    assert.equal(ledger.usedUp(limits, order("new.other.co.uk"), 0), undefined);
    assert.equal(ledger.usedUp(limits, order("h1.shop.co.uk", { isRenewal: true }), 0), undefined);
    assert.equal(ledger.usedUp(limits, order("x.shop.co.uk", { account: "b" }), 0), undefined, "another account");
  });

  it("counts 300 orders in three hours", () => {
    const ledger = new LimitLedger();
    const limits = letsEncrypt();
    for (let at = 0; at < 300; at++) ledger.noteOrder(limits, order(`a.d${String(at)}.example`), 0);
    const used = ledger.usedUp(limits, order("a.more.example"), 0);
    assert.match(used?.sentence ?? "", /The 300 new orders that the CA allows in 3 hours/);
    assert.equal(used?.atMs, (3 * HOUR) / 300);
  });

  it("never lets more than five validations of a name fail in any hour, however many wait", () => {
    const ledger = new LimitLedger();
    const limits = letsEncrypt();
    const failures: number[] = [];
    for (let nowMs = 0; nowMs < 6 * HOUR; nowMs += 60_000) {
      // Three Certificates want the same name at once.
      const begun: string[] = [];
      for (const id of [1, 2, 3].map((which) => `${String(nowMs)}-${String(which)}`)) {
        if (ledger.validationUsedUp(limits, "a", "shop.example", nowMs) !== undefined) continue;
        ledger.beginValidation("a", "shop.example", id, nowMs);
        begun.push(id);
      }
      for (const id of begun) {
        ledger.endValidation("a", "shop.example", id, true, nowMs);
        failures.push(nowMs);
      }
      const lastHour = failures.filter((atMs) => atMs > nowMs - HOUR);
      assert.ok(lastHour.length <= 5, `${String(lastHour.length)} at ${String(nowMs)}`);
    }
    assert.equal(failures.length, 30, "five an hour, for six hours");
  });

  it("counts a validation under way as failed unless it ends well", () => {
    const ledger = new LimitLedger();
    const limits = letsEncrypt();
    for (let id = 0; id < 5; id++) ledger.beginValidation("a", "shop.example", String(id), 0);
    assert.equal(ledger.validationUsedUp(limits, "a", "shop.example", 0)?.atMs, 10_000, "one may end well");
    ledger.endValidation("a", "shop.example", "0", false, 0);
    assert.equal(ledger.validationUsedUp(limits, "a", "shop.example", 0), undefined);
    ledger.beginValidation("a", "shop.example", "5", 0);
    // Nobody saw the end of any: an hour after the oldest there is room.
    assert.equal(ledger.validationUsedUp(limits, "a", "shop.example", 21 * 60_000)?.atMs, HOUR);
    assert.equal(ledger.validationUsedUp(limits, "a", "shop.example", HOUR), undefined);
  });
});

describe("limitsOf()", () => {
  it("knows Let's Encrypt, its staging, other CAs, and none for this machine", () => {
    assert.equal(letsEncrypt().certificatesPerSet?.count, 5);
    assert.equal(limitsOf("https://acme-staging-v02.api.letsencrypt.org/directory")?.orders?.count, 1500);
    assert.deepEqual(Object.keys(limitsOf("https://ca.example/dir") ?? {}), ["failedValidations"]);
    for (const url of ["https://127.0.0.1:8555/acme", "https://localhost/acme", "https://[::1]/acme"])
      assert.equal(limitsOf(url), undefined, url);
  });
});

describe("registeredDomain()", () => {
  for (const [name, expected] of [
    ["a.b.shop.example.co.uk", "example.co.uk"],
    ["*.shop.example", "shop.example"],
    ["me.github.io", "me.github.io"],
    ["192.0.2.1", "192.0.2.1"],
  ] as const)
    it(`returns ${expected} for ${name}`, () => assert.equal(registeredDomain(name), expected));
});
