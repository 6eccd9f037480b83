import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { LintelError } from "../ground/errors.ts";
import { numberAt, stringAt } from "../ground/json.ts";

/** Who holds a state folder, for the message that a second instance prints. */
export interface LockHolder {
  readonly pid: number;
  readonly sinceMs: number;
  /** The command line, for people. */
  readonly command: string;
}

/**
 * The claim of one supervisor on a state folder. It is a lock of the operating system on a file (through SQLite's
 * exclusive transaction), so the kernel lets go of it however the process ends: after kill -9 there is nothing stale to
 * clean up, and a recycled process id cannot fool anyone. `holder.json` beside it only tells people who it is. Hold on to it: a
 * lock that nobody refers to any more is let go of by the garbage collector.
 */
export interface StateLock {
  release(): void;
}

/** Claims `directory`. Throws StateHeld, naming the holder, when another process has it; StateUnreadable when the lock file cannot be used. */
export function acquireStateLock(options: { readonly directory: string; readonly holder: LockHolder }): StateLock {
  const database = openDatabase(options.directory);
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (isBusy(error)) throw stateHeld(options.directory, error);
    throw unreadable(options.directory, error);
  }
  writeHolder(options.directory, options.holder);
  return { release: () => database.close() };
}

/** Returns who holds `directory` now, or undefined when nobody does. */
export function currentHolder(directory: string): LockHolder | undefined {
  try {
    const database = openDatabase(directory);
    try {
      database.exec("BEGIN EXCLUSIVE");
      return undefined;
    } catch (error) {
      return isBusy(error) ? readHolder(directory) : undefined;
    } finally {
      database.close();
    }
  } catch {
    // No such folder, or none we may open: nobody we could name holds it.
    return undefined;
  }
}

function openDatabase(directory: string): DatabaseSync {
  try {
    return new DatabaseSync(join(directory, "lock"), { timeout: 0 });
  } catch (error) {
    throw unreadable(directory, error);
  }
}

function isBusy(error: unknown): boolean {
  const SQLITE_BUSY = 5;
  return numberAt(error, "errcode") === SQLITE_BUSY;
}

function stateHeld(directory: string, cause: unknown): LintelError {
  const holder = readHolder(directory);
  const who =
    holder === undefined
      ? "another Lintel"
      : `process ${holder.pid} since ${new Date(holder.sinceMs).toISOString().slice(0, 19)}Z`;
  return new LintelError(`Cannot use state folder "${directory}": ${who} holds it`, {
    code: "StateHeld",
    fault: "user",
    hint:
      holder === undefined
        ? "Choose another folder with --state"
        : `Look at it with "lintel status --state ${directory}", stop it with "kill ${holder.pid}", or choose another folder with --state`,
    cause,
  });
}

function unreadable(directory: string, cause: unknown): LintelError {
  return new LintelError(`Cannot lock state folder "${directory}"`, {
    code: "StateUnreadable",
    fault: "user",
    hint: "Check that the folder is on a local disk and that you may write to it",
    cause,
  });
}

function writeHolder(directory: string, holder: LockHolder): void {
  const path = join(directory, "holder.json");
  writeFileSync(`${path}.new`, `${JSON.stringify(holder)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

function readHolder(directory: string): LockHolder | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(join(directory, "holder.json"), "utf8"));
    const pid = numberAt(value, "pid");
    const sinceMs = numberAt(value, "sinceMs");
    if (pid === undefined || sinceMs === undefined) return undefined;
    return { pid, sinceMs, command: stringAt(value, "command") ?? "" };
  } catch {
    // The holder may be between its lock and its first write.
    return undefined;
  }
}
