import { AcmeClient } from "../acme/client/acme-client.ts";
import type { AcmeRequestSample } from "../acme/client/request-sample.ts";
import type { Clock } from "../ground/clock.ts";
import type { Logger } from "../ground/log.ts";
import { ISSUER_GROUP, type IssuerReference } from "../resource/certificate.ts";
import type { EdgeSettings, HttpChallenge } from "../routing/snapshot.ts";
import type { Kind } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import type { Store } from "../store/contract.ts";
import { fencedStore } from "../store/fenced-store.ts";
import { AcmeAccounts, type AcmeCaller, type AcmeCallerOptions, type AcmeDirectory } from "./acme-accounts.ts";
import { allInformers, certificateInformers, openCaches, servedInformers } from "./caches.ts";
import { openAlerts, type CertificateAlert } from "./alerts/reconcile.ts";
import { LimitLedger } from "./acme-limits/ledger.ts";
import { openCertificateRequests } from "./certificate-requests/reconcile.ts";
import { openCertificates } from "./certificates/reconcile.ts";
import { openChallenges } from "./challenges/reconcile.ts";
import { Dns01Solvers, type Dns01, type Dns01Options } from "./challenges/dns01.ts";
import type { Edge } from "./edge.ts";
import { EdgePublisher } from "./edge-publisher/edge-publisher.ts";
import type { EdgeAddress } from "./edge-publisher/ingress-status.ts";
import type { StandInIssuer } from "./edge-publisher/stand-ins.ts";
import { EventRecorder } from "./event-recorder.ts";
import { openIngressShim } from "./ingress-shim/reconcile.ts";
import { IssuerDoubts } from "./issuers/issuer-doubts.ts";
import { openIssuers } from "./issuers/reconcile.ts";
import type { ServiceAccountTokens } from "./issuers/vault.ts";
import { UnsavedOrders } from "./orders/unsaved-orders.ts";
import { openOrders } from "./orders/reconcile.ts";
import { NO_PREFLIGHT, type Preflight } from "./preflight/preflight.ts";
import type { ProgressEvent } from "./progress.ts";
import { openRenewalInformation } from "./certificates/renewal-information.ts";
import type { SecretSources } from "./secret-cache.ts";
import type { SyncCounts, WorkQueue } from "./work-queue.ts";
import type { World } from "./world.ts";

/** The issuer that the embedded CA answers; it is there in one-machine mode from the start. */
const LOCAL_ISSUER: IssuerReference = { name: "lintel-local", kind: "ClusterIssuer", group: ISSUER_GROUP };

/** What a control plane is opened with: the world outside, and what it serves. */
export interface ControlPlaneOptions {
  readonly store: Store;
  /** For a store that is far away: how it tells of Secrets. @default all that `store` has are here anyway */
  readonly secretSources?: SecretSources;
  readonly edge: Edge;
  readonly clock: Clock;
  /** In [0, 1); spreads retries. */
  readonly random: () => number;
  readonly log: Logger;
  /** Makes the certificates of hosts that have none of their own. */
  readonly localCa: StandInIssuer;
  /**
   * Where an ACME server really is: `--offline` answers every issuer with the embedded CA, whose own issuer is always
   * answered by it. `caBundle` is PEM.
   */
  readonly acmeDirectory: AcmeDirectory;
  /** What `Ingress.status.loadBalancer.ingress` gets. */
  readonly addresses: readonly EdgeAddress[];
  readonly settings: EdgeSettings;
  /** Names of the IngressClasses to serve. */
  readonly classes: readonly string[];
  /** Whether an Ingress that names no class is served. */
  readonly serveClassless: boolean;
  /** Where the Secrets of ClusterIssuers live; the namespace must exist. */
  readonly clusterResourceNamespace: string;
  /** Who signs for `kubernetes.io/tls-acme: "true"`. @default none: the annotation is a BadConfig */
  readonly defaultIssuer?: IssuerReference;
  /** Who is recorded as the signer while offline. @default LOCAL_ISSUER */
  readonly offlineIssuer?: IssuerReference;
  /** How names are proven by DNS; tests pass their own. @default the system's resolvers, no programs */
  readonly dns01?: Dns01Options | Dns01;
  /** What is looked at before a CA is asked. @default nothing */
  readonly preflight?: Preflight;
  /** Where tokens for Vault's Kubernetes login come from. @default there are none: a Secret must hold one */
  readonly serviceAccountTokens?: ServiceAccountTokens;
  readonly onProgress?: (event: ProgressEvent) => void;
  /** Hears of certificates that fail or near their end, and of those that recovered. */
  readonly onAlert?: (alert: CertificateAlert) => void;
  /** Called after each request to a CA, for metrics. */
  readonly onAcmeRequest?: (sample: AcmeRequestSample) => void;
  /**
   * Whether to write from the start, or only to serve until {@link ControlPlane.lead}: of several replicas on one store
   * exactly one may write. @default true
   */
  readonly leads?: boolean;
  /** Whether to remove our Events after an hour; a real API server does it by itself. @default true */
  readonly expiresEvents?: boolean;
  /**
   * Other replicas that serve the same store: resolves when they answer a challenge too. @default there are none
   */
  readonly challengeServedElsewhere?: (challenge: HttpChallenge, signal: AbortSignal) => Promise<void>;
  /** Told why objects of a kind cannot be followed, and undefined once they can be again. */
  readonly onTrouble?: (kind: Kind, sentence: string | undefined) => void;
  /**
   * Throws when this replica may write no more; called right before each write and each request to a CA, since a process
   * that was paused does not know that another one leads meanwhile. @default never
   */
  readonly fence?: () => void;
  /** How an ACME client is made; tests pass their own. @default AcmeClient */
  readonly openAcmeCaller?: (options: AcmeCallerOptions) => AcmeCaller;
}

