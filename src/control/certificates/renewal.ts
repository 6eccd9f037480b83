import type { CertificateSpec, RenewalWindow } from "../../resource/certificate.ts";
import { isOpen, nextOpeningMs, type RenewalWindowWish } from "../../resource/renewal-wish.ts";

/** A CA can't have a certificate replaced that is younger than this: one that always asks for it must not cost an order a minute. */
const SUGGESTED_AGE_MS_MIN: number = 6 * 3_600_000;
/** The least time that must be left of a certificate when its renewal waits for a window: CAs may need a second attempt. */
const WINDOW_LEFT_MS_MIN = 3_600_000;

/** When a certificate is renewed by itself. */
export interface RenewalPlan {
  /** Whole seconds; undefined: never. */
  readonly atMs: number | undefined;
  /** No window of `spec.renewal.windows` opens in time, so the renewal happens outside of them. */
  readonly missesWindows: boolean;
}

interface Life {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly fingerprintSha256?: string;
}

type Wishes = Pick<CertificateSpec, "renewBeforeMs" | "renewBeforePercentage" | "renewal">;

/**
 * Returns when a certificate with this lifetime is renewed: at an instant inside the window that its CA suggests (`ari`, RFC
 * 9773 section 4.2), which follows from the certificate, so that many spread over it and none moves. Without one:
 * `renewBefore` or `renewBeforePercentage` of its life before its end, or a third of it when neither fits the lifetime that
 * was really issued.
 *
 * `spec.renewal.windows` move that to the next time that one of them is open, and when it was not done then, to the next
 * one after `nowMs`. Where none opens before the certificate ends it is one before that; where there is none at all, the
 * certificate is renewed outside of them: a rule about convenience must not end in an expired certificate.
 */
export function renewalPlan(
  life: Life,
  wishes: Wishes,
  around: { readonly ari: RenewalWindow | undefined; readonly nowMs: number },
): RenewalPlan {
  const { policy, windows } = wishes.renewal;
  if (policy === "Disabled") return { atMs: undefined, missesWindows: false };
  const desiredMs = floorToSecond(desiredTimeMs(life, wishes, around.ari));
  if (windows.length === 0) return { atMs: desiredMs, missesWindows: false };
  const plannedMs = timeInWindow(windows, life, desiredMs);
  if (plannedMs === undefined) return { atMs: desiredMs, missesWindows: true };
  const missed = plannedMs < around.nowMs && !windows.some((window) => isOpen(window, around.nowMs));
  const laterMs = missed ? nextTimeInWindow(windows, life, around.nowMs) : undefined;
  return { atMs: laterMs ?? plannedMs, missesWindows: missed && laterMs === undefined };
}

function desiredTimeMs(life: Life, wishes: Wishes, ari: RenewalWindow | undefined): number {
  if (ari !== undefined) {
    const fraction = Number.parseInt((life.fingerprintSha256 ?? "").slice(0, 8) || "0", 16) / 2 ** 32;
    const atMs = ari.startMs + (ari.endMs - ari.startMs) * fraction;
    const soonestMs = life.notBeforeMs + SUGGESTED_AGE_MS_MIN;
    return Math.min(Math.max(atMs, soonestMs), life.notAfterMs);
  }
  const lifetimeMs = life.notAfterMs - life.notBeforeMs;
  const asked =
    wishes.renewBeforeMs ??
    (wishes.renewBeforePercentage === undefined ? undefined : (lifetimeMs * wishes.renewBeforePercentage) / 100);
  return life.notAfterMs - (asked !== undefined && asked > 0 && asked < lifetimeMs ? asked : lifetimeMs / 3);
}

/** At the desired time when a window is open then, else when the next one opens, else when one opened before. */
function timeInWindow(windows: readonly RenewalWindowWish[], life: Life, desiredMs: number): number | undefined {
  if (windows.some((window) => isOpen(window, desiredMs))) return desiredMs;
  return nextTimeInWindow(windows, life, desiredMs) ?? lastOpeningMs(windows, life, desiredMs);
}

function nextTimeInWindow(windows: readonly RenewalWindowWish[], life: Life, afterMs: number): number | undefined {
  const openings = windows.flatMap((window) => nextOpeningMs(window, afterMs) ?? []);
  const soonestMs = Math.min(...openings);
  return soonestMs <= life.notAfterMs - WINDOW_LEFT_MS_MIN ? soonestMs : undefined;
}

/**
 * An opening before the desired time, a late one. Not in the first third of a certificate's life: the next certificate
 * would be due in the same window, and the one after it. Looks back in steps that double, so that a window that opens every
 * minute costs no more than one that opens once a year.
 */
function lastOpeningMs(windows: readonly RenewalWindowWish[], life: Life, beforeMs: number): number | undefined {
  const soonestMs = life.notBeforeMs + (life.notAfterMs - life.notBeforeMs) / 3;
  for (let spanMs = 3_600_000; spanMs < 2 * (beforeMs - soonestMs); spanMs *= 2) {
    const fromMs = Math.max(soonestMs, beforeMs - spanMs);
    const openings = windows.flatMap((window) => {
      const openingMs = nextOpeningMs(window, fromMs);
      return openingMs !== undefined && openingMs <= beforeMs ? [openingMs] : [];
    });
    if (openings.length > 0) return Math.max(...openings);
  }
  return undefined;
}

function floorToSecond(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}
