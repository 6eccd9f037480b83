import { randomUUID } from "node:crypto";
import { Resolver } from "../acme/dns/resolver.ts";
import { ControlPlane } from "../control/control-plane.ts";
import type { EdgeAddress } from "../control/edge-publisher/ingress-status.ts";
import { LeaderElection } from "../control/leadership/leader-election.ts";
import { LEADER_LEASE, reportLeases } from "../control/leadership/lease-report.ts";
import { Replicas, type ReplicasOptions } from "../control/leadership/replicas.ts";
import { NetworkPreflight } from "../control/preflight/preflight.ts";
import { LintelError, messageOf } from "../ground/errors.ts";
import type { Host } from "../ground/host.ts";
import type { Logger } from "../ground/log.ts";
import { systemClock, systemRandom } from "../ground/system-clock.ts";
import { LocalCa } from "../pki/local-ca.ts";
import { CERTIFICATE, LEASE, resourceName, type Kind } from "../resource/kind.ts";
import { EMPTY_SNAPSHOT } from "../routing/snapshot.ts";
import { ClusterStore } from "../store/cluster/cluster-store.ts";
import { Denials, type AccessChange } from "../store/cluster/denials.ts";
import { findAccess } from "../store/cluster/find-access.ts";
import type { ChildLink } from "../supervisor/child-link.ts";
import type { ProcessFacts } from "../supervisor/messages.ts";
import { AlertWebhook } from "./alert-webhook.ts";
import { CertificateMetrics } from "./certificate-metrics.ts";
import { AdminServer } from "./admin-server.ts";
import { clusterSummary, type ClusterSummary } from "./cluster-summary.ts";
import { parseClusterSettings, type ClusterSettings } from "./cluster-settings.ts";
import { liveWorkers, preflightWhen, runControlRole, tell, tellSummary, type ControlRole } from "./control-role.ts";
import { EdgeFeed } from "./edge-feed.ts";
import { edgeAddresses } from "./edge-addresses.ts";
import { summarize, type InstanceSummary } from "./instance-summary.ts";
import { readKeptSnapshot } from "./last-snapshot.ts";
import { Metrics } from "./metrics.ts";
import { othersAtWork } from "./others-at-work.ts";
import { progressLine } from "./progress-line.ts";
import { probeReplica } from "./replica-probe.ts";
import { addressText } from "./role-settings.ts";
import { serveWebhook } from "./webhook/webhook.ts";
import { FEED_SOCKET, SNAPSHOT_FILE, ensureToken, stateFolderAt } from "./state-folder.ts";

/** Addresses for the status of Ingresses are looked at this often while we lead. */
const ADDRESSES_EVERY_MS = 10_000;
/** Three tries fit into the time after which a leader that cannot renew its Lease stops. */
const LEASE_ANSWER_MS_MAX = 2_000;

/** Runs the controllers on a cluster's own API server until the supervisor ends the process. */
export async function runClusterControl(host: Host): Promise<void> {
  await runControlRole(host, ({ link, log }) => {
    const settings = parseClusterSettings(link.start.settings);
    return ClusterControl.open({ link, log, settings, environment: host.environment });
  });
}

function tellAccess(link: ChildLink, { act, sentence }: AccessChange): void {
  if (sentence === undefined) tell(link, "done", `May ${act} again`);
  else tell(link, "warn", sentence);
}

interface Context {
  readonly link: ChildLink;
  readonly log: Logger;
  readonly settings: ClusterSettings;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** What a replica consists of beside its workers; opened without the API server, so that workers serve what was kept. */
class ClusterControl implements ControlRole {
  readonly #context: Context;
  readonly #store: ClusterStore;
  /** The same, with connections of its own and little patience: a lease must not wait behind a long list. */
  readonly #leases: ClusterStore;
  readonly #denials: Denials;
  readonly #server: string;
  readonly #namespace: string;
  readonly #feed: EdgeFeed;
  readonly #ca: LocalCa;
  readonly #resources: AsyncDisposableStack;
  readonly #closing = new AbortController();
  readonly #certificateMetrics = new CertificateMetrics(systemClock);
  readonly #alerts: AlertWebhook | undefined;
  /** By resource, why it cannot be followed. */
  readonly #troubles = new Map<string, string>();
  #processes: readonly ProcessFacts[] = [];
  #plane: ControlPlane | undefined;
  #election: LeaderElection | undefined;

  private constructor(
    parts: Context & {
      readonly store: ClusterStore;
      readonly leases: ClusterStore;
      readonly denials: Denials;
      readonly server: string;
      readonly namespace: string;
      readonly feed: EdgeFeed;
      readonly ca: LocalCa;
      readonly resources: AsyncDisposableStack;
    },
  ) {
    this.#context = parts;
    this.#store = parts.store;
    this.#leases = parts.leases;
    this.#denials = parts.denials;
    this.#server = parts.server;
    this.#namespace = parts.namespace;
    this.#feed = parts.feed;
    this.#ca = parts.ca;
    this.#resources = parts.resources;
    const { alertWebhook: url, identity: instance } = parts.settings;
    this.#alerts = url === "" ? undefined : new AlertWebhook({ url, clock: systemClock, log: parts.log, instance });
    this.#resources.defer(() => this.#alerts?.close());
  }

