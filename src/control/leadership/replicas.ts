import { createHash } from "node:crypto";
import type { Clock, Timer } from "../../ground/clock.ts";
import { isLintelError, messageOf } from "../../ground/errors.ts";
import { numberAt, stringAt } from "../../ground/json.ts";
import type { Logger } from "../../ground/log.ts";
import { apiVersionOf, LEASE } from "../../resource/kind.ts";
import type { KubeObject } from "../../resource/object.ts";
import type { Store } from "../../store/contract.ts";
import type { HttpChallenge } from "../../routing/snapshot.ts";

/** A replica that has not renewed its Lease for so long is gone. */
const LEASE_MS = 15_000;
const RENEW_MS = 5_000;
/** Leases of replicas that are gone are removed after this. */
const FORGET_MS = 60_000;
/** How long one replica may take to answer a new token; a replica that can't be reached must not block certificates. */
const SERVED_MS_MAX = 5_000;
const ASK_AGAIN_MS = 50;
/** More replicas than this are not asked: they are taken to be as far as the others. */
const REPLICAS_MAX = 256;

const LABEL = "lintel.dev/replica";
const HTTP_ANNOTATION = "lintel.dev/http-address";
const HTTPS_ANNOTATION = "lintel.dev/https-address";
const EDGE_ANNOTATION = "lintel.dev/edge-address";

/** One running program. */
export interface Replica {
  readonly identity: string;
  /** Where other replicas ask it for tokens: `10.0.0.7:8080`. */
  readonly http: string;
  /** The same for TLS-ALPN-01. */
  readonly https: string;
  /** Where clients reach it, for the status of Ingresses; empty when that is nobody's business. */
  readonly edgeAddress: string;
}

/** What the set of replicas is made from. */
export interface ReplicasOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** Where the Leases are. */
  readonly namespace: string;
  readonly self: Replica;
  /** Asks a replica for the answer to a challenge; returns whether it has it. Tests pass their own. */
  readonly probe: (replica: Replica, challenge: HttpChallenge, signal: AbortSignal) => Promise<boolean>;
}

interface Seen {
  readonly version: string;
  readonly atMs: number;
}

/**
 * Knows which replicas run: each renews a Lease of its own every five seconds and is gone fifteen seconds after the last
 * time. Makes sure that a token is served by all of them before a CA is told to look, since nobody knows which one it
 * will meet.
 */
export class Replicas {
  readonly #options: ReplicasOptions;
  readonly #name: string;
  readonly #seen = new Map<string, Seen>();
  readonly #closing = new AbortController();
  #timer: Timer | undefined;
  #renewing: Promise<void> = Promise.resolve();

  private constructor(options: ReplicasOptions) {
    this.#options = options;
    this.#name = `lintel-replica-${createHash("sha256").update(options.self.identity).digest("hex").slice(0, 16)}`;
  }

  /** Announces this replica from now on, until `close()`. */
  static join(options: ReplicasOptions): Replicas {
    const replicas = new Replicas(options);
    replicas.#renew();
    return replicas;
  }

