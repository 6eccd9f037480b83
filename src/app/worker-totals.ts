/** How the counts of one kind of thing are read from what a worker says, and added. */
export interface TallyKind<Tally> {
  /** Returns the counts in a worker's answer, by the id of what was counted. */
  readonly read: (stats: unknown) => readonly (readonly [string, Tally])[];
  readonly plus: (left: Tally, right: Tally) => Tally;
}

/**
 * The counts of all workers, dead ones included, so that totals do not go down when a worker is replaced. What a worker
 * counted after the last reading before its end is lost. What no living worker counts any more is dropped.
 */
export class WorkerTotals<Tally> {
  readonly #kind: TallyKind<Tally>;
  readonly #byPid = new Map<number, ReadonlyMap<string, Tally>>();
  #gone: Map<string, Tally> = new Map<string, Tally>();

  constructor(kind: TallyKind<Tally>) {
    this.#kind = kind;
  }

  /** Takes the answer of a worker, in place of its last one. */
  take(pid: number, stats: unknown): void {
    this.#byPid.set(pid, new Map(this.#kind.read(stats)));
  }

  /** Returns the sums by id; `living` are the processes there are. */
  sum(living: ReadonlySet<number>): ReadonlyMap<string, Tally> {
    for (const [pid, counts] of this.#byPid) {
      if (living.has(pid)) continue;
      this.#byPid.delete(pid);
      this.#addAll(this.#gone, counts);
    }
    const served = new Set([...this.#byPid.values()].flatMap((counts) => [...counts.keys()]));
    // Between two workers there is none: nothing is known about what is gone.
    if (served.size > 0) this.#gone = new Map([...this.#gone].filter(([id]) => served.has(id)));
    const sums = new Map(this.#gone);
    for (const counts of this.#byPid.values()) this.#addAll(sums, counts);
    return sums;
  }

  #addAll(into: Map<string, Tally>, counts: ReadonlyMap<string, Tally>): void {
    for (const [id, tally] of counts) {
      const known = into.get(id);
      into.set(id, known === undefined ? tally : this.#kind.plus(known, tally));
    }
  }
}
