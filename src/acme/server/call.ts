import type { Clock } from "../../ground/clock.ts";
import type { Logger } from "../../ground/log.ts";
import type { LocalCa } from "../../pki/local-ca.ts";
import type { VerificationKey } from "./jws.ts";
import type { Ledger } from "./ledger.ts";
import type { AccountRecord, AuthorizationRecord, ExternalAccountRecord } from "./records.ts";

/** What every handler of the server works with. */
export interface ServerParts {
  readonly ca: LocalCa;
  readonly clock: Clock;
  readonly log: Logger;
  readonly ledger: Ledger;
  /** Returns the absolute URL of a path below the server's own: `order/abc`. */
  readonly url: (path: string) => string;
  /** Whether accounts are registered with an external account binding only. */
  readonly requiresExternalAccount: boolean;
  /** Returns the external account key with this id, this instance's own among them. */
  readonly externalAccount: (id: string) => ExternalAccountRecord | undefined;
  /** Of the key that this instance binds its own accounts with; it is not kept. */
  readonly ownExternalAccountId: string;
  /** Starts looking for the answer of a challenge whose state is processing; resolves when that is settled, never rejects. */
  readonly startValidation: (authorization: AuthorizationRecord) => Promise<void>;
  /** Whether no further validation can be started now. */
  readonly validationsFull: () => boolean;
}

/** A verified request: its payload (undefined when it is empty, a POST-as-GET) and who signed it. */
export interface SignedCall {
  readonly payload: unknown;
  readonly key: VerificationKey;
  /** undefined: signed with a key instead of an account. */
  readonly account: AccountRecord | undefined;
  /** The absolute URL that was called. */
  readonly url: string;
}

/** A verified request of an account that may act. */
export interface AccountCall extends SignedCall {
  readonly account: AccountRecord;
}

/** An answer before it is written. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON, or text or bytes of `contentType`. */
  readonly body?: unknown;
  /** @default "application/json" */
  readonly contentType?: string;
  /** Relations beside the directory's, as Link header values. */
  readonly links?: readonly string[];
}
