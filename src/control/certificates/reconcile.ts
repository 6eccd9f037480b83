import { randomInt } from "node:crypto";
import { isLintelError, messageOf } from "../../ground/errors.ts";
import { generateKey } from "../../pki/key.ts";
import {
  CERTIFICATE_ANNOTATIONS,
  readCertificate,
  type CertificateReason,
  type Certificate,
} from "../../resource/certificate.ts";
import { readChallenge } from "../../resource/challenge.ts";
import { conditionsOf, rfc3339, withCondition, type Condition } from "../../resource/condition.ts";
import { CERTIFICATE, CERTIFICATE_REQUEST, SECRET } from "../../resource/kind.ts";
import { objectKey, type KubeObject } from "../../resource/object.ts";
import { readOrder } from "../../resource/order.ts";
import { BY_ISSUER, BY_OWNER, BY_SECRET, issuerKey } from "../caches.ts";
import { splitKey } from "../object-name.ts";
import { removeObject, writeStatus, type StatusFields } from "../status-writer.ts";
import { WorkQueue, type Recheck } from "../work-queue.ts";
import type { World } from "../world.ts";
import { decide, judgeReadiness, nextAttemptMs, type Step } from "./decide.ts";
import type { Facts } from "./facts.ts";
import { keyFacts, keySpecOf, readKey } from "./private-key.ts";
import { keyPemOf, readFacts, readLeaf, requestName } from "./read-facts.ts";
import { rootCause } from "./root-cause.ts";
import { removeLeftovers } from "./leftovers.ts";
import { namesOf, requestObject } from "./request-object.ts";
import { lifeFields, lifeFieldsOfNew, missesWindows } from "./life-fields.ts";
import { readKeystorePasswords, withKeystores } from "./keystores.ts";
import { certificateSecret, nextPrivateKeySecret } from "./secret.ts";
import { signingRequest } from "./signing-request.ts";
import { refreshSecret } from "./upkeep.ts";

/** Steps taken for one key before others get their turn: more than any issuance needs. */
const STEPS_MAX = 12;
/** How long a fresh certificate may take to reach every worker before the Certificate says Ready all the same. */
const SERVED_WAIT_MS_MAX = 5000;

/** Keeps the Secret of each Certificate in line with its spec. Keys are those of Certificates. */
export function openCertificates(world: World): WorkQueue {
  const { caches } = world;
  const queue = new WorkQueue({
    ...world,
    name: "certificates",
    reconcile: (key, signal) => reconcile(world, key, signal),
  });
  const wake = (object: KubeObject): void => queue.add(objectKey(object));
  caches.certificates.subscribe(({ before, after }) => {
    if (after !== undefined) wake(after);
    // Whoever shares a Secret with it may have waited for it to go.
    else if (before !== undefined) {
      const { namespace = "" } = before.metadata;
      caches.certificates.find(BY_SECRET, `${namespace}/${readCertificate(before).spec.secretName}`).forEach(wake);
    }
  });
  caches.secrets.subscribe(({ before, after }) => {
    const secret = after ?? before;
    if (secret !== undefined) caches.certificates.find(BY_SECRET, objectKey(secret)).forEach(wake);
  });
  for (const cache of [caches.requests, caches.orders, caches.challenges]) {
    cache.subscribe(({ before, after }) => {
      const { namespace = "", annotations = {} } = (after ?? before)?.metadata ?? {};
      const name = annotations[CERTIFICATE_ANNOTATIONS.certificateName];
      if (name !== undefined) queue.add(`${namespace}/${name}`);
    });
  }
  for (const cache of [caches.issuers, caches.clusterIssuers]) {
    cache.subscribe(({ before, after }) => {
      const issuer = after ?? before;
      if (issuer === undefined) return;
      const { name, namespace = "" } = issuer.metadata;
      const reference = { name, kind: issuer.kind, group: "" };
      caches.certificates.find(BY_ISSUER, issuerKey(reference, namespace)).forEach(wake);
    });
  }
  return queue;
}

async function reconcile(world: World, key: string, signal: AbortSignal): Promise<Recheck> {
  const { namespace, name } = splitKey(key);
  for (let taken = 0; taken < STEPS_MAX; taken++) {
    const object = await world.store.get(CERTIFICATE, namespace, name);
    if (object === undefined || object.metadata.deletionTimestamp !== undefined || signal.aborted) return undefined;
    const facts = await readFacts(world, readCertificate(object));
    const step = decide(facts);
    const rest = await act(world, facts, step, signal);
    if (rest !== "again") return rest;
  }
  return { afterMs: 0 };
}

