import { once } from "node:events";
import { Agent, createServer, request, type Server } from "node:http";
import { systemClock } from "../src/ground/system-clock.ts";

/** Connections that ask; with so many each worker has some. */
const CONNECTIONS = 16;
/** What one of them waits after an answer. */
const PAUSE_MS = 2;
const WAIT_MS_MAX = 30_000;

/** A web server that answers with its own port, as the endpoint that the probe's Service moves between. */
export async function startBackend(address: string): Promise<{ readonly server: Server; readonly port: number }> {
  let port = 0;
  const server = createServer((_, response) => response.end(String(port)));
  server.listen(0, address);
  await once(server, "listening");
  const bound = server.address();
  if (typeof bound === "object" && bound !== null) ({ port } = bound);
  return { server, port };
}

/** Asks the edge over and over, on connections that are kept, so that all workers are met. */
export class Probe {
  readonly #agents: readonly Agent[];
  readonly #port: number;
  readonly #host: string;

  constructor(port: number, host: string) {
    this.#port = port;
    this.#host = host;
    this.#agents = Array.from({ length: CONNECTIONS }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
  }

  /** Resolves with the moment at which the last connection was first answered so that `holds`. */
  async all(holds: (status: number, body: string) => boolean, waitMs: number = WAIT_MS_MAX): Promise<number> {
    const untilMs = performance.now() + waitMs;
    const moments = await Promise.all(
      this.#agents.map(async (agent) => {
        for (;;) {
          const answer = await this.#ask(agent).catch(() => undefined);
          if (answer !== undefined && holds(answer.status, answer.body)) return performance.now();
          if (performance.now() > untilMs)
            throw new Error(`Not within ${String(waitMs)} ms: ${JSON.stringify(answer)}`);
          await systemClock.sleep(PAUSE_MS);
        }
      }),
    );
    return Math.max(...moments);
  }

  close(): void {
    for (const agent of this.#agents) agent.destroy();
  }

  #ask(agent: Agent): Promise<{ readonly status: number; readonly body: string }> {
    return new Promise((resolve, reject) => {
      const options = { host: "127.0.0.1", port: this.#port, headers: { host: this.#host }, agent };
      const outgoing = request(options, (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (body += chunk));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
        response.on("error", reject);
      });
      outgoing.on("error", reject);
      outgoing.end();
    });
  }
}
