import { arrayAt, isRecord, numberAt, recordAt, stringAt } from "../ground/json.ts";

/** Grows when a message changes its meaning, so that processes of two versions can tell during a replacement. */
export const PROTOCOL_VERSION = 1;

/** What the supervisor tells a child, over the channel that `spawn` opens. Few and small: bulk goes elsewhere. */
export type SupervisorMessage =
  | {
      /** The first message: who the child is and what it was given. */
      readonly type: "start";
      readonly version: number;
      readonly slot: string;
      readonly role: string;
      /** Inherited descriptors of bound sockets, by the name of the port. */
      readonly sockets: SocketTable;
      /** Whatever the role needs; the supervisor does not look inside. */
      readonly settings: unknown;
    }
  /** Finish what is in flight, at most this long, and exit with code 0. */
  | { readonly type: "stop"; readonly graceMs: number }
  /** Are you there? Answered with `pong` by a process whose event loop turns. */
  | { readonly type: "ping" }
  /** The processes there are, sent whenever that changes to the slots that asked for it. */
  | { readonly type: "processes"; readonly processes: readonly ProcessFacts[] };

/** What a child tells the supervisor. */
export type ChildMessage =
  /** The child does its work from now on. */
  | { readonly type: "ready" }
  | { readonly type: "pong" }
  /** Something for whoever runs the supervisor; the supervisor does not look inside. */
  | { readonly type: "notice"; readonly notice: unknown }
  /** The child cannot start, and why, for one line on a terminal. It exits by itself afterwards. */
  | { readonly type: "fatal"; readonly code: string; readonly message: string; readonly hint?: string | undefined };

/** Descriptors of bound sockets, by the name of the port. */
export type SocketTable = Readonly<Record<string, readonly number[]>>;

/** One process as the supervisor knows it. */
export interface ProcessFacts {
  readonly slot: string;
  readonly role: string;
  /** 0 while there is no process. */
  readonly pid: number;
  readonly state: ProcessState;
  readonly startedAtMs: number;
  /** How often the slot had to be started again after an unplanned exit. */
  readonly restarts: number;
  /** Unplanned deaths in a row, each soon after a start; 0 when the last one lived long enough. */
  readonly failures: number;
  /** What it last died of, in its own words where it had any; empty when it never died. */
  readonly lastDeath: string;
}

/** Where a process is in its life; `waiting`: it died and is started again later. */
export type ProcessState = (typeof PROCESS_STATES)[number];

const PROCESS_STATES = ["starting", "ready", "stopping", "waiting"] as const;

/** Returns the message, or undefined for anything a supervisor of this version does not send. */
export function parseSupervisorMessage(value: unknown): SupervisorMessage | undefined {
  switch (stringAt(value, "type")) {
    case "start":
      return {
        type: "start",
        version: numberAt(value, "version") ?? 0,
        slot: stringAt(value, "slot") ?? "",
        role: stringAt(value, "role") ?? "",
        sockets: parseSocketTable(recordAt(value, "sockets")),
        settings: isRecord(value) ? value["settings"] : undefined,
      };
    case "stop":
      return { type: "stop", graceMs: numberAt(value, "graceMs") ?? 0 };
    case "ping":
      return { type: "ping" };
    case "processes":
      return { type: "processes", processes: arrayAt(value, "processes").flatMap(parseProcessFacts) };
    case undefined:
    default:
      return undefined;
  }
}

/** Returns the message, or undefined for anything a child of this version does not send. */
export function parseChildMessage(value: unknown): ChildMessage | undefined {
  switch (stringAt(value, "type")) {
    case "ready":
      return { type: "ready" };
    case "pong":
      return { type: "pong" };
    case "notice":
      return { type: "notice", notice: isRecord(value) ? value["notice"] : undefined };
    case "fatal":
      return {
        type: "fatal",
        code: stringAt(value, "code") ?? "Internal",
        message: stringAt(value, "message") ?? "Cannot start",
        hint: stringAt(value, "hint"),
      };
    case undefined:
    default:
      return undefined;
  }
}

function parseSocketTable(record: Readonly<Record<string, unknown>>): SocketTable {
  const table: Record<string, readonly number[]> = {};
  for (const name of Object.keys(record)) {
    table[name] = arrayAt(record, name).filter((fd): fd is number => typeof fd === "number");
  }
  return table;
}

function parseProcessFacts(value: unknown): readonly ProcessFacts[] {
  const state = PROCESS_STATES.find((known) => known === stringAt(value, "state"));
  const pid = numberAt(value, "pid");
  if (pid === undefined || state === undefined) return [];
  return [
    {
      slot: stringAt(value, "slot") ?? "",
      role: stringAt(value, "role") ?? "",
      pid,
      state,
      startedAtMs: numberAt(value, "startedAtMs") ?? 0,
      restarts: numberAt(value, "restarts") ?? 0,
      failures: numberAt(value, "failures") ?? 0,
      lastDeath: stringAt(value, "lastDeath") ?? "",
    },
  ];
}
