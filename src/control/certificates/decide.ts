import { requestState } from "../../resource/certificate-request.ts";
import type { CertificateReason } from "../../resource/certificate.ts";
import type { Condition } from "../../resource/condition.ts";
import { objectionToKeeping, objectionToReady, requestDifferences } from "./checks.ts";
import type { Facts } from "./facts.ts";
import { failureOf } from "../acme-limits/failure-cause.ts";
import { retryAtMs } from "../acme-limits/retry-delay.ts";
import { renewalPlan } from "./renewal.ts";

/** What to do about one Certificate now. One step at a time: after a step the world is read again. */
export type Step =
  /** What is stored will do; look again at `atMs` (undefined: only when something changes). */
  | { readonly kind: "keep"; readonly atMs: number | undefined }
  /** The spec can't be honoured: nothing is issued until it changes. */
  | { readonly kind: "refuse"; readonly message: string }
  /** An issuance failed a short time ago: wait, so that the CA's limits are not used up. */
  | { readonly kind: "backOff"; readonly untilMs: number }
  /** Set the `Issuing` condition. */
  | { readonly kind: "begin"; readonly reason: CertificateReason; readonly message: string }
  /** Make the key for this issuance and keep it in a Secret of its own. */
  | { readonly kind: "makeKey" }
  /** The stored key must be reused and is not what the spec asks for. */
  | { readonly kind: "keepWrongKey"; readonly message: string }
  /** The request of the next revision is for another spec, key or attempt. */
  | { readonly kind: "discardRequest"; readonly message: string }
  | { readonly kind: "request" }
  /** The request is under way. */
  | { readonly kind: "await" }
  /** Put certificate and key into the Secret, live. */
  | { readonly kind: "store"; readonly certificatePem: string; readonly caPem: string }
  | { readonly kind: "fail"; readonly reason: "Failed" | "Denied"; readonly message: string };

/** Returns the next step for a Certificate. */
export function decide(facts: Facts): Step {
  const { certificate } = facts;
  if (certificate.problems.length > 0) return { kind: "refuse", message: certificate.problems.join("; ") };
  return isIssuing(certificate.status.conditions) ? nextIssuanceStep(facts) : shouldIssue(facts);
}

/** Returns whether an issuance is under way: the condition that controllers and `cmctl renew` set. */
export function isIssuing(conditions: readonly Condition[]): boolean {
  return conditions.some((condition) => condition.type === "Issuing" && condition.status === "True");
}

function shouldIssue(facts: Facts): Step {
  // Two Certificates that share a Secret would take it from each other for ever.
  if (facts.otherOwner !== undefined) return { kind: "refuse", message: sharedSecret(facts, facts.otherOwner) };
  const objection = objectionToKeeping(facts);
  if (objection === undefined) return { kind: "keep", atMs: nextMomentMs(facts) };
  const untilMs = backOffUntilMs(facts);
  if (untilMs !== undefined && facts.nowMs < untilMs) return { kind: "backOff", untilMs };
  return { kind: "begin", ...objection };
}

/** Returns until when nothing is tried because of a failure. It counts only for what was asked then: whoever changes the spec gets a new attempt at once. */
function backOffUntilMs(facts: Facts): number | undefined {
  const { lastFailureTimeMs, failedIssuanceAttempts } = facts.certificate.status;
  if (lastFailureTimeMs === undefined) return undefined;
  const changed = facts.nextRequest !== undefined && requestDifferences(facts.nextRequest, facts).length > 0;
  return changed ? undefined : nextAttemptMs(facts, lastFailureTimeMs, failedIssuanceAttempts);
}

/** Returns when the attempt after the `attempts`th failure in a row begins by itself, by what failed. */
export function nextAttemptMs(facts: Facts, failedAtMs: number, attempts: number): number {
  const failed = facts.nextRequest?.request.object;
  return retryAtMs(failedAtMs, attempts, failed === undefined ? undefined : failureOf(failed));
}

