import { lookup as lookupAddresses } from "node:dns/promises";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { LintelError, messageOf } from "../../ground/errors.ts";

/** What was found where an HTTP-01 answer should be. */
export interface Http01Answer {
  readonly status: number;
  /** The first {@link BODY_BYTES_MAX} bytes. */
  readonly body: string;
  /** Which address answered, when that is known. */
  readonly address?: string | undefined;
}

/**
 * How HTTP-01 reaches a name: GET `http://host/path` on port 80, with `host` a DNS name or an IP address without
 * brackets. Rejects with a LintelError NotFound when the name has no address, with any other error when no address
 * answers, with the signal's reason when it aborts.
 */
export type Http01Dialer = (
  host: string,
  path: string,
  options: { readonly signal: AbortSignal },
) => Promise<Http01Answer>;

/** A key authorization is some hundred bytes; of anything else the beginning is enough to say what it was. */
export const BODY_BYTES_MAX = 4096;
const REDIRECTS_MAX = 10;

/** How the dialer finds its way. */
export interface Http01DialerOptions {
  /** Where HTTP is expected. @default 80 */
  readonly port?: number | undefined;
  /** Where HTTPS is expected after a redirect. @default 443 */
  readonly tlsPort?: number | undefined;
  /** Where to go for names that have no address. @default nowhere: they fail */
  readonly fallback?: { readonly address: string; readonly port: number } | undefined;
  /** Finds the addresses of a name. @default the system's resolver */
  readonly addressesOf?: ((host: string) => Promise<readonly string[]>) | undefined;
}

interface Place {
  readonly addresses: readonly { readonly address: string; readonly family: number }[];
  readonly port: number;
}

/**
 * Returns a dialer over the network: all addresses of a name are tried, the first that answers counts. Redirects are
 * followed as public CAs do (at most ten, to HTTP and HTTPS on the usual ports only, certificates not checked).
 */
export function createHttp01Dialer(options: Http01DialerOptions = {}): Http01Dialer {
  return async (host, path, { signal }) => {
    let url = new URL(`http://${isIP(host) === 6 ? `[${host}]` : host}${path}`);
    for (let hop = 0; hop <= REDIRECTS_MAX; hop++) {
      const { answer, location } = await get(url, await placeOf(url, options), signal);
      if (location === undefined) return answer;
      url = redirected(url, location, options);
    }
    throw new LintelError(`it was redirected more than ${REDIRECTS_MAX} times, at last to ${url.href}`, {
      code: "Unreachable",
    });
  };
}

async function placeOf(url: URL, options: Http01DialerOptions): Promise<Place> {
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const usual = url.protocol === "https:" ? (options.tlsPort ?? 443) : (options.port ?? 80);
  try {
    return { addresses: await lookUp(host, options), port: usual };
  } catch (cause) {
    const { fallback } = options;
    if (fallback !== undefined)
      return { addresses: [{ address: fallback.address, family: isIP(fallback.address) }], port: fallback.port };
    throw new LintelError(`"${host}" has no address here`, { code: "NotFound", cause });
  }
}

async function lookUp(host: string, { addressesOf }: Http01DialerOptions): Promise<Place["addresses"]> {
  if (addressesOf === undefined) return lookupAddresses(host, { all: true });
  const addresses = await addressesOf(host);
  if (addresses.length === 0) throw new Error("it has none in DNS");
  return addresses.map((address) => ({ address, family: isIP(address) }));
}

/** Anything but the usual ports would let a redirect reach services that only this machine may reach. */
function redirected(from: URL, location: string, options: Http01DialerOptions): URL {
  const url = URL.parse(location, from.href);
  const ports = ["", String(options.port ?? 80), String(options.tlsPort ?? 443)];
  if (url === null || !["http:", "https:"].includes(url.protocol) || !ports.includes(url.port)) {
    throw new LintelError(`it was redirected to "${location.slice(0, 200)}", which is not followed`, {
      code: "Unreachable",
    });
  }
  return url;
}

function get(
  url: URL,
  place: Place,
  signal: AbortSignal,
): Promise<{ answer: Http01Answer; location: string | undefined }> {
  const request = url.protocol === "https:" ? httpsRequest : httpRequest;
  // Resolved before, so that the addresses tried are the ones that were looked up; Node races them.
  const lookup: LookupFunction = (_host, options, callback) => {
    const [first] = place.addresses;
    if (options.all === true) callback(null, [...place.addresses]);
    else callback(null, first?.address ?? "", first?.family);
  };
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      port: place.port,
      agent: false,
      lookup,
      signal,
      rejectUnauthorized: false,
      headers: { Host: url.host, "User-Agent": "lintel-acme-validation", Accept: "*/*", Connection: "close" },
    });
    outgoing.on("error", (cause) => reject(new LintelError(failure(cause), { code: "Unreachable", cause })));
    outgoing.on("response", (incoming) => {
      const address = incoming.socket.remoteAddress;
      const { location } = incoming.headers;
      const status = incoming.statusCode ?? 0;
      const isRedirect = [301, 302, 303, 307, 308].includes(status) && location !== undefined;
      readBeginning(incoming).then(
        (body) => resolve({ answer: { status, body, address }, location: isRedirect ? location : undefined }),
        reject,
      );
    });
    outgoing.end();
  });
}

async function readBeginning(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming) {
    const bytes: Buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    chunks.push(bytes);
    length += bytes.length;
    // Leaving the loop destroys the stream: nobody is made to send the rest.
    if (length >= BODY_BYTES_MAX) break;
  }
  return Buffer.concat(chunks).subarray(0, BODY_BYTES_MAX).toString("utf8");
}

function failure(cause: Error): string {
  const parts =
    cause instanceof AggregateError ? cause.errors.map((part: unknown) => messageOf(part)) : [cause.message];
  return parts.join("; ");
}
