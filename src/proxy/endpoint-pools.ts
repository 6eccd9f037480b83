import type { BalanceState } from "../routing/balance.ts";
import type { Backend, Endpoint } from "../routing/snapshot.ts";
import type { Plane } from "./plane.ts";
import { UpstreamConnection } from "./upstream.ts";

/** The connections to one endpoint, and how it has behaved lately. */
export class EndpointPool {
  readonly endpoint: Endpoint;
  readonly secure: boolean;
  readonly plane: Plane;
  /** Idle connections, the last used last. */
  readonly idle: UpstreamConnection[] = [];
  open = 0;
  inFlight = 0;
  /** Milliseconds to the response head, as a moving average; 0 before the first. */
  latencyMs = 0;
  #failures = 0;
  #ejectedUntilMs = 0;
  #retired = false;

  constructor(plane: Plane, endpoint: Endpoint, secure: boolean) {
    this.plane = plane;
    this.endpoint = endpoint;
    this.secure = secure;
  }

  get ejected(): boolean {
    return this.#ejectedUntilMs > this.plane.deadlines.coarseNowMs;
  }

  /**
   * Returns a connection: the idle one used last, else a new one; undefined when there are too many. `fresh` passes over
   * those that were idle for long (see `ProxyLimits.upstreamFreshMs`).
   */
  acquire(connectTimeoutMs: number, fresh: boolean, reuse: boolean): UpstreamConnection | undefined {
    const { idle, plane } = this;
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

  /** Takes a connection back that has nothing outstanding. */
  release(connection: UpstreamConnection): void {
    if (this.#retired || this.plane.draining) return connection.close();
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

  failed(): void {
    const { plane } = this;
    plane.counters.upstreamFailed++;
    if (++this.#failures < plane.limits.ejectionFailures) return;
    this.#failures = 0;
    this.#ejectedUntilMs = plane.deadlines.in(plane.limits.ejectionMs);
    plane.counters.ejections++;
  }

  /** No snapshot names it any more: idle connections are closed now, the others when their request is over. */
  retire(): void {
    this.#retired = true;
    this.closeIdle();
  }

  closeIdle(): void {
    for (const connection of this.idle.splice(0)) connection.close();
  }
}

/** Balancing of one backend, by way of the pools of its endpoints. */
class BackendState implements BalanceState {
  cursor = 0;
  /** The pools the request at hand has tried. */
  tried: readonly EndpointPool[] = [];
  readonly #pools: EndpointPools;
  readonly secure: boolean;

  constructor(pools: EndpointPools, secure: boolean) {
    this.#pools = pools;
    this.secure = secure;
  }

  load(endpoint: Endpoint): number {
    const pool = this.#pools.of(endpoint, this.secure);
    return (pool.inFlight + 1) * (pool.latencyMs + 1);
  }

  avoid(endpoint: Endpoint): boolean {
    const pool = this.#pools.of(endpoint, this.secure);
    return pool.ejected || this.tried.includes(pool);
  }
}

/** The pools of all endpoints. They outlive snapshots: only what no snapshot names any more goes. */
export class EndpointPools {
  readonly #plane: Plane;
  readonly #byName = new Map<string, EndpointPool>();
  /** By endpoint object, to spare building the name for each request. */
  #byEndpoint = new WeakMap<Endpoint, EndpointPool>();
  readonly #states = new Map<string, BackendState>();

  constructor(plane: Plane) {
    this.#plane = plane;
  }

  of(endpoint: Endpoint, secure: boolean): EndpointPool {
    const known = this.#byEndpoint.get(endpoint);
    if (known !== undefined && known.secure === secure) return known;
    const name = poolName(endpoint, secure);
    let pool = this.#byName.get(name);
    if (pool === undefined) {
      pool = new EndpointPool(this.#plane, endpoint, secure);
      this.#byName.set(name, pool);
    }
    this.#byEndpoint.set(endpoint, pool);
    return pool;
  }

  /** Returns what balancing remembers of `backend`, set up for a request that has tried these pools. */
  stateOf(backend: Backend, tried: readonly EndpointPool[]): BalanceState {
    const secure = backend.protocol === "https";
    let state = this.#states.get(backend.id);
    if (state === undefined || state.secure !== secure) {
      state = new BackendState(this, secure);
      this.#states.set(backend.id, state);
    }
    state.tried = tried;
    return state;
  }

  /** Keeps the pools of these backends and retires all others. */
  retain(backends: ReadonlyMap<string, Backend>): void {
    const names = new Set<string>();
    for (const backend of backends.values()) {
      for (const endpoint of backend.endpoints) names.add(poolName(endpoint, backend.protocol === "https"));
    }
    for (const [name, pool] of this.#byName) {
      if (names.has(name)) continue;
      this.#byName.delete(name);
      pool.retire();
    }
    for (const id of this.#states.keys()) if (!backends.has(id)) this.#states.delete(id);
    // Requests of older snapshots may still ask for retired endpoints, by their own objects.
    this.#byEndpoint = new WeakMap();
  }

  closeIdle(): void {
    for (const pool of this.#byName.values()) pool.closeIdle();
  }
}

function poolName(endpoint: Endpoint, secure: boolean): string {
  return `${secure ? "https" : "http"}:${endpoint.address}:${endpoint.port}`;
}
