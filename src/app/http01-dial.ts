import { lookup } from "node:dns/promises";
import { request } from "node:http";
import { connect, isIP, type Socket } from "node:net";
import { createHttp01Dialer, type Http01Answer, type Http01Dialer } from "../acme/server/http01-dialer.ts";
import { createTlsAlpnDialer, type TlsAlpnDialer } from "../acme/server/tls-alpn-dialer.ts";
import type { Clock } from "../ground/clock.ts";
import { LintelError, messageOf } from "../ground/errors.ts";
import type { Address } from "./role-settings.ts";

/** A key authorization is far shorter; whatever answers more is not the edge. */
export const BODY_BYTES_MAX: number = 16 * 1024;

/** Says of a connection of ours that nobody else is behind it. */
const PROXY_HEADER = "PROXY UNKNOWN\r\n";

/** How long names are looked up before this machine counts as having no DNS for them. */
const LOOKUP_MS_MAX = 1_500;

/**
 * Returns the dial of one-machine mode. A name that DNS knows elsewhere is dialled there on port 80, as any CA would.
 * One that DNS does not know, or knows as this machine itself, is dialled at the edge: so that names such as
 * `hello.localhost` can have certificates, and ports other than 80 can be used. Offline, everything is the edge.
 */
export function http01Dial(options: {
  readonly edge: Address;
  readonly offline: boolean;
  readonly clock: Clock;
  /** Whether the edge expects a PROXY header. @default false */
  readonly proxyProtocol?: boolean;
  /** @default the system's resolver */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
}): Http01Dialer {
  const resolve = options.resolve ?? resolveBySystem;
  const dialNetwork = createHttp01Dialer();
  return async (host, path, { signal }) => {
    const isLocal = options.offline || isReserved(host) || (await isHere(host, resolve, options.clock));
    return isLocal ? await fetchFromEdge(options, host, path, signal) : await dialNetwork(host, path, { signal });
  };
}

/** The same way to port 443 for TLS-ALPN-01. */
export function tlsAlpnDial(options: {
  readonly edge: Address;
  readonly offline: boolean;
  readonly clock: Clock;
  /** Whether the edge expects a PROXY header. @default false */
  readonly proxyProtocol?: boolean;
}): TlsAlpnDialer {
  return createTlsAlpnDialer(async (host) => {
    const isLocal = options.offline || isReserved(host) || (await isHere(host, resolveBySystem, options.clock));
    if (!isLocal) return { host, port: 443 };
    return options.proxyProtocol === true ? { ...options.edge, greeting: PROXY_HEADER } : options.edge;
  });
}

/** Names that never are in the public DNS (RFC 6761, RFC 8375, and ICANN's `.internal`). */
function isReserved(host: string): boolean {
  return /(^|\.)(localhost|internal|test|example|invalid|local|home\.arpa)$/.test(host);
}

async function isHere(
  host: string,
  resolve: (host: string) => Promise<readonly string[]>,
  clock: Clock,
): Promise<boolean> {
  if (isIP(host) !== 0) return isLoopback(host);
  const timeout = new AbortController();
  const late = clock.sleep(LOOKUP_MS_MAX, { signal: timeout.signal }).then(
    () => [],
    () => [],
  );
  const addresses = await Promise.race([resolve(host).catch(() => []), late]);
  timeout.abort();
  return addresses.every(isLoopback);
}

async function resolveBySystem(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map((entry) => entry.address);
}

function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1";
}

/** What of the dial's options says how to speak to the edge. */
interface EdgePlace {
  readonly edge: Address;
  readonly proxyProtocol?: boolean;
}

function connectToEdge({ edge, proxyProtocol = false }: EdgePlace): Socket {
  const socket = connect({ host: edge.host, port: edge.port });
  if (proxyProtocol) socket.write(PROXY_HEADER);
  return socket;
}

function fetchFromEdge(edge: EdgePlace, host: string, path: string, signal: AbortSignal): Promise<Http01Answer> {
  const target = edge.edge;
  const headers = { host: isIP(host) === 6 ? `[${host}]` : host, "user-agent": "Lintel (ACME HTTP-01)" };
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void =>
      reject(
        new LintelError(`Cannot reach "${host}" at ${target.host}:${target.port}: ${messageOf(error)}`, {
          code: "Unreachable",
          fault: "upstream",
          cause: error,
        }),
      );
    const call = request(
      { path, headers: { ...headers, connection: "close" }, createConnection: () => connectToEdge(edge), signal },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          body += chunk;
          if (body.length > BODY_BYTES_MAX)
            response.destroy(new Error("the answer is longer than any key authorization"));
        });
        response.on("error", fail);
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
      },
    );
    call.on("error", fail);
    call.end();
  });
}
