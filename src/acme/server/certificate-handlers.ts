import { decodeBase64url } from "../../ground/base64url.ts";
import { numberAt, stringAt } from "../../ground/json.ts";
import {
  certificateBlocks,
  type CertificateParts,
  certificateParts,
  parseCertificate,
} from "../../pki/x509/certificate.ts";
import { sha256Hex } from "../../pki/x509/sha256.ts";
import type { Reply, ServerParts, SignedCall } from "./call.ts";
import { authorizationStatus, type CertificateRecord } from "./records.ts";
import { ServerProblem } from "./server-problem.ts";

/** Reasons a subscriber may give (RFC 5280 section 5.3.1): unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation, privilegeWithdrawn. */
const REASONS: readonly number[] = [0, 1, 3, 4, 5, 9];
/** The window begins when two thirds of the lifetime are over, and is a twelfth of it long. */
const WINDOW_START = 2 / 3;
const WINDOW_LENGTH = 1 / 12;
const RENEWAL_INFO_SECONDS = 6 * 3600;

/**
 * Revokes a certificate (RFC 8555 section 7.6) for the account that ordered it, an account that holds authorizations
 * for all its names, or whoever has its private key.
 */
export function revokeCertificate(parts: ServerParts, call: SignedCall): Reply {
  const given = parse(stringAt(call.payload, "certificate"));
  const record = parts.ledger.certificate(given.facts.serialHex);
  const [der] = record === undefined ? [] : certificateBlocks(record.chain);
  if (record === undefined || der === undefined || sha256Hex(der) !== given.facts.fingerprintSha256) {
    throw new ServerProblem(
      404,
      "malformed",
      "This CA did not issue the certificate, or has forgotten it since it ended",
    );
  }
  if (!mayRevoke(parts, call, record, given)) {
    throw new ServerProblem(
      403,
      "unauthorized",
      "The request is signed neither by an account that may revoke the certificate nor by its key",
    );
  }
  const reason = numberAt(call.payload, "reason") ?? 0;
  if (!REASONS.includes(reason)) {
    throw new ServerProblem(400, "badRevocationReason", `Reason ${reason} is not one of ${REASONS.join(", ")}`);
  }
  if (record.revokedMs !== undefined)
    throw new ServerProblem(400, "alreadyRevoked", "The certificate is revoked already");
  const revoked = { ...record, revokedMs: parts.clock.nowMs(), revocationReason: reason };
  parts.ledger.revoke(revoked, given.facts.authorityKeyIdHex ?? "");
  parts.log.info("Certificate revoked", { serial: record.id, reason });
  return { status: 200 };
}

/** Tells when to renew a certificate (RFC 9773 section 4.2): in the last third of its life, or at once when it or its issuer is revoked. */
export async function readRenewalInfo(parts: ServerParts, renewalId: string): Promise<Reply> {
  const record = parts.ledger.certificateByRenewalId(renewalId);
  if (record === undefined) throw new ServerProblem(404, "malformed", "This CA knows no certificate of that name");
  const lifeMs = record.notAfterMs - record.notBeforeMs;
  const issuerKeyIdHex = parseCertificate(record.chain).authorityKeyIdHex ?? "";
  const revokedMs = record.revokedMs ?? (await parts.ca.issuerRevokedMs(issuerKeyIdHex));
  // A window that is over asks for renewal at once (RFC 9773 section 4.2).
  const startMs =
    revokedMs === undefined ? record.notBeforeMs + lifeMs * WINDOW_START : revokedMs - lifeMs * WINDOW_LENGTH;
  const window = {
    start: new Date(startMs).toISOString(),
    end: new Date(startMs + lifeMs * WINDOW_LENGTH).toISOString(),
  };
  return { status: 200, headers: { "Retry-After": String(RENEWAL_INFO_SECONDS) }, body: { suggestedWindow: window } };
}

function parse(text: string | undefined): CertificateParts {
  const der = text === undefined ? undefined : decodeBase64url(text);
  try {
    if (der !== undefined) return certificateParts(der);
  } catch {
    // Answered below like a missing one: both are the same mistake.
  }
  throw new ServerProblem(400, "malformed", "The certificate is not base64url of a DER certificate");
}

function mayRevoke(parts: ServerParts, call: SignedCall, record: CertificateRecord, given: CertificateParts): boolean {
  const { account } = call;
  if (account === undefined) return sha256Hex(call.key.spki) === given.facts.spkiSha256;
  if (account.id === record.accountId) return true;
  const nowMs = parts.clock.nowMs();
  const proven = new Set(
    parts.ledger
      .authorizationsOf(account.id)
      .filter((authorization) => authorizationStatus(authorization, nowMs) === "valid")
      .map(({ identifier, wildcard }) => (wildcard === true ? `*.${identifier.value}` : identifier.value)),
  );
  return record.identifiers.every((identifier) => proven.has(identifier.value));
}
