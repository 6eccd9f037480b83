/** So many in a stretch of time. */
export interface Rate {
  readonly count: number;
  readonly windowMs: number;
}

/** What a CA allows one account. Undefined: it has no such limit, or none that is published. */
export interface CaLimits {
  /** Failed validations of one name. */
  readonly failedValidations: Rate;
  /** Orders of all kinds; renewals are exempt. */
  readonly orders?: Rate;
  /** Certificates for names below one registered domain; renewals of the same names are exempt. */
  readonly certificatesPerDomain?: Rate;
  /** Certificates for exactly the same names. */
  readonly certificatesPerSet?: Rate;
}

const HOUR_MS = 3_600_000;
const WEEK_MS: number = 7 * 24 * HOUR_MS;

const LETS_ENCRYPT: CaLimits = {
  failedValidations: { count: 5, windowMs: HOUR_MS },
  orders: { count: 300, windowMs: 3 * HOUR_MS },
  certificatesPerDomain: { count: 50, windowMs: WEEK_MS },
  certificatesPerSet: { count: 5, windowMs: WEEK_MS },
};

const LETS_ENCRYPT_STAGING: CaLimits = {
  failedValidations: { count: 200, windowMs: HOUR_MS },
  orders: { count: 1500, windowMs: 3 * HOUR_MS },
  certificatesPerDomain: { count: 30_000, windowMs: WEEK_MS },
  certificatesPerSet: { count: 30_000, windowMs: WEEK_MS },
};

/** What most public CAs have in common. */
const OTHERS: CaLimits = { failedValidations: { count: 5, windowMs: HOUR_MS } };

/** Returns the limits of the CA whose directory is at `url`, as published in 2026; undefined for the one on this machine. */
export function limitsOf(url: string): CaLimits | undefined {
  const host = URL.parse(url)?.hostname ?? "";
  if (isOnThisMachine(host)) return undefined;
  if (host === "acme-v02.api.letsencrypt.org") return LETS_ENCRYPT;
  return host === "acme-staging-v02.api.letsencrypt.org" ? LETS_ENCRYPT_STAGING : OTHERS;
}

/** Returns whether `host`, as URLs write it, is this machine by any of its loopback names. */
export function isOnThisMachine(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
}
