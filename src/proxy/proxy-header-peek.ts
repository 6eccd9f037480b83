import type { Socket } from "node:net";
import type { Timed } from "./deadlines.ts";
import type { Plane } from "./plane.ts";
import { type ConveyedClient, readProxyHeader } from "./proxy-header.ts";

/** Who hears what became of a connection; one of the two, once. */
export interface ProxyHeaderListener {
  /** The header is there and taken off. */
  readonly onClient: (client: ConveyedClient | undefined) => void;
  readonly onClosed: () => void;
}

/**
 * Reads the PROXY header of a new connection, however many reads it takes, and hands the socket on with what follows it.
 * Without a whole header in time, or with anything else in its place, the connection is closed and counted: who could
 * leave it out could also say whatever they like in it.
 */
export class ProxyHeaderPeek implements Timed {
  deadlineMs: number;
  readonly #plane: Plane;
  readonly #socket: Socket;
  readonly #listener: ProxyHeaderListener;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(plane: Plane, socket: Socket, listener: ProxyHeaderListener) {
    this.#plane = plane;
    this.#socket = socket;
    this.#listener = listener;
    this.deadlineMs = plane.deadlines.in(plane.limits.proxyHeaderTimeoutMs);
  }

  /** Begins to read. */
  start(): void {
    const socket = this.#socket;
    this.#plane.deadlines.add(this);
    socket.on("data", this.#onData);
    socket.on("error", () => undefined);
    socket.once("end", this.#refuse);
    socket.once("close", this.#onClose);
  }

  onDeadline(): void {
    this.#refuse();
  }

  readonly #onData = (chunk: Buffer): void => {
    const socket = this.#socket;
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const header = readProxyHeader(this.#bytes, this.#plane.limits.proxyHeaderBytesMax);
    if (header.kind === "incomplete") return;
    if (header.kind === "malformed") return this.#refuse();
    this.#stop();
    socket.pause();
    if (this.#bytes.length > header.length) socket.unshift(this.#bytes.subarray(header.length));
    // Takes effect in the next turn, when the new reader is there.
    socket.resume();
    this.#listener.onClient(header.client);
  };

  readonly #refuse = (): void => {
    this.#plane.counters.badProxyHeaders++;
    this.#socket.destroy();
    this.#onClose();
  };

  readonly #onClose = (): void => {
    this.#stop();
    this.#listener.onClosed();
  };

  #stop(): void {
    this.#plane.deadlines.remove(this);
    this.#socket.removeListener("data", this.#onData);
    this.#socket.removeListener("end", this.#refuse);
    this.#socket.removeListener("close", this.#onClose);
  }
}
