import type { Timer } from "../../ground/clock.ts";
import { messageOf } from "../../ground/errors.ts";
import { readChallenge, type ChallengeType } from "../../resource/challenge.ts";
import { objectKey, type KubeObject } from "../../resource/object.ts";
import { isFinalState } from "../../resource/order.ts";
import type { EdgeSettings, HttpChallenge } from "../../routing/snapshot.ts";
import { translateServices } from "../../translate/translate-services.ts";
import { translate, type TranslateOutput } from "../../translate/translate.ts";
import { BY_SERVICE, serviceKeys } from "../caches.ts";
import type { Edge } from "../edge.ts";
import type { Change } from "../informer.ts";
import { splitKey } from "../object-name.ts";
import type { Live, World } from "../world.ts";
import { DiagnosticEvents } from "./diagnostic-events.ts";
import { IngressStatus, type EdgeAddress } from "./ingress-status.ts";
import { TlsAlpnAnswers } from "./tls-alpn-answers.ts";
import { StandIns, type StandInIssuer } from "./stand-ins.ts";

/** Translating may take at most half of the time: after a slow one, the next waits as long as it took, but no longer than this. */
const PAUSE_MS_MAX = 250;
/** Translations faster than this need no pause. */
const FAST_MS = 5;
/** Wait after a translation that failed, which only a bug can cause. */
const RETRY_MS = 1000;
/** How long the first snapshot waits for stand-ins. */
const FIRST_STAND_INS_MS_MAX = 1000;
/** How long the first snapshot waits for Secrets that are read one by one. */
const FIRST_SECRETS_MS_MAX = 10_000;
/** How long a snapshot waits for Secrets that nobody used before: without them their hosts would be closed for a moment. */
const SECRETS_MS_MAX = 1000;
/** How long a certificate that is past its time may go unnoticed, when nothing else changes. */
const RECHECK_MS_MAX: number = 24 * 3_600_000;

/** What the publisher is made from. */
export interface EdgePublisherOptions {
  readonly world: Omit<World, "live" | "accounts" | "doubts">;
  readonly edge: Edge;
  readonly standInIssuer: StandInIssuer;
  readonly addresses: readonly EdgeAddress[];
  readonly settings: EdgeSettings;
  readonly classes: readonly string[];
  readonly serveClassless: boolean;
  readonly challengeServedElsewhere?: (challenge: HttpChallenge, signal: AbortSignal) => Promise<void>;
}

interface Waiter {
  readonly ready: () => boolean;
  readonly resolve: (generation: number) => void;
}

/**
 * Keeps the edge's snapshot in line with the objects: what changes in one turn of the event loop is translated together
 * and published at once. Everything that follows from a translation (stand-ins, Events, addresses) happens after it.
 */
export class EdgePublisher implements Live {
  readonly #options: EdgePublisherOptions;
  readonly #standIns: StandIns;
  readonly #tlsAlpn: TlsAlpnAnswers;
  readonly #diagnostics: DiagnosticEvents;
  readonly #status: IngressStatus;
  readonly #waiters = new Set<Waiter>();
  #generation: number | undefined;
  /** What was published last. */
  #output: TranslateOutput | undefined;
  /** The Services that have changed since; undefined: anything may have. */
  #changed: Set<string> | undefined;
  #scheduled = false;
  #started = false;
  #leads = false;
  #closed = false;
  #pauseMs = 0;
  /** Since when Secrets are missing that are being read; undefined: none is. */
  #missingSinceMs: number | undefined;
  #pause: Timer | undefined;
  #recheck: Timer | undefined;

