import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Clock } from "../../ground/clock.ts";
import { LintelError, messageOf } from "../../ground/errors.ts";

/** One call of a provider's HTTP API. */
export interface ApiCall {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** What came back; `json` is undefined when the body is no JSON. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly json: unknown;
}

const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
const CALL_MS_MAX = 30_000;
/** Characters of a refusal that are shown. */
const SHOWN_CHARACTERS_MAX = 300;

/** Calls the HTTP API of one DNS provider, every answer bounded in size and time. */
export class ProviderApi {
  readonly #provider: string;
  readonly #clock: Clock;
  readonly #ca: string | undefined;

  /** `ca` is PEM, trusted instead of the public roots. */
  constructor(options: { readonly provider: string; readonly clock: Clock; readonly ca?: string | undefined }) {
    this.#provider = options.provider;
    this.#clock = options.clock;
    this.#ca = options.ca;
  }

  /** Resolves with any answer. Rejects with Unreachable when there is none. */
  async call(call: ApiCall): Promise<ApiAnswer> {
    const late = new AbortController();
    const timer = this.#clock.timer(CALL_MS_MAX, () => late.abort(new Error("no answer within 30 seconds")));
    try {
      return await this.#send({ ...call, signal: AbortSignal.any([call.signal, late.signal]) });
    } catch (error) {
      call.signal.throwIfAborted();
      const reason = late.signal.aborted ? "no answer within 30 seconds" : messageOf(error);
      const { host } = new URL(call.url);
      throw new LintelError(`Cannot reach the API of ${this.#provider} at "${host}": ${reason}`, {
        code: "Unreachable",
        fault: "upstream",
      });
    } finally {
      timer.cancel();
    }
  }

  /** Resolves with an answer of status 2xx. Rejects with BadConfig for a refusal, Unreachable when the API is busy or broken. */
  async demand(act: string, call: ApiCall): Promise<ApiAnswer> {
    const answer = await this.call(call);
    if (answer.status >= 200 && answer.status < 300) return answer;
    throw this.refusal(act, answer);
  }

  /** Returns the error for an answer that is a refusal; `act` completes "Cannot …". */
  refusal(act: string, answer: ApiAnswer): LintelError {
    const said = answer.text
      .replaceAll(/[\p{Cc}\s]+/gu, " ")
      .slice(0, SHOWN_CHARACTERS_MAX)
      .trim();
    const busy = answer.status === 429 || answer.status >= 500;
    const login = answer.status === 401 || answer.status === 403;
    return new LintelError(
      `Cannot ${act} at ${this.#provider}: status ${answer.status}${said === "" ? "" : `, ${said}`}`,
      {
        code: busy ? "Unreachable" : "BadConfig",
        fault: busy ? "upstream" : "user",
        ...(login ? { hint: `Check the credentials in the solver's Secret and what they allow` } : {}),
      },
    );
  }

  #send(call: ApiCall): Promise<ApiAnswer> {
    const url = new URL(call.url);
    const request = url.protocol === "http:" ? httpRequest : httpsRequest;
    return new Promise((resolve, reject) => {
      const outgoing = request(url, {
        method: call.method,
        agent: false,
        signal: call.signal,
        ...(this.#ca === undefined ? {} : { ca: this.#ca }),
        headers: {
          "User-Agent": "lintel",
          Accept: "application/json",
          ...(call.body === undefined ? {} : { "Content-Length": String(Buffer.byteLength(call.body)) }),
          ...call.headers,
        },
      });
      outgoing.on("error", reject);
      outgoing.on("response", (incoming) => {
        const chunks: Buffer[] = [];
        let length = 0;
        incoming.on("error", reject);
        incoming.on("data", (chunk: Buffer) => {
          chunks.push(chunk);
          length += chunk.length;
          if (length > ANSWER_BYTES_MAX) incoming.destroy(new Error("the answer is longer than 4 MiB"));
        });
        incoming.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text, json: parsed(text) });
        });
      });
      outgoing.end(call.body);
    });
  }
}

/** Returns the longest of `zones` that `name` is in. Throws NotFound naming the provider. */
export function zoneFor<Zone extends { readonly name: string }>(
  provider: string,
  name: string,
  zones: readonly Zone[],
): Zone {
  const fitting = zones.filter((zone) => `.${name}`.endsWith(`.${zone.name.replace(/\.$/, "").toLowerCase()}`));
  const [best] = fitting.sort((left, right) => right.name.length - left.name.length);
  if (best !== undefined) return best;
  throw new LintelError(`Cannot change "${name}" at ${provider}: the account has no zone that it is in`, {
    code: "NotFound",
    fault: "user",
    hint: "Use credentials that may see the zone, or a solver with a selector for other names",
  });
}

/** Returns the names above `name` that could be its zone, the longest first, `name` itself included. */
export function candidateZones(name: string): readonly string[] {
  const labels = name.split(".");
  return labels.slice(0, -1).map((_, at) => labels.slice(at).join("."));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
