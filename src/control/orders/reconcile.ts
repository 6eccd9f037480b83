import { AcmeError, isTemporary } from "../../acme/client/acme-error.ts";
import { dns01Value, keyAuthorization } from "../../acme/key-authorization.ts";
import { persistentRecord } from "../../acme/persistent-record.ts";
import { advance, type AcmeOrder, type OpenChallenge, type OrderStep, type OrderWish } from "../../acme/order.ts";
import { shortType, type AcmeChallenge, type AcmeOrderResource } from "../../acme/wire.ts";
import { isLintelError, messageOf } from "../../ground/errors.ts";
import { stringAt } from "../../ground/json.ts";
import { CHALLENGE_FINALIZER, readChallenge, type Challenge } from "../../resource/challenge.ts";
import { CERTIFICATE_ANNOTATIONS } from "../../resource/certificate.ts";
import { rfc3339 } from "../../resource/condition.ts";
import type { Issuer, Solver } from "../../resource/issuer.ts";
import { apiVersionOf, CERTIFICATE_REQUEST, CHALLENGE, ORDER } from "../../resource/kind.ts";
import { controllerReference, objectKey, type KubeObject } from "../../resource/object.ts";
import { isFailedState, isFinalState, readOrder, type Order } from "../../resource/order.ts";
import { failureAnnotations, failureNote, type FailureNote } from "../acme-limits/failure-cause.ts";
import { explainProblem } from "../acme-advice.ts";
import type { AcmeCaller } from "../acme-accounts.ts";
import { BY_ISSUER, BY_OWNER, issuerKey, ownerName } from "../caches.ts";
import { nameWithHash, splitKey } from "../object-name.ts";
import { removeOrphan } from "../orphan.ts";
import { cachedIssuer, issuerKindOf } from "../signer.ts";
import { annotate, removeObject, writeStatus, type StatusFields } from "../status-writer.ts";
import { WorkQueue, type Recheck } from "../work-queue.ts";
import type { Hold } from "../preflight/decide.ts";
import type { World } from "../world.ts";
import { decide, identifiersOf, type OrderFacts, type Pace } from "./decide.ts";
import { holdOrder, noteOrdered } from "./hold.ts";
import { CHALLENGE_OF_SOLVER, chooseSolver, type SolverChoice } from "./solver.ts";
import { statusOfMachine } from "./status.ts";
import { chainObjection, foreignAuthorization } from "./verify.ts";

/** Steps for one key before others get their turn: more than any order needs. */
const STEPS_MAX = 16;
/** Wait after the CA could not be reached or was busy; doubles up to the longest. Its own Retry-After wins. */
const CA_RETRY_MS_MIN = 1000;
const CA_RETRY_MS_MAX: number = 5 * 60_000;
/** Orders whose pace is remembered; more only means that the CA is asked again a little early. */
const PACES_MAX = 10_000;

interface Memory {
  pace: Pace | undefined;
  failures: number;
  /** The CA must not be asked again before this, whatever changes. */
  notBeforeMs: number;
  /** The order may be there at the CA already: an earlier process did not write it down, or no answer came. */
  inDoubt: boolean;
  /** Since when the order is held back; undefined: it is not, or not any more. */
  hold: Hold | undefined;
}

