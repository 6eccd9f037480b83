import { createServer, type Server } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import { messageOf } from "../../ground/errors.ts";
import type { Logger } from "../../ground/log.ts";
import { answerReview, type ReviewFacts } from "./review.ts";

/** An API server stores no object above 1.5 MiB; a review holds two of them. */
const BODY_BYTES_MAX = 8 * 1024 * 1024;
/** The API server gives up after what the configuration says; nobody needs longer. */
const REQUEST_MS_MAX = 10_000;
const CONNECTIONS_MAX = 200;

/** A certificate with its key, both PEM. */
export interface ServingPair {
  readonly certificate: string;
  readonly key: string;
}

/** Options of an {@link AdmissionServer}. */
export interface AdmissionServerOptions {
  readonly port: number;
  readonly log: Logger;
  readonly facts: ReviewFacts;
}

/**
 * Answers AdmissionReviews over HTTPS, on every address: `/mutate` and `/validate`. It accepts connections from the start and finishes handshakes
 * once it has a certificate.
 */
export class AdmissionServer {
  readonly #server: Server;
  readonly #options: AdmissionServerOptions;

  private constructor(options: AdmissionServerOptions) {
    this.#options = options;
    this.#server = createServer({ minVersion: "TLSv1.2" }, (request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        options.log.error("Cannot answer an admission review", { reason: messageOf(error) });
        reply(response, 500, "Internal error: the log has the cause");
      });
    });
    this.#server.requestTimeout = REQUEST_MS_MAX;
    this.#server.maxConnections = CONNECTIONS_MAX;
  }

  /** Listens; rejects when the port is taken. */
  static async open(options: AdmissionServerOptions): Promise<AdmissionServer> {
    const opened = new AdmissionServer(options);
    await new Promise<void>((resolve, reject) => {
      opened.#server.once("error", reject);
      opened.#server.listen({ port: options.port }, () => resolve());
    });
    return opened;
  }

  /** New handshakes use this pair. */
  use(pair: ServingPair): void {
    this.#server.setSecureContext({ cert: pair.certificate, key: pair.key, minVersion: "TLSv1.2" });
  }

  /** Stops accepting and cuts what is open. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const phase = request.url?.startsWith("/mutate") === true ? "mutate" : "validate";
    if (request.method !== "POST") {
      reply(response, 405, "Only POST");
      return;
    }
    const body = await readBody(request);
    const review = body === undefined ? undefined : parse(body);
    if (review === undefined) {
      reply(response, body === undefined ? 413 : 400, "An AdmissionReview is expected");
      return;
    }
    const answer = {
      apiVersion: "admission.k8s.io/v1",
      kind: "AdmissionReview",
      response: answerReview(review, this.#options.facts, phase),
    };
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(answer));
  }
}

/** Undefined: it is too long. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    if (!Buffer.isBuffer(part)) continue;
    bytes += part.length;
    if (bytes > BODY_BYTES_MAX) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function reply(response: ServerResponse, status: number, text: string): void {
  if (!response.headersSent) response.writeHead(status, { "content-type": "text/plain; charset=utf-8" });
  response.end(`${text}\n`);
}
