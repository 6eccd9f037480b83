import { parseLabelSelector } from "../api/label-selector.ts";
import type { Clock } from "../ground/clock.ts";
import { isLintelError, LintelError } from "../ground/errors.ts";
import { recordAt, stringAt } from "../ground/json.ts";
import { CERTIFICATE_ANNOTATIONS, readCertificate, type Certificate } from "../resource/certificate.ts";
import { conditionsOf, rfc3339, withCondition } from "../resource/condition.ts";
import { CERTIFICATE, CERTIFICATE_REQUEST, CHALLENGE, ORDER } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import type { Store } from "../store/contract.ts";

/** Certificates asked for and followed at once. */
const AT_ONCE_MAX = 16;
/** How often a write that met a newer version is tried on that version. */
const CONFLICTS_MAX = 5;
/** Between two looks at a renewal. */
const LOOK_EVERY_MS = 500;

/** Which certificates to renew. */
export interface RenewalWish {
  /** Undefined: of all namespaces. */
  readonly namespace: string | undefined;
  /** None: all that `selector` picks. */
  readonly names: readonly string[];
  /** A label selector, as `kubectl -l` takes it. */
  readonly selector: string | undefined;
}

/** What became of one. `requested`: nobody waited for it. */
export interface RenewalOutcome {
  readonly namespace: string;
  readonly name: string;
  readonly outcome: "renewed" | "requested" | "failed" | "timeout";
  /** Why not, or what is known. */
  readonly message: string;
  readonly revision: number;
  /** RFC 3339; empty before the first certificate. */
  readonly notAfter: string;
}

/** How a renewal is asked for. */
export interface RenewOptions {
  readonly store: Pick<Store, "get" | "list" | "updateStatus">;
  readonly clock: Clock;
  /** Undefined: nobody waits. */
  readonly timeoutMs: number | undefined;
  /** Hears what a certificate waits for, whenever that changes. */
  readonly onProgress: (certificate: string, message: string) => void;
}

/**
 * Asks for new certificates as `cmctl renew` does, by the condition Issuing, and waits for them. Throws NotFound when a
 * name does not exist or nothing is picked, and what the API refuses.
 */
export async function renewCertificates(wish: RenewalWish, options: RenewOptions): Promise<readonly RenewalOutcome[]> {
  const certificates = await find(wish, options);
  const outcomes: RenewalOutcome[] = [];
  const waiting = [...certificates];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      outcomes.push(await renew(next, options));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE_MAX }, work));
  return outcomes.sort((left, right) => placeOf(left).localeCompare(placeOf(right)));
}

async function find(wish: RenewalWish, { store }: RenewOptions): Promise<readonly KubeObject[]> {
  if (wish.names.length > 0) {
    const namespace = wish.namespace ?? "default";
    return Promise.all([...new Set(wish.names)].map((name) => read(store, namespace, name)));
  }
  const { items } = await store.list(CERTIFICATE, { namespace: wish.namespace });
  const picks = parseLabelSelector(wish.selector ?? "");
  const found = picks === undefined ? items : items.filter(picks);
  if (found.length > 0) return found;
  throw new LintelError("Cannot renew: there is no such Certificate", {
    code: "NotFound",
    fault: "user",
    hint: 'Look with "kubectl get certificates -A"',
  });
}

async function renew(object: KubeObject, options: RenewOptions): Promise<RenewalOutcome> {
  const before = readCertificate(object);
  const requested = await request(object, options);
  if (options.timeoutMs === undefined) return outcomeOf(requested, "requested", "A new certificate was asked for");
  const untilMs = options.clock.monotonicMs() + options.timeoutMs;
  let told = "";
  let current = requested;
  while (options.clock.monotonicMs() < untilMs) {
    const ended = endOf(before, current);
    if (ended !== undefined) return ended;
    const message = await progressOf(current, options);
    if (message !== told) options.onProgress(placeOf(current), message);
    told = message;
    await options.clock.sleep(LOOK_EVERY_MS);
    current = readCertificate(await read(options.store, before.namespace, before.name));
  }
  const late = `No new certificate after ${String(options.timeoutMs / 1000)} seconds${told === "" ? "" : `: ${told}`}`;
  return endOf(before, current) ?? outcomeOf(current, "timeout", late);
}

