import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { LintelError } from "../ground/errors.ts";
import { lookupHost } from "../routing/match.ts";
import type { Passthrough } from "../routing/snapshot.ts";
import { readClientHello } from "./client-hello.ts";
import { ACME_TLS, type CertificateTable } from "./certificate-table.ts";
import type { Timed } from "./deadlines.ts";
import type { Plane } from "./plane.ts";

/** Where to accept connections: a descriptor that is bound and may be shared with other processes, or an address. */
export type ListenTarget = { readonly fd: number } | { readonly host: string; readonly port: number };

/** Connections the kernel may queue. */
const BACKLOG = 4096;

/** RFC 8446 section 6.2: fatal unrecognized_name, in a record of its own. */
const UNRECOGNIZED_NAME = Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 112]);

/** Told of a connection, and of the port of the listener it came by. */
export type OnConnection = (socket: Socket, localPort: number) => void;

/** A listening socket. Accepts until closed; what becomes of a connection is its caller's business. */
export class Listener {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Listens; rejects with CannotBind. `onConnection` gets half-open sockets without delay algorithm. */
  static async open(target: ListenTarget, plane: Plane, onConnection: OnConnection): Promise<Listener> {
    let port = 0;
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      plane.counters.accepted++;
      if (plane.counters.open < plane.limits.connectionsMax) return onConnection(socket, port);
      plane.counters.refused++;
      socket.destroy();
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", (cause) => {
        const place = "fd" in target ? `descriptor ${target.fd}` : `${target.host}:${target.port}`;
        reject(new LintelError(`Cannot listen on "${place}"`, { code: "CannotBind", fault: "user", cause }));
      });
      server.listen({ ...target, backlog: BACKLOG }, resolve);
    });
    server.on("error", (error) => plane.log.error("Cannot accept connections", { error: error.message }));
    const listener = new Listener(server);
    port = listener.address().port;
    return listener;
  }

  address(): { readonly host: string; readonly port: number } {
    const address: AddressInfo | string | null = this.#server.address();
    return typeof address === "object" && address !== null
      ? { host: address.address, port: address.port }
      : { host: "", port: 0 };
  }

  /** Accepts nothing more; connections go on. */
  close(): void {
    this.#server.close();
  }
}

/** What peeking at a ClientHello needs. */
export interface TlsPeekOptions {
  readonly plane: Plane;
  readonly table: CertificateTable;
  /** The client speaks plain HTTP to the TLS port: what it sent is put back. */
  readonly onPlain: (socket: Socket) => void;
  /** TLS of this name is not ours: what the client sent is put back, and the socket is paused. */
  readonly onPassthrough: (socket: Socket, name: string, through: Passthrough) => void;
  /** The connection is closed, before the handshake or whenever. */
  readonly onClosed: () => void;
}

/**
 * Reads the ClientHello of a new connection, however many reads it takes, puts it back and hands the socket to the TLS
 * server of the name. For a name that has no certificate, nor the snapshot one for any name (`*`), the handshake fails with
 * unrecognized_name.
 */
export class TlsPeek implements Timed {
  deadlineMs: number;
  readonly #socket: Socket;
  readonly #options: TlsPeekOptions;
  #bytes: Buffer | undefined;
  #done = false;

  constructor(socket: Socket, options: TlsPeekOptions) {
    this.#socket = socket;
    this.#options = options;
    const { deadlines, limits } = options.plane;
    this.deadlineMs = deadlines.in(limits.handshakeTimeoutMs);
  }

  /** Begins to read. */
  start(): void {
    const socket = this.#socket;
    this.#options.plane.deadlines.add(this);
    socket.on("data", this.#onData);
    socket.on("error", ignore);
    socket.on("end", this.#onEnd);
    socket.on("close", this.#onClosed);
  }

  onDeadline(): void {
    this.#socket.destroy();
  }

  readonly #onEnd = (): void => {
    this.#socket.destroy();
  };

  readonly #onClosed = (): void => {
    if (!this.#done) this.#stop();
    this.#options.onClosed();
  };

  readonly #onData = (chunk: Buffer): void => {
    const { plane, table, onPlain, onPassthrough } = this.#options;
    const socket = this.#socket;
    const bytes = this.#bytes === undefined ? chunk : Buffer.concat([this.#bytes, chunk]);
    this.#bytes = bytes;
    const hello = readClientHello(bytes);
    if (hello.kind === "incomplete") {
      if (bytes.length <= plane.limits.clientHelloBytesMax) return;
      plane.counters.handshakesFailed++;
      socket.destroy();
      return;
    }
    this.#stop();
    socket.pause();
    socket.unshift(bytes);
    if (hello.kind === "not-tls") {
      if (looksLikeHttp(bytes)) return onPlain(socket);
      plane.counters.handshakesFailed++;
      socket.destroy();
      return;
    }
    const isValidation = hello.protocols.includes(ACME_TLS);
    const challenge = isValidation ? table.challengeProfile(hello.serverName) : undefined;
    const through = lookupHost(plane.snapshot.tls, hello.serverName)?.passthrough;
    if (challenge === undefined && through !== undefined) return onPassthrough(socket, hello.serverName, through);
    const profile = challenge ?? table.profile(hello.serverName);
    if (challenge === undefined && (profile === undefined || isUnknown(plane, hello.serverName))) {
      plane.counters.unknownNames++;
    }
    if (profile === undefined) {
      socket.end(UNRECOGNIZED_NAME, () => socket.destroy());
      return;
    }
    profile.server.emit("connection", socket);
  };

  #stop(): void {
    this.#done = true;
    this.#bytes = undefined;
    this.#options.plane.deadlines.remove(this);
    this.#socket.removeListener("data", this.#onData);
    this.#socket.removeListener("end", this.#onEnd);
  }
}

/** The close that follows an error says all there is to it. */
function ignore(): void {}

/** Whether only what answers for any name takes this one, for TLS and for requests alike, and no rule is for any host. */
function isUnknown({ snapshot }: Plane, name: string): boolean {
  return lookupHost(snapshot.tls, name)?.host === "*" && lookupHost(snapshot.hosts, name) === undefined;
}

function looksLikeHttp(bytes: Uint8Array): boolean {
  const first = bytes[0] ?? 0;
  return first >= 0x41 && first <= 0x5a;
}
