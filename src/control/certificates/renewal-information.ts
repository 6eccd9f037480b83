import { AcmeError } from "../../acme/client/acme-error.ts";
import { messageOf } from "../../ground/errors.ts";
import { base64At } from "../../resource/certificate-request.ts";
import { readCertificate, type Certificate } from "../../resource/certificate.ts";
import { rfc3339 } from "../../resource/condition.ts";
import { CERTIFICATE, SECRET } from "../../resource/kind.ts";
import { objectKey } from "../../resource/object.ts";
import { BY_ISSUER } from "../caches.ts";
import { splitKey } from "../object-name.ts";
import { writeStatus, type StatusFields } from "../status-writer.ts";
import { WorkQueue, type Recheck } from "../work-queue.ts";
import type { World } from "../world.ts";

/** How often a CA is asked about a certificate: its Retry-After, but neither more often nor less than this (RFC 9773 section 4.3). */
const CHECK_MS_MIN: number = 10 * 60_000;
const CHECK_MS_MAX: number = 24 * 3_600_000;
const CHECK_MS_DEFAULT: number = 6 * 3_600_000;
/** Wait after the CA could not be asked. */
const FAILED_CHECK_MS: number = 3_600_000;

/** Asks the CAs of ACME certificates when they would like them to be renewed, and notes it in the status. Keys are those of Certificates. */
export function openRenewalInformation(world: World): WorkQueue {
  const { certificates } = world.caches;
  const queue = new WorkQueue({ ...world, name: "renewal-information", reconcile: (key) => reconcile(world, key) });
  certificates.subscribe(({ after }) => {
    if (after !== undefined) queue.add(objectKey(after));
  });
  world.accounts.subscribe((issuer) => {
    for (const object of certificates.find(BY_ISSUER, issuer)) queue.add(objectKey(object));
  });
  return queue;
}

async function reconcile(world: World, key: string): Promise<Recheck> {
  const { namespace, name } = splitKey(key);
  const object = world.caches.certificates.get(namespace, name);
  if (object === undefined || object.metadata.deletionTimestamp !== undefined) return undefined;
  const certificate = readCertificate(object);
  const { status, spec } = certificate;
  const caller = world.accounts.get(spec.issuerRef, namespace);
  const nowMs = world.clock.nowMs();
  if (caller === undefined || status.revision === 0 || status.renewalTimeMs === undefined) return undefined;
  if (status.renewalCheckMs !== undefined && status.renewalCheckMs > nowMs)
    return { afterMs: status.renewalCheckMs - nowMs };
  const secret = await world.store.get(SECRET, namespace, spec.secretName);
  const pem = base64At(secret?.["data"], "tls.crt");
  if (pem === undefined) return undefined;
  try {
    const info = await caller.renewalInfo(pem);
    // The CA gives none: it is not asked about this certificate again by this process.
    if (info === undefined) return undefined;
    const afterMs = Math.max(CHECK_MS_MIN, Math.min(CHECK_MS_MAX, info.retryAfterMs ?? CHECK_MS_DEFAULT));
    await note(world, certificate, {
      suggestedWindow: { start: rfc3339(info.startMs), end: rfc3339(info.endMs) },
      ...(info.explanationUrl === undefined ? {} : { explanationURL: info.explanationUrl }),
      lastChecked: rfc3339(nowMs),
      nextCheck: rfc3339(nowMs + afterMs),
      lastError: undefined,
    });
    return { afterMs };
  } catch (error) {
    // It is advice: without it the certificate is renewed by its lifetime.
    const askedMs = error instanceof AcmeError ? (error.problem.retryAfterMs ?? 0) : 0;
    const afterMs = Math.min(CHECK_MS_MAX, Math.max(FAILED_CHECK_MS, askedMs));
    const fields = { lastChecked: rfc3339(nowMs), nextCheck: rfc3339(nowMs + afterMs) };
    await note(world, certificate, { ...fields, lastError: messageOf(error) });
    return { afterMs };
  }
}

async function note(world: World, { object, status: seen }: Certificate, ari: StatusFields): Promise<void> {
  await writeStatus(world.store, CERTIFICATE, object, (status) => {
    // Issued anew meanwhile: what the CA said was about the one before.
    if (status["revision"] !== seen.revision) return status;
    const { acme } = status;
    const before = typeof acme === "object" && acme !== null && "ari" in acme ? acme.ari : {};
    return { ...status, acme: { ari: { ...(typeof before === "object" ? before : {}), ...ari } } };
  });
}
