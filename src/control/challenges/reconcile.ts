import { AcmeError, isTemporary } from "../../acme/client/acme-error.ts";
import { HTTP01_PATH } from "../../acme/key-authorization.ts";
import { PERSISTENT_LABEL } from "../../acme/persistent-record.ts";
import { shortType, type AcmeAuthorization } from "../../acme/wire.ts";
import { isLintelError, messageOf } from "../../ground/errors.ts";
import { stringAt } from "../../ground/json.ts";
import { CERTIFICATE_ANNOTATIONS } from "../../resource/certificate.ts";
import { CHALLENGE_FINALIZER, readChallenge, type Challenge } from "../../resource/challenge.ts";
import { rfc3339 } from "../../resource/condition.ts";
import { parseGoDuration } from "../../resource/go-duration.ts";
import { CHALLENGE } from "../../resource/kind.ts";
import { objectKey, type KubeObject } from "../../resource/object.ts";
import { isFinalState, type AcmeState } from "../../resource/order.ts";
import type { AcmeCaller } from "../acme-accounts.ts";
import { failureAnnotations, failureNote, type FailureNote } from "../acme-limits/failure-cause.ts";
import { limitsFor } from "../acme-limits/limited-order.ts";
import { explainProblem } from "../acme-advice.ts";
import { issuerKey } from "../caches.ts";
import { splitKey } from "../object-name.ts";
import { holdMs, holdSentence, type Hold } from "../preflight/decide.ts";
import type { ProgressEvent } from "../progress.ts";
import { cachedIssuer } from "../signer.ts";
import { annotate, writeObject, writeStatus, type StatusFields } from "../status-writer.ts";
import { WorkQueue, type Recheck } from "../work-queue.ts";
import type { World } from "../world.ts";
import { decide, pollDelayMs, type ChallengeMemory } from "./decide.ts";

/** Steps for one key before others get their turn. */
const STEPS_MAX = 8;
/** How long the workers may take to answer a new token before it counts as a failure to present it. */
const PRESENT_MS_MAX = 10_000;
const PRESENT_RETRY_MS = 1000;
/** Wait after the CA could not be reached or was busy; doubles up to the longest. */
const CA_RETRY_MS_MIN = 1000;
const CA_RETRY_MS_MAX: number = 5 * 60_000;
/** First and longest wait between two looks at DNS, and the first after a provider failed. */
const DNS_CHECK_MS_MIN = 1000;
const DNS_CHECK_MS_MAX = 10_000;
/** Longest wait between two looks for a record that a person makes. */
const RECORD_CHECK_MS_MAX = 30_000;
/** Attempts to take a record out of DNS. */
const CLEANUP_ATTEMPTS_MAX = 5;
/** Challenges remembered; more only means that the CA is asked once more. */
const MEMORIES_MAX = 10_000;
/** Longest wait between two looks at a limit. */
const LIMIT_LOOK_MS_MAX: number = 10 * 60_000;

interface Memory extends ChallengeMemory {
  readonly failures: number;
  /** Whether this process made sure that the record is in DNS. */
  readonly recordMade: boolean;
  /** Looks at DNS that found the record missing. */
  readonly checks: number;
  /** Since when the CA is not told though everything is in place; undefined: it is not held back. */
  readonly hold: Hold | undefined;
}

const NOTHING_DONE: Memory = {
  acceptedAtMs: undefined,
  polls: 0,
  pollAtMs: 0,
  failures: 0,
  recordMade: false,
  checks: 0,
  hold: undefined,
};

/** Answers Challenges through the edge and has the CA look. Keys are those of Challenges. */
export function openChallenges(world: World): WorkQueue {
  const { challenges } = world.caches;
  const memories = new Map<string, Memory>();
  const queue = new WorkQueue({
    ...world,
    name: "challenges",
    // Each may wait for workers, so more than usual.
    concurrency: 60,
    reconcile: (key, signal) => reconcile(world, memories, key, signal),
  });
  challenges.subscribe(({ before, after }) => {
    if (after !== undefined) queue.add(objectKey(after));
    else if (before !== undefined) memories.delete(before.metadata.uid ?? "");
    // One that ends makes room for one that waits.
    const ended = after === undefined || isFinalState(readChallenge(after).status.state);
    if (ended) for (const waiting of challenges.list().filter(isWaiting)) queue.add(objectKey(waiting));
  });
  world.accounts.subscribe((issuer) => {
    for (const object of challenges.list()) {
      const { spec, namespace } = readChallenge(object);
      if (issuerKey(spec.issuerRef, namespace) === issuer) queue.add(objectKey(object));
    }
  });
  return queue;
}

