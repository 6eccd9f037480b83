/** Something that collects what it does during a turn of the event loop. */
export interface Collecting {
  /** The turn ends. */
  flush(): void;
}

/**
 * Calls everything that asked, once, when the event loop has handled what was ready and before it waits again: answers
 * of several endpoints then leave in one write.
 */
export class TurnEnd {
  #waiting: Collecting[] = [];

  /** To be called at most once a turn by each. */
  add(member: Collecting): void {
    if (this.#waiting.push(member) === 1) setImmediate(this.#run);
  }

  readonly #run = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const member of waiting) member.flush();
  };
}

/** One for all connections of a worker. */
export const turnEnd: TurnEnd = new TurnEnd();
