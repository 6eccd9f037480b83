import { shortType, type AcmeProblem } from "../../acme/wire.ts";
import type { KubeObject } from "../../resource/object.ts";

/** Why an attempt at a certificate failed, as far as the wait before the next one depends on it. API: it stands in an annotation. */
export type FailureCause =
  /** A name could not be proven: DNS, port 80, another answer, CAA. A person repairs that outside. */
  | "dns"
  | "connection"
  | "unauthorized"
  | "tls"
  | "caa"
  /** A limit of the CA. */
  | "rateLimited"
  /** The order is gone at the CA: expired, or of an account that is no more. */
  | "orderGone"
  /** The CA broke, was too slow, or answered what no CA may answer. */
  | "serverInternal"
  /** The request itself is refused: the same one never succeeds. */
  | "refused";

/** On Challenges, Orders and CertificateRequests that failed: why, and before when the CA must not be asked again. */
export const FAILURE_ANNOTATIONS = {
  cause: "lintel.dev/failure-cause",
  notBefore: "lintel.dev/retry-not-before",
} as const;

/** What a failed object says about the next attempt. */
export interface FailureNote {
  readonly cause: FailureCause;
  /** Until then the CA has asked to be left alone. */
  readonly notBeforeMs?: number;
}

const CAUSES: Readonly<Record<string, FailureCause>> = {
  dns: "dns",
  connection: "connection",
  unauthorized: "unauthorized",
  incorrectResponse: "unauthorized",
  tls: "tls",
  caa: "caa",
  rateLimited: "rateLimited",
  serverInternal: "serverInternal",
  badNonce: "serverInternal",
  accountDoesNotExist: "orderGone",
  malformed: "serverInternal",
  "about:blank": "serverInternal",
};

/** Returns what a CA's refusal means for the next attempt. Types that are not listed are refusals of the request itself. */
export function failureNote(problem: AcmeProblem, nowMs: number): FailureNote {
  const cause = CAUSES[shortType(problem)] ?? "refused";
  const afterMs = problem.retryAfterMs;
  const notBeforeMs = afterMs === undefined ? momentIn(problem.detail) : nowMs + afterMs;
  return notBeforeMs === undefined || notBeforeMs <= nowMs ? { cause } : { cause, notBeforeMs };
}

/** CAs that send no Retry-After say it in the sentence: "retry after 2026-11-24 13:45:00 UTC". */
function momentIn(detail: string): number | undefined {
  const [, day, time] = /retry after (\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)/i.exec(detail) ?? [];
  const atMs = day === undefined || time === undefined ? Number.NaN : Date.parse(`${day}T${time}Z`);
  return Number.isNaN(atMs) ? undefined : atMs;
}

/** Returns the annotations that say `note`. */
export function failureAnnotations({ cause, notBeforeMs }: FailureNote): Readonly<Record<string, string>> {
  return {
    [FAILURE_ANNOTATIONS.cause]: cause,
    ...(notBeforeMs === undefined ? {} : { [FAILURE_ANNOTATIONS.notBefore]: new Date(notBeforeMs).toISOString() }),
  };
}

/** Returns what `object` says about its failure, or undefined. */
export function failureOf(object: KubeObject): FailureNote | undefined {
  const { annotations = {} } = object.metadata;
  const text = annotations[FAILURE_ANNOTATIONS.cause];
  const cause = text === "orderGone" || text === "refused" ? text : text === undefined ? undefined : CAUSES[text];
  if (cause === undefined) return undefined;
  const notBeforeMs = Date.parse(annotations[FAILURE_ANNOTATIONS.notBefore] ?? "");
  return Number.isNaN(notBeforeMs) ? { cause } : { cause, notBeforeMs };
}
