import { randomBytes } from "node:crypto";

/** Nonces that may be waiting to be used; when more are handed out the oldest stop being good. */
export const NONCES_MAX = 10_000;
const NONCE_BYTES = 16;

/** The nonces of one server: each is good once (RFC 8555 section 6.5). Forgotten on restart, which clients answer by asking anew. */
export class Nonces {
  readonly #waiting = new Set<string>();

  /** Returns a nonce nobody has seen before. */
  issue(): string {
    const nonce = randomBytes(NONCE_BYTES).toString("base64url");
    this.#waiting.add(nonce);
    if (this.#waiting.size > NONCES_MAX) {
      // A Set keeps the order of insertion: the first is the oldest.
      const [oldest] = this.#waiting;
      if (oldest !== undefined) this.#waiting.delete(oldest);
    }
    return nonce;
  }

  /** Returns whether `nonce` was handed out here and is used for the first time. */
  use(nonce: string): boolean {
    return this.#waiting.delete(nonce);
  }
}