  static async open(context: Context): Promise<ClusterControl> {
    const { link, log, settings, environment } = context;
    const folder = stateFolderAt(settings.stateDirectory);
    await using resources = new AsyncDisposableStack();
    const access = await findAccess({ ...settings, clock: systemClock, environment });
    const userAgent = `lintel/${settings.version}`;
    const denials = new Denials({ clock: systemClock, tell: (change) => tellAccess(link, change) });
    const common = { access, clock: systemClock, random: systemRandom, userAgent, denials };
    const store = new ClusterStore(common);
    const leases = new ClusterStore({ ...common, answerMsMax: LEASE_ANSWER_MS_MAX });
    resources.defer(() => store.close());
    resources.defer(() => leases.close());
    const [ca, kept] = await Promise.all([
      LocalCa.open({ directory: folder.localCa, clock: systemClock }),
      readKeptSnapshot(SNAPSHOT_FILE),
    ]);
    const feed = await EdgeFeed.open({
      socketPath: FEED_SOCKET,
      snapshotPath: SNAPSHOT_FILE,
      kept,
      epoch: randomUUID(),
      clock: systemClock,
      log,
    });
    resources.defer(() => feed.close());
    tell(link, "note", `Using the API server at ${access.server}, by ${access.source}`);
    const namespace = settings.namespace === "" ? access.namespace : settings.namespace;
    const control = new ClusterControl({
      ...context,
      store,
      leases,
      denials,
      server: access.server,
      namespace,
      feed,
      ca,
      resources: resources.move(),
    });
    await control.#openAdmin(ensureToken(folder));
    return control;
  }

  /** Serves as soon as the API server tells what, and takes part in the election of who writes. */
  async begin(): Promise<void> {
    const { link, log, settings } = this.#context;
    const { signal } = this.#closing;
    const self = {
      identity: settings.identity,
      http: addressText({ ...settings.edgeHttp, host: settings.replicaAddress }),
      https: addressText({ ...settings.edgeHttps, host: settings.replicaAddress }),
      edgeAddress: settings.edgeAddress,
    };
    const common = { store: this.#leases, clock: systemClock, log, namespace: this.#namespace };
    const probe: ReplicasOptions["probe"] = (replica, challenge, stop) =>
      probeReplica(replica, challenge, stop, settings.proxyProtocol);
    const replicas = Replicas.join({ ...common, self, probe });
    this.#resources.defer(() => replicas.close());
    const plane = await this.#openPlane(replicas);
    if (signal.aborted) {
      await plane.close();
      return;
    }
    this.#plane = plane;
    this.#resources.defer(() => plane.close());
    tellSummary(link, await this.#summary());
    if (settings.shadow) {
      tell(link, "note", "In shadow: this replica serves and writes nothing");
      return;
    }
    const election = LeaderElection.join({
      ...common,
      random: systemRandom,
      name: LEADER_LEASE,
      identity: settings.identity,
      onElected: () => this.#lead(plane, replicas, election),
      onDeposed: () => plane.follow(),
    });
    this.#election = election;
    this.#resources.defer(() => election.close());
    if (settings.webhook !== "") this.#serveWebhook(plane, election, settings.webhook);
    while (!signal.aborted) {
      if (election.isLeading) await this.#publishAddresses(plane, replicas);
      await systemClock.sleep(ADDRESSES_EVERY_MS, { signal }).catch(() => undefined);
    }
  }

  setProcesses(processes: readonly ProcessFacts[]): void {
    this.#processes = processes;
    this.#feed.setLiveWorkers(liveWorkers(processes));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#resources.disposeAsync();
  }

  async #lead(plane: ControlPlane, replicas: Replicas, election: LeaderElection): Promise<void> {
    const { settings, link } = this.#context;
    const other = settings.certificates === "auto" ? await othersAtWork(this.#store, systemClock.nowMs()) : undefined;
    if (other !== undefined) {
      tell(
        link,
        "warn",
        `${other} runs here and keeps its issuers: certificates are left to it (--certificates always takes them over)`,
      );
    }
    await this.#publishAddresses(plane, replicas);
    if (!election.isLeading) return;
    plane.lead({ certificates: settings.certificates !== "never" && other === undefined });
    tell(link, "done", "This replica leads: it writes certificates and status");
  }

  #serveWebhook(plane: ControlPlane, election: LeaderElection, name: string): void {
    const { link, log, settings } = this.#context;
    const options = {
      place: { store: this.#store, clock: systemClock, namespace: this.#namespace, name },
      port: settings.webhookPort,
      log,
      facts: { objects: (kind: Kind) => plane.objects(kind), classes: settings },
      leads: () => election.isLeading,
      onServing: () => tell(link, "done", `Answering admission reviews on port ${String(settings.webhookPort)}`),
    };
    const served = serveWebhook(options, this.#closing.signal);
    this.#resources.defer(() => served);
  }

  async #publishAddresses(plane: ControlPlane, replicas: Replicas): Promise<void> {
    const { log, settings } = this.#context;
    try {
      const addresses: readonly EdgeAddress[] = await edgeAddresses(this.#store, settings, await replicas.live());
      plane.setAddresses(addresses);
    } catch (error) {
      log.warn("Cannot find out where the edge is reached; the status of Ingresses stays", { error: messageOf(error) });
    }
  }

  async #openPlane(replicas: Replicas): Promise<ControlPlane> {
    const { link, log, settings } = this.#context;
    const secretSources = this.#store.secretSources();
    this.#resources.defer(async () => {
      await Promise.all([secretSources.tls.close(), secretSources.others.close()]);
    });
    return ControlPlane.open({
      store: this.#store,
      secretSources,
      edge: this.#feed,
      clock: systemClock,
      random: systemRandom,
      log,
      localCa: this.#ca,
      acmeDirectory: (url) => ({ url, offline: false }),
      addresses: [],
      settings: { trustedProxies: settings.trustedProxies, httpsPort: settings.edgeHttps.port },
      classes: settings.classes,
      serveClassless: settings.serveClassless,
      clusterResourceNamespace: this.#namespace,
      dns01: { nameservers: settings.nameservers, allowExec: false },
      preflight: new NetworkPreflight({
        clock: systemClock,
        when: preflightWhen(settings.preflight),
        resolver: new Resolver({ clock: systemClock, nameservers: settings.nameservers }),
      }),
      serviceAccountTokens: (namespace, name, audiences) => this.#store.serviceAccountToken(namespace, name, audiences),
      onTrouble: (kind, sentence) => this.#noteTrouble(kind, sentence),
      onAlert: (alert) => this.#alerts?.send(alert),
      onAcmeRequest: (sample) => this.#certificateMetrics.observe(sample),
      leads: false,
      fence: () => this.#fence(),
      expiresEvents: false,
      challengeServedElsewhere: (challenge, signal) => replicas.challengeServed(challenge, signal),
      onProgress: (event) => tell(link, ...progressLine(event)),
    });
  }