  constructor(options: EdgePublisherOptions) {
    const { world } = options;
    const { clock, log, events } = world;
    this.#options = options;
    this.#standIns = new StandIns({
      issuer: options.standInIssuer,
      clock,
      log,
      onReady: () => this.#schedule(),
    });
    this.#tlsAlpn = new TlsAlpnAnswers({ clock, log, onReady: () => this.#schedule() });
    this.#diagnostics = new DiagnosticEvents({ clock, events, find: (...name) => this.#find(...name) });
    this.#status = new IngressStatus(world, options.addresses);
  }

  /**
   * Begins to publish; the caches are synced. The first snapshot is published when it returns, with the stand-ins it
   * needs as far as they were made in time: workers may still serve an earlier one that had them.
   */
  async start(): Promise<void> {
    const { caches } = this.#options.world;
    const schedule = (): void => this.#schedule();
    caches.ingresses.subscribe(schedule);
    caches.ingressClasses.subscribe(schedule);
    caches.services.subscribe((change) => this.#scheduleServices(change, (service) => [objectKey(service)]));
    caches.endpointSlices.subscribe((change) => this.#scheduleServices(change, serviceKeys));
    // Endpoints are called as their Service is.
    caches.endpoints.subscribe((change) => this.#scheduleServices(change, (endpoints) => [objectKey(endpoints)]));
    caches.challenges.subscribe(schedule);
    caches.secrets.subscribe(({ before, after }) => {
      const secret = after ?? before;
      if (secret !== undefined && caches.secrets.isWanted(secret)) this.#schedule();
    });
    await this.#readFirstSecrets();
    caches.secrets.onLoaded(schedule);
    await this.#makeFirstStandIns();
    this.#started = true;
    this.#publish();
  }

  async #readFirstSecrets(): Promise<void> {
    const { clock, caches, log } = this.#options.world;
    const patience = Promise.withResolvers<boolean>();
    const timer = clock.timer(FIRST_SECRETS_MS_MAX, () => patience.resolve(false));
    for (let goOn = true; goOn;) {
      const loaded = Promise.withResolvers<boolean>();
      caches.secrets.onLoaded(() => loaded.resolve(true));
      try {
        this.#translate();
      } catch (error) {
        log.error("Cannot translate the objects; starting all the same", { error: messageOf(error) });
        break;
      }
      goOn = caches.secrets.isMissing && (await Promise.race([loaded.promise, patience.promise]));
    }
    timer.cancel();
  }

  async #makeFirstStandIns(): Promise<void> {
    const { clock, log } = this.#options.world;
    try {
      this.#standIns.want(standInHosts(this.#translate()));
    } catch (error) {
      log.error("Cannot translate the objects; starting without stand-ins", { error: messageOf(error) });
      return;
    }
    const patience = Promise.withResolvers<void>();
    const timer = clock.timer(FIRST_STAND_INS_MS_MAX, patience.resolve);
    await Promise.race([this.#standIns.idle(), patience.promise]);
    timer.cancel();
  }

  /** Whether to tell what follows from a translation in Events and in the status of Ingresses. */
  lead(leads: boolean): void {
    this.#leads = leads;
    if (leads) this.#schedule();
  }

  /** Changes what the status of Ingresses says about where the edge is reached. */
  setAddresses(addresses: readonly EdgeAddress[]): void {
    if (this.#status.setAddresses(addresses)) this.#schedule();
  }

  /** Whether a change is still on its way to the edge. */
  get busy(): boolean {
    const { secrets } = this.#options.world.caches;
    return this.#scheduled || secrets.busy || this.#standIns.busy || this.#tlsAlpn.busy || this.#status.queue.busy;
  }

  async challengeServed(token: string, signal: AbortSignal): Promise<void> {
    const generation = await this.#published(() => this.#output?.content.challenges.has(token) === true, signal);
    await this.#options.edge.served(generation, { signal });
    const challenge = this.#output?.content.challenges.get(token);
    if (challenge !== undefined) await this.#options.challengeServedElsewhere?.(challenge, signal);
  }

  async secretServed(secret: KubeObject, signal: AbortSignal): Promise<void> {
    const { name, namespace = "", resourceVersion = "0", uid } = secret.metadata;
    const seen = (): boolean => {
      const cached = this.#options.world.caches.secrets.seen(namespace, name);
      const version = cached?.metadata.resourceVersion;
      return version !== undefined && (cached?.metadata.uid !== uid || isAtLeast(version, resourceVersion));
    };
    // The cache may have it before the edge does: only a translation from now on counts.
    let translated = false;
    const published = this.#published(() => {
      const was = translated;
      translated = true;
      return was && seen();
    }, signal);
    this.#schedule();
    await this.#options.edge.served(await published, { signal });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#pause?.cancel();
    this.#recheck?.cancel();
    this.#diagnostics.close();
    await this.#status.queue.close();
    await this.#standIns.close();
  }

  /** Resolves with the generation of the first publication, the last one included, at which `ready` holds. */
  #published(ready: () => boolean, signal: AbortSignal): Promise<number> {
    if (this.#generation !== undefined && ready()) return Promise.resolve(this.#generation);
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        ready,
        resolve: (generation) => {
          this.#waiters.delete(waiter);
          signal.removeEventListener("abort", onAbort);
          resolve(generation);
        },
      };
      const onAbort = (): void => {
        this.#waiters.delete(waiter);
        reject(signal.reason instanceof Error ? signal.reason : new Error("Aborted", { cause: signal.reason }));
      };
      if (signal.aborted) {
        onAbort();
        return;
      }
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiters.add(waiter);
    });
  }

  /** Endpoints change all the time: what follows from them alone must not take longer where there are many Ingresses. */
  #scheduleServices({ before, after }: Change, servicesOf: (object: KubeObject) => readonly string[]): void {
    for (const object of [before, after]) {
      for (const service of object === undefined ? [] : servicesOf(object)) this.#changed?.add(service);
    }
    this.#publishSoon();
  }

  #schedule(): void {
    this.#changed = undefined;
    this.#publishSoon();
  }

  #publishSoon(): void {
    if (this.#scheduled || !this.#started || this.#closed) return;
    this.#scheduled = true;
    const publish = (): void => {
      this.#scheduled = false;
      if (!this.#closed) this.#publish();
    };
    if (this.#pauseMs === 0) setImmediate(publish);
    else this.#pause = this.#options.world.clock.timer(this.#pauseMs, publish);
  }

  #publish(): void {
    const { clock, log } = this.#options.world;
    const startMs = clock.monotonicMs();
    let output: TranslateOutput;
    try {
      output = this.#translateChanges();
    } catch (error) {
      // The last good snapshot keeps serving.
      log.error("Cannot translate the objects; the edge keeps what it has", { error: messageOf(error) });
      this.#changed = undefined;
      this.#recheckIn(RETRY_MS);
      return;
    }
    if (this.#waitsForSecrets(startMs)) return;
    const before = this.#output;
    this.#output = output;
    this.#changed = new Set();
    this.#generation = this.#options.edge.publish(output.content);
    for (const waiter of this.#waiters) if (waiter.ready()) waiter.resolve(this.#generation);
    const tookMs = clock.monotonicMs() - startMs;
    this.#pauseMs = tookMs < FAST_MS ? 0 : Math.min(PAUSE_MS_MAX, tookMs);
    this.#followUp(output, before);
  }

  /** Who took over, or whose addresses changed, has everything translated anew. */
  #followUp(output: TranslateOutput, before: TranslateOutput | undefined): void {
    if (this.#leads && output.diagnostics !== before?.diagnostics) this.#diagnostics.update(output.diagnostics);
    if (output.served === before?.served) return;
    if (this.#leads) this.#status.update(output.served);
    this.#standIns.want(standInHosts(output));
    this.#recheckIn(this.#untilNextMomentMs(output));
  }

  #translateChanges(): TranslateOutput {
    if (this.#output === undefined || this.#changed === undefined) return this.#translate();
    const { services, endpointSlices, endpoints, secrets } = this.#options.world.caches;
    const names = [...this.#changed].map(splitKey);
    return translateServices(this.#output, this.#changed, {
      services: names.flatMap(({ namespace, name }) => services.get(namespace, name) ?? []),
      endpointSlices: [...this.#changed].flatMap((key) => endpointSlices.find(BY_SERVICE, key)),
      endpoints: names.flatMap(({ namespace, name }) => endpoints.get(namespace, name) ?? []),
      secrets: (namespace, name) => secrets.read(namespace, name),
    });
  }

  /** What has been read by then brings the next translation; so does the end of patience. */
  #waitsForSecrets(nowMs: number): boolean {
    if (!this.#options.world.caches.secrets.isMissing) {
      this.#missingSinceMs = undefined;
      return false;
    }
    this.#missingSinceMs ??= nowMs;
    const leftMs = this.#missingSinceMs + SECRETS_MS_MAX - nowMs;
    // Before the first there is nothing that could be kept for the time being.
    if (leftMs <= 0 || this.#generation === undefined) return false;
    this.#changed = undefined;
    this.#recheckIn(leftMs);
    return true;
  }

  #translate(): TranslateOutput {
    const { world, classes, serveClassless, settings } = this.#options;
    const { caches } = world;
    const output = translate({
      ingresses: caches.ingresses.list(),
      ingressClasses: caches.ingressClasses.list(),
      services: caches.services.list(),
      endpointSlices: caches.endpointSlices.list(),
      endpoints: caches.endpoints.list(),
      secrets: (namespace, name) => caches.secrets.read(namespace, name),
      standIns: this.#standIns.all,
      challenges: this.#answers(),
      options: { classes, serveClassless, settings },
      nowMs: world.clock.nowMs(),
    });
    caches.secrets.keepRead();
    return output;
  }

  #answers(): readonly HttpChallenge[] {
    const challenges = this.#options.world.caches.challenges.list();
    return [
      ...challenges.flatMap((object) => answerOf(object, "HTTP-01")),
      ...this.#tlsAlpn.answers(challenges.flatMap((object) => answerOf(object, "TLS-ALPN-01"))),
    ];
  }

  /** Certificates end, and stand-ins want to be renewed, without any object changing. */
  #untilNextMomentMs(output: TranslateOutput): number {
    const nowMs = this.#options.world.clock.nowMs();
    const ends = [...output.content.certificates.values()].map((certificate) => certificate.notAfterMs);
    const moments = [...ends, this.#standIns.renewAtMs() ?? Number.POSITIVE_INFINITY].filter((atMs) => atMs > nowMs);
    return moments.reduce((soonest, atMs) => Math.min(soonest, atMs - nowMs), RECHECK_MS_MAX);
  }

  #recheckIn(ms: number): void {
    this.#recheck?.cancel();
    this.#recheck = this.#options.world.clock.timer(ms, () => this.#schedule());
  }

  #find(kind: string, namespace: string, name: string): KubeObject | undefined {
    const { caches } = this.#options.world;
    const informers = [caches.ingresses, caches.services, caches.secrets, caches.endpointSlices, caches.ingressClasses];
    return informers.find((informer) => informer.kind.kind === kind)?.get(namespace, name);
  }
}

function standInHosts(output: TranslateOutput): readonly string[] {
  const hosts = output.standInsNeeded.map(({ host }) => host);
  const anyTls = hosts.length > 0 || output.content.tls.size > 0;
  return anyTls && !hosts.includes("*") ? ["*", ...hosts] : hosts;
}

/** What the edge answers for a Challenge: nothing before it is worked on, nor once it has ended or is being deleted. */
function answerOf(object: KubeObject, type: ChallengeType): readonly HttpChallenge[] {
  const { spec, status } = readChallenge(object);
  if (object.metadata.deletionTimestamp !== undefined || isFinalState(status.state)) return [];
  if (spec.type !== type || spec.token === "" || spec.key === "") return [];
  return [{ token: spec.token, keyAuthorization: spec.key, host: spec.dnsName }];
}

function isAtLeast(version: string, wanted: string): boolean {
  const digits = /^\d+$/;
  return digits.test(version) && digits.test(wanted) ? BigInt(version) >= BigInt(wanted) : version === wanted;
}
