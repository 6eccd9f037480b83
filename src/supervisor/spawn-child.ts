import { spawn } from "node:child_process";
import { parseChildMessage, type ChildMessage, type SocketTable, type SupervisorMessage } from "./messages.ts";
import type { Program } from "../ground/host.ts";

/** A process that was started, as the supervisor uses it; tests have their own. */
export interface Child {
  readonly pid: number;
  send(message: SupervisorMessage): void;
  kill(signal: "SIGTERM" | "SIGKILL"): void;
}

/** What a child reports; `exited` comes last and exactly once, also when it could not be started. */
interface ChildEvents {
  readonly message: (message: ChildMessage) => void;
  readonly exited: (how: string) => void;
}

/** What to start, and with what. */
interface ChildCommand {
  readonly program: Program;
  readonly role: string;
  /** Descriptors of ours the child inherits, by name. */
  readonly sockets: SocketTable;
  /** Where its standard output and standard error go. */
  readonly logFd: number;
  readonly workingDirectory: string;
}

/** Starts a process; returns it and the descriptors that the sockets have in it. */
export type Spawn = (
  command: ChildCommand,
  events: ChildEvents,
) => { readonly child: Child; readonly sockets: SocketTable };

/** The first descriptor after standard input, output, error and the channel to the supervisor. */
const FIRST_SOCKET_FD = 4;

/**
 * Control holds every object of its store, and each reading of lists and metrics makes garbage of their size: its heap may
 * grow in small steps only. With 10,000 Certificates it is 230 MiB instead of 500, for half a second of CPU a reading.
 */
const HEAP_FLAGS: Readonly<Partial<Record<string, readonly string[]>>> = {
  control: ["--max-semi-space-size=4", "--heap-growing-percent=30"],
};

/** Starts `main --role ROLE` as a process whose inherited sockets are descriptors 4 and up. */
export const spawnChild: Spawn = (command, events) => {
  const { inherited, sockets } = layOut(command.sockets);
  const { runtime, flags, main } = command.program;
  const handle = spawn(runtime, [...flags, ...(HEAP_FLAGS[command.role] ?? []), main, "--role", command.role], {
    cwd: command.workingDirectory,
    stdio: ["ignore", command.logFd, command.logFd, "ipc", ...inherited],
  });
  // Node reports "error" instead of "exit" when it could not start the process at all, and besides it otherwise.
  handle.on("error", (error) => {
    if (handle.pid === undefined) events.exited(error.message);
  });
  handle.on("exit", (code, signal) => events.exited(signal ?? `exit code ${code ?? 0}`));
  handle.on("message", (value) => {
    const message = parseChildMessage(value);
    if (message !== undefined) events.message(message);
  });
  return {
    child: {
      pid: handle.pid ?? 0,
      send: (message) => {
        // A child that is going away does not need to hear it: its exit is reported in any case.
        if (handle.connected) handle.send(message, () => undefined);
      },
      kill: (signal) => void handle.kill(signal),
    },
    sockets,
  };
};

function layOut(ours: SocketTable): { readonly inherited: readonly number[]; readonly sockets: SocketTable } {
  const inherited: number[] = [];
  const sockets: Record<string, readonly number[]> = {};
  for (const [name, fds] of Object.entries(ours)) {
    sockets[name] = fds.map((fd) => FIRST_SOCKET_FD + inherited.push(fd) - 1);
  }
  return { inherited, sockets };
}
