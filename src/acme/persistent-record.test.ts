import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isPersistentRecord, persistentRecord } from "./persistent-record.ts";

const WANTED = persistentRecord("ca.example", "https://ca.example/acct/1", true);

describe("isPersistentRecord()", () => {
  for (const [when, text, expected] of [
    ["it is the text that was told", WANTED, true],
    ["white space and order differ", "CA.example;policy=wildcard;  accounturi=https://ca.example/acct/1", true],
    ["it has more parameters", `${WANTED}; persistUntil=1900000000`, true],
    ["the policy is missing", persistentRecord("ca.example", "https://ca.example/acct/1", false), false],
    ["it is for another account", persistentRecord("ca.example", "https://ca.example/acct/2", true), false],
    ["it is for another CA", persistentRecord("other.example", "https://ca.example/acct/1", true), false],
    ["it is something else", "v=spf1 -all", false],
  ] as const) {
    it(`returns ${String(expected)} when ${when}`, () => assert.equal(isPersistentRecord(text, WANTED), expected));
  }
});