function isWaiting(object: KubeObject): boolean {
  const { status } = readChallenge(object);
  return !status.processing && !isFinalState(status.state);
}

async function reconcile(
  world: World,
  memories: Map<string, Memory>,
  key: string,
  signal: AbortSignal,
): Promise<Recheck> {
  const { namespace, name } = splitKey(key);
  for (let taken = 0; taken < STEPS_MAX; taken++) {
    const object = await world.store.get(CHALLENGE, namespace, name);
    if (object === undefined || signal.aborted) return undefined;
    const rest = await new ChallengeRun(world, readChallenge(object), memories).step(signal);
    if (rest !== "again") return rest;
  }
  return { afterMs: 0 };
}

/** One step of one challenge. */
class ChallengeRun {
  readonly #world: World;
  readonly #challenge: Challenge;
  readonly #memories: Map<string, Memory>;
  readonly #uid: string;

  constructor(world: World, challenge: Challenge, memories: Map<string, Memory>) {
    this.#world = world;
    this.#challenge = challenge;
    this.#memories = memories;
    this.#uid = challenge.object.metadata.uid ?? "";
  }

  async step(signal: AbortSignal): Promise<Recheck | "again"> {
    const { clock, events } = this.#world;
    const { object } = this.#challenge;
    const step = decide({
      nowMs: clock.nowMs(),
      challenge: this.#challenge,
      processingElsewhere: this.#processingElsewhere(),
      memory: this.#memory(),
    });
    switch (step.kind) {
      case "release": {
        const rest = await this.#cleanUp(signal);
        if (rest === "done") await this.#release();
        return rest === "done" ? undefined : rest;
      }
      case "finish": {
        const rest = await this.#cleanUp(signal);
        if (rest === "done") await this.#write((status) => ({ ...status, presented: false, processing: false }));
        return rest === "done" ? undefined : rest;
      }
      case "refuse":
        await this.#end("errored", step.reason, { cause: "refused" });
        return "again";
      case "queue":
        return undefined;
      case "start":
        await this.#write((status) => ({ ...status, processing: true, state: "pending" }));
        events.normal(object, "Started", "Challenge scheduled for processing");
        return "again";
      case "present":
        if (step.atMs > clock.nowMs()) return { afterMs: step.atMs - clock.nowMs() };
        if (this.#challenge.spec.type === "DNS-PERSIST-01") return this.#awaitRecord(signal);
        return this.#challenge.spec.type === "DNS-01"
          ? this.#presentInDns(signal)
          : this.#withCaller((caller) => this.#present(caller, signal));
      case "poll":
        if (step.atMs > clock.nowMs()) return { afterMs: step.atMs - clock.nowMs() };
        return this.#withCaller((caller) => this.#poll(caller));
      case "giveUp":
        await this.#end("invalid", step.reason, { cause: "serverInternal" });
        return "again";
      default:
        return step satisfies never;
    }
  }

  #processingElsewhere(): number {
    const others = this.#world.caches.challenges.list().filter((object) => object.metadata.uid !== this.#uid);
    return others.filter((object) => readChallenge(object).status.processing).length;
  }