async function act(world: World, facts: Facts, step: Step, signal: AbortSignal): Promise<Recheck | "again"> {
  const { events } = world;
  const { object } = facts.certificate;
  switch (step.kind) {
    case "keep":
      await rest(world, facts);
      return recheckAt(world, step.atMs);
    case "refuse":
      await rest(world, facts);
      return undefined;
    case "backOff":
      await rest(world, facts);
      return recheckAt(world, Math.min(step.untilMs, expiryMs(facts) ?? step.untilMs));
    case "begin":
      await setIssuing(world, facts, step);
      events.normal(object, "Issuing", step.message);
      if (missesWindows(facts)) events.warning(object, "WindowError", step.message);
      return "again";
    case "makeKey":
      await makeKey(world, facts);
      return "again";
    case "keepWrongKey":
      events.warning(object, "CannotRegenerateKey", step.message);
      await writeReady(world, facts, step.message);
      return undefined;
    case "discardRequest":
      await discardRequest(world, facts, step.message);
      return "again";
    case "request":
      await request(world, facts);
      return "again";
    case "await":
      await writeReady(world, facts, causeOf(world, facts, undefined));
      return recheckAt(world, expiryMs(facts));
    case "store":
      await storeIssued(world, facts, step, signal);
      return "again";
    case "fail":
      await fail(world, facts, step);
      return "again";
    default:
      return step satisfies never;
  }
}

/** When the stored certificate stops being good, if that is still to come: `Ready` turns then, whatever else happens. */
function expiryMs({ secret, nowMs }: Facts): number | undefined {
  const atMs = secret?.certificate?.notAfterMs;
  return atMs !== undefined && atMs > nowMs ? atMs : undefined;
}

function recheckAt(world: World, atMs: number | undefined): Recheck {
  return atMs === undefined ? undefined : { afterMs: Math.max(0, atMs - world.clock.nowMs()) };
}

/** What is done for a Certificate that isn't being issued: labels, leftovers, and the `Ready` condition. */
async function rest(world: World, facts: Facts): Promise<void> {
  const { certificate, secret } = facts;
  if (secret?.certificate !== undefined && facts.otherOwner === undefined) await refreshSecret(world, facts);
  const { lastFailureTimeMs, failedIssuanceAttempts } = certificate.status;
  const retryAtMs =
    lastFailureTimeMs === undefined ? undefined : nextAttemptMs(facts, lastFailureTimeMs, failedIssuanceAttempts);
  await writeReady(world, facts, causeOf(world, facts, retryAtMs));
  await removeLeftovers(world, certificate);
}

async function setIssuing(
  world: World,
  facts: Facts,
  step: { readonly reason: CertificateReason; readonly message: string },
): Promise<void> {
  const { certificate, nowMs } = facts;
  await writeStatus(world.store, CERTIFICATE, certificate.object, (status) => ({
    ...status,
    conditions: withCondition(
      readinessConditions(facts, status, undefined),
      { type: "Issuing", status: "True", reason: step.reason, message: step.message, ...observed(certificate) },
      nowMs,
    ),
  }));
}

/** The name is written down before the Secret is made: after a crash in between, it is made under that name. */
async function makeKey(world: World, facts: Facts): Promise<void> {
  const { store, events } = world;
  const { certificate } = facts;
  const { namespace, spec } = certificate;
  const before = certificate.status.nextPrivateKeySecretName;
  const taken = before === undefined || (await store.get(SECRET, namespace, before)) !== undefined;
  const name = taken ? `${certificate.name}-${randomSuffix()}` : before;
  if (taken) {
    await writeStatus(store, CERTIFICATE, certificate.object, (status) => ({
      ...status,
      nextPrivateKeySecretName: name,
    }));
  }
  const reused = spec.privateKey.rotationPolicy === "Never" ? await reusableKey(world, certificate) : undefined;
  const key = reused ?? (await generateKey(keySpecOf(spec.privateKey)));
  await store.create(SECRET, nextPrivateKeySecret(certificate, name, key));
  if (reused === undefined) {
    events.normal(certificate.object, "Generated", `Stored new private key in temporary Secret resource "${name}"`);
  } else {
    events.normal(
      certificate.object,
      "Reused",
      `Reusing private key stored in existing Secret resource "${spec.secretName}"`,
    );
  }
}

