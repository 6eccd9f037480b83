import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Clock } from "../../ground/clock.ts";
import { isLintelError, LintelError, messageOf } from "../../ground/errors.ts";
import type { ClusterAccess, ClusterCredentials } from "./cluster-access.ts";
import { actOfRequest, parseDenial } from "./denial.ts";
import type { Denials } from "./denials.ts";
import { statusError } from "./status-error.ts";
import { jsonLines } from "./json-lines.ts";

/** A list of 500 large Secrets stays below it. */
const ANSWER_BYTES_MAX = 256 * 1_048_576;
/** How long one answer may take unless told otherwise; watches have their own limit. */
const ANSWER_MS_MAX = 30_000;
/** A connection is looked at when it was idle for so long: one whose other end is gone fails some ten seconds later. */
const KEEP_ALIVE_MS = 15_000;
/** Connections to the API server that requests share; each watch has one of its own beside them. */
const CONNECTIONS_MAX = 16;
/** Tries of one request that the server puts off (429, 503 with Retry-After). */
const TRIES_MAX = 4;
const RETRY_AFTER_MS_MAX = 10_000;

/** One request. */
export interface KubeRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** From `/api` or `/apis` on, with its query. */
  readonly path: string;
  readonly body?: unknown;
  /** @default "application/json" */
  readonly contentType?: string;
  readonly accept?: string;
  readonly signal?: AbortSignal;
}

/**
 * Speaks HTTP with a Kubernetes API server: credentials, connections that are kept, limits, and errors in our words.
 * Refused credentials (401) are renewed once; what the server puts off is tried again when it said, a few times.
 */
export class KubeClient {
  readonly #access: ClusterAccess;
  readonly #clock: Clock;
  readonly #userAgent: string;
  readonly #answerMsMax: number;
  readonly #denials: Denials | undefined;
  #agent: { readonly agent: HttpAgent; readonly certificatePem: string | undefined } | undefined;

  constructor(options: {
    readonly access: ClusterAccess;
    readonly clock: Clock;
    readonly userAgent: string;
    /** Told what is not allowed, and what is again. @default nobody is */
    readonly denials?: Denials | undefined;
    /** @default ANSWER_MS_MAX */
    readonly answerMsMax?: number | undefined;
  }) {
    this.#access = options.access;
    this.#clock = options.clock;
    this.#userAgent = options.userAgent;
    this.#denials = options.denials;
    this.#answerMsMax = options.answerMsMax ?? ANSWER_MS_MAX;
  }

  /**
   * Returns the JSON of the answer. Throws LintelError: see {@link statusError} for what the server refuses, and
   * `Unreachable` when no answer comes.
   */
  async request(request: KubeRequest): Promise<unknown> {
    for (let attempt = 1; ; attempt++) {
      const response = await this.#send(request, this.#answerMsMax);
      const text = await this.#read(response, request);
      const status = response.statusCode ?? 0;
      if (status < 300) {
        this.#denials?.allowed(actOfRequest(request.method, request.path));
        return this.#parse(text, response, request);
      }
      const afterMs = retryAfterMs(response);
      if (afterMs === undefined || attempt >= TRIES_MAX) throw this.#refusal(response, text, request);
      await this.#clock.sleep(afterMs, { signal: request.signal });
    }
  }

