import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { timingSafeEqual } from "node:crypto";
import type { Logger } from "../ground/log.ts";
import { messageOf } from "../ground/errors.ts";
import type { InstanceSummary } from "./instance-summary.ts";

/** What the admin port shows. */
interface AdminSources {
  /** Undefined: ready; else one sentence that says what is missing. */
  readonly notReady: () => string | undefined;
  /** The text of the metrics in Prometheus' exposition format, and its media type. */
  readonly metrics: () => Promise<{ readonly text: string; readonly mediaType: string }>;
  readonly summary: () => Promise<InstanceSummary>;
}

/** Options of an {@link AdminServer}. */
export interface AdminServerOptions {
  readonly fds: readonly number[];
  /** Needed for `/status`, which names hosts and routes. */
  readonly token: string;
  readonly sources: AdminSources;
  readonly log: Logger;
}

/**
 * Health, readiness, metrics and status over plain HTTP, for this machine and its monitoring: `/healthz`, `/readyz`,
 * `/metrics` for anyone who can connect, `/status` with the API's bearer token.
 */
export class AdminServer {
  readonly #options: AdminServerOptions;
  readonly #servers: readonly Server[];

  private constructor(options: AdminServerOptions) {
    this.#options = options;
    this.#servers = options.fds.map(() =>
      createServer((request, response) => {
        request.resume();
        this.#answer(request, response).catch((error: unknown) => {
          options.log.error("Cannot answer on the admin port", { path: request.url, reason: messageOf(error) });
          reply(response, 500, "Internal error: the log has the cause\n");
        });
      }),
    );
  }

  /** Listens; resolves when connections are accepted. */
  static async open(options: AdminServerOptions): Promise<AdminServer> {
    const opened = new AdminServer(options);
    await Promise.all(
      opened.#servers.map(
        (server, index) =>
          new Promise<void>((resolve, reject) => {
            server.once("error", reject);
            server.listen({ fd: options.fds[index] ?? -1 }, () => resolve());
          }),
      ),
    );
    return opened;
  }

  /** Stops accepting and cuts what is open. */
  async close(): Promise<void> {
    const closed = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const server of this.#servers) server.closeAllConnections();
    await Promise.all(closed);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { sources } = this.#options;
    if (request.method !== "GET" && request.method !== "HEAD") {
      reply(response, 405, "Only GET\n");
      return;
    }
    switch ((request.url ?? "/").replace(/\?.*$/, "")) {
      case "/healthz":
        reply(response, 200, "ok\n");
        return;
      case "/readyz": {
        const missing = sources.notReady();
        reply(response, missing === undefined ? 200 : 503, missing === undefined ? "ok\n" : `${missing}\n`);
        return;
      }
      case "/metrics": {
        const { text, mediaType } = await sources.metrics();
        reply(response, 200, text, mediaType);
        return;
      }
      case "/status":
        if (!this.#isAllowed(request)) reply(response, 401, "The bearer token of the kubeconfig is needed\n");
        else reply(response, 200, `${JSON.stringify(await sources.summary())}\n`, "application/json");
        return;
      default:
        reply(response, 404, "There is /healthz, /readyz, /metrics and /status\n");
    }
  }

  #isAllowed(request: IncomingMessage): boolean {
    const given = Buffer.from(request.headers.authorization ?? "");
    const wanted = Buffer.from(`Bearer ${this.#options.token}`);
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  }
}

function reply(response: ServerResponse, status: number, text: string, mediaType = "text/plain; charset=utf-8"): void {
  response.writeHead(status, { "content-type": mediaType, "cache-control": "no-store" });
  response.end(text);
}
