import { DEFAULT_HTTP2_LIMITS, type Http2Limits } from "./http2/http2-limits.ts";

/** Every limit of the data plane. Bytes and milliseconds; each default is meant for a worker with a few hundred MiB. */
export interface ProxyLimits {
  /** Connections accepted at a time by one worker; more are closed at once. @default 20_000 */
  readonly connectionsMax: number;
  /** Request line, else 414. @default 8 KiB */
  readonly requestLineBytesMax: number;
  /** Request line and headers together, else 431. @default 32 KiB */
  readonly requestHeadBytesMax: number;
  /** Header lines of a request, else 431. @default 100 */
  readonly requestHeadersMax: number;
  /** Status line and headers of an endpoint, else 502. @default 64 KiB */
  readonly responseHeadBytesMax: number;
  /** Header lines of an endpoint's response, else 502. @default 200 */
  readonly responseHeadersMax: number;
  /** Requests on one connection before it is closed after the answer. @default 10_000 */
  readonly requestsPerConnectionMax: number;
  /** From the first byte of a request head to its last, however slowly it drips, else 408. @default 15 s */
  readonly headTimeoutMs: number;
  /** Between two reads of a request body, else 408. @default 60 s */
  readonly bodyTimeoutMs: number;
  /** A client that takes nothing of a response for this long is cut off. @default 60 s */
  readonly clientSendTimeoutMs: number;
  /** A connection without a request is closed after this. @default 75 s */
  readonly idleTimeoutMs: number;
  /** From accepting a connection to the end of its TLS handshake. @default 10 s */
  readonly handshakeTimeoutMs: number;
  /** A ClientHello, over as many records and reads as it likes. @default 16 KiB */
  readonly clientHelloBytesMax: number;
  /** From accepting a connection to the end of its PROXY header, where one is expected. @default 5 s */
  readonly proxyHeaderTimeoutMs: number;
  /** A PROXY header with its extensions. @default 4 KiB */
  readonly proxyHeaderBytesMax: number;
  /** To reach an endpoint for TLS that passes through. @default 5 s */
  readonly passthroughConnectTimeoutMs: number;
  /** TLS that passes through is closed when nothing was sent either way for this long. @default 10 min */
  readonly passthroughIdleTimeoutMs: number;
  /** TLS servers built from certificates and kept; the least recently used goes first. @default 1_000 */
  readonly tlsProfilesMax: number;
  /** Certificates checked while a snapshot is taken over; the rest is checked when first used. @default 500 */
  readonly certificateChecksMax: number;
  /** Idle connections kept for each endpoint: as many as a few HTTP/2 clients can use at once. @default 512 */
  readonly upstreamIdleMax: number;
  /** An idle connection to an endpoint is closed after this. @default 60 s */
  readonly upstreamIdleTimeoutMs: number;
  /**
   * A request that must not be sent twice takes only connections that were idle for less than this: many servers close
   * theirs after five seconds, and a close that crosses the request leaves open whether it was seen. @default 4 s
   */
  readonly upstreamFreshMs: number;
  /** Open connections to one endpoint, else 503. @default 4_096 */
  readonly upstreamConnectionsMax: number;
  /** Failures in a row until an endpoint is avoided. @default 3 */
  readonly ejectionFailures: number;
  /** How long it is avoided; when all endpoints are, they are used all the same. @default 2 s */
  readonly ejectionMs: number;
  /** Of a backend's endpoints, how many may be avoided at a time, in percent and rounded down. @default 50 */
  readonly ejectedPercentMax: number;
  /** After that its share of the requests grows evenly from a tenth to the whole over this time. @default 10 s */
  readonly slowReturnMs: number;
  /** After the edge has closed its half, the client may go on sending this long so that it gets to read the answer. @default 5 s */
  readonly lingerMs: number;
  /** What a client may still send of a request body that nobody wants before it is cut off. @default 1 MiB */
  readonly lingerBytesMax: number;
  /** How often deadlines are looked at, so how late a timeout may be. @default 250 ms */
  readonly deadlineSweepMs: number;
  /** Routes counted one by one; the requests of more are counted together under an empty id. @default 20_000 */
  readonly countedRoutesMax: number;
  /** Of each HTTP/2 connection, with clients and with endpoints. */
  readonly http2: Http2Limits;
}

export const DEFAULT_LIMITS: ProxyLimits = {
  connectionsMax: 20_000,
  requestLineBytesMax: 8 * 1024,
  requestHeadBytesMax: 32 * 1024,
  requestHeadersMax: 100,
  responseHeadBytesMax: 64 * 1024,
  responseHeadersMax: 200,
  requestsPerConnectionMax: 10_000,
  headTimeoutMs: 15_000,
  bodyTimeoutMs: 60_000,
  clientSendTimeoutMs: 60_000,
  idleTimeoutMs: 75_000,
  handshakeTimeoutMs: 10_000,
  clientHelloBytesMax: 16 * 1024,
  proxyHeaderTimeoutMs: 5000,
  proxyHeaderBytesMax: 4 * 1024,
  passthroughConnectTimeoutMs: 5000,
  passthroughIdleTimeoutMs: 600_000,
  tlsProfilesMax: 1000,
  certificateChecksMax: 500,
  upstreamIdleMax: 512,
  upstreamIdleTimeoutMs: 60_000,
  upstreamFreshMs: 4000,
  upstreamConnectionsMax: 4096,
  ejectionFailures: 3,
  ejectionMs: 2000,
  ejectedPercentMax: 50,
  slowReturnMs: 10_000,
  lingerMs: 5000,
  lingerBytesMax: 1024 * 1024,
  deadlineSweepMs: 250,
  countedRoutesMax: 20_000,
  http2: DEFAULT_HTTP2_LIMITS,
};
