import type { AffinityState } from "../routing/affinity.ts";
import type { Backend, Endpoint, UpstreamTls } from "../routing/snapshot.ts";
import type { Plane } from "./plane.ts";
import { Http2UpstreamConnection } from "./http2/upstream-connection.ts";
import { Http2UpstreamStream } from "./http2/upstream-stream.ts";
import { UpstreamConnection } from "./upstream.ts";
import type { Upstream } from "./upstream-side.ts";

type Protocol = Backend["protocol"];

/** The share that an endpoint gets right after its ejection; enough to notice that it still fails. */
const FIRST_SHARE = 0.1;

/** The connections to one endpoint, and how it has behaved lately. */
export class EndpointPool {
  readonly endpoint: Endpoint;
  readonly protocol: Protocol;
  /** Of the pool's key too: what was agreed on with an endpoint holds for who asked for the same. */
  readonly tls: UpstreamTls | undefined;
  readonly plane: Plane;
  /** Idle connections of HTTP/1.1, the last used last. */
  readonly idle: UpstreamConnection[] = [];
  /** All connections of HTTP/2 that may take more requests. */
  readonly shared: Http2UpstreamConnection[] = [];
  /** With HTTP/2: whether the endpoint takes WebSockets on streams (RFC 8441); undefined: it has not been asked. */
  extendedConnect: boolean | undefined;
  open = 0;
  inFlight = 0;
  /** Milliseconds to the response head, as a moving average; 0 before the first. */
  latencyMs = 0;
  #failures = 0;
  #ejectedUntilMs = 0;
  #retired = false;

  constructor(plane: Plane, endpoint: Endpoint, backend: Pick<Backend, "protocol" | "tls">) {
    this.plane = plane;
    this.endpoint = endpoint;
    this.protocol = backend.protocol;
    this.tls = backend.tls;
  }

  get secure(): boolean {
    return this.protocol === "https" || this.protocol === "h2";
  }

  get speaksHttp2(): boolean {
    return this.protocol === "h2" || this.protocol === "h2c";
  }

  get ejected(): boolean {
    return this.#ejectedUntilMs > this.plane.deadlines.coarseNowMs;
  }

  /**
   * Whether this request should go elsewhere: always while ejected, and less and less often on the way back, so that an
   * endpoint that has just recovered is not met by its full share at once.
   */
  get reluctant(): boolean {
    if (this.#ejectedUntilMs === 0) return false;
    const { deadlines, limits, random } = this.plane;
    const backMs = deadlines.coarseNowMs - this.#ejectedUntilMs;
    if (backMs < 0) return true;
    if (backMs >= limits.slowReturnMs) {
      this.#ejectedUntilMs = 0;
      return false;
    }
    return random() >= Math.max(FIRST_SHARE, backMs / limits.slowReturnMs);
  }

  /**
   * Returns a connection: the idle one used last, else a new one; undefined when there are too many. `fresh` passes over
   * those that were idle for long (see `ProxyLimits.upstreamFreshMs`). With HTTP/2, requests share connections, but for
   * one that is to become a WebSocket (`upgrade`) and an endpoint that takes those over HTTP/1.1 only.
   */
  acquire(connectTimeoutMs: number, fresh: boolean, reuse: boolean, upgrade: boolean): Upstream | undefined {
    const { idle, plane } = this;
    if (this.speaksHttp2 && !(upgrade && this.extendedConnect === false)) return this.#share(connectTimeoutMs, reuse);
    const sinceMs = plane.deadlines.coarseNowMs - plane.limits.upstreamFreshMs + plane.limits.deadlineSweepMs;
    const last = idle[idle.length - 1];
    if (reuse && last !== undefined && (!fresh || last.idleSinceMs > sinceMs)) {
      idle.pop();
      plane.counters.upstreamReused++;
      return last;
    }
    if (this.open >= plane.limits.upstreamConnectionsMax) {
      const oldest = idle.shift();
      if (oldest === undefined) return undefined;
      oldest.close();
    }
    return new UpstreamConnection(this, connectTimeoutMs);
  }

  #share(connectTimeoutMs: number, reuse: boolean): Upstream | undefined {
    const { shared, plane } = this;
    const known = reuse ? shared.find((connection) => connection.canOpen) : undefined;
    if (known !== undefined) plane.counters.upstreamReused++;
    else if (this.open >= plane.limits.upstreamConnectionsMax) return undefined;
    const connection = known ?? new Http2UpstreamConnection(this, connectTimeoutMs);
    if (known === undefined) shared.push(connection);
    return new Http2UpstreamStream(connection);
  }

  /** A shared connection takes no more requests. */
  forgetShared(connection: Http2UpstreamConnection): void {
    const index = this.shared.indexOf(connection);
    if (index >= 0) this.shared.splice(index, 1);
  }

  /** Whether connections without a request are of no more use. */
  get leaving(): boolean {
    return this.#retired || this.plane.draining;
  }

  /** Takes a connection back that has nothing outstanding. */
  release(connection: UpstreamConnection): void {
    if (this.leaving) return connection.close();
    this.idle.push(connection);
    if (this.idle.length > this.plane.limits.upstreamIdleMax) this.idle.shift()?.close();
  }

  /** Forgets a connection that was closed. */
  forget(connection: UpstreamConnection): void {
    const index = this.idle.indexOf(connection);
    if (index >= 0) this.idle.splice(index, 1);
  }

  succeeded(latencyMs: number): void {
    this.#failures = 0;
    this.latencyMs = this.latencyMs === 0 ? latencyMs : this.latencyMs * 0.9 + latencyMs * 0.1;
  }