/** Brings Orders to their end at the CA. Keys are those of Orders. */
export function openOrders(world: World): WorkQueue {
  const { caches } = world;
  const memories = new Map<string, Memory>();
  const startedMs = world.clock.nowMs();
  const queue = new WorkQueue({
    ...world,
    name: "orders",
    reconcile: (key, signal) => reconcile(world, { memories, startedMs }, key, signal),
  });
  const wake = (object: KubeObject): void => queue.add(objectKey(object));
  caches.orders.subscribe(({ before, after }) => {
    if (after !== undefined) wake(after);
    else if (before !== undefined) {
      memories.delete(before.metadata.uid ?? "");
      world.unsavedOrders.delete(before.metadata.uid ?? "");
    }
  });
  caches.challenges.subscribe(({ before, after }) => {
    const challenge = after ?? before;
    const owner = challenge === undefined ? undefined : ownerName(challenge, ORDER.kind);
    if (owner !== undefined) queue.add(`${challenge?.metadata.namespace ?? ""}/${owner}`);
  });
  world.accounts.subscribe((issuer) => caches.orders.find(BY_ISSUER, issuer).forEach(wake));
  for (const cache of [caches.issuers, caches.clusterIssuers]) {
    cache.subscribe(({ after }) => {
      if (after === undefined) return;
      const reference = { name: after.metadata.name, kind: after.kind, group: "" };
      caches.orders.find(BY_ISSUER, issuerKey(reference, after.metadata.namespace ?? "")).forEach(wake);
    });
  }
  return queue;
}

async function reconcile(
  world: World,
  { memories, startedMs }: { readonly memories: Map<string, Memory>; readonly startedMs: number },
  key: string,
  signal: AbortSignal,
): Promise<Recheck> {
  const { namespace, name } = splitKey(key);
  for (let taken = 0; taken < STEPS_MAX; taken++) {
    const object = await world.store.get(ORDER, namespace, name);
    if (object === undefined || object.metadata.deletionTimestamp !== undefined) return undefined;
    const owner = { kind: CERTIFICATE_REQUEST, seen: world.caches.requests };
    if (await removeOrphan(world.store, { kind: ORDER, object }, owner)) return undefined;
    const order = readOrder(object);
    if (isFinalState(order.status.state)) {
      memories.delete(object.metadata.uid ?? "");
      await removeFinished(world, order);
      return undefined;
    }
    const issuer = cachedIssuer(world, order.spec.issuerRef, namespace);
    const caller = world.accounts.get(order.spec.issuerRef, namespace);
    // Without an account nothing can be done; the account's appearance brings the order back.
    if (issuerKindOf(order.spec.issuerRef) === undefined || issuer?.spec.kind !== "acme" || caller === undefined) {
      return undefined;
    }
    const memory = memoryOf(memories, object, startedMs);
    const run = new OrderRun(world, order, caller, memory, {
      issuer,
      solvers: issuer.spec.solvers,
      preferredChain: issuer.spec.preferredChain,
    });
    const rest = await run.step(signal);
    if (rest !== "again") return rest;
  }
  return { afterMs: 0 };
}

function memoryOf(memories: Map<string, Memory>, object: KubeObject, startedMs: number): Memory {
  const uid = object.metadata.uid ?? "";
  const found = memories.get(uid) ?? {
    pace: undefined,
    failures: 0,
    notBeforeMs: 0,
    inDoubt: isMarked(object["status"]) || Date.parse(object.metadata.creationTimestamp ?? "") <= startedMs,
    hold: undefined,
  };
  memories.delete(uid);
  memories.set(uid, found);
  for (const oldest of memories.keys()) {
    if (memories.size <= PACES_MAX) break;
    memories.delete(oldest);
  }
  return found;
}

/** Whether the CA may have been asked for the order already: see `#mark`. */
function isMarked(status: unknown): boolean {
  return (stringAt(status, "state") ?? "") !== "" || (stringAt(status, "url") ?? "") !== "";
}

/** An answer that no CA may give; trying again at once would only bring it again. */
function unusableAnswer(act: string, why: string): AcmeError {
  const detail = `the CA's answer cannot be used: ${why}`;
  return new AcmeError(act, { type: "about:blank", detail, status: 200 });
}

/** What proved its name, or still waits to, is not needed any more; what failed stays to be looked at, and goes with the Order. */
async function removeFinished(world: World, order: Order): Promise<void> {
  for (const challenge of world.caches.challenges.find(BY_OWNER, order.object.metadata.uid ?? "")) {
    const failed = isFailedState(readChallenge(challenge).status.state);
    if (!failed && challenge.metadata.deletionTimestamp === undefined)
      await removeObject(world.store, CHALLENGE, challenge);
  }
}