function nextIssuanceStep(facts: Facts): Step {
  const { certificate, nextKey, nextRequest } = facts;
  const { nextPrivateKeySecretName } = certificate.status;
  if (nextPrivateKeySecretName === undefined || nextKey?.matchesWish !== true) {
    const wrong = keyThatMustStay(facts);
    return wrong === undefined ? { kind: "makeKey" } : { kind: "keepWrongKey", message: wrong };
  }
  if (nextRequest === undefined) return { kind: "request" };
  // Each attempt has a key Secret of its own: a request that names another one is left from an earlier attempt.
  if (nextRequest.request.privateKeySecretName !== nextPrivateKeySecretName) {
    return { kind: "discardRequest", message: "it belongs to an earlier attempt" };
  }
  if (nextRequest.csr?.spkiSha256 !== nextKey.spkiSha256) {
    return { kind: "discardRequest", message: "it was made with another private key" };
  }
  const differing = requestDifferences(nextRequest, facts);
  if (differing.length > 0) return { kind: "discardRequest", message: `the spec changed: ${differing.join(", ")}` };
  return stepForRequest(nextRequest);
}

function stepForRequest(known: NonNullable<Facts["nextRequest"]>): Step {
  const state = requestState(known.request);
  switch (state.kind) {
    case "unapproved":
    case "pending":
      return { kind: "await" };
    case "denied":
      return { kind: "fail", reason: "Denied", message: state.message };
    case "failed":
      return { kind: "fail", reason: "Failed", message: state.message };
    case "issued":
      return { kind: "store", certificatePem: state.certificatePem, caPem: state.caPem };
    default:
      return state satisfies never;
  }
}

function keyThatMustStay(facts: Facts): string | undefined {
  const { privateKey, secretName } = facts.certificate.spec;
  if (privateKey.rotationPolicy !== "Never" || facts.secret?.key?.matchesWish !== false) return undefined;
  return (
    `Cannot regenerate the private key in Secret "${secretName}": it is not what spec.privateKey asks for and ` +
    "rotationPolicy is Never; set it to Always or delete the Secret"
  );
}

function sharedSecret(facts: Facts, owner: string): string {
  return (
    `Secret "${facts.certificate.spec.secretName}" belongs to Certificate "${owner}"; ` +
    "give each Certificate a secretName of its own"
  );
}

/** Returns when the stored certificate next needs attention by the passing of time alone: renewal, then expiry. */
function nextMomentMs(facts: Facts): number | undefined {
  const stored = facts.secret?.certificate;
  if (stored === undefined) return undefined;
  const { spec, status } = facts.certificate;
  const { atMs } = renewalPlan(stored, spec, { ari: status.renewalWindow, nowMs: facts.nowMs });
  return [atMs, stored.notAfterMs].find((momentMs) => momentMs !== undefined && facts.nowMs < momentMs);
}

/** What the `Ready` condition must say. */
export interface Readiness {
  readonly status: "True" | "False";
  readonly reason: CertificateReason;
  readonly message: string;
}

/**
 * Returns the `Ready` condition. While it is False, the message is `cause`, the deepest reason that is known, or what is
 * wrong with the stored certificate when nothing deeper is.
 */
export function judgeReadiness(facts: Facts, cause: string | undefined): Readiness {
  const { problems } = facts.certificate;
  if (problems.length > 0) {
    return {
      status: "False",
      reason: "InvalidConfig",
      message: `Cannot issue this certificate: ${problems.join("; ")}`,
    };
  }
  if (facts.otherOwner !== undefined) {
    return { status: "False", reason: "IncorrectCertificate", message: sharedSecret(facts, facts.otherOwner) };
  }
  const objection = objectionToReady(facts);
  if (objection === undefined) {
    return { status: "True", reason: "Ready", message: "Certificate is up to date and has not expired" };
  }
  return { status: "False", reason: objection.reason, message: cause ?? objection.message };
}
