import { randomBytes } from "node:crypto";
import { arrayAt, isRecord, jsonEqual, recordAt, stringAt } from "../../ground/json.ts";
import type { AccountCall, Reply, ServerParts, SignedCall } from "./call.ts";
import { boundExternalAccount } from "./external-account.ts";
import { openJws, type VerificationKey, verificationKey, verifiedPayload } from "./jws.ts";
import { ACCOUNTS_MAX } from "./ledger.ts";
import { type AccountRecord, orderStatus, withAccount } from "./records.ts";
import { ServerProblem } from "./server-problem.ts";

const CONTACTS_MAX = 10;
const ORDERS_PER_PAGE = 100;

/** Makes an account for the key that signed, or finds the one it has (RFC 8555 section 7.3). */
export function newAccount(parts: ServerParts, call: SignedCall): Reply {
  const found = parts.ledger.accountByThumbprint(call.key.thumbprint);
  if (found !== undefined) {
    if (found.deactivated) throw new ServerProblem(403, "unauthorized", "The account of this key is deactivated");
    return { status: 200, headers: { Location: accountUrl(parts, found) }, body: render(parts, found) };
  }
  if (isRecord(call.payload) && call.payload["onlyReturnExisting"] === true) {
    throw new ServerProblem(400, "accountDoesNotExist", "No account has this key");
  }
  if (parts.ledger.accounts() >= ACCOUNTS_MAX) {
    throw new ServerProblem(429, "rateLimited", `This CA has ${ACCOUNTS_MAX} accounts and takes no more`);
  }
  const external = boundExternalAccount(call, (id) => parts.externalAccount(id));
  if (external === undefined && parts.requiresExternalAccount) {
    const detail = "This CA registers accounts with an external account binding only: ask its operator for a key";
    throw new ServerProblem(403, "externalAccountRequired", detail);
  }
  const account: AccountRecord = {
    id: randomBytes(12).toString("base64url"),
    thumbprint: call.key.thumbprint,
    jwk: call.key.jwk,
    contact: parseContact(call.payload),
    deactivated: false,
    externalAccountId: external?.id,
  };
  if (external === undefined || external.id === parts.ownExternalAccountId) parts.ledger.putAccount(account);
  else parts.ledger.addBoundAccount(account, withAccount(external, account.id));
  parts.log.info("ACME account registered", { account: account.id });
  return { status: 201, headers: { Location: accountUrl(parts, account) }, body: render(parts, account) };
}

/** Reads, updates or deactivates an account (RFC 8555 sections 7.3.2 and 7.3.6). */
export function updateAccount(parts: ServerParts, call: AccountCall, id: string): Reply {
  checkOwn(call, id);
  let account = call.account;
  if (isRecord(call.payload) && "contact" in call.payload)
    account = { ...account, contact: parseContact(call.payload) };
  const status = stringAt(call.payload, "status");
  if (status === "deactivated") account = { ...account, deactivated: true };
  else if (status !== undefined && status !== "valid") {
    throw new ServerProblem(
      400,
      "malformed",
      `An account's status can be set to "deactivated" only, not to "${status.slice(0, 50)}"`,
    );
  }
  if (account !== call.account) parts.ledger.putAccount(account);
  if (account.deactivated) parts.log.info("ACME account deactivated", { account: id });
  return { status: 200, body: render(parts, account) };
}

/** Lists the URLs of an account's orders that are not invalid, a page at a time (RFC 8555 section 7.1.2.1). */
export function listOrders(parts: ServerParts, call: AccountCall, id: string, cursor: string): Reply {
  checkOwn(call, id);
  const page = parts.ledger.ordersOf(id, cursor, ORDERS_PER_PAGE);
  const nowMs = parts.clock.nowMs();
  const alive = page.filter((order) => {
    const authorizations = order.authorizationIds.map((entry) => parts.ledger.authorization(entry));
    return orderStatus(order, authorizations, nowMs) !== "invalid";
  });
  const last = page.length === ORDERS_PER_PAGE ? page.at(-1) : undefined;
  const next = last === undefined ? [] : [`<${parts.url(`account/${id}/orders?cursor=${last.id}`)}>;rel="next"`];
  return { status: 200, body: { orders: alive.map((order) => parts.url(`order/${order.id}`)) }, links: next };
}

/** Gives the account another key: the payload is a JWS of the new key over account and old key (RFC 8555 section 7.3.5). */
export async function changeKey(parts: ServerParts, call: AccountCall): Promise<Reply> {
  const inner = openJws(call.payload);
  if (inner.signer.by !== "jwk")
    throw new ServerProblem(400, "malformed", "The inner JWS must carry the new key as jwk");
  if (inner.url !== call.url)
    throw new ServerProblem(400, "malformed", "The inner JWS must have the same url as the outer one");
  if (inner.nonce !== undefined) throw new ServerProblem(400, "malformed", "The inner JWS must have no nonce");
  const newKey: VerificationKey = verificationKey(inner.signer.jwk);
  const payload = await verifiedPayload(inner, newKey);
  if (stringAt(payload, "account") !== accountUrl(parts, call.account)) {
    throw new ServerProblem(
      400,
      "malformed",
      "The inner JWS names another account than the one that signed the outer one",
    );
  }
  if (!jsonEqual(verificationKey(recordAt(payload, "oldKey")).jwk, call.account.jwk)) {
    throw new ServerProblem(400, "malformed", "The oldKey of the inner JWS is not the account's key");
  }
  const taken = parts.ledger.accountByThumbprint(newKey.thumbprint);
  if (taken !== undefined) {
    const headers = { Location: accountUrl(parts, taken) };
    throw new ServerProblem(409, "malformed", "The new key is the key of an account already", { headers });
  }
  const account: AccountRecord = { ...call.account, jwk: newKey.jwk, thumbprint: newKey.thumbprint };
  parts.ledger.putAccount(account);
  parts.log.info("ACME account changed its key", { account: account.id });
  return { status: 200, body: render(parts, account) };
}

function accountUrl(parts: ServerParts, account: AccountRecord): string {
  return parts.url(`account/${account.id}`);
}

function render(parts: ServerParts, account: AccountRecord): unknown {
  return {
    status: account.deactivated ? "deactivated" : "valid",
    contact: account.contact,
    termsOfServiceAgreed: true,
    orders: parts.url(`account/${account.id}/orders`),
  };
}

function checkOwn(call: AccountCall, id: string): void {
  if (call.account.id !== id) throw new ServerProblem(403, "unauthorized", "The request was signed by another account");
}

function parseContact(payload: unknown): readonly string[] {
  const contacts = arrayAt(payload, "contact");
  if (contacts.length > CONTACTS_MAX)
    throw new ServerProblem(400, "invalidContact", `An account may have ${CONTACTS_MAX} contacts`);
  return contacts.map((contact) => {
    if (typeof contact !== "string" || !contact.startsWith("mailto:")) {
      throw new ServerProblem(400, "unsupportedContact", "A contact must be a mailto: URL");
    }
    // RFC 8555 section 7.3: neither header fields nor more than one address.
    if (!/^mailto:[^\s@?,;<>]{1,64}@[^\s@?,;<>]{1,253}$/.test(contact)) {
      throw new ServerProblem(400, "invalidContact", `"${contact.slice(0, 300)}" is not one plain e-mail address`);
    }
    return contact;
  });
}
