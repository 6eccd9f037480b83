import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Clock, Timer } from "../ground/clock.ts";
import type { Logger } from "../ground/log.ts";
import type { Snapshot } from "../routing/snapshot.ts";
import type { AccessLine } from "./access-line.ts";
import { CertificateTable } from "./certificate-table.ts";
import type { Channel, ChannelMode } from "./channel.ts";
import type { HostAuth } from "./client-auth/client-auth-table.ts";
import { identify } from "./client-auth/client-identity.ts";
import type { DataPlaneStats, OpenConnections } from "./counters.ts";
import { ClientConnection } from "./http1/client-connection.ts";
import { Http2ClientConnection } from "./http2/client-connection.ts";
import { DEFAULT_LIMITS, type ProxyLimits } from "./limits.ts";
import { Listener, type ListenTarget, type OnConnection, TlsPeek } from "./listener.ts";
import { type Peer, peerOf } from "./peer.ts";
import { PassthroughConnection } from "./passthrough.ts";
import { Plane } from "./plane.ts";
import type { ConveyedClient } from "./proxy-header.ts";
import { ProxyHeaderPeek } from "./proxy-header-peek.ts";
import { carrierOf, TELLS_CARRIERS } from "./raw-handle.ts";
import { TrustedProxies } from "./trusted-proxies.ts";
import { ticketKeysAt, untilNextTicketKeys } from "./ticket-keys.ts";

/** What a worker needs to open its data plane; the snapshot comes later, by `serve`. */
export interface DataPlaneOptions {
  readonly http: readonly ListenTarget[];
  readonly https: readonly ListenTarget[];
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Called once for each request when it is over. Left out, no line is made. */
  readonly accessLog?: ((line: AccessLine) => void) | undefined;
  /** @default DEFAULT_LIMITS, each by itself */
  readonly limits?: Partial<ProxyLimits>;
  /** 48 secret bytes that all workers share, so that TLS sessions are resumed at any of them. @default random */
  readonly ticketSecret?: Buffer;
  /** Served from the first connection on. @default nothing is, before `serve` */
  readonly snapshot?: Snapshot | undefined;
  /**
   * Every connection must begin with a header of the PROXY protocol, from one of these CIDR blocks; from anywhere
   * when there are none. @default connections are their peers' own, and a header is no valid request
   */
  readonly proxyProtocol?: { readonly sources: readonly string[] };
  /** @default "auto" */
  readonly channelMode?: ChannelMode;
}

/**
 * One worker's data plane: accepts connections, answers TLS, and proxies requests as the current snapshot says. The
 * snapshot is swapped in one step, under load and without a pause; a request ends on the one it began with.
 */
export class DataPlane {
  readonly #plane: Plane;
  readonly #table: CertificateTable;
  #http: readonly Listener[] = [];
  #https: readonly Listener[] = [];
  /** Accepted sockets that are not requests yet: waiting for a PROXY header, or for or in a TLS handshake. */
  readonly #handshakes = new Map<Socket | string, Accepted>();
  /** Whether a TLS socket says which socket it was made of; if not, the addresses tell. */
  readonly #tellsCarriers: boolean;
  readonly #connections = new Set<ClientConnection | Http2ClientConnection | PassthroughConnection>();
  readonly #clock: Clock;
  readonly #ticketSecret: Buffer;
  readonly #needsProxyHeader: boolean;
  /** Who may send PROXY headers; undefined: everyone. */
  readonly #proxySources: TrustedProxies | undefined;
  #ticketTimer: Timer;
  #onIdle: (() => void) | undefined;

