import type { Clock } from "../../ground/clock.ts";
import { isLintelError, messageOf } from "../../ground/errors.ts";
import { parseIp } from "../../pki/x509/ip-address.ts";
import { sha256 } from "../../pki/x509/sha256.ts";
import { DNS_TYPE, txtOf } from "../dns/dns-message.ts";
import { Resolver } from "../dns/resolver.ts";
import { dns01Value, HTTP01_PATH } from "../key-authorization.ts";
import type { Http01Answer, Http01Dialer } from "./http01-dialer.ts";
import type { ServerChallengeType } from "./records.ts";
import { createTlsAlpnDialer, type TlsAlpnDialer, tlsAlpnObjection } from "./tls-alpn-dialer.ts";
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
export interface Proof {
  readonly type: ServerChallengeType;
  /** A DNS name, or an IP address without brackets. */
  readonly host: string;
  readonly token: string;
  readonly keyAuthorization: string;
}

/** Looks for the answers of challenges over the network, a few at once. */
export class Validator {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #dial: Http01Dialer;
  readonly #dialTls: TlsAlpnDialer;
  readonly #resolver: Resolver;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(options: {
    readonly clock: Clock;
    readonly random: () => number;
    readonly dial: Http01Dialer;
    readonly dialTls?: TlsAlpnDialer | undefined;
    readonly nameservers?: readonly string[] | undefined;
  }) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#dial = options.dial;
    this.#dialTls = options.dialTls ?? createTlsAlpnDialer();
    this.#resolver = new Resolver({ clock: options.clock, nameservers: options.nameservers });
  }

  /** Whether so many validations wait that no more should be begun. */
  get isFull(): boolean {
    return this.#waiting.length >= WAITING_MAX;
  }

  /**
   * Returns undefined when the answer proves the name (RFC 8555 sections 8.3 and 8.4, RFC 8737 section 3), else the problem of the last of
   * four attempts within a few seconds: what was asked, where, and what came back, in one line. Rejects with the
   * signal's reason when it aborts.
   */
  async validate(proof: Proof, signal: AbortSignal): Promise<ProblemDocument | undefined> {
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

  async #attempt(proof: Proof, signal: AbortSignal): Promise<ProblemDocument | undefined> {
    const tried = describe(proof);
    const tooLate = new AbortController();
    const timer = this.#clock.timer(ATTEMPT_DURATION_MAX_MS, () => tooLate.abort());
    try {
      return await this.#look(tried, proof, AbortSignal.any([signal, tooLate.signal]));
    } catch (error) {
      signal.throwIfAborted();
      const why = tooLate.signal.aborted
        ? `no answer within ${ATTEMPT_DURATION_MAX_MS / 1000} seconds`
        : messageOf(error);
      return problemDocument(400, failureType(error), `${tried} failed: ${why}`);
    } finally {
      timer.cancel();
    }
  }

  async #look(tried: string, proof: Proof, signal: AbortSignal): Promise<ProblemDocument | undefined> {
    switch (proof.type) {
      case "http-01":
        return judge(tried, await this.#dial(proof.host, `${HTTP01_PATH}${proof.token}`, { signal }), proof);
      case "tls-alpn-01": {
        const answer = await this.#dialTls(proof.host, { signal });
        const objection = tlsAlpnObjection(answer, proof.host, sha256(Buffer.from(proof.keyAuthorization)));
        return objection === undefined ? undefined : problemDocument(403, "unauthorized", `${tried}: ${objection}`);
      }
      case "dns-01": {
        const records = await this.#resolver.records(`_acme-challenge.${proof.host}`, DNS_TYPE.txt, signal);
        const values = records.map(txtOf);
        const wanted = dns01Value(proof.keyAuthorization);
        if (values.includes(wanted)) return undefined;
        const [first] = values;
        const seen = first === undefined ? "no such record" : `"${first.slice(0, SEEN_CHARACTERS_MAX)}"`;
        return problemDocument(403, "unauthorized", `${tried} found ${seen}, not "${wanted}"`);
      }
      default:
        return proof.type satisfies never;
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

/** RFC 8555 section 6.7: no address, no TLS, or no connection at all. */
function failureType(error: unknown): "dns" | "tls" | "connection" {
  if (isLintelError(error, "NotFound")) return "dns";
  const cause = error instanceof Error ? error.cause : undefined;
  const isTls = cause instanceof Error && "code" in cause && String(cause.code).startsWith("ERR_SSL");
  return isTls ? "tls" : "connection";
}

function describe({ type, host, token }: Proof): string {
  if (type === "dns-01") return `TXT _acme-challenge.${host}`;
  const authority = parseIp(host)?.length === 16 ? `[${host}]` : host;
  return type === "tls-alpn-01" ? `TLS ${authority}:443` : `GET http://${authority}${HTTP01_PATH}${token}`;
}

function judge(tried: string, answer: Http01Answer, proof: Proof): ProblemDocument | undefined {
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
