/** The passing of time, passed in so that tests can run years in milliseconds. */
export interface Clock {
  /** Wall-clock milliseconds since the Unix epoch. May jump. */
  nowMs(): number;
  /** Milliseconds from an arbitrary start that never go backwards. For durations. */
  monotonicMs(): number;
  /**
   * Resolves after `ms` milliseconds; rejects with the signal's reason when it aborts first. Does not keep the process
   * alive by itself. Waits longer than 24 days are split, so any finite `ms` is honoured.
   */
  sleep(ms: number, options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;
  /** Calls `callback` once after `ms` milliseconds unless the returned timer is cancelled first. */
  timer(ms: number, callback: () => void): Timer;
}

/** One pending call of {@link Clock.timer}. */
export interface Timer {
  /** Idempotent; after it returns the callback will not run. */
  cancel(): void;
}
