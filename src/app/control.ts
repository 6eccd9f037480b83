import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { ApiServer } from "../api/server.ts";
import { applyObject } from "../api/apply.ts";
import { ensureDefaults } from "../api/bootstrap.ts";
import { AcmeServer, revocationListUrlPath } from "../acme/server/acme-server.ts";
import { ControlPlane } from "../control/control-plane.ts";
import { AlertWebhook } from "./alert-webhook.ts";
import { NetworkPreflight } from "../control/preflight/preflight.ts";
import { Resolver } from "../acme/dns/resolver.ts";
import { messageOf } from "../ground/errors.ts";
import type { Host } from "../ground/host.ts";
import type { Logger } from "../ground/log.ts";
import { systemClock, systemRandom } from "../ground/system-clock.ts";
import { LocalCa } from "../pki/local-ca.ts";
import { CERTIFICATE } from "../resource/kind.ts";
import { EMPTY_SNAPSHOT } from "../routing/snapshot.ts";
import { SqliteStore } from "../store/sqlite.ts";
import type { ChildLink } from "../supervisor/child-link.ts";
import type { ProcessFacts } from "../supervisor/messages.ts";
import { AdminServer } from "./admin-server.ts";
import {
  ACME_DIRECTORY_PATH,
  CLASSES,
  CLUSTER_RESOURCE_NAMESPACE,
  defaultObjects,
  isEmbeddedDirectory,
  LOCAL_ISSUER,
} from "./default-objects.ts";
import { ClientAuthority } from "./client-authority.ts";
import { CertificateMetrics } from "./certificate-metrics.ts";
import { liveWorkers, preflightWhen, runControlRole, tell, tellSummary, type ControlRole } from "./control-role.ts";
import { EdgeFeed } from "./edge-feed.ts";
import { http01Dial, tlsAlpnDial } from "./http01-dial.ts";
import { summarize, type InstanceSummary } from "./instance-summary.ts";
import { kubeconfigText } from "./kubeconfig.ts";
import { readKeptSnapshot } from "./last-snapshot.ts";
import { LoopbackServer } from "./loopback-server.ts";
import { ManifestFiles } from "./manifest-files.ts";
import { Metrics } from "./metrics.ts";
import { progressLine } from "./progress-line.ts";
import { addressText, parseControlSettings, type ControlSettings } from "./role-settings.ts";
import { isSettled } from "./settled.ts";
import {
  FEED_SOCKET,
  SNAPSHOT_FILE,
  ensureServiceAccountKey,
  ensureToken,
  stateFolderAt,
  writeFileAtomically,
} from "./state-folder.ts";
import { storeTarget } from "./store-target.ts";

/** Runs store, API, controllers, local CA and its ACME server until the supervisor ends the process. */
export async function runControl(host: Host): Promise<void> {
  await runControlRole(host, ({ link, log }) =>
    Control.open({ link, log, settings: parseControlSettings(link.start.settings) }),
  );
}

/** How long the start waits for certificates before it shows what there is. */
const SETTLE_MS_MAX = 20_000;
const SETTLE_LOOK_EVERY_MS = 25;

interface ControlContext {
  readonly link: ChildLink;
  readonly log: Logger;
  readonly settings: ControlSettings;
}

/** Everything control opens, in the order in which it depends on each other; closed in the reverse order. */
class Control implements ControlRole {
  readonly #context: ControlContext;
  readonly #store: SqliteStore;
  readonly #feed: EdgeFeed;
  readonly #resources: AsyncDisposableStack;
  readonly #files: ManifestFiles;
  readonly #alerts: AlertWebhook | undefined;
  readonly #closing = new AbortController();
  #processes: readonly ProcessFacts[] = [];

  private constructor(parts: {
    readonly context: ControlContext;
    readonly store: SqliteStore;
    readonly feed: EdgeFeed;
    readonly resources: AsyncDisposableStack;
    readonly files: ManifestFiles;
    readonly alerts: AlertWebhook | undefined;
  }) {
    this.#context = parts.context;
    this.#store = parts.store;
    this.#feed = parts.feed;
    this.#resources = parts.resources;
    this.#files = parts.files;
    this.#alerts = parts.alerts;
  }

