import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DnsRecord } from "../dns/dns-message.ts";
import { caaObjection, findCaa, parseCaa, type CaaRecord, type CaaWish } from "./caa.ts";

const WISH: CaaWish = {
  identities: ["letsencrypt.org"],
  wildcard: false,
  accountUrl: "https://ca.example/acct/1",
  method: "http-01",
};

function records(...lines: readonly (readonly [string, string, boolean?])[]): readonly CaaRecord[] {
  return lines.map(([tag, value, critical = false]) => ({ tag, value, critical }));
}

describe("caaObjection()", () => {
  const cases: readonly (readonly [string, readonly CaaRecord[], Partial<CaaWish>, RegExp | undefined])[] = [
    ["there is no issue property", records(["iodef", "mailto:a@b.example"]), {}, undefined],
    ["the CA is named", records(["issue", "LetsEncrypt.org"]), {}, undefined],
    ["one of several is the CA", records(["issue", "pki.goog"], ["issue", "letsencrypt.org"]), {}, undefined],
    [
      "another CA is named",
      records(["issue", "pki.goog"]),
      {},
      /allows "pki\.goog" only; add issue "letsencrypt\.org"/,
    ],
    ["nobody may", records(["issue", ";"]), {}, /allows no CA/],
    [
      "wildcards have a rule of their own",
      records(["issue", "letsencrypt.org"], ["issuewild", ";"]),
      { wildcard: true },
      /add issuewild/,
    ],
    ["that rule is for wildcards only", records(["issue", "letsencrypt.org"], ["issuewild", ";"]), {}, undefined],
    ["a wildcard falls back to issue", records(["issue", "letsencrypt.org"]), { wildcard: true }, undefined],
    [
      "a critical property is unknown",
      records(["tbs", "x", true], ["issue", "letsencrypt.org"]),
      {},
      /critical property "tbs"/,
    ],
    ["an unknown property is not critical", records(["tbs", "x"], ["issue", "letsencrypt.org"]), {}, undefined],
    [
      "the account is the one",
      records(["issue", "letsencrypt.org; accounturi=https://ca.example/acct/1"]),
      {},
      undefined,
    ],
    [
      "the account is another",
      records(["issue", "letsencrypt.org;accounturi=https://ca.example/acct/2"]),
      {},
      /account "https:\/\/ca\.example\/acct\/2" only/,
    ],
    ["the method is allowed", records(["issue", "letsencrypt.org; validationmethods=dns-01,http-01"]), {}, undefined],
    [
      "the method is not allowed",
      records(["issue", "letsencrypt.org; validationmethods=dns-01"]),
      {},
      /validation by dns-01 only/,
    ],
    ["the CA does not say who it is", records(["issue", "pki.goog"]), { identities: [] }, undefined],
  ];
  for (const [when, set, change, expected] of cases) {
    it(`${expected === undefined ? "allows" : "objects"} when ${when}`, () => {
      const objection = caaObjection({ at: "example.com", records: set }, { ...WISH, ...change });
      if (expected === undefined) assert.equal(objection, undefined);
      else assert.match(objection ?? "", expected);
    });
  }
});

describe("findCaa()", () => {
  it("climbs from the name to the first name above that has records", async () => {
    const asked: string[] = [];
    const resolver = {
      records: async (name: string): Promise<readonly DnsRecord[]> => {
        asked.push(name);
        const data = Buffer.concat([Buffer.of(0, 5), Buffer.from("issue"), Buffer.from("ca.example")]);
        return name === "example.com" ? [{ name, type: 257, dnsClass: 1, ttl: 60, data }] : [];
      },
    };
    const found = await findCaa(resolver, "a.b.example.com");
    assert.deepEqual(asked, ["a.b.example.com", "b.example.com", "example.com"]);
    assert.equal(found?.at, "example.com");
    assert.deepEqual(found?.records, [{ critical: false, tag: "issue", value: "ca.example" }]);
    assert.equal((await findCaa(resolver, "other.test")) === undefined, true);
  });
});

describe("parseCaa()", () => {
  it("reads flags, tag and value, and nothing from what is too short", () => {
    assert.deepEqual(parseCaa(Buffer.from("\x80\x05Issueca", "latin1")), { critical: true, tag: "issue", value: "ca" });
    for (const bytes of ["", "\0", "\0\0", "\0\x05iss"]) assert.equal(parseCaa(Buffer.from(bytes)), undefined);
  });
});
