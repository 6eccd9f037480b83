import type { Clock } from "../../ground/clock.ts";
import { isLintelError, messageOf } from "../../ground/errors.ts";
import { parseIp } from "../../pki/x509/ip-address.ts";
import { HTTP01_PATH } from "../key-authorization.ts";
import type { Http01Answer, Http01Dialer } from "./http01-dialer.ts";
import { problemDocument, type ProblemDocument } from "./server-problem.ts";

/** Attempts in all: an answer may take a moment to be served everywhere. */
export const ATTEMPTS_MAX = 4;
/** Of one attempt. */
export const ATTEMPT_DURATION_MAX_MS = 10_000;
const RETRY_DELAY_FIRST_MS = 500;
/** Validations at once; others wait. */
const VALIDATIONS_MAX = 16;
/** Validations that may wait for their turn. */
const WAITING_MAX = 1000;
/** Characters of a wrong answer that are repeated to its owner. */
const SEEN_CHARACTERS_MAX = 100;

/** What is to be proven. */
export interface Http01Proof {
  /** A DNS name, or an IP address without brackets. */
  readonly host: string;
  readonly token: string;
  readonly keyAuthorization: string;
}

/** Looks for HTTP-01 answers over the network, a few at once. */
export class Validator {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #dial: Http01Dialer;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(options: { readonly clock: Clock; readonly random: () => number; readonly dial: Http01Dialer }) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#dial = options.dial;
  }

  /** Whether so many validations wait that no more should be begun. */
  get isFull(): boolean {
    return this.#waiting.length >= WAITING_MAX;
  }

  /**
   * Returns undefined when the answer is the key authorization (RFC 8555 section 8.3), else the problem of the last of
   * four attempts within a few seconds: what was asked, where, and what came back, in one line. Rejects with the
   * signal's reason when it aborts.
   */
  async validate(proof: Http01Proof, signal: AbortSignal): Promise<ProblemDocument | undefined> {
    await this.#enter();
    try {
      for (let attempt = 1; ; attempt++) {
        signal.throwIfAborted();
        const problem = await this.#attempt(proof, signal);
        if (problem === undefined || attempt === ATTEMPTS_MAX) return problem;
        // Half the delay is chance: many names of one order must not come back as one burst.
        const delayMs = RETRY_DELAY_FIRST_MS * 2 ** (attempt - 1) * (0.5 + this.#random());
        await this.#clock.sleep(delayMs, { signal });
      }
    } finally {
      this.#leave();
    }
  }

  async #attempt(proof: Http01Proof, signal: AbortSignal): Promise<ProblemDocument | undefined> {
    const path = `${HTTP01_PATH}${proof.token}`;
    const authority = parseIp(proof.host)?.length === 16 ? `[${proof.host}]` : proof.host;
    const tried = `GET http://${authority}${path}`;
    const tooLate = new AbortController();
    const timer = this.#clock.timer(ATTEMPT_DURATION_MAX_MS, () => tooLate.abort());
    try {
      const answer = await this.#dial(proof.host, path, { signal: AbortSignal.any([signal, tooLate.signal]) });
      return judge(tried, answer, proof);
    } catch (error) {
      signal.throwIfAborted();
      const why = tooLate.signal.aborted
        ? `no answer within ${ATTEMPT_DURATION_MAX_MS / 1000} seconds`
        : messageOf(error);
      return problemDocument(400, isLintelError(error, "NotFound") ? "dns" : "connection", `${tried} failed: ${why}`);
    } finally {
      timer.cancel();
    }
  }

  async #enter(): Promise<void> {
    if (this.#running < VALIDATIONS_MAX) {
      this.#running++;
      return;
    }
    // The place is handed over by whoever leaves, so the count stays.
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running--;
    else next();
  }
}

function judge(tried: string, answer: Http01Answer, proof: Http01Proof): ProblemDocument | undefined {
  // RFC 8555 section 8.3: white space at the end of the body is ignored, nothing else is.
  if (answer.status === 200 && answer.body.trimEnd() === proof.keyAuthorization) return undefined;
  const seen = answer.body
    .replaceAll(/[\p{Cc}\s]+/gu, " ")
    .slice(0, SEEN_CHARACTERS_MAX)
    .trim();
  const at = answer.address === undefined ? "" : ` at ${answer.address}`;
  const expected = answer.status === 200 ? `, not "${proof.keyAuthorization}"` : "";
  return problemDocument(
    403,
    "unauthorized",
    `${tried}${at} answered ${answer.status} with ${seen === "" ? "nothing" : `"${seen}"`}${expected}`,
  );
}
