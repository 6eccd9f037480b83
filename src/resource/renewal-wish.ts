import { arrayAt, recordAt, stringAt } from "../ground/json.ts";
import { isTimeZone, nextCronMs, parseCron, type CronSchedule } from "./cron.ts";
import { parseGoDuration } from "./go-duration.ts";

/** A recurring time in which a certificate may be renewed. */
export interface RenewalWindowWish {
  readonly schedule: CronSchedule;
  /** IANA name. @default "UTC" */
  readonly timeZone: string;
  /** How long it stays open; more than 0. */
  readonly durationMs: number;
}

/** When a certificate may be renewed, from `spec.renewal`. */
export interface RenewalWish {
  /** `Disabled`: never by itself. @default "RenewBefore" */
  readonly policy: "RenewBefore" | "Disabled";
  /** None: at any time. */
  readonly windows: readonly RenewalWindowWish[];
}

/** Reads `spec.renewal`; what can't be read is left out and gets a sentence in `problems`. */
export function readRenewal(spec: unknown, problems: string[]): RenewalWish {
  const renewal = recordAt(spec, "renewal");
  const written = arrayAt(renewal, "windows");
  if (stringAt(renewal, "policy") === "Disabled") {
    if (written.length > 0) problems.push("spec.renewal.windows cannot be set when spec.renewal.policy is Disabled");
    return { policy: "Disabled", windows: [] };
  }
  return { policy: "RenewBefore", windows: written.flatMap((window, at) => readWindow(window, at, problems)) };
}

/** Returns when `window` next opens after `afterMs`; undefined when it does not within five years. */
export function nextOpeningMs(window: RenewalWindowWish, afterMs: number): number | undefined {
  return nextCronMs(window.schedule, window.timeZone, afterMs);
}

/** Returns whether `window` is open at `atMs`. */
export function isOpen(window: RenewalWindowWish, atMs: number): boolean {
  const openedMs = nextOpeningMs(window, atMs - window.durationMs);
  return openedMs !== undefined && openedMs <= atMs;
}

function readWindow(window: unknown, index: number, problems: string[]): readonly RenewalWindowWish[] {
  const path = `spec.renewal.windows[${String(index)}]`;
  const cron = parseCron(stringAt(window, "cron") ?? "");
  const timeZone = stringAt(window, "timezone") ?? "UTC";
  const durationMs = parseGoDuration(stringAt(window, "windowDuration") ?? "") ?? 0;
  const found: string[] = [];
  if (cron.kind === "malformed") found.push(`${path}.cron: ${cron.why}`);
  if (!isTimeZone(timeZone)) found.push(`${path}.timezone "${timeZone}" is not the name of an IANA time zone`);
  if (durationMs <= 0) found.push(`${path}.windowDuration is not a duration such as "4h"`);
  problems.push(...found);
  return cron.kind === "malformed" || found.length > 0 ? [] : [{ schedule: cron.schedule, timeZone, durationMs }];
}
