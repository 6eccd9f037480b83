/** Upper bounds of the duration histogram, in milliseconds: those of ingress-nginx. One more bucket takes the rest. */
export const DURATION_BOUNDS_MS: readonly number[] = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];

/** Upper bounds of the histograms of body sizes, in bytes. One more bucket takes the rest. */
export const SIZE_BOUNDS: readonly number[] = [0, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/** What was counted of one route. All totals since the start. */
export interface RouteCount {
  readonly route: string;
  /** Responses by the first digit of the status, index 1 to 5. */
  readonly responses: number[];
  requestBytes: number;
  responseBytes: number;
  /** Of all requests together; divide by the responses for the mean. */
  durationMs: number;
  /** Requests by the first bound of {@link DURATION_BOUNDS_MS} that their duration does not exceed; not cumulative. */
  readonly durations: number[];
  /** The same for body sizes and {@link SIZE_BOUNDS}. */
  readonly requestSizes: number[];
  readonly responseSizes: number[];
}

/** What was counted of one backend. All totals since the start. */
export interface BackendCount {
  readonly backend: string;
  /** Sent to its endpoints, every attempt by itself. */
  requests: number;
  failures: number;
  /** Of its endpoints, after failures in a row. */
  ejections: number;
  /** Endpoints set aside at the moment of reading; not a total. */
  readonly ejected: number;
}

/** Connections that are open now. */
export interface OpenConnections {
  /** By listener. */
  readonly openHttp: number;
  readonly openHttps: number;
  /** By what they are: waiting for a PROXY header or for TLS, speaking HTTP/1.1 (upgraded ones too) or HTTP/2, passed through. */
  readonly openHandshakes: number;
  readonly openHttp1: number;
  readonly openHttp2: number;
  readonly openPassthrough: number;
}

export const NONE_OPEN: OpenConnections = {
  openHttp: 0,
  openHttps: 0,
  openHandshakes: 0,
  openHttp1: 0,
  openHttp2: 0,
  openPassthrough: 0,
};

/** What the data plane counted since it started, and what is open now. Plain numbers: counting makes no object. */
export interface DataPlaneStats {
  readonly generation: number;
  readonly routes: readonly RouteCount[];
  readonly backends: readonly BackendCount[];
  readonly connections: {
    readonly accepted: number;
    /** By listener, once a PROXY header that is due has come. */
    readonly http: number;
    readonly https: number;
    /** Those that came to speak HTTP/2, with TLS or without. */
    readonly http2: number;
    readonly open: number;
    /** Closed at once because there were too many. */
    readonly refused: number;
    /** Closed because a PROXY header was due and did not come, or came from an address it may not come from. */
    readonly badProxyHeader: number;
    /** Upgraded connections open now. */
    readonly tunnels: number;
  } & OpenConnections;
  readonly tls: {
    readonly handshakes: number;
    /** By the version agreed on: TLS 1.2 and TLS 1.3. */
    readonly v12: number;
    readonly v13: number;
    readonly resumed: number;
    readonly failed: number;
    readonly unknownName: number;
  };
  readonly upstream: {
    readonly opened: number;
    readonly open: number;
    readonly reused: number;
    readonly failed: number;
    /** Requests sent again after a failure, the silent ones of a reuse race included. */
    readonly retries: number;
    readonly ejections: number;
  };
  /** Requests whose framing was refused. */
  readonly malformed: number;
}

/** Counts what a request took: its duration, and the bytes of both bodies. */
export function countRequest(count: RouteCount, durationMs: number, requestBytes: number, responseBytes: number): void {
  countIn(count.durations, DURATION_BOUNDS_MS, durationMs);
  countIn(count.requestSizes, SIZE_BOUNDS, requestBytes);
  countIn(count.responseSizes, SIZE_BOUNDS, responseBytes);
  count.durationMs += durationMs;
  count.requestBytes += requestBytes;
  count.responseBytes += responseBytes;
}

function countIn(buckets: number[], bounds: readonly number[], value: number): void {
  let index = 0;
  while (index < bounds.length && value > (bounds[index] ?? 0)) index++;
  buckets[index] = (buckets[index] ?? 0) + 1;
}

/** The counters behind {@link DataPlaneStats}. */
export class Counters {
  accepted = 0;
  acceptedHttp = 0;
  acceptedHttps = 0;
  http2 = 0;
  open = 0;
  refused = 0;
  badProxyHeaders = 0;
  tunnels = 0;
  handshakes = 0;
  handshakesTls12 = 0;
  handshakesTls13 = 0;
  resumed = 0;
  handshakesFailed = 0;
  unknownNames = 0;
  upstreamOpened = 0;
  upstreamOpen = 0;
  upstreamReused = 0;
  upstreamFailed = 0;
  retries = 0;
  ejections = 0;
  malformed = 0;
  readonly #routesMax: number;
  readonly #routes = new Map<string, RouteCount>();
  readonly #backends = new Map<string, BackendCount>();

  constructor(routesMax: number) {
    this.#routesMax = routesMax;
  }

  /** Returns the counters of a route; empty for requests without one. */
  route(id: string): RouteCount {
    return this.#routes.get(id) ?? this.#add(this.#routes.size < this.#routesMax ? id : "");
  }

  #add(id: string): RouteCount {
    const known = this.#routes.get(id);
    if (known !== undefined) return known;
    const count: RouteCount = {
      route: id,
      responses: [0, 0, 0, 0, 0, 0],
      requestBytes: 0,
      responseBytes: 0,
      durationMs: 0,
      durations: DURATION_BOUNDS_MS.map(() => 0).concat(0),
      requestSizes: SIZE_BOUNDS.map(() => 0).concat(0),
      responseSizes: SIZE_BOUNDS.map(() => 0).concat(0),
    };
    this.#routes.set(id, count);
    return count;
  }

  /** Counts these routes from zero on, unless they are counted already, and forgets all others but the empty one. */
  keepRoutes(ids: ReadonlySet<string>): void {
    for (const id of this.#routes.keys()) if (id !== "" && !ids.has(id)) this.#routes.delete(id);
    this.route("");
    for (const id of ids) this.route(id);
  }

  /** Returns the counters of a backend; those of one that is served no more are nobody's. */
  backend(id: string): BackendCount {
    return this.#backends.get(id) ?? { backend: id, requests: 0, failures: 0, ejections: 0, ejected: 0 };
  }

  /** Counts these backends from zero on, unless they are counted already, and forgets all others. */
  keepBackends(backends: ReadonlyMap<string, unknown>): void {
    for (const id of this.#backends.keys()) if (!backends.has(id)) this.#backends.delete(id);
    for (const id of backends.keys()) this.#backends.set(id, this.backend(id));
  }

  /** Returns a copy that does not change any more; `now` tells what is counted nowhere: how many endpoints of a backend are set aside, and what is open. */
  stats(
    generation: number,
    now: { readonly ejected: (backend: string) => number; readonly open: OpenConnections },
  ): DataPlaneStats {
    return {
      generation,
      routes: [...this.#routes.values()].map((count) => ({
        ...count,
        responses: [...count.responses],
        durations: [...count.durations],
        requestSizes: [...count.requestSizes],
        responseSizes: [...count.responseSizes],
      })),
      backends: [...this.#backends.values()].map((count) => ({ ...count, ejected: now.ejected(count.backend) })),
      connections: {
        accepted: this.accepted,
        http: this.acceptedHttp,
        https: this.acceptedHttps,
        http2: this.http2,
        open: this.open,
        refused: this.refused,
        badProxyHeader: this.badProxyHeaders,
        tunnels: this.tunnels,
        ...now.open,
      },
      tls: {
        handshakes: this.handshakes,
        v12: this.handshakesTls12,
        v13: this.handshakesTls13,
        resumed: this.resumed,
        failed: this.handshakesFailed,
        unknownName: this.unknownNames,
      },
      upstream: {
        opened: this.upstreamOpened,
        open: this.upstreamOpen,
        reused: this.upstreamReused,
        failed: this.upstreamFailed,
        retries: this.retries,
        ejections: this.ejections,
      },
      malformed: this.malformed,
    };
  }
}