  /**
   * Counts a failure in a request to `backend`. Returns whether the endpoint is set aside now: never when too many of the
   * backend's endpoints are already, because the rest could not carry what all of them did.
   */
  failed(backend: Backend): boolean {
    const { plane } = this;
    plane.counters.upstreamFailed++;
    if (++this.#failures < plane.limits.ejectionFailures || !plane.pools.mayEject(backend, this)) return false;
    this.#failures = 0;
    this.#ejectedUntilMs = plane.deadlines.in(plane.limits.ejectionMs);
    plane.counters.ejections++;
    return true;
  }

  /** No snapshot names it any more: idle connections are closed now, the others when their request is over. */
  retire(): void {
    this.#retired = true;
    this.closeIdle();
  }

  closeIdle(): void {
    for (const connection of this.idle.splice(0)) connection.close();
    for (const connection of this.shared.splice(0)) connection.closeWhenIdle();
  }
}

/** Balancing of one backend, by way of the pools of its endpoints. */
class BackendState implements AffinityState {
  cursor = 0;
  /** The pools the request at hand has tried. */
  tried: readonly EndpointPool[] = [];
  backend: Backend;
  readonly #pools: EndpointPools;

  constructor(pools: EndpointPools, backend: Backend) {
    this.#pools = pools;
    this.backend = backend;
  }

  load(endpoint: Endpoint): number {
    const pool = this.#pools.of(endpoint, this.backend);
    return (pool.inFlight + 1) * (pool.latencyMs + 1);
  }

  failing(endpoint: Endpoint): boolean {
    const pool = this.#pools.of(endpoint, this.backend);
    return pool.ejected || this.tried.includes(pool);
  }

  avoid(endpoint: Endpoint): boolean {
    const pool = this.#pools.of(endpoint, this.backend);
    return pool.reluctant || this.tried.includes(pool);
  }
}

/** The pools of all endpoints. They outlive snapshots: only what no snapshot names any more goes. */
export class EndpointPools {
  readonly #plane: Plane;
  readonly #byName = new Map<string, EndpointPool>();
  /** By endpoint object, to spare building the name for each request. */
  #byEndpoint = new WeakMap<Endpoint, EndpointPool>();
  readonly #states = new Map<string, BackendState>();
  #retained: ReadonlyMap<string, Backend> = new Map();
  /** By pool name, how many of the retained backends name it. */
  readonly #uses = new Map<string, number>();

  constructor(plane: Plane) {
    this.#plane = plane;
  }

  of(endpoint: Endpoint, backend: Backend): EndpointPool {
    const known = this.#byEndpoint.get(endpoint);
    if (known !== undefined && known.protocol === backend.protocol && known.tls?.id === backend.tls?.id) return known;
    const name = poolName(endpoint, backend);
    let pool = this.#byName.get(name);
    if (pool === undefined) {
      pool = new EndpointPool(this.#plane, endpoint, backend);
      // A request of an older snapshot may still ask for an endpoint that none names any more: for that request alone.
      if (this.#uses.has(name)) this.#byName.set(name, pool);
      else pool.retire();
    }
    this.#byEndpoint.set(endpoint, pool);
    return pool;
  }

  /** Returns what balancing remembers of `backend`, set up for a request that has tried these pools. */
  stateOf(backend: Backend, tried: readonly EndpointPool[]): AffinityState {
    let state = this.#states.get(backend.id);
    if (state === undefined) {
      state = new BackendState(this, backend);
      this.#states.set(backend.id, state);
    }
    state.backend = backend;
    state.tried = tried;
    return state;
  }

  /** Returns whether one more of the backend's endpoints may be set aside: of a single one, never. */
  mayEject(backend: Backend, pool: EndpointPool): boolean {
    const most = Math.floor((backend.endpoints.length * this.#plane.limits.ejectedPercentMax) / 100);
    return most > 0 && this.ejected(backend, pool) < most;
  }

  /** Returns how many of the backend's endpoints are set aside now, leaving out one. */
  ejected(backend: Backend, without?: EndpointPool): number {
    let count = 0;
    for (const endpoint of backend.endpoints) {
      const pool = this.#byName.get(poolName(endpoint, backend));
      if (pool !== undefined && pool !== without && pool.ejected) count++;
    }
    return count;
  }

  /** Keeps the pools of these backends and retires all others. Costs little for backends that are the same objects as before. */
  retain(backends: ReadonlyMap<string, Backend>): void {
    const before = this.#retained;
    this.#retained = backends;
    for (const [id, backend] of backends) if (before.get(id) !== backend) this.#count(backend, 1);
    for (const [id, backend] of before) if (backends.get(id) !== backend) this.#count(backend, -1);
    for (const id of this.#states.keys()) if (!backends.has(id)) this.#states.delete(id);
    // Requests of older snapshots have endpoint objects of their own.
    this.#byEndpoint = new WeakMap();
  }

  /** Counts how many backends name each endpoint; the pool of one that none names any more goes. */
  #count(backend: Backend, change: number): void {
    for (const endpoint of backend.endpoints) {
      const name = poolName(endpoint, backend);
      const uses = (this.#uses.get(name) ?? 0) + change;
      if (uses > 0) {
        this.#uses.set(name, uses);
        continue;
      }
      this.#uses.delete(name);
      this.#byName.get(name)?.retire();
      this.#byName.delete(name);
    }
  }

  closeIdle(): void {
    for (const pool of this.#byName.values()) pool.closeIdle();
  }
}

function poolName(endpoint: Endpoint, { protocol, tls }: Backend): string {
  return `${protocol}:${endpoint.address}:${endpoint.port}${tls === undefined ? "" : `#${tls.id}`}`;
}
