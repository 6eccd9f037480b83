import type { Clock, Timer } from "../../ground/clock.ts";
import { isLintelError, LintelError, messageOf } from "../../ground/errors.ts";
import { numberAt, recordAt, stringAt } from "../../ground/json.ts";
import type { Logger } from "../../ground/log.ts";
import { apiVersionOf, LEASE } from "../../resource/kind.ts";
import type { KubeObject } from "../../resource/object.ts";
import type { Store } from "../../store/contract.ts";

/** A leader that does not renew for so long has lost; others wait it out. */
export const LEASE_MS = 10_000;
/** A leader that could not renew for so long stops by itself, well before others may begin. */
const RENEW_DEADLINE_MS = 7_000;
/** Between two looks at the lease. */
const RETRY_MS = 2_000;

/** What an election is about. */
export interface LeaderElectionOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** In [0, 1); keeps replicas from asking in step. */
  readonly random: () => number;
  readonly log: Logger;
  readonly namespace: string;
  /** Name of the Lease. */
  readonly name: string;
  /** Who we are, unlike any other replica: `pod-name_uuid`. */
  readonly identity: string;
  /** Called when we lead; resolves when leading has begun. */
  readonly onElected: () => Promise<void>;
  /** Called when we lead no more; resolves when nothing of it runs any more. */
  readonly onDeposed: () => Promise<void>;
}

interface Observed {
  readonly record: string;
  readonly atMs: number;
}

/**
 * Elects one of several replicas by a Lease (coordination.k8s.io/v1), as client-go does: whoever holds it renews it every
 * two seconds, and everybody else takes it once it has not changed for ten seconds of their own clock. So clocks of
 * machines need not agree. A leader that can't renew for seven seconds stops leading by itself, also while an answer is
 * still awaited. One that was paused meanwhile learns late that it leads no more: {@link LeaderElection.fence} is what
 * keeps it from acting before that.
 */
export class LeaderElection {
  readonly #options: LeaderElectionOptions;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #observed: Observed | undefined;
  /** When the renewal that succeeded last was begun, by both clocks. */
  #renewed = { monotonicMs: 0, wallMs: 0 };
  #leader = "";
  #isLeading = false;
  #deadline: Timer | undefined;
  #beginning: Promise<void> = Promise.resolve();
  #ending: Promise<void> = Promise.resolve();