/** What metrics of certificates are made from. */
export interface CertificateObjects {
  readonly certificates: readonly KubeObject[];
  readonly issuers: readonly KubeObject[];
  readonly clusterIssuers: readonly KubeObject[];
  readonly challenges: readonly KubeObject[];
}

/**
 * All controllers over one store: they keep the edge's snapshot, Certificates and what belongs to them in line with what
 * users wrote. Everything they know is in the store, so a control plane may end at any moment, also by kill -9, and the
 * next one goes on from there. Any number may serve what a store says; only one at a time may lead, which is to write.
 */
export class ControlPlane {
  readonly #world: Omit<World, "accounts" | "doubts">;
  readonly #publisher: EdgePublisher;
  readonly #openAccounts: () => AcmeAccounts;
  #term: Term | undefined;

  private constructor(
    world: Omit<World, "accounts" | "doubts">,
    publisher: EdgePublisher,
    openAccounts: () => AcmeAccounts,
  ) {
    this.#world = world;
    this.#publisher = publisher;
    this.#openAccounts = openAccounts;
  }

  /**
   * Resolves when the first snapshot is published and every controller runs. Waits for the store as long as it takes,
   * though not for the kinds of certificates where it has none or hides them: traffic does not depend on them.
   */
  static async open(options: ControlPlaneOptions): Promise<ControlPlane> {
    const { clock, random, log } = options;
    const store = options.fence === undefined ? options.store : fencedStore(options.store, options.fence);
    const caches = openCaches(
      { store, clock, random, log, onTrouble: options.onTrouble },
      options.clusterResourceNamespace,
      options.secretSources,
    );
    await Promise.all(servedInformers(caches).map((informer) => informer.synced));
    await Promise.all(certificateInformers(caches).map((informer) => informer.settled));
    const events = new EventRecorder({ store, clock, log, expires: options.expiresEvents ?? true });
    const base: Omit<World, "live" | "accounts" | "doubts"> = {
      store,
      clock,
      random,
      log,
      caches,
      events,
      dns01: dns01Of(options),
      preflight: options.preflight ?? NO_PREFLIGHT,
      limits: new LimitLedger(),
      unsavedOrders: new UnsavedOrders(),
      serviceAccountTokens: options.serviceAccountTokens,
      clusterResourceNamespace: options.clusterResourceNamespace,
      defaultIssuer: options.defaultIssuer,
      offlineIssuer: options.offlineIssuer ?? LOCAL_ISSUER,
      onProgress: options.onProgress ?? (() => undefined),
      onAlert: options.onAlert ?? (() => undefined),
    };
    const publisher = new EdgePublisher({ ...options, world: base, standInIssuer: options.localCa });
    await publisher.start();
    const plane = new ControlPlane({ ...base, live: publisher }, publisher, () => openAccounts(options));
    if (options.leads ?? true) plane.lead();
    return plane;
  }

