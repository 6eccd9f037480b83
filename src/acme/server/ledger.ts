import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { LintelError } from "../../ground/errors.ts";
import type { RevokedCertificate } from "../../pki/x509/revocation-list.ts";
import {
  type AccountRecord,
  type AuthorizationRecord,
  type CertificateRecord,
  type ExternalAccountRecord,
  type OrderRecord,
  parseAccount,
  parseAuthorizationRecord,
  parseCertificateRecord,
  parseExternalAccount,
  parseOrderRecord,
} from "./records.ts";

/** Accounts in all; more are refused. One per client machine is usual. */
export const ACCOUNTS_MAX = 10_000;
/** Orders of one account that have not expired; more are refused. */
export const ORDERS_OF_ACCOUNT_MAX = 1000;
/** External account keys in all; more are refused. */
export const EXTERNAL_ACCOUNTS_MAX = 10_000;
/** How long certificates are remembered after their end: for revocation and renewal information that come late. */
const CERTIFICATE_GRACE_MS = 7 * 86_400_000;

const TABLES = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA busy_timeout = 5000;
  CREATE TABLE IF NOT EXISTS account (id TEXT PRIMARY KEY, thumbprint TEXT NOT NULL UNIQUE, body TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS acme_order (id TEXT PRIMARY KEY, account TEXT NOT NULL, expires_ms INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS acme_order_account ON acme_order (account);
  CREATE INDEX IF NOT EXISTS acme_order_expiry ON acme_order (expires_ms);
  CREATE TABLE IF NOT EXISTS authorization (id TEXT PRIMARY KEY, account TEXT NOT NULL, expires_ms INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS authorization_account ON authorization (account);
  CREATE INDEX IF NOT EXISTS authorization_expiry ON authorization (expires_ms);
  CREATE TABLE IF NOT EXISTS certificate (id TEXT PRIMARY KEY, renewal_id TEXT NOT NULL UNIQUE, not_after_ms INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS revocation (serial TEXT PRIMARY KEY, issuer TEXT NOT NULL, revoked_ms INTEGER NOT NULL, reason INTEGER NOT NULL, not_after_ms INTEGER NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS revocation_issuer ON revocation (issuer);
  CREATE TABLE IF NOT EXISTS external_account (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
`;

/**
 * What the ACME server remembers, in one SQLite file: accounts for good, orders and authorizations until they expire,
 * certificates until a week after their end. Every write is on disk when its call returns.
 */
export class Ledger {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Opens `acme.db` in `directory`, made (0700) when there is none. Throws StateUnreadable when the file is damaged. */
  static open(directory: string): Ledger {
    const file = join(directory, "acme.db");
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      const database = new DatabaseSync(file);
      database.exec(TABLES);
      return new Ledger(database);
    } catch (cause) {
      throw new LintelError(`Cannot open ACME accounts "${file}"`, {
        code: "StateUnreadable",
        hint: `Move "${file}" away to start anew; clients then register again by themselves`,
        cause,
      });
    }
  }

  /** Returns how many accounts there are. */
  accounts(): number {
    return this.#count("SELECT count(*) AS n FROM account");
  }

  /** Returns the account with this id. */
  account(id: string): AccountRecord | undefined {
    return parseAccount(this.#body("SELECT body FROM account WHERE id = ?", id));
  }

  /** Returns the account whose key has this thumbprint. */
  accountByThumbprint(thumbprint: string): AccountRecord | undefined {
    return parseAccount(this.#body("SELECT body FROM account WHERE thumbprint = ?", thumbprint));
  }

  /** Adds or replaces an account. */
  putAccount(account: AccountRecord): void {
    this.#database
      .prepare(
        "INSERT INTO account VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET thumbprint = excluded.thumbprint, body = excluded.body",
      )
      .run(account.id, account.thumbprint, JSON.stringify(account));
  }

  /** Returns the order with this id. */
  order(id: string): OrderRecord | undefined {
    return parseOrderRecord(this.#body("SELECT body FROM acme_order WHERE id = ?", id));
  }

  /** Returns the orders of an account whose ids sort after `after`, at most `limit`. */
  ordersOf(accountId: string, after: string, limit: number): readonly OrderRecord[] {
    return this.#bodies(
      "SELECT body FROM acme_order WHERE account = ? AND id > ? ORDER BY id LIMIT ?",
      accountId,
      after,
      limit,
    ).flatMap((body) => parseOrderRecord(body) ?? []);
  }

  /** Returns how many orders of an account are kept. */
  countOrdersOf(accountId: string): number {
    return this.#count("SELECT count(*) AS n FROM acme_order WHERE account = ?", accountId);
  }

  /** Adds an order with its authorizations, all or none. */
  addOrder(order: OrderRecord, authorizations: readonly AuthorizationRecord[]): void {
    this.#together(() => {
      for (const authorization of authorizations) this.putAuthorization(authorization);
      this.putOrder(order);
    });
  }

  /** Adds or replaces an order. */
  putOrder(order: OrderRecord): void {
    this.#database
      .prepare("INSERT OR REPLACE INTO acme_order VALUES (?, ?, ?, ?)")
      .run(order.id, order.accountId, order.expiresMs, JSON.stringify(order));
  }

  /** Returns the authorization with this id. */
  authorization(id: string): AuthorizationRecord | undefined {
    return parseAuthorizationRecord(this.#body("SELECT body FROM authorization WHERE id = ?", id));
  }

  /** Returns the authorizations of an account. */
  authorizationsOf(accountId: string): readonly AuthorizationRecord[] {
    return this.#bodies("SELECT body FROM authorization WHERE account = ?", accountId).flatMap(
      (body) => parseAuthorizationRecord(body) ?? [],
    );
  }

  /** Returns the authorizations whose validation was under way when the server stopped. */
  authorizationsUnderway(): readonly AuthorizationRecord[] {
    return this.#bodies(`SELECT body FROM authorization WHERE instr(body, '"state":"processing"') > 0`).flatMap(
      (body) => parseAuthorizationRecord(body) ?? [],
    );
  }

  /** Adds or replaces an authorization. */
  putAuthorization(authorization: AuthorizationRecord): void {
    this.#database
      .prepare("INSERT OR REPLACE INTO authorization VALUES (?, ?, ?, ?)")
      .run(authorization.id, authorization.accountId, authorization.expiresMs, JSON.stringify(authorization));
  }

  /** Returns the certificate with this serial number. */
  certificate(id: string): CertificateRecord | undefined {
    return parseCertificateRecord(this.#body("SELECT body FROM certificate WHERE id = ?", id));
  }

  /** Returns the certificate that renewal information names so. */
  certificateByRenewalId(renewalId: string): CertificateRecord | undefined {
    return parseCertificateRecord(this.#body("SELECT body FROM certificate WHERE renewal_id = ?", renewalId));
  }

  /** Adds or replaces a certificate. */
  putCertificate(certificate: CertificateRecord): void {
    this.#database
      .prepare("INSERT OR REPLACE INTO certificate VALUES (?, ?, ?, ?)")
      .run(certificate.id, certificate.renewalId, certificate.notAfterMs, JSON.stringify(certificate));
  }

  /** Marks a certificate as revoked and puts it on the list of `issuerKeyIdHex`, both or neither. */
  revoke(certificate: CertificateRecord, issuerKeyIdHex: string): void {
    const { id, revokedMs = 0, revocationReason = 0, notAfterMs } = certificate;
    this.#together(() => {
      this.putCertificate(certificate);
      this.#database
        .prepare("INSERT OR REPLACE INTO revocation VALUES (?, ?, ?, ?, ?)")
        .run(id, issuerKeyIdHex, revokedMs, revocationReason, notAfterMs);
    });
  }

  /** Returns what of the certificates of an issuer was revoked, expired ones included until a week after their end. */
  revocationsOf(issuerKeyIdHex: string): readonly RevokedCertificate[] {
    return this.#database
      .prepare("SELECT serial, revoked_ms, reason FROM revocation WHERE issuer = ? ORDER BY revoked_ms, serial")
      .all(issuerKeyIdHex)
      .map((row) => ({
        serialHex: String(row["serial"]),
        revokedMs: Number(row["revoked_ms"]),
        reason: Number(row["reason"]),
      }));
  }

  /** Returns how many certificates are good at `nowMs`, and how many were revoked before their end. */
  certificateCounts(nowMs: number): { readonly valid: number; readonly revoked: number } {
    const revoked = this.#count("SELECT count(*) AS n FROM revocation WHERE not_after_ms > ?", nowMs);
    return {
      valid: this.#count("SELECT count(*) AS n FROM certificate WHERE not_after_ms > ?", nowMs) - revoked,
      revoked,
    };
  }

  /** Returns the external account key with this id. */
  externalAccount(id: string): ExternalAccountRecord | undefined {
    return parseExternalAccount(this.#body("SELECT body FROM external_account WHERE id = ?", id));
  }

  /** Returns every external account key, the oldest first. */
  externalAccounts(): readonly ExternalAccountRecord[] {
    return this.#bodies("SELECT body FROM external_account")
      .flatMap((body) => parseExternalAccount(body) ?? [])
      .sort((left, right) => left.createdMs - right.createdMs);
  }

  /** Adds or replaces an external account key. */
  putExternalAccount(key: ExternalAccountRecord): void {
    this.#database.prepare("INSERT OR REPLACE INTO external_account VALUES (?, ?)").run(key.id, JSON.stringify(key));
  }

  /** Adds an account together with the external account key that it used up, both or neither. */
  addBoundAccount(account: AccountRecord, key: ExternalAccountRecord): void {
    this.#together(() => {
      this.putAccount(account);
      this.putExternalAccount(key);
    });
  }

  /** Forgets what has expired. */
  sweep(nowMs: number): void {
    this.#database.prepare("DELETE FROM acme_order WHERE expires_ms <= ?").run(nowMs);
    this.#database.prepare("DELETE FROM authorization WHERE expires_ms <= ?").run(nowMs);
    this.#database.prepare("DELETE FROM certificate WHERE not_after_ms <= ?").run(nowMs - CERTIFICATE_GRACE_MS);
    this.#database.prepare("DELETE FROM revocation WHERE not_after_ms <= ?").run(nowMs - CERTIFICATE_GRACE_MS);
  }

  /** Closes the file; no call may follow. */
  close(): void {
    this.#database.close();
  }

  #together(write: () => void): void {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      write();
      this.#database.exec("COMMIT");
    } catch (error) {
      this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  #body(sql: string, key: string): unknown {
    return parse(this.#database.prepare(sql).get(key)?.["body"]);
  }

  #bodies(sql: string, ...values: readonly (string | number)[]): readonly unknown[] {
    return this.#database
      .prepare(sql)
      .all(...values)
      .map((row) => parse(row["body"]));
  }

  #count(sql: string, ...values: readonly (string | number)[]): number {
    return Number(this.#database.prepare(sql).get(...values)?.["n"] ?? 0);
  }
}

function parse(body: unknown): unknown {
  return typeof body === "string" ? JSON.parse(body) : undefined;
}
