import type { CertificateSpec, RenewalWindow } from "../../resource/certificate.ts";

/** A CA can't have a certificate replaced that is younger than this: one that always asks for it must not cost an order a minute. */
const SUGGESTED_AGE_MS_MIN: number = 6 * 3_600_000;
/** First wait after an issuance failed. Certificate authorities count failures by the hour. */
const FAILURE_BACKOFF_MS_MIN = 3_600_000;
/** Longest wait. */
const FAILURE_BACKOFF_MS_MAX: number = 32 * 3_600_000;

/**
 * Returns when a certificate with this lifetime is renewed: at an instant inside the window that its CA suggests (RFC 9773
 * section 4.2), which follows from the certificate, so that many spread over it and none moves. Without a window: `renewBefore` or `renewBeforePercentage` of its life before
 * its end, or a third of it when neither fits the lifetime that was really issued. Whole seconds.
 */
export function renewalTimeMs(
  life: { readonly notBeforeMs: number; readonly notAfterMs: number; readonly fingerprintSha256?: string },
  spec: Pick<CertificateSpec, "renewBeforeMs" | "renewBeforePercentage">,
  window?: RenewalWindow,
): number {
  if (window !== undefined) {
    const fraction = Number.parseInt((life.fingerprintSha256 ?? "").slice(0, 8) || "0", 16) / 2 ** 32;
    const atMs = window.startMs + (window.endMs - window.startMs) * fraction;
    const soonestMs = life.notBeforeMs + SUGGESTED_AGE_MS_MIN;
    return Math.floor(Math.min(Math.max(atMs, soonestMs), life.notAfterMs) / 1000) * 1000;
  }
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
