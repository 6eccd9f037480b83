import { Agent, request as httpsRequest } from "node:https";
import type { IncomingHttpHeaders } from "node:http";
import type { Clock } from "../../ground/clock.ts";
import { isLintelError, LintelError } from "../../ground/errors.ts";
import { acmeAction, NO_ANSWER, type AcmeRequestSample } from "./request-sample.ts";

/** One answer of a server, whole. */
export interface TransportResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** One request; `body` makes it a POST of `contentType`. */
export interface TransportRequest {
  readonly url: string;
  readonly method: "GET" | "HEAD" | "POST";
  readonly accept?: string;
  readonly body?: string;
  /** What it is for, in the words of an error: "read ACME order". */
  readonly act?: string;
}

/** From the first byte of the request to the last of the answer. CAs validate in the background, none needs longer. */
export const REQUEST_TIMEOUT_MS = 30_000;
/** Longest answer that is read: certificate chains are some KiB. */
export const RESPONSE_BYTES_MAX = 1_048_576;
const SOCKETS_MAX = 8;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/** HTTPS to one CA: verified, bounded in time and size, on a few connections that are kept. Close it when done. */
export class Transport {
  readonly #agent: Agent;
  readonly #trust: { readonly rejectUnauthorized: boolean; readonly ca?: string };
  readonly #clock: Clock;
  readonly #userAgent: string;
  readonly #observe: (sample: AcmeRequestSample) => void;
  readonly #fence: () => void;

  constructor(options: {
    readonly clock: Clock;
    readonly userAgent: string;
    /** PEM; trusted instead of the public roots. */
    readonly caBundle?: string | undefined;
    readonly skipTlsVerify?: boolean | undefined;
    /** Called after each request. */
    readonly observe?: ((sample: AcmeRequestSample) => void) | undefined;
    /** Called at the moment a POST would leave, on a connection that stands: when it throws, nothing is sent. */
    readonly fence?: (() => void) | undefined;
  }) {
    this.#fence = options.fence ?? (() => undefined);
    this.#clock = options.clock;
    this.#userAgent = options.userAgent;
    this.#observe = options.observe ?? (() => undefined);
    this.#trust = {
      rejectUnauthorized: options.skipTlsVerify !== true,
      ...(options.caBundle === undefined ? {} : { ca: options.caBundle }),
    };
    this.#agent = new Agent({ keepAlive: true, maxSockets: SOCKETS_MAX });
  }

  /**
   * Returns the answer, whatever its status. Throws Unreachable when there is none: no connection, no trust, too slow,
   * too large; BadConfig when the URL is not https; what the fence throws.
   */
  async send(request: TransportRequest): Promise<TransportResponse> {
    const url = parseUrl(request.url);
    const startedMs = this.#clock.monotonicMs();
    let status = NO_ANSWER;
    try {
      const response = await this.#twice(url, request);
      status = response.status;
      return response;
    } finally {
      this.#observe({
        scheme: url.protocol.replace(/:$/, ""),
        host: url.host,
        action: acmeAction(request.act ?? ""),
        method: request.method,
        status,
        seconds: (this.#clock.monotonicMs() - startedMs) / 1000,
      });
    }
  }

  async #twice(url: URL, request: TransportRequest): Promise<TransportResponse> {
    try {
      return await this.#once(url, request, this.#agent);
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error;
      // The server closed a kept connection just as it was used again, which is no failure: once more, on a new one.
      return this.#once(url, request, false);
    }
  }

  /** Closes the kept connections. */
  close(): void {
    this.#agent.destroy();
  }

  #once(url: URL, request: TransportRequest, agent: Agent | false): Promise<TransportResponse> {
    return new Promise((resolve, reject) => {
      const body = request.body === undefined ? undefined : Buffer.from(request.body);
      const outgoing = httpsRequest(url, {
        method: request.method,
        agent,
        ...this.#trust,
        headers: {
          "User-Agent": this.#userAgent,
          "Accept-Language": "en",
          Accept: request.accept ?? "*/*",
          ...(body === undefined ? {} : { "Content-Type": "application/jose+json", "Content-Length": body.length }),
        },
      });
      let answered = false;
      const timer = this.#clock.timer(REQUEST_TIMEOUT_MS, () => {
        outgoing.destroy(new Error(`no answer within ${REQUEST_TIMEOUT_MS / 1000} seconds`));
      });
      const fail = (cause: Error): void => {
        timer.cancel();
        if (isLintelError(cause)) return reject(cause);
        const reset = "code" in cause && (cause.code === "ECONNRESET" || cause.code === "EPIPE");
        const stale = outgoing.reusedSocket && !answered && reset;
        reject(stale ? new StaleConnection() : unreachable(url, cause));
      };
      outgoing.on("error", fail);
      outgoing.on("response", (incoming) => {
        answered = true;
        const { location } = incoming.headers;
        if (REDIRECTS.includes(incoming.statusCode ?? 0)) {
          // A signed request is for one URL alone, so it can't be sent to another one.
          const where = (location ?? "nowhere").replaceAll(/\p{Cc}/gu, "").slice(0, 200);
          fail(new Error(`it redirects to "${where}", and ACME URLs must not redirect`));
          outgoing.destroy();
          return;
        }
        const chunks: Buffer[] = [];
        let length = 0;
        incoming.on("data", (chunk: Buffer) => {
          length += chunk.length;
          chunks.push(chunk);
          if (length > RESPONSE_BYTES_MAX)
            outgoing.destroy(new Error(`its answer is longer than ${RESPONSE_BYTES_MAX} bytes`));
        });
        incoming.on("error", fail);
        incoming.on("end", () => {
          timer.cancel();
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: Buffer.concat(chunks).toString("utf8"),
          });
        });
      });
      const leave = (): void => {
        try {
          if (body !== undefined) this.#fence();
          outgoing.end(body);
        } catch (error) {
          outgoing.destroy(error instanceof Error ? error : new Error(String(error)));
        }
      };
      // Whoever was paused while the connection was made must not send what it meant to send before.
      outgoing.on("socket", (socket) => {
        if (socket.connecting || ("secureConnecting" in socket && socket.secureConnecting === true)) {
          socket.once("secureConnect", leave);
        } else {
          leave();
        }
      });
    });
  }
}

class StaleConnection extends Error {}

function parseUrl(text: string): URL {
  const url = URL.parse(text);
  if (url !== null && url.protocol === "https:") return url;
  throw new LintelError(`Cannot use ACME URL "${text.slice(0, 200)}": it does not start with https://`, {
    code: "BadConfig",
    fault: "user",
    hint: "RFC 8555 allows HTTPS only: set spec.acme.server to the https URL of the CA's directory",
  });
}

function unreachable(url: URL, cause: Error): LintelError {
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : "";
  const untrusted = /CERT|SELF_SIGNED|UNABLE_TO|ALTNAME/.test(code);
  return new LintelError(`Cannot reach ACME server "${url.host}"`, {
    code: "Unreachable",
    fault: "upstream",
    hint: untrusted
      ? "Its certificate is not trusted here: put the CA that signed it into spec.acme.caBundle"
      : `Check it with "curl -v ${url.origin}"`,
    cause,
  });
}
