import { randomBytes } from "node:crypto";
import { LintelError } from "../../ground/errors.ts";
import { EXTERNAL_ACCOUNTS_MAX, type Ledger } from "./ledger.ts";
import type { ExternalAccountRecord } from "./records.ts";

const ID_BYTES = 12;
/** As long as the hash, as RFC 2104 section 3 asks. */
const HMAC_KEY_BYTES = 32;

/** Returns a new key that is kept nowhere yet. */
export function makeExternalAccount(options: {
  readonly note: string;
  readonly reusable: boolean;
  readonly nowMs: number;
}): ExternalAccountRecord {
  return {
    id: randomBytes(ID_BYTES).toString("base64url"),
    hmacKey: randomBytes(HMAC_KEY_BYTES).toString("base64url"),
    note: options.note,
    createdMs: options.nowMs,
    reusable: options.reusable,
    accountIds: [],
  };
}

/** Keeps a new key for a client and returns it. Throws BadConfig when there are too many. */
export function issueExternalAccount(
  ledger: Ledger,
  options: { readonly note: string; readonly reusable: boolean; readonly nowMs: number },
): ExternalAccountRecord {
  if (ledger.externalAccounts().length >= EXTERNAL_ACCOUNTS_MAX) {
    throw new LintelError(`Cannot make another external account key: there are ${EXTERNAL_ACCOUNTS_MAX}`, {
      code: "BadConfig",
      fault: "user",
      hint: 'Make one for many clients with "lintel ca eab create --reusable"',
    });
  }
  const key = makeExternalAccount(options);
  ledger.putExternalAccount(key);
  return key;
}

/**
 * Revokes a key: nothing is registered with it any more, and the accounts that were are deactivated, which cannot be undone.
 * Returns how many. Throws NotFound when there is no such key.
 */
export function revokeExternalAccount(ledger: Ledger, id: string, nowMs: number): number {
  const key = ledger.externalAccount(id);
  if (key === undefined) {
    throw new LintelError(`Cannot revoke external account key "${id}": there is none`, {
      code: "NotFound",
      fault: "user",
      hint: 'See the keys there are with "lintel ca eab list"',
    });
  }
  ledger.putExternalAccount({ ...key, revokedMs: key.revokedMs ?? nowMs });
  const accounts = key.accountIds.flatMap((accountId) => ledger.account(accountId) ?? []);
  const alive = accounts.filter((account) => !account.deactivated);
  for (const account of alive) ledger.putAccount({ ...account, deactivated: true });
  return alive.length;
}
