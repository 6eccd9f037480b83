import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Host } from "../ground/host.ts";
import { ChildLink } from "../supervisor/child-link.ts";

/** Runs the two small servers that the example routes to, until the supervisor ends the process. */
export async function runExampleBackends(host: Host): Promise<void> {
  const link = await ChildLink.open(host);
  const servers = Object.entries(link.start.sockets).map(([name, fds]) => {
    const server = createServer((request, response) => greet(name, request, response));
    return new Promise<typeof server>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ fd: fds[0] ?? -1 }, () => resolve(server));
    });
  });
  const listening = await Promise.all(servers);
  const leave = async (): Promise<void> => {
    const closed = listening.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const server of listening) server.closeIdleConnections();
    await Promise.all(closed);
  };
  link.handle({ stop: leave, orphaned: leave });
  link.ready();
}

function greet(name: string, request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  const { host, "x-forwarded-proto": scheme, "x-forwarded-for": client } = request.headers;
  response.setHeader("content-type", "text/plain; charset=utf-8");
  response.end(
    [
      `Hello from backend ${name.replace("example-", "")}`,
      `You asked for ${String(scheme ?? "http")}://${host ?? ""}${request.url ?? ""} from ${String(client ?? "an unknown address")}`,
      "",
    ].join("\n"),
  );
}
