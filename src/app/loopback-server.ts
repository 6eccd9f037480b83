import type { IncomingMessage, ServerResponse } from "node:http";
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from "node:http2";
import { createServer, type Server } from "node:https";
import type { Socket } from "node:net";
import type { Clock, Timer } from "../ground/clock.ts";
import { messageOf } from "../ground/errors.ts";
import type { Logger } from "../ground/log.ts";
import type { LocalCa } from "../pki/local-ca.ts";

/** What the certificate of a loopback server is always for. */
const NAMES: readonly string[] = ["localhost", "127.0.0.1", "::1"];

const DAY_MS = 86_400_000;
/** Short enough that a leaked key is soon worthless, and within what the local CA's intermediate can sign. */
const CERTIFICATE_MS: number = 4 * DAY_MS;
const RENEW_EVERY_MS: number = DAY_MS;
/** So many requests may be in flight on one connection; watches are requests that last. */
const STREAMS_MAX = 2_000;
/** A connection of HTTP/2 on which nothing is sent for so long takes no more requests; what is in flight goes on. */
const SESSION_IDLE_MS = 10 * 60_000;

/**
 * An HTTPS server on inherited descriptors, for this machine alone unless they listen elsewhere too: with a certificate of
 * the local CA for localhost, the loopback addresses and `names` that it renews every day.
 */
export class LoopbackServer {
  readonly #servers: readonly Listening[];
  readonly #options: LoopbackServerOptions;
  #timer: Timer | undefined;

  private constructor(options: LoopbackServerOptions, servers: readonly Listening[]) {
    this.#options = options;
    this.#servers = servers;
  }

  /** Listens; resolves when connections are accepted. */
  static async open(options: LoopbackServerOptions): Promise<LoopbackServer> {
    const tls = await issue(options);
    const requestCert = options.clientAuthority !== undefined;
    // Whoever handles the request judges the certificate: one that is not right is answered, not cut off.
    const settings = { ...tls, requestCert, rejectUnauthorized: false, minVersion: "TLSv1.2" } as const;
    const { handle, handleHttp2 } = options;
    const servers = options.fds.map(() =>
      handleHttp2 === undefined
        ? new Listening(createServer(settings, handle))
        : new Listening(http2Server(settings, handleHttp2)),
    );
    await Promise.all(servers.map(({ server }, index) => listen(server, options.fds[index] ?? -1)));
    const opened = new LoopbackServer(options, servers);
    opened.#scheduleRenewal();
    return opened;
  }

  /** Stops accepting and cuts what is open. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    await Promise.all(this.#servers.map((listening) => listening.close()));
  }

  #scheduleRenewal(): void {
    this.#timer = this.#options.clock.timer(RENEW_EVERY_MS, () => void this.#renew());
  }

  async #renew(): Promise<void> {
    try {
      const tls = await issue(this.#options);
      for (const { server } of this.#servers) server.setSecureContext(tls);
    } catch (error) {
      this.#options.log.error("Cannot renew the certificate of a loopback server", { reason: messageOf(error) });
    }
    this.#scheduleRenewal();
  }
}

/** What a {@link LoopbackServer} needs. */
export interface LoopbackServerOptions {
  readonly fds: readonly number[];
  readonly ca: LocalCa;
  /** Names and addresses by which it is reached beside those of loopback. @default none */
  readonly names?: readonly string[];
  /** PEM of the authority whose client certificates are told to `handle`. @default clients are asked for none */
  readonly clientAuthority?: string | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void;
  /** Takes requests of HTTP/2, and those of HTTP/1.1 in place of `handle`. @default HTTP/1.1 alone is spoken */
  readonly handleHttp2?: ((request: Http2ServerRequest, response: Http2ServerResponse) => void) | undefined;
}

/** A server with the connections that it has: one of HTTP/2 does not end them by itself. */
class Listening {
  readonly server: Server | Http2SecureServer;
  readonly #sockets = new Set<Socket>();

  constructor(server: Server | Http2SecureServer) {
    this.server = server;
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

function http2Server(
  settings: TlsContext,
  handle: (request: Http2ServerRequest, response: Http2ServerResponse) => void,
): Http2SecureServer {
  const server = createSecureServer(
    { ...settings, allowHTTP1: true, settings: { maxConcurrentStreams: STREAMS_MAX } },
    handle,
  );
  server.on("session", (session: ServerHttp2Session) => {
    session.setTimeout(SESSION_IDLE_MS, () => session.close());
  });
  return server;
}

async function issue(options: LoopbackServerOptions): Promise<TlsContext> {
  const names = [...new Set([...NAMES, ...(options.names ?? [])])];
  const { chain, key } = await options.ca.issue({ names, durationMs: CERTIFICATE_MS });
  const { clientAuthority } = options;
  return { key, cert: chain, ...(clientAuthority === undefined ? {} : { ca: clientAuthority }) };
}

interface TlsContext {
  readonly key: string;
  readonly cert: string;
  readonly ca?: string;
}

function listen(server: Server | Http2SecureServer, fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ fd }, () => resolve());
  });
}