  private constructor(options: DataPlaneOptions) {
    this.#clock = options.clock;
    this.#ticketSecret = options.ticketSecret ?? randomBytes(48);
    const sources = options.proxyProtocol?.sources ?? [];
    this.#needsProxyHeader = options.proxyProtocol !== undefined;
    this.#proxySources = sources.length === 0 ? undefined : new TrustedProxies(sources);
    this.#plane = new Plane({
      clock: options.clock,
      random: options.random,
      log: options.log,
      limits: { ...DEFAULT_LIMITS, ...options.limits },
      channelMode: options.channelMode ?? "auto",
      accessLog: options.accessLog,
    });
    this.#tellsCarriers = this.#plane.channelMode === "auto" && TELLS_CARRIERS;
    this.#table = new CertificateTable({
      log: options.log,
      limits: this.#plane.limits,
      ticketKeys: ticketKeysAt(this.#ticketSecret, options.clock.nowMs()),
      onSecure: (socket, terms) => this.#secured(socket, terms),
      onFailed: (socket) => {
        this.#plane.counters.handshakesFailed++;
        this.#leaveHandshake(this.#keyOfSecured(socket));
        socket.destroy();
      },
    });
    this.#ticketTimer = this.#changeTicketKeysLater();
  }

  /** Listens on all targets; rejects with CannotBind, having closed those that were open. */
  static async open(options: DataPlaneOptions): Promise<DataPlane> {
    const dataPlane = new DataPlane(options);
    if (options.snapshot !== undefined) dataPlane.serve(options.snapshot);
    const opened: Listener[] = [];
    const listen = async (targets: readonly ListenTarget[], serve: Serve): Promise<Listener[]> => {
      const accept: OnConnection = (socket, localPort) => dataPlane.#accept(socket, localPort, serve);
      const listeners: Listener[] = [];
      for (const target of targets) {
        const listener = await Listener.open(target, dataPlane.#plane, accept);
        listeners.push(listener);
        opened.push(listener);
      }
      return listeners;
    };
    try {
      dataPlane.#http = await listen(options.http, (socket, localPort, client) => {
        dataPlane.#plane.counters.acceptedHttp++;
        dataPlane.#serveConnection(socket, peerOf(socket, false, localPort, client)).start();
      });
      dataPlane.#https = await listen(options.https, (socket, localPort, client) =>
        dataPlane.#acceptTls(socket, localPort, client),
      );
    } catch (error) {
      for (const listener of opened) listener.close();
      throw error;
    }
    return dataPlane;
  }

  /** The generation served; 0 before the first. */
  get generation(): number {
    return this.#plane.snapshot.generation;
  }

  /**
   * Moves to the snapshot in one step. Never throws for a bad certificate: it is left out, logged, and named in the
   * result; the names that have no other fail their handshakes.
   */
  serve(snapshot: Snapshot): { readonly problems: readonly string[] } {
    this.#plane.adopt(snapshot);
    return { problems: this.#table.adopt(snapshot, this.#plane.clientAuth) };
  }

  addresses(): {
    readonly http: readonly { readonly host: string; readonly port: number }[];
    readonly https: readonly { readonly host: string; readonly port: number }[];
  } {
    return {
      http: this.#http.map((listener) => listener.address()),
      https: this.#https.map((listener) => listener.address()),
    };
  }

  stats(): DataPlaneStats {
    const { counters, pools, snapshot } = this.#plane;
    const ejected = (id: string): number => {
      const backend = snapshot.backends.get(id);
      return backend === undefined ? 0 : pools.ejected(backend);
    };
    return counters.stats(this.generation, { ejected, open: this.#openNow() });
  }

  #openNow(): OpenConnections {
    const all = [...this.#connections];
    const waiting = [...this.#handshakes.values()];
    const httpsPorts = new Set(this.#https.map((listener) => listener.address().port));
    const openHttps =
      all.filter(({ peer }) => peer.secure).length +
      waiting.filter(({ localPort }) => httpsPorts.has(localPort)).length;
    return {
      openHttp: all.length + waiting.length - openHttps,
      openHttps,
      openHandshakes: waiting.length,
      openHttp1: all.filter((connection) => connection instanceof ClientConnection).length,
      openHttp2: all.filter((connection) => connection instanceof Http2ClientConnection).length,
      openPassthrough: all.filter((connection) => connection instanceof PassthroughConnection).length,
    };
  }

  /**
   * Accepts nothing more, closes idle connections, lets requests in flight finish with `Connection: close`; resolves
   * when no connection is left, or when `signal` aborts, which cuts off the rest. Upgraded connections count.
   */
  async drain(options: { readonly signal: AbortSignal }): Promise<void> {
    const { signal } = options;
    this.#plane.draining = true;
    for (const listener of [...this.#http, ...this.#https]) listener.close();
    for (const connection of this.#connections) connection.drain();
    this.#plane.pools.closeIdle();
    if (this.#busy && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
        signal.addEventListener("abort", () => resolve(), { once: true });
        this.#tellWhenIdle();
      });
    }
    this.#cutOff();
  }

  /** Cuts everything off at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain({ signal: AbortSignal.abort() });
    this.#ticketTimer.cancel();
    this.#plane.deadlines.close();
  }

  get #busy(): boolean {
    return this.#connections.size > 0 || this.#handshakes.size > 0;
  }

  #tellWhenIdle(): void {
    if (!this.#busy) this.#onIdle?.();
  }

  #cutOff(): void {
    for (const { socket } of this.#handshakes.values()) socket.destroy();
    for (const connection of this.#connections) connection.destroy();
    this.#plane.pools.closeIdle();
  }

  #changeTicketKeysLater(): Timer {
    return this.#clock.timer(untilNextTicketKeys(this.#clock.nowMs()), () => {
      this.#table.changeTicketKeys(ticketKeysAt(this.#ticketSecret, this.#clock.nowMs()));
      this.#ticketTimer = this.#changeTicketKeysLater();
    });
  }

  /** Calls `serve` with who the client is, once that is known. */
  #accept(socket: Socket, localPort: number, serve: Serve): void {
    if (!this.#needsProxyHeader) return serve(socket, localPort, undefined);
    const { counters } = this.#plane;
    if (this.#proxySources?.includes(peerOf(socket, false, localPort).address) === false) {
      counters.badProxyHeaders++;
      socket.destroy();
      return;
    }
    counters.open++;
    this.#handshakes.set(socket, { socket, localPort, client: undefined });
    const peek = new ProxyHeaderPeek(this.#plane, socket, {
      onClient: (client) => {
        this.#handshakes.delete(socket);
        counters.open--;
        serve(socket, localPort, client);
      },
      onClosed: () => this.#leaveHandshake(socket),
    });
    peek.start();
  }

  #acceptTls(socket: Socket, localPort: number, client: ConveyedClient | undefined): void {
    const { counters } = this.#plane;
    const key = this.#tellsCarriers ? socket : connectionKey(socket);
    counters.acceptedHttps++;
    counters.open++;
    this.#handshakes.set(key, { socket, localPort, client });
    const peek = new TlsPeek(socket, {
      plane: this.#plane,
      table: this.#table,
      onPlain: (plain) => {
        this.#leaveHandshake(key);
        this.#serveConnection(plain, peerOf(plain, false, localPort, client)).refusePlain();
      },
      onPassthrough: (raw, name, through) => {
        const peer = peerOf(raw, true, localPort, client);
        const connection = new PassthroughConnection(this.#plane, raw, peer, name, through, this.#onGone);
        counters.open++;
        this.#connections.add(connection);
        this.#leaveHandshake(key);
        connection.start();
      },
      onClosed: () => this.#leaveHandshake(key),
    });
    peek.start();
  }

  /** Called more than once for a connection: it may be secured, fail and close. */
  #leaveHandshake(key: Socket | string): void {
    if (!this.#handshakes.delete(key)) return;
    this.#plane.counters.open--;
    this.#tellWhenIdle();
  }

  #secured(socket: TLSSocket, terms: HostAuth | undefined): void {
    const { counters } = this.#plane;
    counters.handshakes++;
    if (socket.isSessionReused()) counters.resumed++;
    const key = this.#keyOfSecured(socket);
    const accepted = this.#handshakes.get(key);
    const tlsVersion = socket.getProtocol() ?? undefined;
    if (tlsVersion === "TLSv1.3") counters.handshakesTls13++;
    else counters.handshakesTls12++;
    const identity = terms === undefined ? undefined : identify(socket, terms);
    const peer = { ...peerOf(socket, true, accepted?.localPort ?? 0, accepted?.client), tlsVersion, identity };
    if (socket.alpnProtocol === "h2") {
      counters.open++;
      this.#serveHttp2(socket, peer);
    } else this.#serveConnection(socket, peer).start();
    this.#leaveHandshake(key);
  }

  #keyOfSecured(socket: TLSSocket): Socket | string {
    return (this.#tellsCarriers ? carrierOf(socket) : undefined) ?? connectionKey(socket);
  }

  #serveConnection(socket: Socket, peer: Peer): ClientConnection {
    const { counters } = this.#plane;
    counters.open++;
    const connection = new ClientConnection(this.#plane, socket, peer, this.#onGone, (gone, channel) => {
      this.#serveHttp2(channel, peer);
      this.#connections.delete(gone);
    });
    this.#connections.add(connection);
    return connection;
  }

  #serveHttp2(source: Socket | Channel, peer: Peer): void {
    this.#plane.counters.http2++;
    const connection = new Http2ClientConnection(this.#plane, source, peer, this.#onGone);
    this.#connections.add(connection);
    connection.start();
    if (this.#plane.draining) connection.drain();
  }

  readonly #onGone = (gone: ClientConnection | Http2ClientConnection | PassthroughConnection): void => {
    this.#plane.counters.open--;
    this.#connections.delete(gone);
    this.#tellWhenIdle();
  };
}

/** A connection that may become a request's. */
interface Accepted {
  readonly socket: Socket;
  readonly localPort: number;
  /** As a PROXY header said; undefined: the peer is the client. */
  readonly client: ConveyedClient | undefined;
}

type Serve = (socket: Socket, localPort: number, client: ConveyedClient | undefined) => void;

/** Names a connection by its four numbers: what a socket and the TLS socket over it have in common. */
function connectionKey(socket: Socket): string {
  return `${socket.remoteAddress}:${socket.remotePort}-${socket.localAddress}:${socket.localPort}`;
}