  /**
   * Yields the JSON values of a streamed answer, one a line, until the server ends it; `onOpen` is called before the first.
   * Throws as `request` does, and
   * `Unreachable` when the connection breaks or nothing comes for `idleMs`.
   */
  async *stream(
    request: KubeRequest & { readonly idleMs: number; readonly onOpen?: () => void },
  ): AsyncGenerator<unknown, void, undefined> {
    const response = await this.#send(request, this.#answerMsMax);
    if (response.statusCode !== 200) {
      const text = await this.#read(response, request);
      throw this.#refusal(response, text, request);
    }
    this.#denials?.allowed(actOfRequest(request.method, request.path));
    request.onOpen?.();
    try {
      yield* jsonLines(response, { idleMs: request.idleMs, clock: this.#clock });
    } catch (error) {
      throw isLintelError(error) ? error : this.#unreachable(request, error);
    } finally {
      response.destroy();
    }
  }

  #refusal(response: IncomingMessage, text: string, request: KubeRequest): LintelError {
    const status = response.statusCode ?? 0;
    const { location } = response.headers;
    if (status >= 300 && status < 400 && location !== undefined) return this.#elsewhere(request, location);
    const denial = status === 403 ? parseDenial(text.replaceAll('\\"', '"')) : undefined;
    if (denial !== undefined) this.#denials?.refused(denial);
    return statusError(status, text, request, this.#access.source);
  }

  /** Closes the connections that wait for the next request. */
  close(): void {
    this.#agent?.agent.destroy();
  }

  async #send(request: KubeRequest, timeoutMs: number): Promise<IncomingMessage> {
    const response = await this.#sendAs(await this.#access.credentials(), request, timeoutMs);
    if (response.statusCode !== 401) return response;
    response.resume();
    return this.#sendAs(await this.#access.credentials(true), request, timeoutMs);
  }

  async #sendAs(credentials: ClusterCredentials, request: KubeRequest, timeoutMs: number): Promise<IncomingMessage> {
    const url = new URL(this.#access.server + request.path);
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    const options: RequestOptions = {
      method: request.method,
      agent: this.#agentFor(credentials),
      headers: {
        accept: request.accept ?? "application/json",
        "user-agent": this.#userAgent,
        ...(credentials.token === undefined ? {} : { authorization: `Bearer ${credentials.token}` }),
        ...(body === undefined
          ? {}
          : { "content-type": request.contentType ?? "application/json", "content-length": Buffer.byteLength(body) }),
      },
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    };
    const send = url.protocol === "http:" ? httpRequest : httpsRequest;
    try {
      return await new Promise<IncomingMessage>((resolve, reject) => {
        const outgoing = send(url, options, (response) => {
          timer.cancel();
          resolve(response);
        });
        const timer = this.#clock.timer(timeoutMs, () => outgoing.destroy(new Error("no answer in time")));
        outgoing.on("error", (error) => {
          timer.cancel();
          reject(error);
        });
        outgoing.end(body);
      });
    } catch (error) {
      throw this.#unreachable(request, error);
    }
  }

  /** A credential with another certificate needs other connections; those in use finish on the old ones. */
  #agentFor({ certificatePem, keyPem }: ClusterCredentials): HttpAgent {
    if (this.#agent !== undefined && this.#agent.certificatePem === certificatePem) return this.#agent.agent;
    const { server, caPem, skipVerify = false, serverName } = this.#access;
    const shared = { keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS, maxFreeSockets: CONNECTIONS_MAX };
    const agent = server.startsWith("http:")
      ? new HttpAgent(shared)
      : new HttpsAgent({
          ...shared,
          rejectUnauthorized: !skipVerify,
          ...(caPem === undefined ? {} : { ca: caPem }),
          ...(serverName === undefined ? {} : { servername: serverName }),
          ...(certificatePem === undefined ? {} : { cert: certificatePem, key: keyPem }),
        });
    this.#agent = { agent, certificatePem };
    return agent;
  }

  async #read(response: IncomingMessage, request: KubeRequest): Promise<string> {
    const chunks: Buffer[] = [];
    let size = 0;
    const timer = this.#clock.timer(this.#answerMsMax, () =>
      response.destroy(new Error("the answer did not end in time")),
    );
    try {
      for await (const chunk of response) {
        const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
        size += bytes.length;
        if (size > ANSWER_BYTES_MAX) throw new Error(`the answer is larger than ${String(ANSWER_BYTES_MAX)} bytes`);
        chunks.push(bytes);
      }
    } catch (error) {
      throw this.#unreachable(request, error);
    } finally {
      timer.cancel();
    }
    return Buffer.concat(chunks).toString();
  }

  #parse(text: string, response: IncomingMessage, request: KubeRequest): unknown {
    try {
      return JSON.parse(text);
    } catch (error) {
      const type = response.headers["content-type"] ?? "";
      const what =
        type.includes("json") || type === "" ? "the answer is not JSON" : `it answered with ${type}, which is not JSON`;
      throw this.#unreachable(request, new Error(what, { cause: error }));
    }
  }

  /** Followed, it would get our credentials: a login page, or another server. */
  #elsewhere({ method, path }: KubeRequest, location: string): LintelError {
    const where = location.replaceAll(/\p{Cc}/gu, "").slice(0, 200);
    const place = path.split("?")[0] ?? path;
    return new LintelError(`The API server at ${this.#access.server} sends ${method} ${place} to "${where}"`, {
      code: "Refused",
      fault: "user",
      hint: `Let ${this.#access.source} name the API server itself: redirects are not followed`,
    });
  }

  #hintFor(error: unknown): string {
    const { source } = this.#access;
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (/NOT_YET_VALID|HAS_EXPIRED/.test(code)) {
      return "Check the clock of this machine, and renew the server's certificate if it is right";
    }
    if (/ALTNAME/.test(code)) return `Let ${source} name the server as its certificate does, or set tls-server-name`;
    if (/CERT|SELF_SIGNED|UNABLE_TO/.test(code)) {
      return `Let ${source} name the authority that vouches for the server's certificate`;
    }
    return `Check that it runs and that ${source} names it; what is served goes on meanwhile`;
  }

  #unreachable(request: KubeRequest, error: unknown): LintelError {
    if (request.signal?.aborted === true) {
      return new LintelError("A request to the API server was given up", { code: "Aborted", cause: error });
    }
    return new LintelError(`Cannot reach the API server at ${this.#access.server}: ${messageOf(error)}`, {
      code: "Unreachable",
      fault: "upstream",
      hint: this.#hintFor(error),
      cause: error,
    });
  }
}

/** How long the server asks to wait, if it does; undefined for an answer that is final. */
function retryAfterMs(response: IncomingMessage): number | undefined {
  const status = response.statusCode ?? 0;
  const seconds = Number(response.headers["retry-after"]);
  if ((status !== 429 && status !== 503) || !Number.isFinite(seconds)) return undefined;
  return Math.min(RETRY_AFTER_MS_MAX, Math.max(0, seconds) * 1_000);
}