interface RunOptions {
  readonly issuer: Issuer;
  readonly solvers: readonly Solver[];
  readonly preferredChain: string | undefined;
}

/** One step of one order. */
class OrderRun {
  readonly #world: World;
  readonly #order: Order;
  readonly #caller: AcmeCaller;
  readonly #memory: Memory;
  readonly #options: RunOptions;

  constructor(world: World, order: Order, caller: AcmeCaller, memory: Memory, options: RunOptions) {
    this.#world = world;
    this.#order = order;
    this.#caller = caller;
    this.#memory = memory;
    this.#options = options;
  }

  get #uid(): string {
    return this.#order.object.metadata.uid ?? "";
  }

  async step(signal: AbortSignal): Promise<Recheck | "again"> {
    const unsaved = this.#world.unsavedOrders.get(this.#uid);
    if (unsaved !== undefined) {
      const { url } = this.#order.status;
      // Another replica may have led meanwhile, and gone on with an order of its own.
      if (url === undefined || !("url" in unsaved) || unsaved.url === url) await this.#save(unsaved);
      else this.#world.unsavedOrders.delete(this.#uid);
      return "again";
    }
    const decision = decide(await this.#facts());
    switch (decision.kind) {
      case "await":
        // The moment the last of them is valid, the order is asked about.
        this.#memory.pace = { pollAtMs: 0, polls: 0, sinceMs: this.#world.clock.nowMs() };
        return undefined;
      case "createChallenges":
        for (const challenge of decision.challenges) await this.#createChallenge(challenge);
        return undefined;
      case "fail":
        await this.#fail(decision.state, decision.reason, decision.event, decision.note);
        return "again";
      case "acme":
        return this.#askCa(decision.machine, decision.step, signal);
      default:
        return decision satisfies never;
    }
  }

  async #facts(): Promise<OrderFacts> {
    const nowMs = this.#world.clock.nowMs();
    const pace = (this.#memory.pace ??= { pollAtMs: 0, polls: 0, sinceMs: nowMs });
    return { nowMs, order: this.#order, solvers: this.#options.solvers, challenges: await this.#challenges(), pace };
  }

  /** From the store, by the names they must have: a cache might not show one that was just made. */
  async #challenges(): Promise<ReadonlyMap<string, Challenge>> {
    const found = new Map<string, Challenge>();
    for (const authorization of this.#order.status.authorizations) {
      for (const challenge of authorization.challenges) {
        const name = this.#challengeName(authorization.url, challenge);
        const stored = await this.#world.store.get(CHALLENGE, this.#order.namespace, name);
        if (stored !== undefined) found.set(authorization.url, readChallenge(stored));
      }
    }
    return found;
  }

  async #askCa(machine: AcmeOrder, step: OrderStep, signal: AbortSignal): Promise<Recheck | "again"> {
    const { clock } = this.#world;
    const notBeforeMs = Math.max(this.#memory.notBeforeMs, step.kind === "poll" ? step.atMs : 0);
    if (notBeforeMs > clock.nowMs()) return { afterMs: notBeforeMs - clock.nowMs() };
    let after: AcmeOrder;
    try {
      const held = step.kind === "createOrder" ? await this.#hold(signal) : undefined;
      if (held !== undefined) return held;
      if (step.kind === "createOrder" && !(await this.#mark())) return "again";
      after = await this.#take(machine, step);
    } catch (error) {
      return this.#refused(error);
    }
    this.#memory.failures = 0;
    if ("pollAtMs" in after) {
      this.#memory.pace = { pollAtMs: after.pollAtMs, polls: after.polls, sinceMs: after.sinceMs };
    }
    await this.#save(after);
    if (step.kind === "createOrder") noteOrdered(this.#world, this.#order);
    if (after.state === "valid") return this.#askCa(after, { kind: "download", url: after.certificateUrl }, signal);
    return "again";
  }

  /** Waits where the CA's limits or its validation would only cost an attempt; undefined: nothing stands in the way. */
  async #hold(signal: AbortSignal): Promise<Recheck> {
    const { clock, events } = this.#world;
    const hold = (this.#memory.hold ??= { sinceMs: clock.nowMs(), looks: 0 });
    const found = await holdOrder(this.#world, this.#order, this.#options.issuer, this.#caller, hold, signal);
    if (found === undefined) return undefined;
    this.#memory.hold = { ...hold, looks: hold.looks + 1 };
    this.#memory.notBeforeMs = clock.nowMs() + found.afterMs;
    if (this.#order.status.reason !== found.reason) {
      await this.#write((status) => ({ ...status, state: "pending", reason: found.reason }));
      events.warning(this.#order.object, found.event, found.reason);
    }
    return { afterMs: found.afterMs };
  }

  /**
   * Writes down that the CA is about to be asked: whoever finds an Order marked and without an address looks for it at the
   * CA first. Returns false when somebody else marked it meanwhile, or went further.
   */
  async #mark(): Promise<boolean> {
    if (isMarked(this.#order.object["status"])) return true;
    let ours = true;
    const marked = await writeStatus(this.#world.store, ORDER, this.#order.object, (status) => {
      ours = !isMarked(status);
      return ours ? { ...status, state: "pending", reason: "Asking the CA for an order" } : status;
    });
    if (!ours) this.#memory.inDoubt = true;
    return ours && marked !== undefined;
  }

  async #take(machine: AcmeOrder, step: OrderStep): Promise<AcmeOrder> {
    const { clock } = this.#world;
    const seen = (order: AcmeOrderResource): AcmeOrder =>
      advance(machine, { kind: "orderSeen", order, nowMs: clock.nowMs() });
    switch (step.kind) {
      case "createOrder":
        return machine.state === "new" ? seen(await this.#newOrder(machine)) : machine;
      case "fetchAuthorizations": {
        const authorizations = await Promise.all(step.urls.map((url) => this.#caller.authorization(url)));
        const foreign = foreignAuthorization(this.#order, authorizations);
        if (foreign !== undefined) {
          throw unusableAnswer("order the certificate", `it asks to prove "${foreign}", which was not ordered`);
        }
        return advance(machine, { kind: "authorizationsSeen", authorizations, nowMs: clock.nowMs() });
      }
      case "poll":
        return seen(await this.#caller.order(this.#order.status.url ?? ""));
      case "finalize":
        return seen(await this.#finalize());
      case "download": {
        const { preferredChain } = this.#options;
        const chain = await this.#caller.certificate(step.url, preferredChain === undefined ? {} : { preferredChain });
        const objection = chainObjection(this.#order, chain, clock.nowMs());
        if (objection !== undefined) throw unusableAnswer("use the certificate of the CA", objection);
        return advance(machine, { kind: "downloaded", chain });
      }
      case "awaitChallenges":
      case "done":
      case "failed":
        return machine;
      default:
        return step satisfies never;
    }
  }

  /** `replaces` is a courtesy: a CA that does not take it, because it was replaced already or is another's, is asked without. */
  async #newOrder(wish: OrderWish): Promise<AcmeOrderResource> {
    const made = this.#memory.inDoubt ? await this.#findMade(wish) : undefined;
    if (made !== undefined) return made;
    try {
      return await this.#caller.newOrder(wish);
    } catch (error) {
      // Without an answer nobody knows whether it was made.
      this.#memory.inDoubt = isLintelError(error, "Unreachable");
      const refused = error instanceof AcmeError && !isTemporary(error.problem);
      const about = ["alreadyReplaced", "malformed", "unauthorized", "about:blank"];
      if (wish.replaces === undefined || !refused || !about.includes(shortType(error.problem))) throw error;
      const { replaces: _, ...without } = wish;
      return this.#caller.newOrder(without);
    }
  }

  /** Made by a process that died before it wrote it down: a second one would only use up a limit. */
  async #findMade(wish: OrderWish): Promise<AcmeOrderResource | undefined> {
    try {
      const found = await this.#caller.findOrder(wish.identifiers);
      const others = this.#world.caches.orders.list().map((object) => readOrder(object).status.url);
      return found === undefined || others.includes(found.url) ? undefined : found;
    } catch (error) {
      // Most CAs have no such list: then a second order is made, which is what happened without it.
      if (isLintelError(error)) return undefined;
      throw error;
    }
  }

  /** An order that was finalized just before a crash refuses a second time: then it is looked at instead. */
  async #finalize(): Promise<AcmeOrderResource> {
    const { url = "", finalizeUrl = "" } = this.#order.status;
    try {
      // Some CAs answer with no Location: the order stays the one we know.
      return { ...(await this.#caller.finalize(finalizeUrl, this.#order.spec.requestPem)), url };
    } catch (error) {
      if (!(error instanceof AcmeError) || shortType(error.problem) !== "orderNotReady") throw error;
      return this.#caller.order(url);
    }
  }

  async #refused(error: unknown): Promise<Recheck | "again"> {
    if (error instanceof AcmeError) {
      const { problem } = error;
      if (shortType(problem) === "accountDoesNotExist") {
        this.#world.accounts.reportLost(this.#order.spec.issuerRef, this.#order.namespace);
        return this.#retry("The CA forgot the account of the issuer, which is registered anew", undefined);
      }
      const reason = explainProblem(problem, this.#order.spec.dnsNames[0]);
      const waits =
        isTemporary(problem) && (shortType(problem) !== "rateLimited" || problem.retryAfterMs !== undefined);
      if (waits) return this.#retry(reason, problem.retryAfterMs);
      await this.#fail("errored", reason, "Failed", failureNote(problem, this.#world.clock.nowMs()));
      return "again";
    }
    if (!isLintelError(error)) throw error;
    return this.#retry(error.hint === undefined ? messageOf(error) : `${messageOf(error)}. ${error.hint}`, undefined);
  }

  async #retry(reason: string, askedMs: number | undefined): Promise<Recheck> {
    const backoffMs = Math.min(CA_RETRY_MS_MAX, CA_RETRY_MS_MIN * 2 ** Math.min(this.#memory.failures, 20));
    const afterMs = Math.max(askedMs ?? 0, backoffMs);
    this.#memory.failures += 1;
    this.#memory.notBeforeMs = this.#world.clock.nowMs() + afterMs;
    await this.#write((status) => ({ ...status, state: status["state"] ?? "pending", reason }));
    this.#world.events.warning(this.#order.object, "OrderPending", reason);
    return { afterMs };
  }

  async #save(machine: AcmeOrder): Promise<void> {
    const nowMs = this.#world.clock.nowMs();
    this.#world.unsavedOrders.set(this.#uid, machine);
    if (machine.state === "invalid") {
      const note = failureNote(machine.problem, nowMs);
      await annotate(this.#world.store, ORDER, this.#order.object, failureAnnotations(note));
    }
    await this.#write((status) => statusOfMachine(machine, status, nowMs));
    this.#world.unsavedOrders.delete(this.#uid);
    if (machine.state === "issued") {
      this.#world.events.normal(this.#order.object, "Complete", "Order completed successfully");
    }
    if (machine.state === "invalid") {
      const reason = explainProblem(machine.problem, identifiersOf(this.#order)[0]?.value);
      await this.#fail("invalid", reason, "Failed", failureNote(machine.problem, nowMs));
    }
  }

  async #fail(
    state: "invalid" | "errored",
    reason: string,
    event: "Solver" | "Failed",
    note: FailureNote,
  ): Promise<void> {
    // Before the state: whoever sees that it failed finds the cause there.
    await annotate(this.#world.store, ORDER, this.#order.object, failureAnnotations(note));
    const failureTime = rfc3339(this.#world.clock.nowMs());
    await this.#write((status) => ({ ...status, state, reason, failureTime: status["failureTime"] ?? failureTime }));
    this.#world.events.warning(this.#order.object, event, reason);
  }

  async #write(change: (status: StatusFields) => StatusFields): Promise<void> {
    await writeStatus(this.#world.store, ORDER, this.#order.object, change);
  }

  async #createChallenge(open: OpenChallenge): Promise<void> {
    const { events, store } = this.#world;
    const offered = open.offered.map(({ type }) => type);
    const { labels = {} } = this.#order.object.metadata;
    const wanted = { name: open.identifier.value, wildcard: open.wildcard, labels, offered };
    const choice = chooseSolver(this.#options.solvers, wanted);
    const chosen =
      choice.kind === "none" ? undefined : open.offered.find(({ type }) => type === CHALLENGE_OF_SOLVER[choice.kind]);
    if (choice.kind === "none" || chosen === undefined) {
      const reason = choice.kind === "none" ? choice.message : `The CA does not offer what "${wanted.name}" needs`;
      await this.#fail("errored", reason, "Solver", { cause: "refused" });
      return;
    }
    const object = this.#challengeObject(open, chosen, choice, await this.#keyOf(open, chosen, choice.kind));
    try {
      await store.create(CHALLENGE, object);
    } catch (error) {
      if (isLintelError(error, "AlreadyExists")) return;
      throw error;
    }
    const { name } = object.metadata;
    const message = `Created Challenge resource "${name}" for domain "${open.identifier.value}"`;
    events.normal(this.#order.object, "Created", message);
  }

  /** What answers the challenge. Who the CA is, for a record that stays, is not kept in the Order: it is asked for again. */
  async #keyOf(open: OpenChallenge, challenge: AcmeChallenge, kind: Solver["type"]): Promise<string> {
    if (kind !== "dnsPersist01") {
      const authorization = keyAuthorization(challenge.token, this.#caller.thumbprint());
      return kind === "dns01" ? dns01Value(authorization) : authorization;
    }
    const { challenges } = await this.#caller.authorization(open.authorizationUrl);
    const found = challenges.find(({ url }) => url === challenge.url);
    const account = found?.accountUri ?? this.#options.issuer.status.acmeUri ?? "";
    return persistentRecord(found?.issuerDomainNames?.[0] ?? "", account, open.wildcard);
  }

  /** The name follows from the content, so that two attempts to make it meet the same Challenge. */
  #challengeName(authorizationUrl: string, { url, token }: { readonly url: string; readonly token: string }): string {
    return nameWithHash(this.#order.name, { authorizationUrl, url, token });
  }

  #challengeObject(
    open: OpenChallenge,
    challenge: AcmeChallenge,
    choice: Exclude<SolverChoice, { kind: "none" }>,
    key: string,
  ): KubeObject {
    const { labels, annotations } = this.#order.object.metadata;
    const spec = {
      type: challenge.type.toUpperCase(),
      url: challenge.url,
      authorizationURL: open.authorizationUrl,
      dnsName: open.identifier.value,
      wildcard: open.wildcard,
      token: challenge.token,
      key,
      solver: choice.solver.raw,
      issuerRef: this.#order.spec.issuerRef,
    };
    const certificateName = annotations?.[CERTIFICATE_ANNOTATIONS.certificateName];
    return {
      apiVersion: apiVersionOf(CHALLENGE),
      kind: CHALLENGE.kind,
      metadata: {
        name: this.#challengeName(open.authorizationUrl, challenge),
        namespace: this.#order.namespace,
        finalizers: [CHALLENGE_FINALIZER],
        ...(labels === undefined ? {} : { labels }),
        ...(certificateName === undefined
          ? {}
          : { annotations: { [CERTIFICATE_ANNOTATIONS.certificateName]: certificateName } }),
        ownerReferences: [controllerReference(this.#order.object)],
      },
      spec,
    };
  }
}