  /** Returns the replicas that run, this one included. Throws what the store throws. */
  async live(): Promise<readonly Replica[]> {
    const { store, clock, namespace, self } = this.#options;
    const nowMs = clock.monotonicMs();
    const { items } = await store.list(LEASE, { namespace });
    const replicas = new Map([[self.identity, self]]);
    const names = new Set<string>();
    for (const lease of items) {
      const replica = replicaOf(lease);
      if (replica === undefined || replica.identity === self.identity) continue;
      names.add(lease.metadata.name);
      const silentMs = nowMs - this.#observe(lease, nowMs).atMs;
      if (silentMs < LEASE_MS && replicas.size < REPLICAS_MAX) replicas.set(replica.identity, replica);
      else if (silentMs >= FORGET_MS) await this.#forget(lease);
    }
    for (const name of this.#seen.keys()) if (!names.has(name)) this.#seen.delete(name);
    return [...replicas.values()];
  }

  /**
   * Resolves when every other replica answers `challenge`, or has not within five seconds: whoever can't be reached is
   * named in the log, and the CA is told all the same. Rejects when `signal` aborts.
   */
  async challengeServed(challenge: HttpChallenge, signal: AbortSignal): Promise<void> {
    const { self } = this.#options;
    const others = (await this.live()).filter((replica) => replica.identity !== self.identity);
    await Promise.all(others.map((replica) => this.#servedBy(replica, challenge, signal)));
  }

  /** Takes this replica off the list. */
  async close(): Promise<void> {
    const { store, namespace, log } = this.#options;
    this.#closing.abort();
    this.#timer?.cancel();
    await this.#renewing;
    await store.delete(LEASE, namespace, this.#name).catch((error: unknown) => {
      log.debug("Cannot remove the Lease of this replica", { error: messageOf(error) });
    });
  }

  async #servedBy(replica: Replica, challenge: HttpChallenge, signal: AbortSignal): Promise<void> {
    const { clock, log, probe } = this.#options;
    const untilMs = clock.monotonicMs() + SERVED_MS_MAX;
    for (;;) {
      signal.throwIfAborted();
      if (await probe(replica, challenge, signal).catch(() => false)) return;
      if (clock.monotonicMs() >= untilMs) break;
      await clock.sleep(ASK_AGAIN_MS, { signal });
    }
    log.warn("A replica does not answer a new challenge; going on without it", {
      replica: replica.identity,
      address: replica.http,
    });
  }

  #observe(lease: KubeObject, nowMs: number): Seen {
    const { name, resourceVersion = "" } = lease.metadata;
    const before = this.#seen.get(name);
    if (before?.version === resourceVersion) return before;
    const seen = { version: resourceVersion, atMs: nowMs };
    this.#seen.set(name, seen);
    return seen;
  }

  #renew(): void {
    this.#renewing = this.#renewOnce();
  }

  async #renewOnce(): Promise<void> {
    const { clock, log } = this.#options;
    try {
      await this.#write();
    } catch (error) {
      log.warn("Cannot renew the Lease of this replica; trying again", { error: messageOf(error) });
    }
    if (!this.#closing.signal.aborted) this.#timer = clock.timer(RENEW_MS, () => this.#renew());
  }

  async #write(): Promise<void> {
    const { store, namespace } = this.#options;
    const before = await store.get(LEASE, namespace, this.#name);
    if (before === undefined) await store.create(LEASE, this.#lease(undefined));
    else await store.update(LEASE, this.#lease(before));
  }

  #lease(before: KubeObject | undefined): KubeObject {
    const { clock, namespace, self } = this.#options;
    return {
      apiVersion: apiVersionOf(LEASE),
      kind: LEASE.kind,
      metadata: {
        ...before?.metadata,
        name: this.#name,
        namespace,
        labels: { [LABEL]: "true" },
        annotations: {
          [HTTP_ANNOTATION]: self.http,
          [HTTPS_ANNOTATION]: self.https,
          [EDGE_ANNOTATION]: self.edgeAddress,
        },
      },
      spec: {
        holderIdentity: self.identity,
        leaseDurationSeconds: LEASE_MS / 1_000,
        renewTime: new Date(clock.nowMs()).toISOString().replace("Z", "000Z"),
      },
    };
  }

  async #forget(lease: KubeObject): Promise<void> {
    const { namespace = "", name, uid } = lease.metadata;
    try {
      await this.#options.store.delete(LEASE, namespace, name, { uid });
    } catch (error) {
      if (!isLintelError(error, "NotFound", "Conflict")) throw error;
    }
  }
}

/** Returns the replica that a Lease is of; undefined for any other Lease. */
export function replicaOf(lease: KubeObject): Replica | undefined {
  const { labels = {}, annotations = {} } = lease.metadata;
  const identity = stringAt(lease["spec"], "holderIdentity") ?? "";
  const isOne =
    labels[LABEL] === "true" && identity !== "" && numberAt(lease["spec"], "leaseDurationSeconds") !== undefined;
  if (!isOne) return undefined;
  return {
    identity,
    http: annotations[HTTP_ANNOTATION] ?? "",
    https: annotations[HTTPS_ANNOTATION] ?? "",
    edgeAddress: annotations[EDGE_ANNOTATION] ?? "",
  };
}
