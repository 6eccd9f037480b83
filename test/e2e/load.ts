import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import { Agent, request } from "node:https";
import { eventually } from "./eventually.ts";
import type { Instance } from "./instance.ts";

/** Requests that an HTTP/2 client has open at a time. */
const STREAMS = 4;

/** What a load came to. */
export interface LoadResult {
  readonly served: number;
  readonly failed: readonly string[];
  /** Sessions that the HTTP/2 clients had, one after the other. */
  readonly sessions: number;
}

/**
 * Clients that ask one after the other until they are stopped: two that keep their connection, two that make a new one
 * each time, and two that speak HTTP/2, which leave a session as soon as it says GOAWAY.
 */
export class Load {
  readonly #instance: Instance;
  readonly #host: string;
  readonly #failed: string[] = [];
  readonly #clients: readonly Promise<void>[];
  #sessions = 0;
  #served = 0;
  #running = true;

  constructor(instance: Instance, host: string) {
    this.#instance = instance;
    this.#host = host;
    this.#clients = [
      ...[true, true, false, false].map((keepAlive) => this.#http1(keepAlive)),
      ...[1, 2].map(() => this.#http2()),
    ];
  }

  async served(count: number): Promise<void> {
    const goal = this.#served + count;
    await eventually(`${count} more answers`, () => this.#served >= goal || undefined);
  }

  async stop(): Promise<LoadResult> {
    this.#running = false;
    await Promise.all(this.#clients);
    return { served: this.#served, failed: this.#failed, sessions: this.#sessions };
  }

  #count(who: string, status: number): void {
    if (status === 200) this.#served++;
    else this.#failed.push(`${who}: ${status}`);
  }

  async #http1(keepAlive: boolean): Promise<void> {
    const who = keepAlive ? "kept" : "new";
    const agent = new Agent({ keepAlive, maxSockets: 1 });
    while (this.#running) {
      try {
        this.#count(who, await this.#ask(agent));
      } catch (error) {
        this.#failed.push(`${who}: ${String(error)}`);
      }
    }
    agent.destroy();
  }

  #ask(agent: Agent): Promise<number> {
    const { host, port } = this.#instance.https;
    const headers = { host: this.#host };
    const options = { host, port, servername: this.#host, headers, ca: this.#instance.ca, agent, timeout: 60_000 };
    return new Promise((resolve, reject) => {
      const call = request(options, (response) => {
        response.resume();
        response.on("end", () => resolve(response.statusCode ?? 0));
        response.on("error", reject);
      });
      call.on("timeout", () => call.destroy(new Error("No answer within a minute")));
      call.on("error", reject);
      call.end();
    });
  }

  async #http2(): Promise<void> {
    while (this.#running) {
      const session = this.#connect();
      this.#sessions++;
      const streams = Array.from({ length: STREAMS }, async () => {
        while (this.#running && !session.closed && !session.destroyed) {
          const call = session.request({ ":path": "/", ":authority": this.#host });
          try {
            this.#count("HTTP/2", await answerOf(call));
          } catch (error) {
            // What the client had not sent yet when GOAWAY came it refuses itself, and sends on the next session.
            if (session.closed && call.rstCode === constants.NGHTTP2_REFUSED_STREAM) continue;
            this.#failed.push(`HTTP/2: ${String(error)}`);
          }
        }
      });
      await Promise.all(streams);
      session.close();
    }
  }

  #connect(): ClientHttp2Session {
    const { host, port } = this.#instance.https;
    const authority = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
    const session = connect(`https://${authority}`, { servername: this.#host, ca: this.#instance.ca });
    session.on("error", (error) => this.#failed.push(`HTTP/2 session: ${String(error)}`));
    return session;
  }
}

/** Resolves with the status once the response is complete. */
function answerOf(call: ClientHttp2Stream): Promise<number> {
  return new Promise((resolve, reject) => {
    let status = 0;
    call.setTimeout(60_000, () => call.destroy(new Error("No answer within a minute")));
    call.on("response", (headers) => (status = headers[":status"] ?? 0));
    call.on("error", reject);
    call.on("close", () => reject(new Error("Closed without an end")));
    call.on("end", () => resolve(status));
    call.resume();
    call.end();
  });
}
