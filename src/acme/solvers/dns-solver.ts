/** A TXT record that proves a name (RFC 8555 section 8.4). */
export interface ChallengeRecord {
  /** Where it must be: `_acme-challenge.shop.example`, or where CNAMEs lead from there. Lower case, no dot at its end. */
  readonly name: string;
  readonly value: string;
}

/**
 * Puts challenge records into DNS and takes them away again. Both may be called any number of times for one record, also by
 * another process after a crash, and leave other values of the same name alone: two orders may prove one name at once.
 * Reject with a LintelError that names the provider and the next step; never with a secret in it.
 */
export interface DnsSolver {
  /** For sentences: `Cloudflare`, `RFC 2136`. */
  readonly provider: string;
  /** Resolves when the provider has taken the record; others may see it later. */
  present(record: ChallengeRecord, signal: AbortSignal): Promise<void>;
  /** Resolves when the record is gone at the provider; one that is not there is gone. */
  cleanup(record: ChallengeRecord, signal: AbortSignal): Promise<void>;
}

/** Seconds that resolvers may keep challenge records. */
export const CHALLENGE_TTL_SECONDS = 60;
