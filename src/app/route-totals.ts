import { arrayAt, numberAt, stringAt } from "../ground/json.ts";

/** What was counted of one route, as `RouteCount` of the data plane. */
export interface RouteTally {
  readonly responses: readonly number[];
  readonly durations: readonly number[];
  readonly requestSizes: readonly number[];
  readonly responseSizes: readonly number[];
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly durationMs: number;
}

/**
 * The counts of all workers, dead ones included, so that totals do not go down when a worker is replaced. What a worker
 * counted after the last reading before its end is lost. A route that no living worker counts any more is dropped.
 */
export class RouteTotals {
  readonly #byPid = new Map<number, ReadonlyMap<string, RouteTally>>();
  #gone: Map<string, RouteTally> = new Map<string, RouteTally>();

  /** Takes the answer of a worker, in place of its last one. */
  take(pid: number, stats: unknown): void {
    const entries = arrayAt(stats, "routes").map((entry): [string, RouteTally] => [
      stringAt(entry, "route") ?? "",
      {
        responses: numbers(entry, "responses"),
        durations: numbers(entry, "durations"),
        requestSizes: numbers(entry, "requestSizes"),
        responseSizes: numbers(entry, "responseSizes"),
        requestBytes: numberAt(entry, "requestBytes") ?? 0,
        responseBytes: numberAt(entry, "responseBytes") ?? 0,
        durationMs: numberAt(entry, "durationMs") ?? 0,
      },
    ]);
    this.#byPid.set(pid, new Map(entries));
  }

  /** Returns the sums by route; `living` are the processes there are. */
  sum(living: ReadonlySet<number>): ReadonlyMap<string, RouteTally> {
    for (const [pid, routes] of this.#byPid) {
      if (living.has(pid)) continue;
      this.#byPid.delete(pid);
      addAll(this.#gone, routes);
    }
    const served = new Set([...this.#byPid.values()].flatMap((routes) => [...routes.keys()]));
    // Between two workers there is none: nothing is known about which routes are gone.
    if (served.size > 0) this.#gone = new Map([...this.#gone].filter(([route]) => served.has(route)));
    const sums = new Map(this.#gone);
    for (const routes of this.#byPid.values()) addAll(sums, routes);
    return sums;
  }
}

function addAll(into: Map<string, RouteTally>, routes: ReadonlyMap<string, RouteTally>): void {
  for (const [route, tally] of routes) {
    const known = into.get(route);
    into.set(route, known === undefined ? tally : plus(known, tally));
  }
}

function plus(left: RouteTally, right: RouteTally): RouteTally {
  return {
    responses: sums(left.responses, right.responses),
    durations: sums(left.durations, right.durations),
    requestSizes: sums(left.requestSizes, right.requestSizes),
    responseSizes: sums(left.responseSizes, right.responseSizes),
    requestBytes: left.requestBytes + right.requestBytes,
    responseBytes: left.responseBytes + right.responseBytes,
    durationMs: left.durationMs + right.durationMs,
  };
}

function sums(left: readonly number[], right: readonly number[]): readonly number[] {
  return right.map((count, index) => count + (left[index] ?? 0));
}

function numbers(entry: unknown, key: string): readonly number[] {
  return arrayAt(entry, key).filter((value): value is number => typeof value === "number");
}
