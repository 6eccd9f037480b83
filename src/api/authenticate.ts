import { createHash, timingSafeEqual } from "node:crypto";

/** Checks the bearer tokens of requests against the one that is right. */
export class TokenCheck {
  readonly #digest: Buffer;

  constructor(token: string) {
    this.#digest = digestOf(token);
  }

  /** Returns whether an Authorization header carries the token (RFC 6750 section 2.1). Takes the same time for any other. */
  accepts(header: string | undefined): boolean {
    const match = /^bearer +(\S+) *$/i.exec(header ?? "");
    return timingSafeEqual(digestOf(match?.[1] ?? ""), this.#digest) && match !== null;
  }
}

/** Digests have one length, so that comparing them tells nothing about the length of the token either. */
function digestOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
