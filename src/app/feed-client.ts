import { connect, type Socket } from "node:net";
import type { Clock } from "../ground/clock.ts";
import { messageOf } from "../ground/errors.ts";
import type { Logger } from "../ground/log.ts";
import { applyDelta } from "../routing/delta.ts";
import { EMPTY_SNAPSHOT, type Snapshot } from "../routing/snapshot.ts";
import {
  DELTA_BYTES_MAX,
  FEED_VERSION,
  parseControlOrder,
  readLines,
  writeLine,
  type ControlOrder,
} from "./feed-wire.ts";
import type { KeptSnapshot } from "./last-snapshot.ts";

/** What a {@link FeedClient} needs. */
export interface FeedClientOptions {
  readonly socketPath: string;
  readonly pid: number;
  /** What the worker serves before it hears from control. */
  readonly kept: KeptSnapshot | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  /** Serves the snapshot from now on and returns sentences about what had to be left out. */
  readonly serve: (snapshot: Snapshot) => readonly string[];
  readonly stats: () => unknown;
}

/** The first wait before connecting again; control that was killed is back within a second. */
const RECONNECT_MS_MIN = 25;
const RECONNECT_MS_MAX = 1_000;

/**
 * A worker's end of the line to control. It connects again for as long as it lives; without control the worker goes on
 * with what it has.
 */
export class FeedClient {
  readonly #options: FeedClientOptions;
  readonly #closed = new AbortController();
  #snapshot: Snapshot;
  #epoch: string;
  #socket: Socket | undefined;
  #waitMs = RECONNECT_MS_MIN;
  readonly #heard = Promise.withResolvers<void>();

  constructor(options: FeedClientOptions) {
    this.#options = options;
    this.#snapshot = options.kept?.snapshot ?? EMPTY_SNAPSHOT;
    this.#epoch = options.kept?.version.epoch ?? "";
  }

  /** Starts connecting; returns at once. */
  open(): void {
    void this.#stayConnected();
  }

  /** Resolves once control has said what to serve, after `timeoutMs` without a connection, or after `connectedMs` with one. */
  async heard(timeoutMs: number, connectedMs: number = timeoutMs): Promise<void> {
    await this.#heardWithin(timeoutMs);
    if (this.#socket?.readyState === "open") await this.#heardWithin(connectedMs - timeoutMs);
  }

  async #heardWithin(timeoutMs: number): Promise<void> {
    const timeout = new AbortController();
    await Promise.race([
      this.#heard.promise,
      this.#options.clock.sleep(Math.max(0, timeoutMs), { signal: timeout.signal }).catch(() => undefined),
    ]);
    timeout.abort();
  }

  close(): void {
    this.#closed.abort();
    this.#socket?.destroy();
  }

  async #stayConnected(): Promise<void> {
    const { signal } = this.#closed;
    while (!signal.aborted) {
      await this.#connectOnce();
      await this.#options.clock.sleep(this.#waitMs, { signal }).catch(() => undefined);
      this.#waitMs = Math.min(RECONNECT_MS_MAX, this.#waitMs * 2);
    }
  }

  /** Resolves when the connection, or the attempt to make one, is over. */
  #connectOnce(): Promise<void> {
    return new Promise((resolve) => {
      const socket = connect(this.#options.socketPath);
      this.#socket = socket;
      socket.on("connect", () => {
        this.#waitMs = RECONNECT_MS_MIN;
        const has = { epoch: this.#epoch, generation: this.#snapshot.generation };
        writeLine(socket, { type: "hello", version: FEED_VERSION, pid: this.#options.pid, has });
      });
      // No control for now: the loop tries again, and the log has one line a minute from the supervisor's side already.
      socket.on("error", () => undefined);
      socket.on("close", () => resolve());
      readLines(socket, DELTA_BYTES_MAX, (line) => {
        const order = parseControlOrder(line);
        if (order !== undefined) this.#obey(socket, order);
      });
    });
  }

  #obey(socket: Socket, order: ControlOrder): void {
    switch (order.type) {
      case "delta":
        this.#move(socket, order);
        return;
      case "stats":
        writeLine(socket, { type: "stats", stats: this.#options.stats() });
        return;
      default:
        return order satisfies never;
    }
  }

  #move(socket: Socket, order: Extract<ControlOrder, { type: "delta" }>): void {
    const next = applyDelta(this.#snapshot, order.delta);
    if (next === undefined) {
      writeLine(socket, { type: "resync" });
      return;
    }
    try {
      const problems = this.#options.serve(next);
      this.#snapshot = next;
      this.#epoch = order.epoch;
      this.#heard.resolve();
      writeLine(socket, { type: "ack", generation: next.generation, problems });
    } catch (error) {
      // The last good snapshot stays; without an acknowledgement nothing is believed to be served.
      this.#options.log.error("Cannot serve a snapshot", { generation: next.generation, reason: messageOf(error) });
      writeLine(socket, { type: "refuse", generation: next.generation });
    }
  }
}