  static async open(context: ControlContext): Promise<Control> {
    const { link, log, settings } = context;
    const folder = stateFolderAt(settings.stateDirectory);
    const token = ensureToken(folder);
    await using resources = new AsyncDisposableStack();

    const acmeBase = `https://${addressText(settings.acme)}`;
    const [ca, store, kept, clients] = await Promise.all([
      LocalCa.open({
        directory: folder.localCa,
        clock: systemClock,
        revocationListUrl: (keyIdHex) => `${acmeBase}${revocationListUrlPath(keyIdHex)}`,
      }),
      SqliteStore.open({ path: folder.database, clock: systemClock }),
      readKeptSnapshot(SNAPSHOT_FILE),
      ClientAuthority.open({ file: folder.clientAuthority, clock: systemClock }),
    ]);
    resources.defer(() => store.close());
    writeFileAtomically(folder.caCertificate, ca.rootPem, 0o644);
    const hasApi = settings.api.port !== 0;
    const server = `https://${addressText(settings.api)}`;
    if (hasApi) writeFileAtomically(folder.kubeconfig, kubeconfigText({ server, caPem: ca.rootPem, token }), 0o600);

    const feed = await EdgeFeed.open({
      socketPath: FEED_SOCKET,
      snapshotPath: SNAPSHOT_FILE,
      kept,
      epoch: randomUUID(),
      clock: systemClock,
      log,
    });
    resources.defer(() => feed.close());

    const acme = await AcmeServer.open({
      baseUrl: () => acmeBase,
      otherHosts: settings.acmeNames,
      ca,
      clock: systemClock,
      log,
      directory: folder.acme,
      dial: http01Dial({ ...settings, edge: settings.edgeHttp, clock: systemClock }),
      dialTls: tlsAlpnDial({ ...settings, edge: settings.edgeHttps, clock: systemClock }),
      nameservers: settings.nameservers,
      requireExternalAccount: settings.acmeRequireEab,
      random: systemRandom,
    });
    resources.defer(() => acme.close());
    const api = new ApiServer({
      store,
      clock: systemClock,
      log,
      token,
      tokenKey: ensureServiceAccountKey(folder),
      signer: clients,
      version: settings.version,
    });
    resources.defer(() => api.close());
    for (const [name, handle] of [
      ["acme", acme.handle],
      ["api", api.handle],
    ] as const) {
      const fds = link.start.sockets[name] ?? [];
      const names = name === "acme" ? settings.acmeNames : [];
      const clientAuthority = name === "api" ? clients.authorityPem : undefined;
      // Clients in Go keep all their watches on one connection.
      const handleHttp2 = name === "api" ? api.handle : undefined;
      const about = { fds, ca, names, clientAuthority, clock: systemClock, log };
      const opened = await LoopbackServer.open({ ...about, handle, handleHttp2 });
      resources.defer(() => opened.close());
    }

    await ensureDefaults(store);
    const acmeDirectory = `${acmeBase}${ACME_DIRECTORY_PATH}`;
    for (const object of defaultObjects({ acmeDirectory })) {
      await applyObject(store, object, { fieldManager: "lintel", force: true, nowMs: systemClock.nowMs() });
    }
    const alerts =
      settings.alertWebhook === ""
        ? undefined
        : new AlertWebhook({ url: settings.alertWebhook, clock: systemClock, log, instance: hostname() });
    resources.defer(() => alerts?.close());
    const certificateMetrics = new CertificateMetrics(systemClock);
    const controlPlane = await ControlPlane.open({
      store,
      edge: feed,
      clock: systemClock,
      random: systemRandom,
      log,
      localCa: ca,
      acmeDirectory: (wanted) => {
        const isOurs = isEmbeddedDirectory(wanted);
        return isOurs || settings.offline
          ? {
              url: acmeDirectory,
              caBundle: ca.rootPem,
              root: ca.rootPem,
              externalAccount: acme.ownExternalAccount,
              offline: settings.offline && !isOurs,
            }
          : { url: wanted, offline: false };
      },
      addresses: settings.publicAddresses.map((ip) => ({ ip })),
      settings: { trustedProxies: settings.trustedProxies, httpsPort: settings.edgeHttps.port },
      classes: CLASSES,
      serveClassless: true,
      clusterResourceNamespace: CLUSTER_RESOURCE_NAMESPACE,
      dns01: { nameservers: settings.nameservers, allowExec: settings.allowExecSolver },
      preflight: new NetworkPreflight({
        clock: systemClock,
        when: preflightWhen(settings.preflight),
        resolver: new Resolver({ clock: systemClock, nameservers: settings.nameservers }),
      }),
      defaultIssuer: { name: LOCAL_ISSUER, kind: "ClusterIssuer", group: "cert-manager.io" },
      onAlert: (alert) => alerts?.send(alert),
      onProgress: (event) => tell(link, ...progressLine(event)),
      onAcmeRequest: (sample) => certificateMetrics.observe(sample),
    });
    resources.defer(() => controlPlane.close());

    const files = new ManifestFiles({
      roots: settings.files,
      target: storeTarget(store, systemClock),
      memory: folder.applied,
      clock: systemClock,
      onProblem: (problem) => {
        log.warn("Manifest problem", { ...problem });
        tell(
          link,
          "error",
          `${problem.file}:${problem.line}: ${problem.message}${problem.hint === undefined ? "" : `\n${problem.hint}`}`,
        );
      },
      onApplied: (sentence) => tell(link, "done", sentence),
    });
    const control = new Control({ context, store, feed, files, alerts, resources: resources.move() });
    await control.#openAdmin(token, () => certificateMetrics.read(controlPlane));
    if (hasApi) tell(link, "done", `API ready at ${server}`);
    return control;
  }

