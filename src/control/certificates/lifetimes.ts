import type { CertificateSpec } from "../../resource/certificate.ts";
import { renewalPlan } from "./renewal.ts";

const HOUR_MS = 3_600_000;
const DAY_MS: number = 24 * HOUR_MS;

/** A lifetime that public CAs give from a day on. */
export interface ComingLifetime {
  readonly name: string;
  readonly lifetimeMs: number;
  /** ISO date from which it holds; undefined: wherever the profile is chosen, today. */
  readonly from: string | undefined;
  readonly why: string;
  /** DNS names and addresses at most. */
  readonly namesMax: number;
  /** Whether the certificate still has a common name. */
  readonly hasCommonName: boolean;
}

/** What is announced, in the order of time (Let's Encrypt's calendar, and the CA/Browser Forum's ballot SC-081). */
export const COMING_LIFETIMES: readonly ComingLifetime[] = [
  {
    name: "64 days",
    lifetimeMs: 64 * DAY_MS,
    from: "2027-02-10",
    why: "Let's Encrypt's default profile",
    namesMax: 100,
    hasCommonName: true,
  },
  {
    name: "45 days",
    lifetimeMs: 45 * DAY_MS,
    from: "2028-02-16",
    why: "Let's Encrypt's default profile",
    namesMax: 100,
    hasCommonName: true,
  },
  {
    name: "47 days",
    lifetimeMs: 47 * DAY_MS,
    from: "2029-03-15",
    why: "the most that any public CA may give",
    namesMax: 100,
    hasCommonName: true,
  },
  {
    name: "6 days",
    lifetimeMs: 160 * HOUR_MS,
    from: undefined,
    why: "the profile shortlived",
    namesMax: 25,
    hasCommonName: false,
  },
];

/** What is judged of one certificate. */
export interface LifetimeSubject {
  readonly spec: Pick<
    CertificateSpec,
    "renewBeforeMs" | "renewBeforePercentage" | "renewal" | "durationMs" | "commonName" | "dnsNames" | "ipAddresses"
  >;
  /** Whether it is renewed by itself at all. */
  readonly renews: boolean;
  /** Why it cannot be issued as things are; undefined: it is Ready. */
  readonly notReady?: string | undefined;
  /** From when on renewals are followed for a year. */
  readonly startMs: number;
  /** Whether the issuer asks the CA for `spec.duration`. */
  readonly asksForDuration: boolean;
}

/** Whether a certificate would have been renewed in time under one lifetime. */
export interface LifetimeVerdict {
  readonly lifetime: ComingLifetime;
  /** `ok`; `tight`: in time if the first attempts go well; `late`: it would have expired, or not been issued. */
  readonly verdict: "ok" | "tight" | "late";
  /** After how long it would be renewed. */
  readonly renewsAfterMs: number | undefined;
  /** What is left then for attempts that fail. */
  readonly roomMs: number | undefined;
  /** One sentence with the next step; empty when all is well. */
  readonly message: string;
}

/** An outage of a CA, or a weekend without anyone who repairs DNS, is survived by this; of short lifetimes a tenth must do. */
const ROOM_MS_WANTED: number = 3 * DAY_MS;
const ROOM_SHARE_WANTED = 0.1;
/** Below it one failed attempt with its waits may already be too much. */
const ROOM_MS_NEEDED: number = 12 * HOUR_MS;
/** CAs give so many certificates for the same names in seven days. */
const SAME_SET_INTERVAL_MS: number = (7 * DAY_MS) / 5;

/** Returns the verdict for each coming lifetime. */
export function judgeLifetimes(subject: LifetimeSubject): readonly LifetimeVerdict[] {
  return COMING_LIFETIMES.map((lifetime) => judge(subject, lifetime));
}