  #memory(): Memory {
    return this.#memories.get(this.#uid) ?? NOTHING_DONE;
  }

  #remember(change: Partial<Memory>): void {
    const next = { ...this.#memory(), ...change };
    this.#memories.delete(this.#uid);
    this.#memories.set(this.#uid, next);
    for (const oldest of this.#memories.keys()) {
      if (this.#memories.size <= MEMORIES_MAX) break;
      this.#memories.delete(oldest);
    }
  }

  /** Without an account nothing can be done; its appearance brings the challenge back. */
  async #withCaller(act: (caller: AcmeCaller) => Promise<Recheck | "again">): Promise<Recheck | "again"> {
    const caller = this.#world.accounts.get(this.#challenge.spec.issuerRef, this.#challenge.namespace);
    if (caller === undefined) return undefined;
    try {
      const rest = await act(caller);
      this.#remember({ failures: 0 });
      return rest;
    } catch (error) {
      return this.#refused(error);
    }
  }

  async #present(caller: AcmeCaller, signal: AbortSignal): Promise<Recheck | "again"> {
    const { clock, events, onProgress } = this.#world;
    const { spec, status, object } = this.#challenge;
    const { presented } = status;
    // Also after a restart: workers may be new, and the CA asks only once.
    if (!(await this.#served(signal))) {
      if (signal.aborted) return undefined;
      const reason = `Cannot present "${spec.dnsName}": not every worker of the edge answers its token yet; trying again`;
      events.warning(object, "PresentError", reason);
      await this.#write((before) => ({ ...before, reason }));
      return { afterMs: PRESENT_RETRY_MS };
    }
    if (!presented) {
      events.normal(object, "Presented", `Presented challenge using ${spec.type} challenge mechanism`);
      onProgress(this.#progress("challenge-presented", `The edge answers the challenge for ${spec.dnsName}`));
    }
    const where =
      spec.type === "HTTP-01" ? `http://${spec.dnsName}${HTTP01_PATH}${spec.token}` : `${spec.dnsName} on port 443`;
    const reason = `Waiting for the CA to validate "${spec.dnsName}": it asks ${where}`;
    await this.#write((before) => ({
      ...before,
      presented: true,
      presentedAt: before["presentedAt"] ?? rfc3339(clock.nowMs()),
      reason,
    }));
    return (await this.#preflight(signal)) ?? this.#accept(caller, presented);
  }

  /** Takes one of the failures that the CA allows for the name, or says until when there is none. Nothing may happen in between. */
  #takePlace(): { readonly reason: string; readonly afterMs: number } | undefined {
    const { clock, limits } = this.#world;
    const { spec, namespace } = this.#challenge;
    const limited = limitsFor(this.#world, spec.issuerRef, namespace);
    if (limited === undefined) return undefined;
    const { account } = limited;
    const nowMs = clock.nowMs();
    const used = limits.validationUsedUp(limited.limits, account, spec.dnsName, nowMs, this.#uid);
    if (used === undefined) {
      limits.beginValidation(account, spec.dnsName, this.#uid, nowMs);
      return undefined;
    }
    const reason = `${used.sentence}: the CA is asked again at ${rfc3339(used.atMs)}`;
    return { reason, afterMs: Math.min(LIMIT_LOOK_MS_MAX, used.atMs - nowMs) };
  }

  /** Waits where the CA's look would only cost one of the failures it allows; undefined: it may look. */
  async #preflight(signal: AbortSignal): Promise<Recheck> {
    const { clock, events, preflight } = this.#world;
    const { spec, object, status, namespace } = this.#challenge;
    const nowMs = clock.nowMs();
    const issuer = cachedIssuer(this.#world, spec.issuerRef, namespace);
    if (spec.type !== "HTTP-01" || issuer?.spec.kind !== "acme") return undefined;
    const directoryUrl = this.#world.accounts.directoryUrl(issuer.spec.server);
    const proof = { name: spec.dnsName, token: spec.token, key: spec.key };
    const finding = await preflight.beforeValidation({ directoryUrl }, proof, signal);
    const hold = this.#memory().hold ?? { sinceMs: nowMs, looks: 0 };
    const afterMs = finding === undefined ? undefined : holdMs(finding, hold, clock.nowMs());
    if (finding === undefined || afterMs === undefined) return undefined;
    this.#remember({ hold: { ...hold, looks: hold.looks + 1 } });
    const reason = holdSentence(finding, hold);
    if (status.reason !== reason) events.warning(object, "PreflightFailed", reason);
    return this.#rest(reason, afterMs);
  }

  async #rest(reason: string, afterMs: number): Promise<Recheck> {
    this.#remember({ pollAtMs: this.#world.clock.nowMs() + afterMs });
    await this.#write((before) => ({ ...before, reason }));
    return { afterMs };
  }

  /** A challenge that was presented by an earlier process may have been accepted by it as well. */
  async #accept(caller: AcmeCaller, presented: boolean): Promise<Recheck | "again"> {
    const { clock, events } = this.#world;
    const { spec, status, object } = this.#challenge;
    const full = this.#takePlace();
    if (full !== undefined) {
      if (status.reason !== full.reason) events.warning(object, "LimitReached", full.reason);
      return this.#rest(full.reason, full.afterMs);
    }
    const authorization = presented ? await caller.authorization(spec.authorizationUrl) : undefined;
    const known = authorization?.challenges.find((challenge) => challenge.url === spec.url)?.status;
    const acceptNow = authorization === undefined || (authorization.status === "pending" && known === "pending");
    if (acceptNow) await caller.accept(spec.url);
    const nowMs = clock.nowMs();
    this.#remember({ acceptedAtMs: nowMs, polls: 0, pollAtMs: nowMs + (acceptNow ? pollDelayMs(0, undefined) : 0) });
    return "again";
  }

  /** The record is made by a person, once for many certificates: it is told until it is there. */
  async #awaitRecord(signal: AbortSignal): Promise<Recheck | "again"> {
    const { dns01, events } = this.#world;
    const { spec, status, object } = this.#challenge;
    let isThere = false;
    try {
      isThere = await dns01.hasPersistentRecord(this.#challenge, signal);
    } catch (error) {
      signal.throwIfAborted();
      return this.#dnsFailed(error);
    }
    if (isThere) return this.#withCaller((caller) => this.#accept(caller, status.presented));
    const reason = `Make this TXT record in DNS once, and keep it: ${PERSISTENT_LABEL}.${spec.dnsName} "${spec.key}". The CA is asked as soon as it is there`;
    if (status.reason !== reason) events.warning(object, "PresentError", reason);
    const { checks } = this.#memory();
    this.#remember({ checks: checks + 1 });
    return this.#rest(reason, Math.min(RECORD_CHECK_MS_MAX, DNS_CHECK_MS_MIN * 2 ** Math.min(checks, 10)));
  }

  /** Puts the record into DNS, waits until every server shows it, and tells the CA after that. */
  async #presentInDns(signal: AbortSignal): Promise<Recheck | "again"> {
    const { clock, dns01, events, onProgress } = this.#world;
    const { spec, status, object } = this.#challenge;
    try {
      if (!status.presented) {
        // Written down before: a crash in between must not leave a record that nobody takes away.
        await this.#write((before) => ({ ...before, presented: true, presentedAt: rfc3339(clock.nowMs()) }));
        const provider = await dns01.present(this.#challenge, signal);
        events.normal(object, "Presented", `Presented challenge using DNS-01 challenge mechanism`);
        onProgress(this.#progress("challenge-presented", `${provider} has the record of ${spec.dnsName}`));
        this.#remember({ recordMade: true });
        return "again";
      }
      if (!this.#memory().recordMade) {
        await dns01.present(this.#challenge, signal);
        this.#remember({ recordMade: true });
      }
      const waitMs = this.#dnsWaitMs();
      if (waitMs !== undefined && waitMs > 0) return { afterMs: waitMs };
      const lacking = waitMs === undefined ? await dns01.lacking(this.#challenge, signal) : [];
      if (lacking.length > 0) return await this.#awaitPropagation(lacking);
    } catch (error) {
      signal.throwIfAborted();
      return this.#dnsFailed(error);
    }
    const reason = `Waiting for the CA to validate "${spec.dnsName}": it asks for the TXT record of _acme-challenge.${spec.dnsName}`;
    if (status.reason !== reason) await this.#write((before) => ({ ...before, reason }));
    return this.#withCaller((caller) => this.#accept(caller, status.presented));
  }

  /** How long `waitInsteadOfSelfCheck` still asks to wait; undefined: DNS is checked. */
  #dnsWaitMs(): number | undefined {
    const { spec, status } = this.#challenge;
    const waitMs = parseGoDuration(stringAt(spec.solver.raw, "waitInsteadOfSelfCheck") ?? "");
    if (waitMs === undefined) return undefined;
    const nowMs = this.#world.clock.nowMs();
    return Math.max(0, (status.presentedAtMs ?? nowMs) + waitMs - nowMs);
  }

  async #awaitPropagation(lacking: readonly string[]): Promise<Recheck> {
    const { spec } = this.#challenge;
    const { checks } = this.#memory();
    this.#remember({ checks: checks + 1 });
    const reason = `Waiting for DNS-01 challenge propagation: DNS record for "${spec.dnsName}" not yet propagated to ${lacking.join(", ")}`;
    await this.#write((before) => ({ ...before, reason }));
    return { afterMs: Math.min(DNS_CHECK_MS_MAX, DNS_CHECK_MS_MIN * 2 ** Math.min(checks, 10)) };
  }

  async #dnsFailed(error: unknown): Promise<Recheck> {
    if (!isLintelError(error)) throw error;
    const { events, clock } = this.#world;
    const { spec, object } = this.#challenge;
    const { failures } = this.#memory();
    const sentence = error.hint === undefined ? messageOf(error) : `${messageOf(error)}. ${error.hint}`;
    const reason = `Cannot present "${spec.dnsName}" yet: ${sentence}`;
    const afterMs = Math.min(CA_RETRY_MS_MAX, DNS_CHECK_MS_MAX * 2 ** Math.min(failures, 20));
    this.#remember({ failures: failures + 1, pollAtMs: clock.nowMs() + afterMs });
    events.warning(object, "PresentError", reason);
    await this.#write((before) => ({ ...before, reason }));
    return { afterMs };
  }

  /** What was put in front of the world goes: the edge stops by itself; a record in DNS must be taken away. */
  async #cleanUp(signal: AbortSignal): Promise<"done" | Recheck> {
    const { dns01, events } = this.#world;
    const { spec, status, object } = this.#challenge;
    if (spec.type !== "DNS-01" || !status.presented) return "done";
    try {
      await dns01.cleanup(this.#challenge, signal);
      return "done";
    } catch (error) {
      if (signal.aborted || !isLintelError(error)) throw error;
      const { failures } = this.#memory();
      this.#remember({ failures: failures + 1 });
      events.warning(
        object,
        "CleanUpError",
        `Cannot take away the DNS record of "${spec.dnsName}": ${messageOf(error)}`,
      );
      // Credentials may be gone for good, and the Challenge must go all the same: an old record proves nothing.
      return failures + 1 >= CLEANUP_ATTEMPTS_MAX ? "done" : { afterMs: DNS_CHECK_MS_MAX };
    }
  }

  async #served(signal: AbortSignal): Promise<boolean> {
    const patience = new AbortController();
    const timer = this.#world.clock.timer(PRESENT_MS_MAX, () => patience.abort());
    try {
      const { token } = this.#challenge.spec;
      await this.#world.live.challengeServed(token, AbortSignal.any([signal, patience.signal]));
      return true;
    } catch (error) {
      if (signal.aborted || patience.signal.aborted) return false;
      throw error;
    } finally {
      timer.cancel();
    }
  }

  async #poll(caller: AcmeCaller): Promise<Recheck | "again"> {
    const { clock, events, onProgress } = this.#world;
    const { spec, object } = this.#challenge;
    const authorization = await caller.authorization(spec.authorizationUrl);
    if (authorization.status === "valid") {
      await this.#end("valid", "");
      events.normal(object, "DomainVerified", `Domain "${spec.dnsName}" verified with "${spec.type}" validation`);
      onProgress(this.#progress("challenge-answered", `The CA verified ${spec.dnsName}`));
      return "again";
    }
    if (authorization.status !== "pending") {
      const { reason, note } = this.#whyNot(authorization);
      await this.#end(authorization.status === "expired" ? "expired" : "invalid", reason, note);
      return "again";
    }
    const { polls } = this.#memory();
    const delayMs = pollDelayMs(polls + 1, authorization.retryAfterMs);
    this.#remember({ polls: polls + 1, pollAtMs: clock.nowMs() + delayMs });
    return { afterMs: delayMs };
  }

  #whyNot(authorization: AcmeAuthorization): { readonly reason: string; readonly note: FailureNote } {
    const { dnsName, url } = this.#challenge.spec;
    const ours = authorization.challenges.find((challenge) => challenge.url === url);
    const problem = ours?.error ?? authorization.challenges.find((challenge) => challenge.error !== undefined)?.error;
    if (problem === undefined) {
      const reason = `The CA's authorization for "${dnsName}" is ${authorization.status}`;
      return { reason, note: { cause: "orderGone" } };
    }
    const reason = `The CA could not verify "${dnsName}": ${explainProblem(problem, dnsName)}`;
    return { reason, note: failureNote(problem, this.#world.clock.nowMs()) };
  }

  async #refused(error: unknown): Promise<Recheck | "again"> {
    const { dnsName } = this.#challenge.spec;
    if (error instanceof AcmeError && !isTemporary(error.problem)) {
      const { problem } = error;
      const { issuerRef } = this.#challenge.spec;
      if (shortType(problem) === "accountDoesNotExist") {
        this.#world.accounts.reportLost(issuerRef, this.#challenge.namespace);
      }
      const note = failureNote(problem, this.#world.clock.nowMs());
      await this.#end("errored", `The CA refused to validate "${dnsName}": ${explainProblem(problem, dnsName)}`, note);
      return "again";
    }
    if (!isLintelError(error)) throw error;
    const asked = error instanceof AcmeError ? error.problem.retryAfterMs : undefined;
    const { failures } = this.#memory();
    this.#remember({ failures: failures + 1 });
    const backoffMs = Math.min(CA_RETRY_MS_MAX, CA_RETRY_MS_MIN * 2 ** Math.min(failures, 20));
    const afterMs = Math.max(asked ?? 0, backoffMs);
    this.#remember({ pollAtMs: this.#world.clock.nowMs() + afterMs });
    const reason = `The CA cannot be asked about "${dnsName}" now and will be again: ${messageOf(error)}`;
    await this.#write((status) => ({ ...status, reason }));
    return { afterMs };
  }

  async #end(state: AcmeState, reason: string, note?: FailureNote): Promise<void> {
    const { clock, store } = this.#world;
    this.#noteValidation((limits, account, name) =>
      limits.endValidation(account, name, this.#uid, state === "invalid", clock.nowMs()),
    );
    this.#memories.delete(this.#uid);
    // Before the state: whoever sees that it failed finds the cause there.
    if (note !== undefined) await annotate(store, CHALLENGE, this.#challenge.object, failureAnnotations(note));
    // A record in DNS is there until it is taken away, which comes next.
    const inDns = this.#challenge.spec.type === "DNS-01";
    await this.#write((status) => ({
      ...status,
      state,
      reason,
      presented: inDns && status["presented"] === true,
      processing: false,
    }));
    if (state !== "valid") this.#world.events.warning(this.#challenge.object, "Failed", reason);
  }

  #noteValidation(note: (limits: World["limits"], account: string, name: string) => void): void {
    const limited = limitsFor(this.#world, this.#challenge.spec.issuerRef, this.#challenge.namespace);
    if (limited !== undefined) note(this.#world.limits, limited.account, this.#challenge.spec.dnsName);
  }

  /** The edge stopped answering the token when the deletion was marked. */
  async #release(): Promise<void> {
    this.#memories.delete(this.#uid);
    await writeObject(this.#world.store, CHALLENGE, this.#challenge.object, (object) => {
      const finalizers = (object.metadata.finalizers ?? []).filter((name) => name !== CHALLENGE_FINALIZER);
      return { ...object, metadata: { ...object.metadata, finalizers } };
    });
  }

  async #write(change: (status: StatusFields) => StatusFields): Promise<void> {
    await writeStatus(this.#world.store, CHALLENGE, this.#challenge.object, change);
  }

  #progress(step: ProgressEvent["step"], message: string): ProgressEvent {
    const { object, namespace, spec } = this.#challenge;
    const certificate = object.metadata.annotations?.[CERTIFICATE_ANNOTATIONS.certificateName] ?? "";
    return { step, namespace, certificate, names: [spec.dnsName], message };
  }
}
