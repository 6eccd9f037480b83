import { randomBytes } from "node:crypto";
import type { Clock, Timer } from "../ground/clock.ts";
import { isLintelError, messageOf } from "../ground/errors.ts";
import type { Logger } from "../ground/log.ts";
import { EVENT } from "../resource/kind.ts";
import { newEvent, repeatedEvent, REPORTING_COMPONENT, truncateMessage, type Happening } from "../resource/event.ts";
import type { KubeObject } from "../resource/object.ts";
import type { Store } from "../store/contract.ts";
import type { DiagnosticCode } from "../translate/diagnostic.ts";
import type { EventReason } from "./event-reasons.ts";
import { removeObject } from "./status-writer.ts";

/** Different happenings remembered, so that a repeat counts up instead of making a new Event. */
const REMEMBERED_MAX = 4096;
/** Happenings that wait to be written; beyond it the oldest is dropped with a log line. */
const PENDING_MAX = 1024;
/** Events one object may cause at once … */
const BURST_PER_OBJECT = 25;
/** … and then one per this time, as in Kubernetes. */
const REFILL_MS = 5 * 60_000;
/** How long an Event of ours lives, as on a Kubernetes API server. */
const EVENT_LIFETIME_MS = 3_600_000;
/** Wait between two looks for Events that are too old, while there are any of ours. */
const SWEEP_MS = 10 * 60_000;

interface Remembered {
  readonly namespace: string;
  readonly name: string;
  readonly lastMs: number;
}

interface Bucket {
  tokens: number;
  refilledMs: number;
}

/**
 * Writes what happens to objects as core/v1 Events, in order, in the background: callers never wait and never fail. The
 * same happening again raises the count of its Event. Bounded in rate per object, in memory, and in how long Events live.
 */
export class EventRecorder {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #pending: Happening[] = [];
  readonly #remembered = new Map<string, Remembered>();
  readonly #buckets = new Map<string, Bucket>();
  readonly #closing = new AbortController();
  readonly #expires: boolean;
  #writing: Promise<void> | undefined;
  #sweeping: Promise<void> | undefined;
  #sweepTimer: Timer | undefined;

  /** `expires`: whether to remove Events that are too old, which a real API server does by itself. */
  constructor(options: {
    readonly store: Store;
    readonly clock: Clock;
    readonly log: Logger;
    readonly expires?: boolean;
  }) {
    this.#expires = options.expires ?? true;
    this.#store = options.store;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#sweepSoon(0);
  }

  /** Notes that all is well. */
  normal(object: KubeObject, reason: EventReason | DiagnosticCode, message: string): void {
    this.#record({ object, type: "Normal", reason, message });
  }

  /** Notes that a person should look. */
  warning(object: KubeObject, reason: EventReason | DiagnosticCode, message: string): void {
    this.#record({ object, type: "Warning", reason, message });
  }

  /** Whether Events still wait to be written. */
  get busy(): boolean {
    return this.#writing !== undefined;
  }

  /** Writes what waits and stops. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#sweepTimer?.cancel();
    await this.#writing;
    await this.#sweeping;
  }

  #record(happening: Happening): void {
    if (this.#closing.signal.aborted || !this.#allow(happening.object)) return;
    if (this.#pending.length >= PENDING_MAX) {
      this.#pending.shift();
      this.#log.warn("Event dropped: too many wait to be written", { limit: PENDING_MAX });
    }
    this.#pending.push(happening);
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
  }

  #allow(object: KubeObject): boolean {
    const key = object.metadata.uid ?? `${object.kind}/${object.metadata.namespace ?? ""}/${object.metadata.name}`;
    const nowMs = this.#clock.nowMs();
    const bucket = this.#buckets.get(key) ?? { tokens: BURST_PER_OBJECT, refilledMs: nowMs };
    const refill = Math.floor((nowMs - bucket.refilledMs) / REFILL_MS);
    if (refill > 0) {
      bucket.tokens = Math.min(BURST_PER_OBJECT, bucket.tokens + refill);
      bucket.refilledMs += refill * REFILL_MS;
    }
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    forgetOldest(this.#buckets);
    if (bucket.tokens === 0) return false;
    bucket.tokens -= 1;
    return true;
  }

  async #writeAll(): Promise<void> {
    // Let the caller go on first, and see everything it notes in this turn.
    await Promise.resolve();
    for (let next = this.#pending.shift(); next !== undefined; next = this.#pending.shift()) {
      try {
        await this.#write(next);
      } catch (error) {
        this.#log.debug("Event not written", { reason: next.reason, error: messageOf(error) });
      }
    }
  }

  async #write(happening: Happening): Promise<void> {
    const key = identityOf(happening);
    const nowMs = this.#clock.nowMs();
    const before = this.#remembered.get(key);
    if (before !== undefined && nowMs - before.lastMs < EVENT_LIFETIME_MS) {
      const event = await this.#store.get(EVENT, before.namespace, before.name);
      if (event !== undefined && (await this.#repeat(event, nowMs))) {
        this.#remember(key, { ...before, lastMs: nowMs });
        return;
      }
    }
    const suffix = randomBytes(8).toString("hex");
    const made = await this.#store.create(EVENT, newEvent(happening, { suffix, nowMs }));
    this.#sweepSoon(SWEEP_MS);
    this.#remember(key, { namespace: made.metadata.namespace ?? "", name: made.metadata.name, lastMs: nowMs });
  }

  async #repeat(event: KubeObject, nowMs: number): Promise<boolean> {
    try {
      await this.#store.update(EVENT, repeatedEvent(event, 1, nowMs));
      return true;
    } catch (error) {
      if (isLintelError(error, "Conflict", "NotFound")) return false;
      throw error;
    }
  }

  #remember(key: string, entry: Remembered): void {
    this.#remembered.delete(key);
    this.#remembered.set(key, entry);
    forgetOldest(this.#remembered);
  }

  #sweepSoon(afterMs: number): void {
    if (!this.#expires) return;
    this.#sweepTimer ??= this.#clock.timer(afterMs, () => {
      this.#sweepTimer = undefined;
      this.#sweeping = this.#sweep().catch((error: unknown) => {
        this.#log.debug("Old Events not removed", { error: messageOf(error) });
      });
    });
  }

  async #sweep(): Promise<void> {
    const deadlineMs = this.#clock.nowMs() - EVENT_LIFETIME_MS;
    const { items } = await this.#store.list(EVENT);
    let left = 0;
    for (const event of items) {
      if (this.#closing.signal.aborted) return;
      const last = Date.parse(typeof event["lastTimestamp"] === "string" ? event["lastTimestamp"] : "");
      if (event["reportingComponent"] !== REPORTING_COMPONENT || Number.isNaN(last)) continue;
      if (last > deadlineMs) left += 1;
      else await removeObject(this.#store, EVENT, event);
    }
    if (left > 0 && !this.#closing.signal.aborted) this.#sweepSoon(SWEEP_MS);
  }
}

function identityOf(happening: Happening): string {
  const { object, type, reason, message } = happening;
  const { uid, namespace, name } = object.metadata;
  return [object.kind, namespace, name, uid, type, reason, truncateMessage(message)].join("\u0000");
}

function forgetOldest(map: Map<string, unknown>): void {
  for (const key of map.keys()) {
    if (map.size <= REMEMBERED_MAX) return;
    map.delete(key);
  }
}
