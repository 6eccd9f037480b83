import { rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import type { Clock } from "../ground/clock.ts";
import { messageOf } from "../ground/errors.ts";
import type { Logger } from "../ground/log.ts";
import type { Edge } from "../control/edge.ts";
import { diffSnapshots, isEmptyDelta, type SnapshotDelta } from "../routing/delta.ts";
import type { Snapshot } from "../routing/snapshot.ts";
import {
  FEED_VERSION,
  REPORT_BYTES_MAX,
  lineOf,
  parseWorkerReport,
  readLines,
  writeLine,
  type SnapshotVersion,
  type WorkerReport,
} from "./feed-wire.ts";
import { keepSnapshot, type KeptSnapshot } from "./last-snapshot.ts";

/** What an {@link EdgeFeed} needs. */
export interface EdgeFeedOptions {
  /** Where workers connect: the path of a Unix socket, at most about 100 bytes long. */
  readonly socketPath: string;
  /** Where the last served snapshot is kept. */
  readonly snapshotPath: string;
  /** What the life of control before this one left there. */
  readonly kept: KeptSnapshot | undefined;
  /** Names this life of control. */
  readonly epoch: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A worker that is connected, for status and metrics. */
export interface WorkerFacts {
  readonly pid: number;
  /** The generation it serves; undefined before its first acknowledgement. */
  readonly generation: number | undefined;
  readonly problems: readonly string[];
}

interface Worker {
  readonly socket: Socket;
  pid: number;
  /** What the worker has or is about to have; undefined: send the whole. */
  sent: Snapshot | undefined;
  /** A delta is on its way: the next one waits for its acknowledgement, so no more than one is ever buffered. */
  busy: boolean;
  acknowledged: number | undefined;
  /** What it could not serve: not sent again. */
  refused: Snapshot | undefined;
  problems: readonly string[];
  greeted: boolean;
  /** It came with a snapshot that this control does not know. */
  servesAnother: boolean;
  statsWaiters: ((stats: unknown) => void)[];
}

/** A step from one snapshot to another, as it is sent. */
interface SentChange {
  readonly from: Snapshot | undefined;
  readonly to: Snapshot;
  readonly line: () => string;
}

interface Waiter {
  readonly generation: number;
  readonly resolve: () => void;
}

/**
 * Control's end of the line to the workers: the {@link Edge} of the controllers. Each worker gets the difference to what
 * it has, one at a time; a slow worker skips generations instead of queueing them. The last snapshot that a worker has
 * served is kept in a file for workers that start while control is down.
 */
export class EdgeFeed implements Edge {
  readonly #options: EdgeFeedOptions;
  readonly #server: Server;
  readonly #workers = new Set<Worker>();
  readonly #waiters = new Set<Waiter>();
  #current: Snapshot | undefined;
  #currentVersion: SnapshotVersion;
  /** The last change that was sent, and from where to where it leads. */
  #last: SentChange | undefined;
  /** Whether the controllers of this life have spoken. Before that, what was kept may be older than what workers serve. */
  #hasPublished = false;
  #livePids: ReadonlySet<number> = new Set();
  /** The newest that a worker has served, and what of it is in the file. */
  #served: KeptSnapshot | undefined;
  #keptVersion: SnapshotVersion | undefined;
  readonly #closed = new AbortController();
  #keeping: Promise<void> | undefined;

  private constructor(options: EdgeFeedOptions) {
    this.#options = options;
    this.#current = options.kept?.snapshot;
    this.#currentVersion = options.kept?.version ?? { epoch: options.epoch, generation: 0 };
    this.#keptVersion = options.kept?.version;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Listens for workers; a socket file that a killed control left is replaced. */
  static async open(options: EdgeFeedOptions): Promise<EdgeFeed> {
    const feed = new EdgeFeed(options);
    await rm(options.socketPath, { force: true });
    await new Promise<void>((resolve, reject) => {
      feed.#server.once("error", reject);
      feed.#server.listen(options.socketPath, resolve);
    });
    return feed;
  }

  /** The generation that workers are being moved to. */
  get generation(): number {
    return this.#currentVersion.generation;
  }

  /** What workers are being moved to; undefined before the first. */
  get snapshot(): Snapshot | undefined {
    return this.#current;
  }

  publish(content: Omit<Snapshot, "generation">): number {
    const isFirst = !this.#hasPublished;
    this.#hasPublished = true;
    const before = this.#current;
    const next = { ...content, generation: this.generation + 1 };
    const delta = before === undefined ? undefined : diffSnapshots(before, next);
    const isSame = delta !== undefined && isEmptyDelta(delta);
    if (!isSame) {
      this.#current = next;
      this.#currentVersion = { epoch: this.#options.epoch, generation: next.generation };
      this.#last = before === undefined || delta === undefined ? undefined : this.#changeOf(before, next, delta);
    }
    if (isFirst || !isSame) for (const worker of this.#workers) this.#update(worker);
    return this.generation;
  }

  served(generation: number, options: { readonly signal: AbortSignal }): Promise<void> {
    const { signal } = options;
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#waiters.delete(waiter);
        reject(signal.reason instanceof Error ? signal.reason : new Error("Aborted", { cause: signal.reason }));
      };
      const waiter: Waiter = {
        generation,
        resolve: () => {
          signal.removeEventListener("abort", abort);
          resolve();
        },
      };
      if (signal.aborted) {
        abort();
        return;
      }
      signal.addEventListener("abort", abort, { once: true });
      this.#waiters.add(waiter);
      this.#settleWaiters();
    });
  }

  /** Says which workers are alive, connected or not: those whose acknowledgement counts. */
  setLiveWorkers(pids: readonly number[]): void {
    this.#livePids = new Set(pids);
    this.#settleWaiters();
  }

  workers(): readonly WorkerFacts[] {
    return [...this.#workers]
      .filter((worker) => worker.greeted)
      .map((worker) => ({ pid: worker.pid, generation: worker.acknowledged, problems: worker.problems }));
  }

  /** Asks every connected worker for its numbers; leaves out those that do not answer within `timeoutMs`. */
  async stats(timeoutMs: number): Promise<readonly { readonly pid: number; readonly stats: unknown }[]> {
    const answers = [...this.#workers].map(
      (worker) =>
        new Promise<{ readonly pid: number; readonly stats: unknown } | undefined>((resolve) => {
          const timer = this.#options.clock.timer(timeoutMs, () => resolve(undefined));
          worker.statsWaiters.push((stats) => {
            timer.cancel();
            resolve({ pid: worker.pid, stats });
          });
          writeLine(worker.socket, { type: "stats" });
        }),
    );
    return (await Promise.all(answers)).filter((answer) => answer !== undefined);
  }

  /** Ends the connections, and the writing of the last snapshot when one is under way. */
  async close(): Promise<void> {
    this.#closed.abort();
    for (const worker of this.#workers) worker.socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await this.#keeping;
  }

  #accept(socket: Socket): void {
    const worker: Worker = {
      socket,
      pid: 0,
      sent: undefined,
      busy: false,
      acknowledged: undefined,
      refused: undefined,
      problems: [],
      greeted: false,
      servesAnother: false,
      statsWaiters: [],
    };
    this.#workers.add(worker);
    socket.on("error", (error) => this.#options.log.warn("Worker connection failed", { reason: messageOf(error) }));
    socket.on("close", () => {
      this.#workers.delete(worker);
      this.#settleWaiters();
    });
    readLines(socket, REPORT_BYTES_MAX, (line) => {
      const report = parseWorkerReport(line);
      if (report !== undefined) this.#receive(worker, report);
    });
  }

  #receive(worker: Worker, report: WorkerReport): void {
    switch (report.type) {
      case "hello":
        this.#greet(worker, report);
        return;
      case "ack":
        worker.busy = false;
        worker.acknowledged = report.generation;
        worker.problems = report.problems;
        this.#keepServed(report.generation);
        this.#settleWaiters();
        this.#update(worker);
        return;
      case "resync":
        worker.busy = false;
        worker.sent = undefined;
        this.#update(worker);
        return;
      case "refuse":
        worker.busy = false;
        worker.refused = worker.sent;
        worker.sent = undefined;
        this.#update(worker);
        return;
      case "stats":
        for (const resolve of worker.statsWaiters.splice(0)) resolve(report.stats);
        return;
      default:
        return report satisfies never;
    }
  }

  #greet(worker: Worker, hello: Extract<WorkerReport, { type: "hello" }>): void {
    if (hello.version !== FEED_VERSION) {
      worker.socket.destroy(new Error(`The worker speaks version ${hello.version} of the feed`));
      return;
    }
    worker.pid = hello.pid;
    worker.greeted = true;
    const { epoch, generation } = this.#currentVersion;
    if (this.#current !== undefined && hello.has.epoch === epoch && hello.has.generation === generation) {
      // It has everything: an empty delta tells it so.
      this.#send(worker, this.#current, this.#current);
      return;
    }
    worker.servesAnother = hello.has.generation > 0;
    this.#update(worker);
  }

  #update(worker: Worker): void {
    const current = this.#current;
    if (!worker.greeted || worker.busy || current === undefined) return;
    if (worker.servesAnother && !this.#hasPublished) return;
    if (worker.sent !== current && worker.refused !== current) this.#send(worker, worker.sent, current);
  }

  #send(worker: Worker, from: Snapshot | undefined, current: Snapshot): void {
    worker.sent = current;
    worker.busy = true;
    worker.socket.write(this.#lineTo(from, current));
  }

  /** Most workers are where the others are, so that one line is sent to all of them. The whole is not kept: it is large. */
  #lineTo(from: Snapshot | undefined, to: Snapshot): string {
    if (this.#last === undefined || this.#last.from !== from || this.#last.to !== to) {
      const change = this.#changeOf(from, to, diffSnapshots(from, to));
      if (from === undefined) return change.line();
      this.#last = change;
    }
    return this.#last.line();
  }

  #changeOf(from: Snapshot | undefined, to: Snapshot, delta: SnapshotDelta): SentChange {
    const { epoch } = this.#currentVersion;
    let text: string | undefined;
    return { from, to, line: () => (text ??= lineOf({ type: "delta", epoch, delta })) };
  }

  #settleWaiters(): void {
    for (const waiter of this.#waiters) {
      if (!this.#isServed(waiter.generation)) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  #isServed(generation: number): boolean {
    if (this.#livePids.size === 0) return false;
    const serving = new Set<number>();
    for (const worker of this.#workers) {
      if (worker.acknowledged !== undefined && worker.acknowledged >= generation) serving.add(worker.pid);
    }
    return [...this.#livePids].every((pid) => serving.has(pid));
  }

  #keepServed(generation: number): void {
    if (this.#current === undefined || generation !== this.generation) return;
    this.#served = { version: this.#currentVersion, snapshot: this.#current };
    this.#keeping ??= this.#keep().finally(() => (this.#keeping = undefined));
  }

  /** Writes what is served to the file, again while it changes, at most a {@link KEEP_SHARE} of the time. */
  async #keep(): Promise<void> {
    const { clock, log, snapshotPath } = this.#options;
    for (let next = this.#served; next !== undefined && next.version !== this.#keptVersion; next = this.#served) {
      const startMs = clock.monotonicMs();
      try {
        await keepSnapshot(snapshotPath, next);
      } catch (error) {
        log.warn("Cannot keep the snapshot for workers that start without control", { reason: messageOf(error) });
      }
      this.#keptVersion = next.version;
      if (this.#closed.signal.aborted) return;
      const pauseMs = Math.min(KEEP_PAUSE_MS_MAX, (clock.monotonicMs() - startMs) / KEEP_SHARE);
      await clock.sleep(pauseMs, { signal: this.#closed.signal }).catch(() => undefined);
    }
  }
}

/** A small snapshot is written at once; a very large one takes a quarter second, and must not be written all the time. */
const KEEP_SHARE = 0.2;
const KEEP_PAUSE_MS_MAX = 5_000;
