/**
 * A budget of things that cost us more than the peer: so many in a window of time, and more where the peer's useful work
 * explains them. Reads the clock only when it is used up.
 */
export class FloodBudget {
  readonly #max: number;
  readonly #windowMs: number;
  readonly #nowMs: () => number;
  #left: number;
  #sinceMs: number;

  constructor(max: number, windowMs: number, nowMs: () => number) {
    this.#max = max;
    this.#windowMs = windowMs;
    this.#nowMs = nowMs;
    this.#left = max;
    this.#sinceMs = nowMs();
  }

  /** Returns false when the budget is used up: a flood. */
  spend(cost: number): boolean {
    this.#left -= cost;
    if (this.#left >= 0) return true;
    const nowMs = this.#nowMs();
    if (nowMs - this.#sinceMs < this.#windowMs) return false;
    this.#sinceMs = nowMs;
    this.#left = this.#max - cost;
    return true;
  }

  /** Useful work was done, which explains some more. */
  earn(amount: number): void {
    this.#left = Math.min(this.#left + amount, this.#max);
  }
}
