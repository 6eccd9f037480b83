/** A TCP link that can be cut as a network is: nothing arrives any more, and nobody is told. */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { TestContext } from "node:test";

/** Forwards connections to one of several ports of 127.0.0.1: the first that takes them, from a random one on. */
export class DroppableLink {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #cut = false;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** `targets` are asked for anew for every connection. */
  static async open(t: TestContext, targets: () => readonly number[], port = 0): Promise<DroppableLink> {
    const server = createServer();
    const link = new DroppableLink(server);
    server.on("connection", (socket) => link.#accept(socket, targets()));
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    t.after(() => link.close());
    return link;
  }

  get port(): number {
    const address = this.#server.address();
    return address === null || typeof address === "string" ? 0 : address.port;
  }

  /** From now on packets are lost, those of new connections too. */
  cut(): void {
    this.#cut = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** Packets get through again; what was under way goes on, as TCP does. */
  heal(): void {
    this.#cut = false;
    for (const socket of this.#sockets) socket.resume();
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(socket: Socket, targets: readonly number[]): void {
    this.#keep(socket);
    if (this.#cut) socket.pause();
    const from = Math.floor(Math.random() * targets.length);
    this.#forward(socket, [...targets.slice(from), ...targets.slice(0, from)]);
  }

  #forward(socket: Socket, [port, ...others]: readonly number[]): void {
    if (port === undefined) {
      socket.destroy();
      return;
    }
    const onward = connect(port, "127.0.0.1", () => {
      this.#keep(onward);
      for (const [one, other] of [
        [socket, onward],
        [onward, socket],
      ] as const) {
        one.on("data", (chunk: Buffer) => other.write(chunk));
        one.on("end", () => other.end());
        one.on("close", () => other.destroy());
        if (this.#cut) one.pause();
      }
    });
    onward.once("error", () => {
      if (!this.#sockets.has(onward)) this.#forward(socket, others);
    });
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#sockets.delete(socket));
  }
}
