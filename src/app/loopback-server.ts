import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
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

/**
 * An HTTPS server on inherited descriptors, for this machine alone unless they listen elsewhere too: with a certificate of
 * the local CA for localhost, the loopback addresses and `names` that it renews every day.
 */
export class LoopbackServer {
  readonly #server: Server[];
  readonly #options: LoopbackServerOptions;
  #timer: Timer | undefined;

  private constructor(options: LoopbackServerOptions, servers: Server[]) {
    this.#options = options;
    this.#server = servers;
  }

  /** Listens; resolves when connections are accepted. */
  static async open(options: LoopbackServerOptions): Promise<LoopbackServer> {
    const tls = await issue(options);
    const requestCert = options.clientAuthority !== undefined;
    // Whoever handles the request judges the certificate: one that is not right is answered, not cut off.
    const settings = { ...tls, requestCert, rejectUnauthorized: false, minVersion: "TLSv1.2" } as const;
    const servers = options.fds.map(() => createServer(settings, options.handle));
    await Promise.all(servers.map((server, index) => listen(server, options.fds[index] ?? -1)));
    const opened = new LoopbackServer(options, servers);
    opened.#scheduleRenewal();
    return opened;
  }

  /** Stops accepting and cuts what is open. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    const closed = this.#server.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const server of this.#server) server.closeAllConnections();
    await Promise.all(closed);
  }

  #scheduleRenewal(): void {
    this.#timer = this.#options.clock.timer(RENEW_EVERY_MS, () => void this.#renew());
  }

  async #renew(): Promise<void> {
    try {
      const tls = await issue(this.#options);
      for (const server of this.#server) server.setSecureContext(tls);
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

function listen(server: Server, fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ fd }, () => resolve());
  });
}