async function reusableKey(world: World, certificate: Certificate): Promise<ReturnType<typeof readKey>> {
  const secret = await world.store.get(SECRET, certificate.namespace, certificate.spec.secretName);
  const key = secret === undefined ? undefined : readKey(keyPemOf(secret));
  return keyFacts(key, certificate.spec.privateKey)?.matchesWish === true ? key : undefined;
}

async function discardRequest(world: World, facts: Facts, why: string): Promise<void> {
  const request = facts.nextRequest?.request.object;
  if (request === undefined) return;
  await removeObject(world.store, CERTIFICATE_REQUEST, request);
  const message = `Deleted CertificateRequest "${request.metadata.name}": ${why}`;
  world.events.normal(facts.certificate.object, "Deleted", message);
}

async function request(world: World, facts: Facts): Promise<void> {
  const { store, events } = world;
  const { certificate } = facts;
  const { namespace, spec, status } = certificate;
  const nextName = status.nextPrivateKeySecretName ?? "";
  const secret = await store.get(SECRET, namespace, nextName);
  const key = secret === undefined ? undefined : readKey(keyPemOf(secret));
  if (key === undefined) return;
  let csr: string;
  try {
    csr = await signingRequest(key, spec);
  } catch (error) {
    if (!isLintelError(error)) throw error;
    await fail(world, facts, { reason: "Failed", message: messageOf(error) });
    return;
  }
  const name = requestName(certificate, status.revision + 1);
  try {
    await store.create(CERTIFICATE_REQUEST, requestObject(facts, name, nextName, csr));
  } catch (error) {
    // Being deleted, or made by somebody else: its change brings this Certificate here again.
    if (isLintelError(error, "AlreadyExists")) return;
    throw error;
  }
  events.normal(certificate.object, "Requested", `Created new CertificateRequest resource "${name}"`);
  world.onProgress({
    step: "certificate-ordered",
    namespace,
    certificate: certificate.name,
    names: namesOf(certificate),
    message: `Ordered a certificate from ${facts.signer.kind} "${facts.signer.name}"`,
  });
}

/** The Secret first, then the status: after a crash in between, the same is stored again. */
async function storeIssued(
  world: World,
  facts: Facts,
  issued: { readonly certificatePem: string; readonly caPem: string },
  signal: AbortSignal,
): Promise<void> {
  const { store, events } = world;
  const { certificate, signer, nowMs } = facts;
  const { namespace, spec, status } = certificate;
  const keySecret = await store.get(SECRET, namespace, status.nextPrivateKeySecretName ?? "");
  const key = keySecret === undefined ? undefined : readKey(keyPemOf(keySecret));
  const leaf = readLeaf(issued.certificatePem);
  const keySpki = keyFacts(key, spec.privateKey)?.spkiSha256;
  if (key === undefined || leaf === undefined || leaf.spkiSha256 !== keySpki) {
    const message =
      "The issuer answered with a certificate that cannot be read or is for another key; ask its operator";
    await fail(world, facts, { reason: "Failed", message });
    return;
  }
  if (leaf.notAfterMs <= nowMs) {
    const expired = `The issuer answered with a certificate that expired on ${rfc3339(leaf.notAfterMs)}; its own certificate may have expired`;
    await fail(world, facts, { reason: "Failed", message: expired });
    return;
  }
  const before = await store.get(SECRET, namespace, spec.secretName);
  const bare = certificateSecret(certificate, { ...issued, key, leaf, signer }, before);
  const passwords = await readKeystorePasswords(world, certificate);
  const wanted = withKeystores(bare, certificate, passwords, nowMs);
  const secret = before === undefined ? await store.create(SECRET, wanted) : await store.update(SECRET, wanted);
  await waitUntilServed(world, secret, signal);
  await writeStatus(store, CERTIFICATE, certificate.object, (old) => {
    const ready =
      passwords.missing.length > 0
        ? ({ status: "False", reason: "SecretMismatch", message: passwords.missing.join("; ") } as const)
        : ({ status: "True", reason: "Ready", message: "Certificate is up to date and has not expired" } as const);
    const conditions = withCondition(conditionsOf(old), { type: "Ready", ...ready, ...observed(certificate) }, nowMs);
    return {
      ...old,
      ...lifeFieldsOfNew(leaf, certificate, nowMs),
      // The window was that of the certificate before.
      acme: undefined,
      conditions: conditions.filter((condition) => condition.type !== "Issuing"),
      revision: status.revision + 1,
      nextPrivateKeySecretName: undefined,
      lastFailureTime: undefined,
      failedIssuanceAttempts: undefined,
    };
  });
  events.normal(certificate.object, "Issuing", "The certificate has been successfully issued");
  world.onProgress({
    step: "certificate-ready",
    namespace,
    certificate: certificate.name,
    names: namesOf(certificate),
    message: `Certificate from ${signer.kind} "${signer.name}" is live until ${rfc3339(leaf.notAfterMs)}`,
  });
}

