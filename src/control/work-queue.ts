import type { Clock, Timer } from "../ground/clock.ts";
import { isLintelError, messageOf } from "../ground/errors.ts";
import type { Logger } from "../ground/log.ts";

/** How many keys one queue works on at a time, unless told otherwise. */
const CONCURRENCY_DEFAULT = 8;
/** Wait after a key's first failure; doubles with each further one. */
const RETRY_MS_MIN = 50;
/** Longest wait between two attempts at a key that keeps failing. */
export const RETRY_MS_MAX: number = 5 * 60_000;
/** From this failure of a key in a row on, each is a warning; before, a debug line: conflicts heal by themselves. */
const FAILURES_BEFORE_WARNING = 3;

/** When a key wants to be looked at again though nothing changed; undefined: only when something changes. */
export type Recheck = { readonly afterMs: number } | undefined;

/** What a queue is made from. */
export interface WorkQueueOptions {
  /** For log lines: the controller's name. */
  readonly name: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** @default CONCURRENCY_DEFAULT */
  readonly concurrency?: number;
  /** Brings the world in line for `key`. Throwing means "again later"; the signal aborts when the queue closes. */
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<Recheck>;
}

/** How often a controller has looked at a key, and how often that failed. */
export interface SyncCounts {
  readonly controller: string;
  readonly calls: number;
  readonly errors: number;
}

interface Entry {
  queued: boolean;
  running: boolean;
  failures: number;
  timer: Timer | undefined;
}

/**
 * Keys that need attention. A key is in the queue at most once and is worked on by at most one worker at a time; a key
 * added while it is worked on runs once more afterwards. The last reconcile of a key decides alone when it is looked
 * at next without a change. Entries are as many as keys that wait, run, failed or have a timer: bounded by the objects
 * of the store.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #waiting: string[] = [];
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #calls = 0;
  #errors = 0;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Asks for `key` to be looked at soon. A key that waits out a failure is looked at at once: something changed. */
  add(key: string): void {
    if (this.#closing.signal.aborted) return;
    const entry = this.#entry(key);
    if (entry.queued) return;
    entry.queued = true;
    if (!entry.running) this.#enqueue(key, entry);
  }

  /** Whether any key waits for a worker or is worked on now. Timers don't count. */
  get busy(): boolean {
    return this.#waiting.length > 0 || this.#running.size > 0;
  }

  /** What it has done since it was made. */
  get counts(): SyncCounts {
    return { controller: this.#options.name, calls: this.#calls, errors: this.#errors };
  }

  /** Takes no more keys, aborts what runs, and resolves when it has ended. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const entry of this.#entries.values()) entry.timer?.cancel();
    this.#entries.clear();
    this.#waiting.length = 0;
    await Promise.all(this.#running);
  }

  #entry(key: string): Entry {
    const found = this.#entries.get(key);
    if (found !== undefined) return found;
    const entry: Entry = { queued: false, running: false, failures: 0, timer: undefined };
    this.#entries.set(key, entry);
    return entry;
  }

  #enqueue(key: string, entry: Entry): void {
    entry.timer?.cancel();
    entry.timer = undefined;
    this.#waiting.push(key);
    this.#startWorkers();
  }

  #startWorkers(): void {
    const concurrency = this.#options.concurrency ?? CONCURRENCY_DEFAULT;
    while (this.#running.size < concurrency) {
      const key = this.#waiting.shift();
      if (key === undefined) return;
      const work = this.#work(key).finally(() => {
        this.#running.delete(work);
        this.#startWorkers();
      });
      this.#running.add(work);
    }
  }

  async #work(key: string): Promise<void> {
    const { signal } = this.#closing;
    const entry = this.#entry(key);
    entry.queued = false;
    entry.running = true;
    // Let the change that brought the key here reach every listener before anyone acts on it.
    await Promise.resolve();
    let recheck: Recheck;
    this.#calls += 1;
    try {
      recheck = await this.#options.reconcile(key, signal);
      entry.failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      this.#errors += 1;
      recheck = { afterMs: this.#failed(key, entry, error) };
    }
    entry.running = false;
    if (signal.aborted) return;
    if (entry.queued) this.#enqueue(key, entry);
    else if (recheck === undefined) this.#entries.delete(key);
    else entry.timer = this.#options.clock.timer(recheck.afterMs, () => this.add(key));
  }

  #failed(key: string, entry: Entry, error: unknown): number {
    const { log, random, name } = this.#options;
    const ceilingMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(entry.failures, 30));
    entry.failures += 1;
    const fields = { controller: name, key, attempt: entry.failures, error: messageOf(error) };
    const expected = isLintelError(error, "Conflict", "AlreadyExists", "NotFound");
    if (expected || entry.failures < FAILURES_BEFORE_WARNING) log.debug("Reconcile failed; trying again", fields);
    else log.warn("Reconcile keeps failing; trying again", fields);
    return ceilingMs * (0.5 + random() / 2);
  }
}
