import { closeSync, copyFileSync, fstatSync, ftruncateSync, openSync } from "node:fs";
import type { Clock, Timer } from "../ground/clock.ts";

/** When a log file is larger than this it becomes `FILE.1`; so a log never takes more than about twice this. */
const LOG_BYTES_MAX: number = 16 * 1024 * 1024;

const CHECK_EVERY_MS = 5_000;

/**
 * A file that several processes append to by one descriptor they share. It rotates by copying and truncating, because a
 * rename would leave the children writing to the old file; what is written between copy and truncation is lost.
 */
export class LogFile {
  readonly fd: number;
  readonly #path: string;
  readonly #bytesMax: number;
  readonly #clock: Clock;
  #timer: Timer | undefined;

  private constructor(path: string, bytesMax: number, clock: Clock) {
    this.#path = path;
    this.#bytesMax = bytesMax;
    this.#clock = clock;
    this.fd = openSync(path, "a", 0o600);
  }

  static open(options: { readonly path: string; readonly clock: Clock; readonly bytesMax?: number }): LogFile {
    const file = new LogFile(options.path, options.bytesMax ?? LOG_BYTES_MAX, options.clock);
    file.#watch();
    return file;
  }

  close(): void {
    this.#timer?.cancel();
    closeSync(this.fd);
  }

  #watch(): void {
    this.#timer = this.#clock.timer(CHECK_EVERY_MS, () => {
      this.#rotateWhenLarge();
      this.#watch();
    });
  }

  #rotateWhenLarge(): void {
    try {
      if (fstatSync(this.fd).size <= this.#bytesMax) return;
      copyFileSync(this.#path, `${this.#path}.1`);
      ftruncateSync(this.fd);
    } catch {
      // A full disk or a removed folder must not stop the edge; the next check tries again.
    }
  }
}
