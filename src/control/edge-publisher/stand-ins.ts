import type { Clock } from "../../ground/clock.ts";
import { messageOf } from "../../ground/errors.ts";
import type { Logger } from "../../ground/log.ts";
import type { ServedCertificate } from "../../routing/snapshot.ts";

/** Stand-ins kept; beyond it the one that was not needed for longest goes. */
const STAND_INS_MAX = 2000;
/** Short, because nobody should get used to them; the local CA's intermediate lives seven days. */
const DURATION_MS: number = 3 * 24 * 3_600_000;
/** A stand-in is made anew when less than this of its life is left. */
const LEFT_MS_MIN: number = 24 * 3_600_000;
/** Wait after the local CA failed. */
const RETRY_MS = 5000;
/** In the certificate for clients that name no known host: a name that can't exist (RFC 6761 section 6.4). */
const NO_NAME = "lintel.invalid";

/** What of the local CA is needed here. */
export interface StandInIssuer {
  issue(options: { readonly names: readonly string[]; readonly durationMs: number }): Promise<{
    readonly chain: string;
    readonly key: string;
    readonly notAfterMs: number;
  }>;
}

/**
 * Certificates of the local CA for hosts whose own is missing, so that their visitors meet an honest name instead of a
 * refused connection. Made one after the other in the background; `onReady` is called when new ones are there.
 */
export class StandIns {
  readonly #options: {
    readonly issuer: StandInIssuer;
    readonly clock: Clock;
    readonly log: Logger;
    readonly onReady: () => void;
  };
  /** The most recently needed last. */
  readonly #made = new Map<string, ServedCertificate>();
  #wanted: readonly string[] = [];
  #making: Promise<void> | undefined;
  #closed = false;

  constructor(options: {
    readonly issuer: StandInIssuer;
    readonly clock: Clock;
    readonly log: Logger;
    readonly onReady: () => void;
  }) {
    this.#options = options;
  }

  /** By host key. */
  get all(): ReadonlyMap<string, ServedCertificate> {
    return this.#made;
  }

  /** Whether some are being made. */
  get busy(): boolean {
    return this.#making !== undefined;
  }

  /** Resolves when none is being made. */
  async idle(): Promise<void> {
    await this.#making;
  }

  /** Tells which hosts need one now; at most {@link STAND_INS_MAX} are looked after. */
  want(hosts: readonly string[]): void {
    this.#wanted = hosts.slice(0, STAND_INS_MAX);
    for (const host of this.#wanted) {
      const made = this.#made.get(host);
      if (made === undefined) continue;
      this.#made.delete(host);
      this.#made.set(host, made);
    }
    if (this.#closed || this.#making !== undefined || this.#missing().length === 0) return;
    this.#making = this.#makeAll().finally(() => {
      this.#making = undefined;
    });
  }

  /** The moment at which the first stand-in that is needed must be made anew; undefined without any. */
  renewAtMs(): number | undefined {
    const ends = this.#wanted.flatMap((host) => this.#made.get(host)?.notAfterMs ?? []);
    return ends.length === 0 ? undefined : Math.min(...ends) - LEFT_MS_MIN;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#making;
  }

  #missing(): readonly string[] {
    const deadlineMs = this.#options.clock.nowMs() + LEFT_MS_MIN;
    return this.#wanted.filter((host) => (this.#made.get(host)?.notAfterMs ?? 0) <= deadlineMs);
  }

  async #makeAll(): Promise<void> {
    const { log, clock, onReady } = this.#options;
    for (let missing = this.#missing(); missing.length > 0 && !this.#closed; missing = this.#missing()) {
      try {
        for (const host of missing) {
          if (this.#closed) return;
          await this.#make(host);
        }
      } catch (error) {
        log.warn("Cannot make stand-in certificates", { error: messageOf(error) });
        clock.timer(RETRY_MS, onReady);
        return;
      }
      if (!this.#closed) onReady();
    }
  }

  async #make(host: string): Promise<void> {
    const names = [host === "*" ? NO_NAME : host];
    const { chain, key, notAfterMs } = await this.#options.issuer.issue({ names, durationMs: DURATION_MS });
    this.#made.set(host, { id: `stand-in/${host}`, chain, key, notAfterMs, standIn: true });
    for (const oldest of this.#made.keys()) {
      if (this.#made.size <= STAND_INS_MAX) break;
      this.#made.delete(oldest);
    }
  }
}
