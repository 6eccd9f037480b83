import type { Certificate } from "../../resource/certificate.ts";
import { rfc3339 } from "../../resource/condition.ts";

/** What an alert can be about. API: receivers tell by it what to do. */
export const ALERT_KINDS = ["AttemptFailed", "RenewalOverdue", "ExpiresSoon", "Expired", "Recovered"] as const;
/** One of {@link ALERT_KINDS}. */
export type AlertKind = (typeof ALERT_KINDS)[number];

/** Something a person should know of a certificate. Holds no secret. */
export interface Alert {
  /** The same for the same happening, over restarts too: whoever was told twice can see it. */
  readonly id: string;
  readonly kind: AlertKind;
  /** One sentence with the cause, as the `Ready` condition has it, where there is one. */
  readonly message: string;
}

/** What is due now, and when to look again though nothing changed. */
export interface DueAlerts {
  readonly alerts: readonly Alert[];
  readonly nextAtMs: number | undefined;
}

/** Before the end of a certificate, an alert is due when this share of the time for its renewal is left, at most {@link SOON_MS_MAX}. */
const SOON_SHARE = 0.2;
const SOON_MS_MAX: number = 3 * 24 * 3_600_000;
/** A renewal that has used up this share of its time is overdue. */
const OVERDUE_SHARE = 0.5;

/** Returns what there is to tell about a certificate as its status stands at `nowMs`. */
export function alertsFor(certificate: Certificate, nowMs: number): DueAlerts {
  const stages = stagesOf(certificate);
  const reached = stages.filter(({ atMs }) => atMs <= nowMs).at(-1);
  const next = stages.find(({ atMs }) => atMs > nowMs);
  const failure = failureAlert(certificate);
  return {
    alerts: [failure, reached?.alert].flatMap((alert) => (alert === undefined ? [] : [alert])),
    nextAtMs: next?.atMs,
  };
}

/** Returns the alert that all is well again, for a certificate that something was told of. */
export function recovery(certificate: Certificate): Alert {
  const until = certificate.status.notAfterMs;
  const message = `Certificate "${certificate.namespace}/${certificate.name}" is up to date again${until === undefined ? "" : `, until ${rfc3339(until)}`}`;
  return { id: idOf(certificate, "Recovered", String(until ?? 0)), kind: "Recovered", message };
}

function failureAlert(certificate: Certificate): Alert | undefined {
  const { lastFailureTimeMs, failedIssuanceAttempts } = certificate.status;
  if (lastFailureTimeMs === undefined) return undefined;
  const attempts = `${failedIssuanceAttempts} failed ${failedIssuanceAttempts === 1 ? "attempt" : "attempts"}`;
  const message = `Certificate "${certificate.namespace}/${certificate.name}" was not issued (${attempts}): ${causeOf(certificate)}`;
  return { id: idOf(certificate, "AttemptFailed", String(lastFailureTimeMs)), kind: "AttemptFailed", message };
}

/** In the order of time. */
function stagesOf(certificate: Certificate): readonly { readonly atMs: number; readonly alert: Alert }[] {
  const { notBeforeMs, notAfterMs, renewalTimeMs } = certificate.status;
  if (notAfterMs === undefined) return [];
  // One that is renewed by hand is told of all the same.
  const dueMs = renewalTimeMs ?? notAfterMs - (notAfterMs - (notBeforeMs ?? notAfterMs)) / 3;
  const roomMs = Math.max(0, notAfterMs - dueMs);
  const name = `Certificate "${certificate.namespace}/${certificate.name}"`;
  const end = rfc3339(notAfterMs);
  const stage = (atMs: number, kind: AlertKind, sentence: string): ReturnType<typeof stagesOf>[number] => ({
    atMs,
    alert: { id: idOf(certificate, kind, String(notAfterMs)), kind, message: `${name} ${sentence}` },
  });
  const why = causeOf(certificate);
  return [
    stage(
      dueMs + roomMs * OVERDUE_SHARE,
      "RenewalOverdue",
      `should have been renewed at ${rfc3339(dueMs)} and ends at ${end}: ${why}`,
    ),
    stage(notAfterMs - Math.min(SOON_MS_MAX, roomMs * SOON_SHARE), "ExpiresSoon", `ends at ${end}: ${why}`),
    stage(notAfterMs, "Expired", `ended at ${end}: ${why}`),
  ];
}

/** What stands in the way, as the conditions say it: of the attempt before what is stored. */
function causeOf(certificate: Certificate): string {
  const { conditions } = certificate.status;
  const failed = conditions.find((condition) => condition.type === "Issuing");
  const ready = conditions.find((condition) => condition.type === "Ready");
  if (ready?.status === "False" && ready.message !== "") return ready.message;
  return failed === undefined || failed.message === "" ? "no attempt has said why" : failed.message;
}

function idOf(certificate: Certificate, kind: AlertKind, moment: string): string {
  return `${certificate.object.metadata.uid ?? ""}/${kind}/${moment}`;
}