/** The condition that controllers wait for; one that is there already is left as it is. */
async function request(object: KubeObject, { store, clock }: RenewOptions): Promise<Certificate> {
  for (let attempt = 0, current = object; ; attempt++) {
    const certificate = readCertificate(current);
    if (isIssuing(certificate)) return certificate;
    const { namespace, name } = certificate;
    const { generation } = current.metadata;
    const condition = {
      type: "Issuing",
      status: "True",
      reason: "ManuallyTriggered",
      message: "Certificate re-issuance manually triggered",
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    } as const;
    const status = recordAt(current, "status");
    const conditions = withCondition(conditionsOf(status), condition, clock.nowMs());
    try {
      return readCertificate(await store.updateStatus(CERTIFICATE, { ...current, status: { ...status, conditions } }));
    } catch (error) {
      if (!isLintelError(error, "Conflict") || attempt >= CONFLICTS_MAX) throw error;
      current = await read(store, namespace, name);
    }
  }
}

function endOf(before: Certificate, now: Certificate): RenewalOutcome | undefined {
  if (now.status.revision > before.status.revision && !isIssuing(now)) {
    const until = now.status.notAfterMs;
    return outcomeOf(now, "renewed", until === undefined ? "Renewed" : `Renewed until ${rfc3339(until)}`);
  }
  const { lastFailureTimeMs } = now.status;
  const hasFailed = lastFailureTimeMs !== undefined && !isIssuing(now);
  if (!hasFailed || now.status.failedIssuanceAttempts <= before.status.failedIssuanceAttempts) return undefined;
  const issuing = now.status.conditions.find((condition) => condition.type === "Issuing");
  return outcomeOf(now, "failed", issuing?.message ?? "The attempt failed");
}

/** The deepest reason that is known: of a challenge before its order, of an order before its request. */
async function progressOf(certificate: Certificate, { store }: RenewOptions): Promise<string> {
  const isOurs = (object: KubeObject): boolean =>
    object.metadata.annotations?.[CERTIFICATE_ANNOTATIONS.certificateName] === certificate.name;
  for (const kind of [CHALLENGE, ORDER, CERTIFICATE_REQUEST]) {
    const found = (await store.list(kind, { namespace: certificate.namespace })).items.filter(isOurs);
    const newest = found.toSorted((left, right) => createdOf(right).localeCompare(createdOf(left)))[0];
    const ready = conditionsOf(newest?.["status"]).find((condition) => condition.type === "Ready");
    const reason = stringAt(newest?.["status"], "reason") ?? (ready?.status === "False" ? ready.message : "");
    if (reason !== "") return reason;
  }
  return "Waiting for the new certificate";
}

function outcomeOf(certificate: Certificate, outcome: RenewalOutcome["outcome"], message: string): RenewalOutcome {
  const { namespace, name, status } = certificate;
  const notAfter = status.notAfterMs === undefined ? "" : rfc3339(status.notAfterMs);
  return { namespace, name, outcome, message, revision: status.revision, notAfter };
}

function isIssuing(certificate: Certificate): boolean {
  return certificate.status.conditions.some((condition) => condition.type === "Issuing" && condition.status === "True");
}

async function read(store: RenewOptions["store"], namespace: string, name: string): Promise<KubeObject> {
  const found = await store.get(CERTIFICATE, namespace, name);
  if (found !== undefined) return found;
  throw new LintelError(`Cannot find Certificate "${namespace}/${name}"`, {
    code: "NotFound",
    fault: "user",
    hint: 'Look with "kubectl get certificates -A"',
  });
}

function createdOf(object: KubeObject): string {
  return object.metadata.creationTimestamp ?? "";
}

function placeOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}
