import type { CertificateFacts } from "../../pki/x509/certificate.ts";
import type { Certificate } from "../../resource/certificate.ts";
import { rfc3339 } from "../../resource/condition.ts";
import type { StatusFields } from "../status-writer.ts";
import type { Facts } from "./facts.ts";
import { renewalPlan } from "./renewal.ts";

/** Returns the status fields about the life of the stored certificate; without `renewalTime` when it is never renewed by itself. */
export function lifeFields(leaf: CertificateFacts, { spec, status }: Certificate, nowMs: number): StatusFields {
  const { atMs } = renewalPlan(leaf, spec, { ari: status.renewalWindow, nowMs });
  return {
    notBefore: rfc3339(leaf.notBeforeMs),
    notAfter: rfc3339(leaf.notAfterMs),
    renewalTime: atMs === undefined ? undefined : rfc3339(atMs),
  };
}

/** The same for a certificate that is new: what the CA suggested was about the one before. */
export function lifeFieldsOfNew(leaf: CertificateFacts, certificate: Certificate, nowMs: number): StatusFields {
  return lifeFields(leaf, { ...certificate, status: { ...certificate.status, renewalWindow: undefined } }, nowMs);
}

/** Returns whether a renewal is due that can't wait for one of the user's windows. */
export function missesWindows({ secret, certificate: { spec, status }, nowMs }: Facts): boolean {
  if (secret?.certificate === undefined) return false;
  const plan = renewalPlan(secret.certificate, spec, { ari: status.renewalWindow, nowMs });
  return plan.missesWindows && plan.atMs !== undefined && plan.atMs <= nowMs;
}
