import { arrayAt, numberAt, stringAt } from "../ground/json.ts";
import type { TallyKind } from "./worker-totals.ts";

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

/** By route id. */
export const ROUTE_TALLIES: TallyKind<RouteTally> = {
  read: (stats) =>
    arrayAt(stats, "routes").map((entry) => [
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
    ]),
  plus: (left, right) => ({
    responses: sums(left.responses, right.responses),
    durations: sums(left.durations, right.durations),
    requestSizes: sums(left.requestSizes, right.requestSizes),
    responseSizes: sums(left.responseSizes, right.responseSizes),
    requestBytes: left.requestBytes + right.requestBytes,
    responseBytes: left.responseBytes + right.responseBytes,
    durationMs: left.durationMs + right.durationMs,
  }),
};

/** What was counted of one backend, as the totals of `BackendCount` of the data plane. */
export interface BackendTally {
  readonly requests: number;
  readonly failures: number;
  readonly ejections: number;
}

/** By backend id. */
export const BACKEND_TALLIES: TallyKind<BackendTally> = {
  read: (stats) =>
    arrayAt(stats, "backends").map((entry) => [
      stringAt(entry, "backend") ?? "",
      {
        requests: numberAt(entry, "requests") ?? 0,
        failures: numberAt(entry, "failures") ?? 0,
        ejections: numberAt(entry, "ejections") ?? 0,
      },
    ]),
  plus: (left, right) => ({
    requests: left.requests + right.requests,
    failures: left.failures + right.failures,
    ejections: left.ejections + right.ejections,
  }),
};

function sums(left: readonly number[], right: readonly number[]): readonly number[] {
  return right.map((count, index) => count + (left[index] ?? 0));
}

function numbers(entry: unknown, key: string): readonly number[] {
  return arrayAt(entry, key).filter((value): value is number => typeof value === "number");
}
