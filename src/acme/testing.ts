import { createServer, type Server } from "node:http";
import { HTTP01_PATH } from "./key-authorization.ts";

/**
 * Answers HTTP-01 on a port of 127.0.0.1, whatever the host. Does not imitate: redirects, slowness, an edge with routes
 * of its own.
 */
export class ChallengeResponder {
  readonly answers: Map<string, string> = new Map();
  /** Paths asked for, in order. */
  readonly asked: string[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const path = request.url ?? "";
      this.asked.push(path);
      const answer = path.startsWith(HTTP01_PATH) ? this.answers.get(path.slice(HTTP01_PATH.length)) : undefined;
      response.writeHead(answer === undefined ? 404 : 200, { "Content-Type": "text/plain" });
      response.end(answer ?? "nothing here\n");
    });
  }

  /** Listens on a free port. */
  static async open(): Promise<ChallengeResponder> {
    const responder = new ChallengeResponder();
    await new Promise<void>((resolve) => responder.#server.listen(0, "127.0.0.1", resolve));
    return responder;
  }

  get port(): number {
    return portOf(this.#server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Returns the port a listening server was given. */
export function portOf(server: { address(): string | { port: number } | null }): number {
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the server does not listen on a port");
  return address.port;
}
