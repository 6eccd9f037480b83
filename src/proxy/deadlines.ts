import type { Clock, Timer } from "../ground/clock.ts";

/** Something with at most one deadline at a time. */
export interface Timed {
  /** On the scale of `Deadlines.in`; Infinity for none. Simply assigned, as often as wanted. */
  deadlineMs: number;
  /** The deadline has passed; it is Infinity again. */
  onDeadline(): void;
}

/**
 * All timeouts of the data plane with one timer: setting a deadline is one assignment, and every `sweepMs` those that
 * have passed are told. A timeout is never early and at most two sweeps late.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #sweepMs: number;
  readonly #members = new Set<Timed>();
  #nowMs: number;
  #timer: Timer | undefined;

  constructor(clock: Clock, sweepMs: number) {
    this.#clock = clock;
    this.#sweepMs = sweepMs;
    this.#nowMs = clock.monotonicMs();
  }

  /** The deadline `ms` from now. */
  in(ms: number): number {
    // The time is that of the last sweep, so one sweep is added.
    return this.#nowMs + this.#sweepMs + ms;
  }

  /** Monotonic milliseconds, as of the last sweep: coarse, and free. */
  get coarseNowMs(): number {
    return this.#nowMs;
  }

  add(member: Timed): void {
    this.#members.add(member);
    if (this.#timer !== undefined) return;
    this.#nowMs = this.#clock.monotonicMs();
    this.#arm();
  }

  remove(member: Timed): void {
    this.#members.delete(member);
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#members.clear();
  }

  #arm(): void {
    this.#timer = this.#clock.timer(this.#sweepMs, () => this.#sweep());
  }

  #sweep(): void {
    this.#nowMs = this.#clock.monotonicMs();
    const nowMs = this.#nowMs;
    for (const member of this.#members) {
      if (member.deadlineMs > nowMs) continue;
      member.deadlineMs = Infinity;
      member.onDeadline();
    }
    if (this.#members.size > 0) this.#arm();
    else this.#timer = undefined;
  }
}