async function waitUntilServed(world: World, secret: KubeObject, signal: AbortSignal): Promise<void> {
  const patience = new AbortController();
  const timer = world.clock.timer(SERVED_WAIT_MS_MAX, () => patience.abort());
  try {
    await world.live.secretServed(secret, AbortSignal.any([signal, patience.signal]));
  } catch {
    const fields = { secret: objectKey(secret), waitedMs: SERVED_WAIT_MS_MAX };
    if (!signal.aborted) world.log.warn("New certificate is not yet served by every worker", fields);
  } finally {
    timer.cancel();
  }
}

async function fail(
  world: World,
  facts: Facts,
  failure: { readonly reason: "Failed" | "Denied"; readonly message: string },
): Promise<void> {
  const { certificate, nowMs } = facts;
  const attempts = certificate.status.failedIssuanceAttempts + 1;
  const retryAtMs = nextAttemptMs(facts, nowMs, attempts);
  const message = `The certificate request has failed to complete and will be retried: ${failure.message}`;
  await writeStatus(world.store, CERTIFICATE, certificate.object, (status) => ({
    ...status,
    conditions: withCondition(
      readinessConditions(facts, status, causeOf(world, facts, retryAtMs)),
      { type: "Issuing", status: "False", reason: failure.reason, message, ...observed(certificate) },
      nowMs,
    ),
    lastFailureTime: rfc3339(nowMs),
    failedIssuanceAttempts: attempts,
    nextPrivateKeySecretName: undefined,
  }));
  world.events.warning(certificate.object, failure.reason, message);
  world.onProgress({
    step: "certificate-failed",
    namespace: certificate.namespace,
    certificate: certificate.name,
    names: namesOf(certificate),
    message: failure.message,
  });
}

async function writeReady(world: World, facts: Facts, cause: string | undefined): Promise<void> {
  const { certificate, secret } = facts;
  await writeStatus(world.store, CERTIFICATE, certificate.object, (status) => ({
    ...status,
    ...(secret?.certificate === undefined
      ? { notBefore: undefined, notAfter: undefined, renewalTime: undefined }
      : lifeFields(secret.certificate, certificate, facts.nowMs)),
    conditions: readinessConditions(facts, status, cause),
  }));
}

function readinessConditions(facts: Facts, status: StatusFields, cause: string | undefined): readonly Condition[] {
  const ready = judgeReadiness(facts, cause);
  return withCondition(conditionsOf(status), { type: "Ready", ...ready, ...observed(facts.certificate) }, facts.nowMs);
}

function observed(certificate: Certificate): { observedGeneration?: number } {
  const { generation } = certificate.object.metadata;
  return generation === undefined ? {} : { observedGeneration: generation };
}

function causeOf(world: World, facts: Facts, retryAtMs: number | undefined): string | undefined {
  const request = facts.nextRequest?.request;
  if (request === undefined) return undefined;
  const order = world.caches.orders.find(BY_OWNER, request.object.metadata.uid ?? "")[0];
  const challenges = order === undefined ? [] : world.caches.challenges.find(BY_OWNER, order.metadata.uid ?? "");
  return rootCause({
    request,
    order: order === undefined ? undefined : readOrder(order),
    challenges: challenges.map(readChallenge),
    retryAtMs,
  });
}

const SUFFIX_ALPHABET = "bcdfghjklmnpqrstvwxz2456789";

function randomSuffix(): string {
  return Array.from({ length: 5 }, () => SUFFIX_ALPHABET[randomInt(SUFFIX_ALPHABET.length)]).join("");
}
