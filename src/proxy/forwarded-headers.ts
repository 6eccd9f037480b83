import type { EdgeSettings } from "../routing/snapshot.ts";
import { FORWARDED_FOR, FORWARDED_HOST, FORWARDED_PORT, FORWARDED_PROTO } from "./http1/header-names.ts";
import type { RequestParser } from "./http1/request-parser.ts";
import type { Peer } from "./peer.ts";
import type { TrustedProxies } from "./trusted-proxies.ts";

/** Addresses looked at in a trusted proxy's X-Forwarded-For; longer chains are not plausible. */
const CHAIN_MAX = 64;

/**
 * The headers that tell an endpoint who asked: `X-Real-IP` and `X-Forwarded-For`, `-Proto`, `-Host`, `-Port`. What a
 * client claims is replaced; what a trusted proxy claims is extended. Without a proxy in front they are the same bytes
 * for every request of a connection, and made once.
 */
export class ForwardedHeaders {
  /** Whether the peer is a trusted proxy, as of the request at hand. */
  trusted = false;
  /** Of the client of the request at hand: the peer's, or the last in the chain that is no trusted proxy's. */
  clientAddress: string;
  readonly #peer: Peer;
  #block: Buffer = Buffer.alloc(0);
  #authority: string | undefined;
  #settings: EdgeSettings | undefined;

  constructor(peer: Peer) {
    this.#peer = peer;
    this.clientAddress = peer.address;
  }

  /** Prepares for a request and returns whether its client uses HTTPS, be it towards a trusted proxy before us. */
  begin(parser: RequestParser, authority: string, proxies: TrustedProxies, settings: EdgeSettings): boolean {
    if (settings !== this.#settings) {
      this.#settings = settings;
      this.#authority = undefined;
      this.trusted = proxies.includes(this.#peer.address);
      this.clientAddress = this.#peer.address;
    }
    if (this.trusted) return this.#extend(parser, authority, proxies, settings);
    if (authority !== this.#authority) {
      this.#authority = authority;
      const { address, secure, localPort } = this.#peer;
      this.#block = makeBlock({
        realIp: address,
        chain: address,
        proto: secure ? "https" : "http",
        host: authority,
        port: String(secure ? settings.httpsPort : localPort),
      });
    }
    return this.#peer.secure;
  }

  /** The lines for the request at hand. */
  block(): Buffer {
    return this.#block;
  }

  #extend(parser: RequestParser, authority: string, proxies: TrustedProxies, settings: EdgeSettings): boolean {
    const { address, secure, localPort } = this.#peer;
    const claims = claimsOf(parser);
    const chain = [...claims.addresses, address].slice(-CHAIN_MAX);
    const proto = claims.proto ?? (secure ? "https" : "http");
    this.clientAddress = chain.findLast((item) => !proxies.includes(item)) ?? chain[0] ?? address;
    this.#block = makeBlock({
      realIp: this.clientAddress,
      chain: chain.join(", "),
      proto,
      host: claims.host ?? authority,
      port: claims.port ?? (claims.proto === undefined && !secure ? String(localPort) : portOf(proto, settings)),
    });
    return proto === "https";
  }
}

interface Claims {
  readonly addresses: readonly string[];
  readonly proto: "http" | "https" | undefined;
  readonly host: string | undefined;
  readonly port: string | undefined;
}

function claimsOf(parser: RequestParser): Claims {
  const { headers, bytes } = parser;
  const addresses: string[] = [];
  let proto: "http" | "https" | undefined;
  let host: string | undefined;
  let port: string | undefined;
  for (let index = 0; index < headers.count; index++) {
    switch (headers.kind(index)) {
      case FORWARDED_FOR:
        addresses.push(...listOf(headers.value(bytes, index)));
        break;
      case FORWARDED_PROTO: {
        const text = listOf(headers.value(bytes, index))[0]?.toLowerCase();
        if (text === "http" || text === "https") proto = text;
        break;
      }
      case FORWARDED_HOST:
        host = listOf(headers.value(bytes, index))[0] ?? host;
        break;
      case FORWARDED_PORT: {
        const text = listOf(headers.value(bytes, index))[0] ?? "";
        if (/^\d{1,5}$/.test(text)) port = text;
        break;
      }
      default:
    }
  }
  return { addresses, proto, host, port };
}

function listOf(value: string): readonly string[] {
  return value
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

function portOf(proto: "http" | "https", settings: EdgeSettings): string {
  return proto === "https" ? String(settings.httpsPort) : "80";
}

function makeBlock(values: {
  readonly realIp: string;
  readonly chain: string;
  readonly proto: string;
  readonly host: string;
  readonly port: string;
}): Buffer {
  const host = values.host === "" ? "" : `X-Forwarded-Host: ${values.host}\r\n`;
  return Buffer.from(
    `X-Real-IP: ${values.realIp}\r\nX-Forwarded-For: ${values.chain}\r\nX-Forwarded-Proto: ${values.proto}\r\n` +
      `${host}X-Forwarded-Port: ${values.port}\r\n`,
    "latin1",
  );
}
