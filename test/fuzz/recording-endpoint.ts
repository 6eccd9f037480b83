import { createServer, type AddressInfo, type Socket } from "node:net";
import { type Message, readRequests } from "./read-messages.ts";

/** What reached the endpoint on one connection. */
export interface Recorded {
  text: string;
  answered: number;
}

/**
 * An endpoint that keeps every byte it gets and answers each request that a strict reader finds in them. Each answer
 * says which request it is for, counted over all connections. Does not imitate: keep-alive limits, slowness.
 */
export interface RecordingEndpoint extends AsyncDisposable {
  readonly port: number;
  /** Requests since the last `take`, in the order they were complete, and what is wrong with what came. */
  take(): Taken;
}

/** What came since the last time. */
export interface Taken {
  readonly requests: readonly Message[];
  readonly problems: readonly string[];
}

/** Listens on a free port of loopback. */
export async function openRecordingEndpoint(): Promise<RecordingEndpoint> {
  let requests: Message[] = [];
  let problems: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    let text = "";
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (bytes) => {
      text += bytes.toString("latin1");
      const reading = readRequests(text);
      text = reading.rest;
      for (const message of reading.messages) {
        requests.push(message);
        socket.write(answerTo(message, requests.length));
      }
      if (reading.problem === undefined) return;
      problems.push(`${reading.problem}: ${JSON.stringify(reading.rest)}`);
      socket.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    take: () => {
      const taken = { requests, problems };
      requests = [];
      problems = [];
      return taken;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answerTo(message: Message, sequence: number): string {
  const body = `${message.start.split(" ")[1]} ${message.body.length}`;
  const close = message.headers.some(([name, value]) => name === "connection" && value === "close");
  const head = `HTTP/1.1 200 OK\r\nX-Sequence: ${sequence}\r\n${close ? "Connection: close\r\n" : ""}`;
  return `${head}Content-Length: ${body.length}\r\n\r\n${message.start.startsWith("HEAD ") ? "" : body}`;
}
