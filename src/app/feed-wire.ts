import type { Socket } from "node:net";
import { arrayAt, isRecord, numberAt, recordAt, stringAt } from "../ground/json.ts";
import type { SnapshotDelta } from "../routing/delta.ts";

/** Grows when a message changes its meaning: both ends refuse another version instead of guessing. */
export const FEED_VERSION = 2;

/** The longest line control may send: the whole of a very large snapshot. */
export const DELTA_BYTES_MAX: number = 512 * 1024 * 1024;

/** The longest line a worker may send: the counts of as many routes as are counted. */
export const REPORT_BYTES_MAX: number = 32 * 1024 * 1024;

/**
 * Which snapshot a worker has. A generation alone does not say: control that was killed may have sent one that its
 * successor never heard of, so each life of control is an epoch of its own.
 */
export interface SnapshotVersion {
  readonly epoch: string;
  readonly generation: number;
}

/** What a worker says, one JSON object a line. */
export type WorkerReport =
  /** First on each connection. */
  | { readonly type: "hello"; readonly version: number; readonly pid: number; readonly has: SnapshotVersion }
  /** The worker serves `generation` from now on; `problems` are sentences about what it had to skip. */
  | { readonly type: "ack"; readonly generation: number; readonly problems: readonly string[] }
  /** The last delta does not start where the worker is: it wants the whole. */
  | { readonly type: "resync" }
  /** The worker failed to serve `generation` and stays where it was; the next one may do. */
  | { readonly type: "refuse"; readonly generation: number }
  /** The answer to `stats`: numbers by name. */
  | { readonly type: "stats"; readonly stats: unknown };

/** What control says. */
export type ControlOrder =
  { readonly type: "delta"; readonly epoch: string; readonly delta: SnapshotDelta } | { readonly type: "stats" };

/** Returns the report in a line of a worker, or undefined for anything this version does not know. */
export function parseWorkerReport(line: string): WorkerReport | undefined {
  const value = parseJson(line);
  switch (stringAt(value, "type")) {
    case "hello":
      return {
        type: "hello",
        version: numberAt(value, "version") ?? 0,
        pid: numberAt(value, "pid") ?? 0,
        has: parseVersion(recordAt(value, "has")),
      };
    case "ack":
      return {
        type: "ack",
        generation: numberAt(value, "generation") ?? 0,
        problems: arrayAt(value, "problems").filter((entry): entry is string => typeof entry === "string"),
      };
    case "resync":
      return { type: "resync" };
    case "refuse":
      return { type: "refuse", generation: numberAt(value, "generation") ?? 0 };
    case "stats":
      return { type: "stats", stats: isRecord(value) ? value["stats"] : undefined };
    case undefined:
    default:
      return undefined;
  }
}

/** Returns the order in a line of control, or undefined for anything this version does not know. */
export function parseControlOrder(line: string): ControlOrder | undefined {
  const value = parseJson(line);
  switch (stringAt(value, "type")) {
    case "delta": {
      const delta = isRecord(value) ? value["delta"] : undefined;
      return isSnapshotDelta(delta) ? { type: "delta", epoch: stringAt(value, "epoch") ?? "", delta } : undefined;
    }
    case "stats":
      return { type: "stats" };
    case undefined:
    default:
      return undefined;
  }
}

/** Returns the version in a JSON value; that of nothing when it has none. */
export function parseVersion(value: unknown): SnapshotVersion {
  return { epoch: stringAt(value, "epoch") ?? "", generation: numberAt(value, "generation") ?? 0 };
}

/**
 * Returns whether `value` has the outline of a delta. It comes from another process of this program, through a socket or
 * a file that only our user can write, so the values inside are taken at their word.
 */
export function isSnapshotDelta(value: unknown): value is SnapshotDelta {
  return (
    numberAt(value, "generation") !== undefined &&
    ["hosts", "backends", "tls", "certificates", "clientCas", "challenges"].every((name) =>
      isMapDelta(recordAt(value, name)),
    )
  );
}

function isMapDelta(value: Readonly<Record<string, unknown>>): boolean {
  const { set, remove } = value;
  return (
    Array.isArray(set) &&
    Array.isArray(remove) &&
    set.every((entry) => Array.isArray(entry) && typeof entry[0] === "string" && isRecord(entry[1])) &&
    remove.every((key) => typeof key === "string")
  );
}

/** Calls `onLine` for each newline-ended line of `socket`; destroys it with an error when a line exceeds `bytesMax`. */
export function readLines(socket: Socket, bytesMax: number, onLine: (line: string) => void): void {
  let parts: Buffer[] = [];
  let bytes = 0;
  socket.on("data", (chunk: Buffer) => {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      parts.push(chunk.subarray(start, end));
      const line = Buffer.concat(parts).toString("utf8");
      parts = [];
      bytes = 0;
      start = end + 1;
      onLine(line);
    }
    if (start === chunk.length) return;
    parts.push(chunk.subarray(start));
    bytes += chunk.length - start;
    if (bytes > bytesMax) socket.destroy(new Error("A line is longer than its limit"));
  });
}

/** Writes one message as a line. */
export function writeLine(socket: Socket, message: WorkerReport | ControlOrder): void {
  socket.write(lineOf(message));
}

/** Returns the line of a message, for those that are sent to many. */
export function lineOf(message: WorkerReport | ControlOrder): string {
  return `${JSON.stringify(message)}\n`;
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
