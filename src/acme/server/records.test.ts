import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type AuthorizationRecord,
  authorizationStatus,
  type ChallengeRecord,
  type OrderRecord,
  orderStatus,
} from "./records.ts";

const NOW_MS = Date.UTC(2026, 10, 24, 8);
const ORDER: OrderRecord = { id: "o", accountId: "a", identifiers: [], authorizationIds: ["z"], expiresMs: NOW_MS + 1 };

test("authorizationStatus() follows from challenge, expiry and deactivation", () => {
  assert.equal(authorizationStatus(authorization("pending"), NOW_MS), "pending");
  assert.equal(authorizationStatus(authorization("processing"), NOW_MS), "pending");
  assert.equal(authorizationStatus(authorization("valid"), NOW_MS), "valid");
  assert.equal(authorizationStatus(authorization("invalid"), NOW_MS), "invalid");
  assert.equal(authorizationStatus(authorization("valid"), NOW_MS + 1), "expired");
  assert.equal(authorizationStatus({ ...authorization("valid"), deactivated: true }, NOW_MS), "deactivated");
});

test("orderStatus() is ready only when every authorization is valid", () => {
  assert.equal(status("valid", "pending"), "pending");
  assert.equal(status("valid", "valid"), "ready");
  assert.equal(status("valid", "invalid", "pending"), "invalid");
});

test("orderStatus() is invalid when the order expired or lost an authorization, unless it has its certificate", () => {
  assert.equal(orderStatus(ORDER, [authorization("valid")], NOW_MS + 1), "invalid");
  assert.equal(orderStatus(ORDER, [undefined], NOW_MS), "invalid");
  assert.equal(orderStatus({ ...ORDER, certificateId: "c" }, [undefined], NOW_MS + 1), "valid");
});

function status(...states: readonly ChallengeRecord["state"][]): string {
  return orderStatus(ORDER, states.map(authorization), NOW_MS);
}

function authorization(state: ChallengeRecord["state"]): AuthorizationRecord {
  return {
    id: "z",
    accountId: "a",
    identifier: { type: "dns", value: "shop.internal" },
    expiresMs: NOW_MS + 1,
    deactivated: false,
    challenges: [{ id: "c", type: "http-01", token: "tok", state }],
  };
}
