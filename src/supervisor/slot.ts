import type { Clock, Timer } from "../ground/clock.ts";
import type { Logger } from "../ground/log.ts";
import { STABLE_AFTER_MS, restartDelayMs } from "./backoff.ts";
import {
  PROTOCOL_VERSION,
  type ChildMessage,
  type ProcessFacts,
  type ProcessState,
  type SocketTable,
} from "./messages.ts";
import type { Child, Spawn } from "./spawn-child.ts";
import type { Program } from "../ground/host.ts";

/** A place for one process that must always be there. */
export interface SlotPlan {
  /** Unique: `control`, `worker-1`. */
  readonly name: string;
  readonly role: string;
  readonly sockets: SocketTable;
  /** For the role; the supervisor does not look inside. */
  readonly settings: unknown;
  /** Whether the process is told of all processes whenever they change. @default false */
  readonly hearsProcesses?: boolean;
}

/** What a {@link Slot} needs besides its plan. */
export interface SlotOptions {
  readonly plan: SlotPlan;
  readonly program: Program;
  readonly logFd: number;
  readonly workingDirectory: string;
  readonly spawn: Spawn;
  readonly clock: Clock;
  readonly log: Logger;
  readonly changed: () => void;
  /** The process died unasked; another one is started after `restartInMs`. */
  readonly died: (slot: Slot, how: string, restartInMs: number) => void;
  readonly message: (slot: Slot, message: OtherMessage) => void;
  /** How often a process that is ready is asked whether it is there. */
  readonly pingEveryMs: number;
}

/** How to put another process in the place of one. */
export interface ReplaceOptions {
  readonly graceMs: number;
  readonly signal: AbortSignal;
  /** @default what ran before */
  readonly recipe?: Recipe;
}

/** What a slot does not deal with itself. */
export type OtherMessage = Exclude<ChildMessage, { type: "ready" | "pong" }>;

interface Running {
  readonly child: Child;
  readonly startedAtMs: number;
  readonly startedMonotonicMs: number;
  state: ProcessState;
  /** Runs once when the process is gone. */
  onExit: (() => void) | undefined;
  killTimer: Timer | undefined;
  pingTimer: Timer | undefined;
  /** Of what it died. */
  why: string | undefined;
  /** Pings since it last said anything. */
  unanswered: number;
}

/** What to start: the program, and what its role is told. */
export interface Recipe {
  readonly program: Program;
  readonly settings: unknown;
}

/**
 * Keeps one process running: starts it, starts it again when it dies (at once the first time, then with growing
 * waits), and can put a fresh one in its place without a gap.
 */
export class Slot {
  readonly plan: SlotPlan;
  readonly #options: SlotOptions;
  #current: Running | undefined;
  /** What is started from now on. */
  #recipe: Recipe;
  /** Why the last process that could not start did not. */
  #lastFatal: string | undefined;
  /** Replaced processes that finish what they have in flight. */
  readonly #retiring = new Set<Running>();
  #failures = 0;
  #restarts = 0;
  #lastDeath = "";
  #diedAtMs: number | undefined;
  #restartTimer: Timer | undefined;
  #stopping = false;
  /** Run once when a process of the slot becomes ready or dies. */
  #waiters: (() => void)[] = [];

  constructor(options: SlotOptions) {
    this.plan = options.plan;
    this.#options = options;
    this.#recipe = { program: options.program, settings: options.plan.settings };
  }

  /** What is started from now on. */
  get recipe(): Recipe {
    return this.#recipe;
  }

  start(): void {
    this.#current = this.#launch();
    this.#options.changed();
  }

