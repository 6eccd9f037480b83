import type { CertificateSpec } from "../../resource/certificate.ts";

/** First wait after an issuance failed. Certificate authorities count failures by the hour. */
const FAILURE_BACKOFF_MS_MIN = 3_600_000;
/** Longest wait. */
const FAILURE_BACKOFF_MS_MAX: number = 32 * 3_600_000;

/**
 * Returns when a certificate with this lifetime is renewed: `renewBefore` or `renewBeforePercentage` of its life before
 * its end, or a third of it when neither fits the lifetime that was really issued. Whole seconds.
 */
export function renewalTimeMs(
  life: { readonly notBeforeMs: number; readonly notAfterMs: number },
  spec: Pick<CertificateSpec, "renewBeforeMs" | "renewBeforePercentage">,
): number {
  const lifetimeMs = life.notAfterMs - life.notBeforeMs;
  const asked =
    spec.renewBeforeMs ??
    (spec.renewBeforePercentage === undefined ? undefined : (lifetimeMs * spec.renewBeforePercentage) / 100);
  const beforeMs = asked !== undefined && asked > 0 && asked < lifetimeMs ? asked : lifetimeMs / 3;
  return Math.floor((life.notAfterMs - beforeMs) / 1000) * 1000;
}

/** Returns how long to wait after the `attempts`th failure in a row: 1 h, 2 h, 4 h … at most 32 h. */
export function failureBackoffMs(attempts: number): number {
  return Math.min(FAILURE_BACKOFF_MS_MAX, FAILURE_BACKOFF_MS_MIN * 2 ** Math.max(0, Math.min(attempts, 10) - 1));
}
