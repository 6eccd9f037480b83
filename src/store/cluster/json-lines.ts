import type { IncomingMessage } from "node:http";
import type { Clock, Timer } from "../../ground/clock.ts";

/** etcd takes no object above 1.5 MiB; JSON of one, with its managed fields, stays far below this. */
const LINE_BYTES_MAX = 32 * 1_048_576;

/**
 * Yields the JSON value of each line of a body. Throws when a line is not JSON or longer than 32 MiB, when the
 * connection breaks, and when nothing comes for `idleMs`. A last line without an end is an answer cut off, and an error.
 */
export async function* jsonLines(
  body: IncomingMessage,
  options: { readonly idleMs: number; readonly clock: Clock },
): AsyncGenerator<unknown, void, undefined> {
  const watchdog = new Watchdog(options.clock, options.idleMs, () => {
    body.destroy(new Error(`nothing was heard for ${String(Math.round(options.idleMs / 1_000))} s`));
  });
  let kept: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body) {
      watchdog.restart();
      let rest = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
        const line = Buffer.concat([...kept, rest.subarray(0, end)]);
        kept = [];
        size = 0;
        rest = rest.subarray(end + 1);
        if (line.length > 0) yield JSON.parse(line.toString());
      }
      size += rest.length;
      if (size > LINE_BYTES_MAX) throw new Error("a line of the answer is too long");
      if (rest.length > 0) kept.push(rest);
    }
  } finally {
    watchdog.stop();
  }
  if (size > 0) throw new Error("the answer was cut off");
}

class Watchdog {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #bark: () => void;
  #timer: Timer;

  constructor(clock: Clock, ms: number, bark: () => void) {
    this.#clock = clock;
    this.#ms = ms;
    this.#bark = bark;
    this.#timer = clock.timer(ms, bark);
  }

  restart(): void {
    this.#timer.cancel();
    this.#timer = this.#clock.timer(this.#ms, this.#bark);
  }

  stop(): void {
    this.#timer.cancel();
  }
}