  #fence(): void {
    if (this.#election !== undefined) return this.#election.fence();
    throw new LintelError("This replica does not lead, so it writes nothing", { code: "Aborted" });
  }

  async #openAdmin(token: string): Promise<void> {
    const { link, log, settings } = this.#context;
    const metrics = new Metrics({
      version: settings.version,
      generation: () => this.#feed.generation,
      snapshot: () => this.#feed.snapshot ?? EMPTY_SNAPSHOT,
      workers: () => this.#feed.workers(),
      stats: (timeoutMs) => this.#feed.stats(timeoutMs),
      processes: () => this.#processes,
      alerts: () => this.#alerts?.counts,
      certificates: async () => (this.#plane === undefined ? "" : this.#certificateMetrics.read(this.#plane)),
    });
    const admin = await AdminServer.open({
      fds: link.start.sockets["admin"] ?? [],
      token,
      log,
      sources: {
        notReady: () => this.#notReady(),
        metrics: () => metrics.read(),
        summary: () => this.#summary(),
      },
    });
    this.#resources.defer(() => admin.close());
  }

  #noteTrouble(kind: Kind, sentence: string | undefined): void {
    const resource = resourceName(kind);
    if (sentence === undefined) {
      if (this.#troubles.delete(resource)) tell(this.#context.link, "done", `Following ${resource} again`);
      return;
    }
    if (this.#troubles.get(resource) === sentence) return;
    this.#troubles.set(resource, sentence);
    tell(this.#context.link, "warn", `Cannot follow ${resource}: ${sentence}`);
  }

  /** A replica that serves what was kept is ready: without the API server that is the best there is. */
  #notReady(): string | undefined {
    const { generation } = this.#feed;
    if (generation === 0) {
      const [trouble = "the API server has not answered"] = this.#troubles.values();
      return `No snapshot was made yet: ${trouble}`;
    }
    const serving = this.#feed.workers().some((worker) => worker.generation === generation);
    return serving ? undefined : `No worker serves generation ${generation} yet`;
  }

  async #summary(): Promise<InstanceSummary> {
    return summarize({
      version: this.#context.settings.version,
      snapshot: this.#feed.snapshot ?? EMPTY_SNAPSHOT,
      certificates: this.#plane?.objects(CERTIFICATE) ?? [],
      processes: this.#processes,
      nowMs: systemClock.nowMs(),
      cluster: await this.#clusterSummary(),
    });
  }

  async #clusterSummary(): Promise<ClusterSummary> {
    const facts = {
      server: this.#server,
      version: "",
      identity: this.#context.settings.identity,
      problems: [
        ...[...this.#troubles].map(([resource, trouble]) => `Cannot follow ${resource}: ${trouble}`),
        ...this.#denials.sentences,
      ],
    };
    try {
      const { items } = await this.#leases.list(LEASE, { namespace: this.#namespace });
      return clusterSummary(reportLeases(items, systemClock.nowMs()), facts);
    } catch (error) {
      const problems = [...facts.problems, `Cannot read the Leases: ${messageOf(error)}`];
      return clusterSummary(undefined, { ...facts, problems: [...new Set(problems)] });
    }
  }
}