  /**
   * Begins to write: certificates, their orders and challenges, the status of objects, Events. Idempotent. Without
   * `certificates` only what concerns Ingresses: somebody else signs here.
   */
  lead({ certificates = true }: { readonly certificates?: boolean } = {}): void {
    if (this.#term !== undefined) return;
    const accounts = this.#openAccounts();
    const world: World = { ...this.#world, accounts, doubts: new IssuerDoubts() };
    const ends = allInformers(world.caches).map((informer) => informer.mark());
    const term: Term = { accounts, queues: [], ends };
    this.#term = term;
    this.#publisher.lead(true);
    if (!certificates) return;
    if (certificateInformers(world.caches).every((informer) => informer.isSynced)) {
      openCertificateControllers(world, term);
    } else void this.#openWhenSynced(world, term);
  }

  /** Stops writing; resolves when nothing is under way any more. What is served goes on following the store. */
  async follow(): Promise<void> {
    const term = this.#term;
    if (term === undefined) return;
    this.#term = undefined;
    this.#publisher.lead(false);
    await Promise.all(term.queues.map((queue) => queue.close()));
    for (const end of term.ends) end();
    term.accounts.close();
  }

  /** From an incomplete view, orders would be made twice. */
  async #openWhenSynced(world: World, term: Term): Promise<void> {
    await Promise.all(certificateInformers(world.caches).map((informer) => informer.synced));
    if (this.#term === term) openCertificateControllers(world, term);
  }

  /** The objects of `kind` as they are in the caches; none for a kind that nobody follows. */
  objects(kind: Kind): readonly KubeObject[] {
    return (
      allInformers(this.#world.caches)
        .find((informer) => informer.kind === kind)
        ?.list() ?? []
    );
  }

  /** Changes what the status of Ingresses says about where the edge is reached. */
  setAddresses(addresses: readonly EdgeAddress[]): void {
    this.#publisher.setAddresses(addresses);
  }

  /** Whether anything is being worked on; timers that wait don't count. */
  get busy(): boolean {
    const { queues = [] } = this.#term ?? {};
    return this.#publisher.busy || this.#world.events.busy || queues.some((queue) => queue.busy);
  }

  /** What each controller has done since it leads, under its name; nothing while it follows. */
  get syncCounts(): readonly SyncCounts[] {
    return (this.#term?.queues ?? []).map((queue) => queue.counts);
  }

  /** The objects of the certificate controllers as they were last seen, without asking the store. */
  get certificateObjects(): CertificateObjects {
    const { certificates, issuers, clusterIssuers, challenges } = this.#world.caches;
    return {
      certificates: certificates.list(),
      issuers: issuers.list(),
      clusterIssuers: clusterIssuers.list(),
      challenges: challenges.list(),
    };
  }

  /** Stops working and watching; resolves when nothing of it runs any more. The edge keeps what it serves. */
  async close(): Promise<void> {
    await this.follow();
    await this.#publisher.close();
    await this.#world.events.close();
    await Promise.all(allInformers(this.#world.caches).map((informer) => informer.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** What exists only while we lead. */
interface Term {
  readonly accounts: AcmeAccounts;
  readonly queues: WorkQueue[];
  /** Each ends the subscriptions of this term at one cache. */
  readonly ends: readonly (() => void)[];
}

function openCertificateControllers(world: World, term: Term): void {
  term.queues.push(
    openIssuers(world),
    openIngressShim(world),
    openCertificates(world),
    openRenewalInformation(world),
    openCertificateRequests(world),
    openOrders(world),
    openChallenges(world),
    openAlerts(world),
  );
}

function openAccounts(options: ControlPlaneOptions): AcmeAccounts {
  return new AcmeAccounts({
    clock: options.clock,
    directory: options.acmeDirectory,
    openCaller:
      options.openAcmeCaller ??
      ((caller) => new AcmeClient({ ...caller, observe: options.onAcmeRequest, fence: options.fence })),
  });
}

function dns01Of(options: ControlPlaneOptions): Dns01 {
  const { dns01 = {} } = options;
  return "present" in dns01 ? dns01 : new Dns01Solvers({ ...options, dns01 });
}