  processes(): readonly ProcessFacts[] {
    const all = this.#current === undefined ? [...this.#retiring] : [this.#current, ...this.#retiring];
    const { name: slot, role } = this.plan;
    const history = { restarts: this.#restarts, failures: this.#failures, lastDeath: this.#lastDeath };
    const facts = all.map(({ child, state, startedAtMs }) => ({
      slot,
      role,
      pid: child.pid,
      state,
      startedAtMs,
      ...history,
    }));
    if (this.#current !== undefined || this.#stopping || this.#diedAtMs === undefined) return facts;
    return [{ slot, role, pid: 0, state: "waiting", startedAtMs: this.#diedAtMs, ...history }, ...facts];
  }

  /** Resolves when the current process is ready; waits through restarts. */
  async ready(signal: AbortSignal): Promise<void> {
    while (this.#current?.state !== "ready") await this.#nextChange(signal);
  }

  tell(processes: readonly ProcessFacts[]): void {
    if (this.plan.hearsProcesses === true) this.#current?.child.send({ type: "processes", processes });
  }

  /**
   * Starts a second process beside the current one and retires the old one once the new one is ready. When the new one
   * dies first or `signal` aborts, the old one stays and this rejects.
   */
  async replace(options: ReplaceOptions): Promise<void> {
    const before = this.#recipe;
    this.#recipe = options.recipe ?? before;
    const old = this.#current;
    const next = this.#launch();
    this.#current = next;
    if (old !== undefined) this.#retiring.add(old);
    this.#options.changed();
    try {
      await this.#readyOrDead(next, options.signal);
    } catch (error) {
      if (old !== undefined && this.#retiring.delete(old)) {
        // It may have been started again already, or be about to.
        this.#restartTimer?.cancel();
        const failed = this.#current;
        this.#current = old;
        if (failed !== undefined) void this.#stopProcess(failed, 0);
      }
      this.#recipe = before;
      this.#options.changed();
      throw error;
    }
    if (old !== undefined && this.#retiring.has(old)) void this.#stopProcess(old, options.graceMs);
    this.#options.changed();
  }

  /**
   * Ends the current process and starts another one: for a role that cannot be there twice. When the new one dies before it
   * is ready or `signal` aborts, what ran before is started again, and this rejects.
   */
  async exchange(options: ReplaceOptions): Promise<void> {
    const before = this.#recipe;
    this.#restartTimer?.cancel();
    if (this.#current !== undefined) await this.#stopProcess(this.#current, options.graceMs);
    if (this.#stopping) return;
    this.#recipe = options.recipe ?? before;
    this.start();
    const next = this.#current;
    try {
      if (next !== undefined) await this.#readyOrDead(next, options.signal);
    } catch (error) {
      this.#recipe = before;
      this.#restartTimer?.cancel();
      if (this.#current !== undefined) await this.#stopProcess(this.#current, 0);
      if (!this.#stopping) this.start();
      throw error;
    }
  }

  /** Stops for good; resolves when no process of the slot is left. Those that take longer than `graceMs` are killed. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    this.#restartTimer?.cancel();
    const all = this.#current === undefined ? [...this.#retiring] : [this.#current, ...this.#retiring];
    await Promise.all(all.map((running) => this.#stopProcess(running, graceMs)));
  }

  kill(): void {
    this.#stopping = true;
    this.#restartTimer?.cancel();
    this.#current?.child.kill("SIGKILL");
    for (const running of this.#retiring) running.child.kill("SIGKILL");
  }

  #launch(): Running {
    const { clock, log, logFd, workingDirectory } = this.#options;
    const { role, sockets, name } = this.plan;
    const { program, settings } = this.#recipe;
    this.#lastFatal = undefined;
    let running: Running | undefined;
    const { child, sockets: inherited } = this.#options.spawn(
      { program, role, sockets, logFd, workingDirectory },
      {
        message: (message) => void (running !== undefined && this.#receive(running, message)),
        exited: (how) => void (running !== undefined && this.#exited(running, how)),
      },
    );
    running = {
      child,
      startedAtMs: clock.nowMs(),
      startedMonotonicMs: clock.monotonicMs(),
      state: "starting",
      onExit: undefined,
      killTimer: undefined,
      pingTimer: undefined,
      why: undefined,
      unanswered: 0,
    };
    child.send({ type: "start", version: PROTOCOL_VERSION, slot: name, role, sockets: inherited, settings });
    log.info("Process started", { slot: name, pid: child.pid });
    return running;
  }

  #receive(running: Running, message: ChildMessage): void {
    running.unanswered = 0;
    if (message.type === "pong") return;
    if (message.type === "fatal") this.#lastFatal = message.message;
    if (message.type !== "ready") {
      this.#options.message(this, message);
      return;
    }
    if (running.state === "starting") running.state = "ready";
    this.#options.log.info("Process ready", {
      slot: this.plan.name,
      pid: running.child.pid,
      afterMs: Math.round(this.#options.clock.monotonicMs() - running.startedMonotonicMs),
    });
    this.#ping(running);
    this.#announce();
    this.#options.changed();
  }

  /** Kills a process that does not answer any more: one that hangs would hold up what waits for all workers. */
  #ping(running: Running): void {
    running.pingTimer = this.#options.clock.timer(this.#options.pingEveryMs, () => {
      // Pings are counted, not time: when this process stood still itself, nothing was asked meanwhile.
      if (running.unanswered++ >= UNANSWERED_MAX) {
        this.#options.log.error("Process does not answer", { slot: this.plan.name, pid: running.child.pid });
        running.child.kill("SIGKILL");
        return;
      }
      running.child.send({ type: "ping" });
      this.#ping(running);
    });
  }

  #exited(running: Running, how: string): void {
    running.why = this.#lastFatal ?? how;
    const planned = running.state === "stopping";
    running.killTimer?.cancel();
    running.pingTimer?.cancel();
    this.#retiring.delete(running);
    const fields = { slot: this.plan.name, pid: running.child.pid, how };
    if (planned) this.#options.log.info("Process ended", fields);
    else this.#options.log.warn("Process died", fields);
    if (this.#current === running) {
      this.#current = undefined;
      if (!planned && !this.#stopping) this.#scheduleRestart(running, how);
    }
    running.onExit?.();
    this.#announce();
    this.#options.changed();
  }

  #scheduleRestart(dead: Running, how: string): void {
    const livedMs = this.#options.clock.monotonicMs() - dead.startedMonotonicMs;
    this.#failures = livedMs >= STABLE_AFTER_MS ? 1 : this.#failures + 1;
    this.#restarts++;
    this.#lastDeath = dead.why ?? how;
    this.#diedAtMs = this.#options.clock.nowMs();
    const delayMs = restartDelayMs(this.#failures);
    this.#options.died(this, how, delayMs);
    if (delayMs === 0) {
      this.#current = this.#launch();
      return;
    }
    this.#options.log.warn("Process is started again later", { slot: this.plan.name, delayMs });
    this.#restartTimer = this.#options.clock.timer(delayMs, () => this.start());
  }

  #stopProcess(running: Running, graceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const before = running.onExit;
      running.onExit = () => {
        before?.();
        resolve();
      };
      if (running.state === "stopping") return;
      running.state = "stopping";
      running.pingTimer?.cancel();
      running.child.send({ type: "stop", graceMs });
      running.killTimer = this.#options.clock.timer(graceMs + KILL_MARGIN_MS, () => running.child.kill("SIGKILL"));
    });
  }

  #readyOrDead(running: Running, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        if (running.state === "ready") resolve();
        else if (this.#current !== running)
          reject(
            new Error(`The new "${this.plan.name}" died before it was ready: ${running.why ?? "no reason given"}`),
          );
        else this.#nextChange(signal).then(check, reject);
      };
      check();
    });
  }

  #nextChange(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => reject(signal.reason instanceof Error ? signal.reason : new Error("Aborted"));
      if (signal.aborted) {
        abort();
        return;
      }
      signal.addEventListener("abort", abort, { once: true });
      const settle = (): void => {
        signal.removeEventListener("abort", abort);
        resolve();
      };
      this.#waiters.push(settle);
    });
  }

  #announce(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }
}

/** Six pings of five seconds: long enough for the largest translation on the slowest machine. */
const UNANSWERED_MAX = 6;

/** What a process that stops gets beyond its grace, to report and leave, before it is killed. */
const KILL_MARGIN_MS = 1_000;