  private constructor(options: LeaderElectionOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Takes part from now on, until `close()`. */
  static join(options: LeaderElectionOptions): LeaderElection {
    return new LeaderElection(options);
  }

  get isLeading(): boolean {
    return this.#isLeading;
  }

  /**
   * Whether what only a leader may do may be done at this very moment: the lease was renewed less than seven seconds ago.
   * A process that was stopped, or a machine that slept, finds out here before anything else had a chance to tell it.
   */
  get mayWrite(): boolean {
    return this.#isLeading && this.#silentMs() < RENEW_DEADLINE_MS;
  }

  /** Throws LintelError `Aborted` unless {@link mayWrite}; to be called right before anything is written. */
  fence(): void {
    if (this.mayWrite) return;
    throw new LintelError("This replica leads no more, so it writes nothing", { code: "Aborted" });
  }

  /** Who led when we last looked; empty when nobody did. */
  get leader(): string {
    return this.#leader;
  }

  /** Stops leading, and lets others begin at once. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, random, log } = this.#options;
    const { signal } = this.#closing;
    let said = "";
    while (!signal.aborted) {
      try {
        const holds = await this.#tryToHold();
        said = "";
        await this.#ending;
        // An answer that took too long says nothing of now.
        if (holds && !this.#isLeading && this.#silentMs() < RENEW_DEADLINE_MS) this.#begin();
        else if (!holds) await this.#end("another replica leads");
        this.#watch();
      } catch (error) {
        const fields = { error: messageOf(error) };
        if (fields.error === said) log.debug("Cannot look at the lease of the leader; trying again", fields);
        else log.warn("Cannot look at the lease of the leader; trying again", fields);
        said = fields.error;
      }
      await clock.sleep(RETRY_MS * (0.75 + random() / 4), { signal }).catch(() => undefined);
    }
    this.#deadline?.cancel();
    const led = this.#isLeading;
    await this.#end("this replica stops");
    if (!led) return;
    await this.#release().catch((error: unknown) => {
      log.warn("Cannot give the lease back; others wait until it ends", { error: messageOf(error) });
    });
  }

  /** Goes on renewing meanwhile: what has to be asked first may take its time. */
  #begin(): void {
    const { log, identity, onElected } = this.#options;
    this.#isLeading = true;
    log.info("This replica leads now", { identity });
    this.#beginning = onElected().catch((error: unknown) => {
      log.warn("Cannot begin to lead; trying again", { error: messageOf(error) });
      this.#beginning = Promise.resolve();
      return this.#end("leading could not begin");
    });
  }

  /** Resolves when nothing of leading runs any more, whoever began to end it. */
  #end(reason: string): Promise<void> {
    if (!this.#isLeading) return this.#ending;
    this.#isLeading = false;
    this.#deadline?.cancel();
    this.#options.log.info("This replica leads no more", { reason });
    this.#ending = this.#beginning.then(() => this.#options.onDeposed());
    return this.#ending;
  }

  /** Ends leading when the deadline passes, whatever is still awaited then. */
  #watch(): void {
    this.#deadline?.cancel();
    if (!this.#isLeading) return;
    const leftMs = Math.max(0, RENEW_DEADLINE_MS - this.#silentMs());
    this.#deadline = this.#options.clock.timer(leftMs, () => {
      if (this.#silentMs() < RENEW_DEADLINE_MS) return this.#watch();
      this.#end("the lease could not be renewed").catch((error: unknown) => {
        this.#options.log.error("Cannot stop leading in order", { error: messageOf(error) });
      });
    });
  }

  /** The monotonic clock of a machine that sleeps stands still; that of the wall is put right afterwards. */
  #silentMs(): number {
    const { clock } = this.#options;
    return Math.max(clock.monotonicMs() - this.#renewed.monotonicMs, clock.nowMs() - this.#renewed.wallMs);
  }

  /** Returns whether the lease is ours now. */
  async #tryToHold(): Promise<boolean> {
    const { store, clock, namespace, name, identity } = this.#options;
    const started = { monotonicMs: clock.monotonicMs(), wallMs: clock.nowMs() };
    const lease = await store.get(LEASE, namespace, name);
    if (lease !== undefined && !this.#mayTake(lease)) return false;
    try {
      const written = await (lease === undefined
        ? store.create(LEASE, this.#leaseOf(undefined))
        : store.update(LEASE, this.#leaseOf(lease)));
      this.#observe(written);
      this.#renewed = started;
      this.#leader = identity;
      return true;
    } catch (error) {
      // Another one was faster.
      if (isLintelError(error, "Conflict", "AlreadyExists")) return false;
      throw error;
    }
  }

  #mayTake(lease: KubeObject): boolean {
    const { clock, identity } = this.#options;
    const holder = holderOf(lease);
    this.#leader = holder;
    if (holder === identity || holder === "") return true;
    this.#observe(lease);
    const seconds = numberAt(lease["spec"], "leaseDurationSeconds") ?? LEASE_MS / 1_000;
    return clock.monotonicMs() - (this.#observed?.atMs ?? 0) >= seconds * 1_000;
  }

  #observe(lease: KubeObject): void {
    const record = JSON.stringify(lease["spec"]);
    if (this.#observed?.record === record) return;
    this.#observed = { record, atMs: this.#options.clock.monotonicMs() };
  }

  #leaseOf(before: KubeObject | undefined): KubeObject {
    const { clock, namespace, name, identity } = this.#options;
    const now = microTime(clock.nowMs());
    const spec = recordAt(before, "spec");
    const isOurs = before !== undefined && holderOf(before) === identity;
    return {
      ...before,
      apiVersion: apiVersionOf(LEASE),
      kind: LEASE.kind,
      metadata: before?.metadata ?? { name, namespace },
      spec: {
        ...spec,
        holderIdentity: identity,
        leaseDurationSeconds: LEASE_MS / 1_000,
        acquireTime: isOurs ? spec["acquireTime"] : now,
        renewTime: now,
        leaseTransitions: (numberAt(spec, "leaseTransitions") ?? 0) + (isOurs || before === undefined ? 0 : 1),
      },
    };
  }

  async #release(): Promise<void> {
    const { store, namespace, name, identity, clock } = this.#options;
    const lease = await store.get(LEASE, namespace, name);
    if (lease === undefined || holderOf(lease) !== identity) return;
    const spec = {
      ...recordAt(lease, "spec"),
      holderIdentity: "",
      leaseDurationSeconds: 1,
      renewTime: microTime(clock.nowMs()),
    };
    await store.update(LEASE, { ...lease, spec });
  }
}

function holderOf(lease: KubeObject): string {
  return stringAt(lease["spec"], "holderIdentity") ?? "";
}

/** A MicroTime of the Kubernetes API. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000Z");
}
