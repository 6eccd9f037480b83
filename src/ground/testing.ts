import { accessSync, constants } from "node:fs";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";
import type { Clock, Timer } from "./clock.ts";
import type { Logger } from "./log.ts";

interface Pending {
  readonly atMs: number;
  readonly sequence: number;
  readonly run: () => void;
}

/**
 * A clock that stands still until told to move. Does not imitate: jumps of the wall clock, timer jitter, or the
 * event-loop delay between a timer's moment and its callback.
 */
export class ManualClock implements Clock {
  #nowMs: number;
  #sequence = 0;
  readonly #pending = new Set<Pending>();

  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  sleep(ms: number, options?: { readonly signal?: AbortSignal | undefined }): Promise<void> {
    const signal = options?.signal;
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      const timer = this.timer(ms, resolve);
      signal?.addEventListener("abort", () => {
        timer.cancel();
        reject(signal.reason as Error);
      });
    });
  }

  timer(ms: number, callback: () => void): Timer {
    const entry: Pending = { atMs: this.#nowMs + Math.max(0, ms), sequence: this.#sequence++, run: callback };
    this.#pending.add(entry);
    return { cancel: () => this.#pending.delete(entry) };
  }

  /** Milliseconds until the next timer, or undefined when none waits. */
  nextTimerMs(): number | undefined {
    const next = this.#next();
    return next === undefined ? undefined : next.atMs - this.#nowMs;
  }

  /** Moves time by `ms`, running due timers in order and letting promise callbacks run between them. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await settle();
    for (let next = this.#next(); next !== undefined && next.atMs <= untilMs; next = this.#next()) {
      this.#pending.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
      await settle();
    }
    this.#nowMs = untilMs;
    await settle();
  }

  #next(): Pending | undefined {
    let best: Pending | undefined;
    for (const entry of this.#pending) {
      if (
        best === undefined ||
        entry.atMs < best.atMs ||
        (entry.atMs === best.atMs && entry.sequence < best.sequence)
      ) {
        best = entry;
      }
    }
    return best;
  }
}

/** Lets everything run that is ready to run, without waiting for time to pass. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A logger that keeps its lines for assertions. */
export class MemoryLog implements Logger {
  readonly lines: { level: string; message: string; fields: Readonly<Record<string, unknown>> }[] = [];
  debug(message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.lines.push({ level: "debug", message, fields });
  }
  info(message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.lines.push({ level: "info", message, fields });
  }
  warn(message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.lines.push({ level: "warn", message, fields });
  }
  error(message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.lines.push({ level: "error", message, fields });
  }
  child(): Logger {
    return this;
  }
}

/** A seeded generator (mulberry32): numbers in [0, 1) that repeat for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Below the ports that systems give out by themselves, so that no connection of anyone takes one in between. */
const FREE_PORTS = { from: 10_000, count: 22_000 } as const;

/** Returns a port of 127.0.0.1 that was free a moment ago, for programs that cannot choose one themselves. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FREE_PORTS.from + Math.floor(Math.random() * FREE_PORTS.count);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const isListening = new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => resolve(true));
  });
  if (!(await isListening)) return false;
  await new Promise((resolve) => server.close(resolve));
  return true;
}

/** Debian packages that are not named like the tool they bring. */
const DEBIAN_PACKAGES = new Map([
  ["keytool", "default-jre-headless"],
  ["kubectl", "kubernetes-client"],
  ["nghttp", "nghttp2-client"],
]);

/** Returns false when all `tools` are on the PATH, else the one line that says what to install: for a test's `skip`. */
export function skipWithout(...tools: readonly string[]): string | false {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const missing = tools.filter((tool) => !folders.some((folder) => isExecutable(join(folder, tool))));
  if (missing.length === 0) return false;
  const named = missing.map((tool) => `"${tool}" (Debian package "${DEBIAN_PACKAGES.get(tool) ?? tool}")`);
  return `install ${named.join(" and ")} to run this`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
