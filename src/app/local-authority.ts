import { existsSync } from "node:fs";
import { issueExternalAccount, revokeExternalAccount } from "../acme/server/external-account-keys.ts";
import { revocationListUrlPath } from "../acme/server/acme-server.ts";
import { Ledger } from "../acme/server/ledger.ts";
import type { ExternalAccountRecord } from "../acme/server/records.ts";
import type { Clock } from "../ground/clock.ts";
import { LintelError } from "../ground/errors.ts";
import { numberAt } from "../ground/json.ts";
import { type IssuerSummary, LocalCa } from "../pki/local-ca.ts";
import { ACME_DIRECTORY_PATH } from "./default-objects.ts";
import { readFileIfAny, type StateFolder, stateFolderAt } from "./state-folder.ts";

/** The local CA as people are shown it: its authorities, and what its ACME server has done. */
export interface AuthorityReport {
  /** The state folder. */
  readonly state: string;
  /** Undefined when its port is not known. */
  readonly directoryUrl: string | undefined;
  readonly authorities: readonly (IssuerSummary & {
    readonly kind: "root" | "intermediate";
    readonly revocationListUrl: string | undefined;
  })[];
  readonly accounts: number;
  readonly certificates: { readonly valid: number; readonly revoked: number };
  readonly externalAccounts: number;
}

/** An external account key, without its MAC key. */
export type ExternalAccountSummary = Omit<ExternalAccountRecord, "hmacKey">;

/**
 * The local CA of an instance, worked on through its files: whether the instance runs does not matter, it sees every change at its next
 * request.
 */
export class LocalAuthority {
  readonly #folder: StateFolder;
  readonly #clock: Clock;

  /** Takes the first of `directories` where Lintel ran. Throws NotFound when there is none. */
  constructor(directories: readonly string[], clock: Clock) {
    const folder = directories.map(stateFolderAt).find((candidate) => existsSync(candidate.localCa));
    if (folder === undefined) {
      throw new LintelError(`Cannot find the local CA in "${directories.join('", "')}": Lintel never ran there`, {
        code: "NotFound",
        fault: "user",
        hint: 'Name the state folder with "--state"',
      });
    }
    this.#folder = folder;
    this.#clock = clock;
  }

  /** The file with the root's certificate. */
  get certificatePath(): string {
    return this.#folder.caCertificate;
  }

  /** Returns what there is. */
  async report(): Promise<AuthorityReport> {
    const { root, intermediates } = await (await this.#open()).issuers();
    const base = acmeBase(this.#folder);
    const listed = (
      authority: IssuerSummary,
      kind: "root" | "intermediate",
    ): AuthorityReport["authorities"][number] => ({
      ...authority,
      kind,
      revocationListUrl: base === undefined ? undefined : `${base}${revocationListUrlPath(authority.keyIdHex)}`,
    });
    return this.#withLedger((ledger) => ({
      state: this.#folder.directory,
      directoryUrl: base === undefined ? undefined : `${base}${ACME_DIRECTORY_PATH}`,
      authorities: [listed(root, "root"), ...intermediates.map((entry) => listed(entry, "intermediate"))],
      accounts: ledger.accounts(),
      certificates: ledger.certificateCounts(this.#clock.nowMs()),
      externalAccounts: ledger.externalAccounts().length,
    }));
  }

  /** Revokes the intermediate that signs now, see `LocalCa.revokeIntermediate`. Undefined when there is none to revoke. */
  async revokeIntermediate(reason: number): Promise<IssuerSummary | undefined> {
    return (await this.#open()).revokeIntermediate(reason);
  }

  /** Makes an external account key for a client; the MAC key is shown this once. */
  createExternalAccount(options: { readonly note: string; readonly reusable: boolean }): ExternalAccountRecord {
    return this.#withLedger((ledger) => issueExternalAccount(ledger, { ...options, nowMs: this.#clock.nowMs() }));
  }

  /** Returns the external account keys, the oldest first. */
  externalAccounts(): readonly ExternalAccountSummary[] {
    return this.#withLedger((ledger) => ledger.externalAccounts()).map(withoutSecret);
  }

  /** Revokes an external account key and deactivates its accounts; returns how many. Throws NotFound. */
  revokeExternalAccount(id: string): number {
    return this.#withLedger((ledger) => revokeExternalAccount(ledger, id, this.#clock.nowMs()));
  }

  #open(): Promise<LocalCa> {
    return LocalCa.open({ directory: this.#folder.localCa, clock: this.#clock });
  }

  #withLedger<Result>(use: (ledger: Ledger) => Result): Result {
    const ledger = Ledger.open(this.#folder.acme);
    try {
      return use(ledger);
    } finally {
      ledger.close();
    }
  }
}

function withoutSecret(key: ExternalAccountRecord): ExternalAccountSummary {
  const { hmacKey: _, ...shown } = key;
  return shown;
}

/** Where the ACME server of the last start was; this machine's own way to it. */
function acmeBase(folder: StateFolder): string | undefined {
  const text = readFileIfAny(folder.ports);
  const port = text === undefined ? undefined : numberAt(JSON.parse(text), "acme");
  return port === undefined ? undefined : `https://127.0.0.1:${port}`;
}