function judge(subject: LifetimeSubject, lifetime: ComingLifetime): LifetimeVerdict {
  const { spec } = subject;
  const { lifetimeMs } = lifetime;
  const none = { lifetime, renewsAfterMs: undefined, roomMs: undefined };
  if (!subject.renews) {
    const message = "Nothing renews it: make a Certificate for it, or take away what keeps it from being renewed";
    return { ...none, verdict: "late", message };
  }
  if (subject.notReady !== undefined) {
    return { ...none, verdict: "late", message: `It is not issued today: ${subject.notReady}` };
  }
  const refusal = refusalOf(subject, lifetime);
  if (refusal !== undefined) return { ...none, verdict: "late", message: refusal };
  const chain = yearOf(spec, lifetimeMs, subject.startMs);
  if (chain === undefined) {
    const message = 'spec.renewal.policy is "Disabled": renew it by hand in time, or set it to RenewBefore';
    return { ...none, verdict: "late", message };
  }
  const { renewsAfterMs, roomMs, missesWindows } = chain;
  const found = { lifetime, renewsAfterMs, roomMs };
  if (renewsAfterMs < SAME_SET_INTERVAL_MS) {
    const message = `It would be renewed every ${hours(renewsAfterMs)}, more often than CAs allow for the same names; remove renewBefore, or shorten it`;
    return { ...found, verdict: "late", message };
  }
  const wantedMs = Math.min(ROOM_MS_WANTED, lifetimeMs * ROOM_SHARE_WANTED);
  if (roomMs < Math.min(ROOM_MS_NEEDED, wantedMs)) {
    const message = `Only ${hours(roomMs)} would be left for a renewal; remove renewBefore, or lengthen it to ${hours(lifetimeMs / 3)}`;
    return { ...found, verdict: "late", message };
  }
  if (roomMs < wantedMs) {
    const message = `${hours(roomMs)} would be left for a renewal, too little for an outage; lengthen renewBefore to ${hours(lifetimeMs / 3)}, or remove it`;
    return { ...found, verdict: "tight", message };
  }
  if (missesWindows) {
    const message =
      "No window of spec.renewal.windows would open in time, so it would be renewed outside of them; let them open more often";
    return { ...found, verdict: "tight", message };
  }
  const ignored = spec.renewBeforeMs !== undefined && spec.renewBeforeMs >= lifetimeMs;
  const message = ignored ? `renewBefore is longer than the lifetime and is passed over; remove it` : "";
  return { ...found, verdict: ignored ? "tight" : "ok", message };
}

/** A year of renewals, one after the other: the soonest and the latest of them. Undefined: there is none. */
function yearOf(
  spec: LifetimeSubject["spec"],
  lifetimeMs: number,
  startMs: number,
): { readonly renewsAfterMs: number; readonly roomMs: number; readonly missesWindows: boolean } | undefined {
  let [soonestMs, latestMs, missesWindows] = [lifetimeMs, 0, false];
  for (let bornMs = startMs, count = 0; bornMs < startMs + 365 * DAY_MS && count < RENEWALS_MAX; count++) {
    const life = { notBeforeMs: bornMs, notAfterMs: bornMs + lifetimeMs };
    const plan = renewalPlan(life, spec, { ari: undefined, nowMs: bornMs });
    if (plan.atMs === undefined) return undefined;
    soonestMs = Math.min(soonestMs, plan.atMs - bornMs);
    latestMs = Math.max(latestMs, plan.atMs - bornMs);
    missesWindows ||= plan.missesWindows;
    bornMs = Math.max(plan.atMs, bornMs + HOUR_MS);
  }
  return { renewsAfterMs: soonestMs, roomMs: lifetimeMs - latestMs, missesWindows };
}

/** Renewals followed of one certificate and lifetime: more than a year of six days has. */
const RENEWALS_MAX = 100;

/** What the CA would refuse outright. */
function refusalOf({ spec, asksForDuration }: LifetimeSubject, lifetime: ComingLifetime): string | undefined {
  if (asksForDuration && spec.durationMs !== undefined && spec.durationMs > lifetime.lifetimeMs) {
    return `The issuer asks for spec.duration, which is longer than the CA gives then; shorten it, or unset enableDurationFeature`;
  }
  const names = spec.dnsNames.length + spec.ipAddresses.length;
  if (lifetime.from !== undefined && names > lifetime.namesMax) {
    return `It has ${String(names)} names, and CAs take ${String(lifetime.namesMax)}; split it`;
  }
  return undefined;
}

function hours(ms: number): string {
  const count = Math.round(ms / HOUR_MS);
  if (count >= 48) return `${String(Math.round(count / 24))} days`;
  return count === 1 ? "1 hour" : `${String(count)} hours`;
}
