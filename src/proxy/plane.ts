import type { Clock } from "../ground/clock.ts";
import type { Logger } from "../ground/log.ts";
import { EMPTY_SNAPSHOT, type Snapshot } from "../routing/snapshot.ts";
import type { AccessLine } from "./access-line.ts";
import { ClientAuthTable } from "./client-auth/client-auth-table.ts";
import type { ChannelMode } from "./channel.ts";
import { Counters } from "./counters.ts";
import { Deadlines } from "./deadlines.ts";
import { RequestParser } from "./http1/request-parser.ts";
import { ResponseParser } from "./http1/response-parser.ts";
import type { ProxyLimits } from "./limits.ts";
import { ParserPool } from "./parser-pool.ts";
import { RequestIds } from "./request-ids.ts";
import { TrustedProxies } from "./trusted-proxies.ts";
import { EndpointPools } from "./endpoint-pools.ts";

/** What all connections of a worker are given, with every limit present. */
export interface PlaneOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly limits: ProxyLimits;
  readonly channelMode: ChannelMode;
  readonly accessLog: ((line: AccessLine) => void) | undefined;
}

/** What all connections of one worker share. The snapshot is swapped whole; a request keeps the one it began with. */
export class Plane {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly limits: ProxyLimits;
  readonly channelMode: ChannelMode;
  readonly accessLog: ((line: AccessLine) => void) | undefined;
  readonly counters: Counters;
  readonly requestIds: RequestIds;
  readonly deadlines: Deadlines;
  readonly pools: EndpointPools;
  readonly requestParsers: ParserPool<RequestParser>;
  readonly responseParsers: ParserPool<ResponseParser>;
  snapshot: Snapshot = EMPTY_SNAPSHOT;
  trusted: TrustedProxies = new TrustedProxies([]);
  /** Undefined while no host asks for client certificates. */
  clientAuth: ClientAuthTable | undefined;
  draining = false;

  constructor(options: PlaneOptions) {
    this.clock = options.clock;
    this.random = options.random;
    this.log = options.log;
    this.limits = options.limits;
    this.channelMode = options.channelMode;
    this.accessLog = options.accessLog;
    this.counters = new Counters(options.limits.countedRoutesMax);
    this.requestIds = new RequestIds(options.random);
    this.deadlines = new Deadlines(options.clock, options.limits.deadlineSweepMs);
    this.requestParsers = new ParserPool(() => new RequestParser(options.limits));
    this.responseParsers = new ParserPool(() => new ResponseParser(options.limits));
    this.pools = new EndpointPools(this);
  }

  /** Moves to a snapshot in one step. */
  adopt(snapshot: Snapshot): void {
    const before = this.snapshot;
    this.snapshot = snapshot;
    if (before.settings !== snapshot.settings) this.trusted = new TrustedProxies(snapshot.settings.trustedProxies);
    if (before.tls !== snapshot.tls || before.clientCas !== snapshot.clientCas) {
      this.clientAuth = ClientAuthTable.of(snapshot, this.clientAuth);
    }
    if (before.hosts !== snapshot.hosts) this.counters.keepRoutes(routeIds(snapshot));
    if (before.backends !== snapshot.backends) {
      this.counters.keepBackends(snapshot.backends);
      this.pools.retain(snapshot.backends);
    }
  }
}

function routeIds(snapshot: Snapshot): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const host of snapshot.hosts.values()) for (const route of host.routes) ids.add(route.id);
  return ids;
}
