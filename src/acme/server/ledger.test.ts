import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { isLintelError } from "../../ground/errors.ts";
import { temporaryFolder } from "../../pki/testing.ts";
import { Ledger } from "./ledger.ts";
import type { AccountRecord, AuthorizationRecord, CertificateRecord, OrderRecord } from "./records.ts";

const NOW_MS = Date.UTC(2026, 10, 24, 8);
const IDENTIFIER = { type: "dns", value: "shop.internal" } as const;
const ACCOUNT: AccountRecord = {
  id: "a",
  thumbprint: "t",
  jwk: { kty: "EC" },
  contact: ["mailto:a@b"],
  deactivated: false,
};
const AUTHORIZATION: AuthorizationRecord = {
  id: "z",
  accountId: "a",
  identifier: IDENTIFIER,
  expiresMs: NOW_MS,
  deactivated: false,
  challenges: [{ id: "c", type: "http-01", token: "tok", state: "processing" }],
};
const ORDER: OrderRecord = {
  id: "o",
  accountId: "a",
  identifiers: [IDENTIFIER],
  authorizationIds: ["z"],
  expiresMs: NOW_MS,
  replaces: "r",
};
const CERTIFICATE: CertificateRecord = {
  id: "1f",
  accountId: "a",
  identifiers: [IDENTIFIER],
  chain: "PEM",
  renewalId: "r",
  notBeforeMs: NOW_MS - 1,
  notAfterMs: NOW_MS,
};

test("Ledger gives back after a restart what was put into it", async (t) => {
  const directory = await temporaryFolder(t);
  const before = Ledger.open(directory);
  before.putAccount(ACCOUNT);
  before.addOrder(ORDER, [AUTHORIZATION]);
  before.putCertificate({ ...CERTIFICATE, revokedMs: NOW_MS });
  before.close();
  const ledger = Ledger.open(directory);
  t.after(() => ledger.close());
  assert.deepEqual(plain(ledger.accountByThumbprint("t")), ACCOUNT);
  assert.deepEqual(plain(ledger.order("o")), ORDER);
  assert.deepEqual(plain(ledger.authorization("z")), AUTHORIZATION);
  assert.deepEqual(plain(ledger.certificateByRenewalId("r")), { ...CERTIFICATE, revokedMs: NOW_MS });
  assert.deepEqual(
    ledger.authorizationsUnderway().map(({ id }) => id),
    ["z"],
  );
  assert.deepEqual(
    [ledger.account("x"), ledger.order("x"), ledger.certificate("x")],
    [undefined, undefined, undefined],
  );
});

test("sweep() forgets orders at once and certificates a week late, and keeps accounts", async (t) => {
  const ledger = Ledger.open(await temporaryFolder(t));
  t.after(() => ledger.close());
  ledger.putAccount(ACCOUNT);
  ledger.addOrder(ORDER, [AUTHORIZATION]);
  ledger.putCertificate(CERTIFICATE);
  ledger.sweep(NOW_MS - 1);
  assert.equal(ledger.countOrdersOf("a"), 1);
  ledger.sweep(NOW_MS);
  assert.deepEqual([ledger.countOrdersOf("a"), ledger.authorization("z")], [0, undefined]);
  assert.notEqual(ledger.certificate("1f"), undefined);
  ledger.sweep(NOW_MS + 7 * 86_400_000);
  assert.deepEqual([ledger.certificate("1f"), ledger.accounts()], [undefined, 1]);
});

test("Ledger.open() says which file is damaged and what to do", async (t) => {
  const directory = await temporaryFolder(t);
  await writeFile(
    join(directory, "acme.db"),
    "this is no database, and longer than its header of a hundred bytes ".repeat(3),
  );
  assert.throws(
    () => Ledger.open(directory),
    (error) => isLintelError(error, "StateUnreadable") && /acme\.db/.test(error.hint ?? ""),
  );
});

/** Without the entries that are there but undefined. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
