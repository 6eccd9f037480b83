import { LintelError } from "../ground/errors.ts";
import type { WatchEvent } from "./contract.ts";

/** A consumer this many events behind is cut off with `Gone`: it must list again rather than hold the memory. */
const WATCHER_EVENTS_MAX = 20_000;

/** One consumer's queue between the store's writes and its `for await`. */
export class Watcher implements AsyncIterableIterator<WatchEvent> {
  readonly #namespace: string;
  readonly #signal: AbortSignal;
  readonly #onEnd: (watcher: Watcher) => void;
  readonly #onAbort = (): void => this.#end();
  #events: WatchEvent[] = [];
  #head = 0;
  #waiting: { resolve(result: IteratorResult<WatchEvent>): void; reject(error: Error): void } | undefined;
  #ended = false;
  #failure: LintelError | undefined;

  constructor(options: {
    readonly namespace: string;
    readonly signal: AbortSignal;
    readonly backlog: readonly WatchEvent[];
    readonly onEnd: (watcher: Watcher) => void;
  }) {
    this.#namespace = options.namespace;
    this.#signal = options.signal;
    this.#onEnd = options.onEnd;
    for (const event of options.backlog) this.push(event);
    if (options.signal.aborted) this.#end();
    else options.signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Queues the event when it is of this watcher's namespace. */
  push(event: WatchEvent): void {
    if (this.#ended) return;
    if (this.#namespace !== "" && event.object.metadata.namespace !== this.#namespace) return;
    if (this.#waiting !== undefined) {
      const waiting = this.#waiting;
      this.#waiting = undefined;
      waiting.resolve({ done: false, value: event });
      return;
    }
    if (this.#events.length - this.#head >= WATCHER_EVENTS_MAX) {
      this.#failure = new LintelError("Cannot keep up with the watch: too many events are waiting", {
        code: "Gone",
        fault: "downstream",
        hint: "List again and watch from that version",
      });
      this.#end();
      return;
    }
    this.#events.push(event);
  }

  next(): Promise<IteratorResult<WatchEvent>> {
    const event = this.#events[this.#head];
    if (event !== undefined) {
      this.#head += 1;
      if (this.#head === this.#events.length) {
        this.#events = [];
        this.#head = 0;
      }
      return Promise.resolve({ done: false, value: event });
    }
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  return(): Promise<IteratorResult<WatchEvent>> {
    this.#events = [];
    this.#head = 0;
    this.#end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#onEnd(this);
    this.#waiting?.resolve({ done: true, value: undefined });
    this.#waiting = undefined;
  }
}