  /** Applies the files, waits for the certificates they need, tells the summary, and goes on watching the files. */
  async begin(): Promise<void> {
    const { link, log, settings } = this.#context;
    const { signal } = this.#closing;
    if (settings.files.length > 0) await this.#files.sync();
    await this.#settle();
    tellSummary(link, await this.#summary());
    if (settings.files.length === 0) return;
    this.#files.watch(signal).catch((error: unknown) => {
      log.error("Cannot follow the manifests any more", { reason: messageOf(error) });
    });
  }

  setProcesses(processes: readonly ProcessFacts[]): void {
    this.#processes = processes;
    this.#feed.setLiveWorkers(liveWorkers(processes));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#resources.disposeAsync();
  }

  async #openAdmin(token: string, certificates: () => Promise<string>): Promise<void> {
    const { link, log, settings } = this.#context;
    const metrics = new Metrics({
      version: settings.version,
      generation: () => this.#feed.generation,
      snapshot: () => this.#feed.snapshot ?? EMPTY_SNAPSHOT,
      workers: () => this.#feed.workers(),
      stats: (timeoutMs) => this.#feed.stats(timeoutMs),
      processes: () => this.#processes,
      certificates,
      alerts: () => this.#alerts?.counts,
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

  #notReady(): string | undefined {
    const { generation } = this.#feed;
    if (generation === 0) return "No snapshot was made yet";
    const serving = this.#feed.workers().some((worker) => worker.generation === generation);
    return serving ? undefined : `No worker serves generation ${generation} yet`;
  }

  async #settle(): Promise<void> {
    const untilMs = systemClock.monotonicMs() + SETTLE_MS_MAX;
    while (systemClock.monotonicMs() < untilMs && !this.#closing.signal.aborted) {
      if (this.#notReady() === undefined && (await isSettled(this.#store, this.#feed.snapshot))) return;
      await systemClock.sleep(SETTLE_LOOK_EVERY_MS);
    }
  }

  async #summary(): Promise<InstanceSummary> {
    return summarize({
      version: this.#context.settings.version,
      snapshot: this.#feed.snapshot ?? EMPTY_SNAPSHOT,
      certificates: (await this.#store.list(CERTIFICATE)).items,
      processes: this.#processes,
      nowMs: systemClock.nowMs(),
    });
  }
}
