/** A real kube-apiserver with its etcd, on loopback, without kubelets and without controllers. */
import { spawn, type ChildProcess } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { freePort } from "../../src/ground/testing.ts";
import { systemClock } from "../../src/ground/system-clock.ts";
import { customResourceDefinitions } from "../../src/resource/definition/custom-resource-definitions.ts";
import { CUSTOM_RESOURCE_DEFINITION, NAMESPACE, type Kind } from "../../src/resource/kind.ts";
import { conditionsOf } from "../../src/resource/condition.ts";
import { ClusterStore } from "../../src/store/cluster/cluster-store.ts";
import { KubeClient } from "../../src/store/cluster/kube-client.ts";
import { kubeconfigAccess } from "../../src/store/cluster/kubeconfig-access.ts";
import { eventually } from "../e2e/eventually.ts";
import type { KubernetesBinaries } from "./kubernetes-binaries.ts";

/** A start takes seconds; on a loaded machine, many. */
const START_MS_MAX = 120_000;

interface Ports {
  readonly etcd: number;
  readonly peer: number;
  readonly api: number;
}

export class ApiServer {
  /** Of a member of system:masters. */
  readonly kubeconfig: string;
  readonly folder: string;
  readonly url: string;
  #etcd: ChildProcess | undefined;
  #api: ChildProcess | undefined;
  readonly #binaries: KubernetesBinaries;
  readonly #ports: Ports;

  private constructor(folder: string, binaries: KubernetesBinaries, ports: Ports) {
    this.folder = folder;
    this.#binaries = binaries;
    this.#ports = ports;
    this.url = `https://127.0.0.1:${ports.api}`;
    this.kubeconfig = join(folder, "admin.kubeconfig");
  }

  /** Starts both; resolves when the server is ready and knows Lintel's kinds. */
  static async start(binaries: KubernetesBinaries): Promise<ApiServer> {
    const folder = mkdtempSync(join(tmpdir(), "lintel-cluster-"));
    const ports = { etcd: await freePort(), peer: await freePort(), api: await freePort() };
    const server = new ApiServer(folder, binaries, ports);
    try {
      server.#writeCredentials();
      server.startEtcd();
      server.startApi();
      await server.ready();
      await server.install();
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** A kubeconfig of the user `name` with `token`; it must be in the token file. `url` may be a proxy on 127.0.0.1. */
  writeKubeconfig(path: string, name: string, token: string, url: string = this.url): string {
    const caPem = readFileSync(join(this.folder, "pki/apiserver.crt"), "utf8");
    const cluster = { server: url, "certificate-authority-data": Buffer.from(caPem).toString("base64") };
    const content = {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "test", cluster }],
      users: [{ name, user: { token } }],
      contexts: [{ name: "test", context: { cluster: "test", user: name } }],
      "current-context": "test",
    };
    writeFileSync(path, stringify(content), { mode: 0o600 });
    return path;
  }

  /** What ServiceAccounts asked for, one JSON object a line. */
  get auditLog(): string {
    return join(this.folder, "audit.log");
  }

  async store(kubeconfig: string = this.kubeconfig): Promise<ClusterStore> {
    const access = await kubeconfigAccess({ path: kubeconfig, clock: systemClock, environment: {} });
    return new ClusterStore({ access, clock: systemClock, random: Math.random, userAgent: "lintel/test" });
  }

  async client(): Promise<KubeClient> {
    const access = await kubeconfigAccess({ path: this.kubeconfig, clock: systemClock, environment: {} });
    return new KubeClient({ access, clock: systemClock, userAgent: "lintel-test/1" });
  }

  /** Removes every object of `kinds` and the namespaces in `namespaces`, as the controllers of a cluster would. */
  async wipe(kinds: readonly Kind[], namespaces: readonly string[]): Promise<void> {
    const store = await this.store();
    const client = await this.client();
    for (const kind of kinds) {
      for (const object of (await store.list(kind)).items) {
        if (object.metadata.namespace?.startsWith("kube-") === true) continue;
        const { namespace = "", name, finalizers = [] } = object.metadata;
        if (finalizers.length > 0)
          await store.update(kind, { ...object, metadata: { ...object.metadata, finalizers: [] } });
        if (object.metadata.deletionTimestamp === undefined) await store.delete(kind, namespace, name);
      }
    }
    for (const name of namespaces) {
      if ((await store.get(NAMESPACE, "", name)) === undefined) continue;
      await store.delete(NAMESPACE, "", name);
      const body = { apiVersion: "v1", kind: "Namespace", metadata: { name }, spec: { finalizers: [] } };
      await client.request({ method: "PUT", path: `/api/v1/namespaces/${name}/finalize`, body });
    }
    client.close();
    await store.close();
  }

  /** Adds Lintel's definitions; resolves when the server serves their kinds. */
  async install(): Promise<void> {
    const store = await this.store();
    for (const definition of customResourceDefinitions()) {
      await store.create(CUSTOM_RESOURCE_DEFINITION, definition);
    }
    await eventually("the definitions are established", async () => {
      const { items } = await store.list(CUSTOM_RESOURCE_DEFINITION);
      const established = items.filter((item) =>
        conditionsOf(item["status"]).some(({ type, status }) => type === "Established" && status === "True"),
      );
      return established.length === customResourceDefinitions().length ? true : undefined;
    });
    await store.close();
  }

  /** Removes Lintel's definitions, with all objects of their kinds. */
  async uninstall(): Promise<void> {
    const store = await this.store();
    for (const { metadata } of customResourceDefinitions()) {
      await store.delete(CUSTOM_RESOURCE_DEFINITION, "", metadata.name);
    }
    await eventually("the definitions are gone", async () => {
      const { items } = await store.list(CUSTOM_RESOURCE_DEFINITION);
      return items.length === 0 ? true : undefined;
    });
    await store.close();
  }

  /** Has etcd forget every version up to now, as it does every few minutes in a cluster. */
  async compact(): Promise<void> {
    const store = await this.store();
    const { resourceVersion } = await store.list(NAMESPACE);
    await store.close();
    const url = `http://127.0.0.1:${this.#ports.etcd}/v3/kv/compaction`;
    const answer = await fetch(url, { method: "POST", body: JSON.stringify({ revision: resourceVersion }) });
    if (!answer.ok) throw new Error(`etcd: ${await answer.text()}`);
  }

  /** Starts kube-apiserver again on the same data, after `stopApi`. */
  startApi(): void {
    const { folder } = this;
    this.#api = this.#run(this.#binaries.apiServer, "apiserver.log", [
      `--etcd-servers=http://127.0.0.1:${this.#ports.etcd}`,
      `--cert-dir=${join(folder, "pki")}`,
      "--bind-address=127.0.0.1",
      "--advertise-address=127.0.0.1",
      `--secure-port=${this.#ports.api}`,
      `--token-auth-file=${join(folder, "tokens.csv")}`,
      "--authorization-mode=RBAC",
      `--service-account-issuer=https://127.0.0.1:${this.#ports.api}`,
      `--service-account-key-file=${join(folder, "sa.key")}`,
      `--service-account-signing-key-file=${join(folder, "sa.key")}`,
      "--service-cluster-ip-range=10.96.0.0/16",
      "--disable-admission-plugins=ServiceAccount",
      "--endpoint-reconciler-type=none",
      `--audit-policy-file=${join(folder, "audit-policy.json")}`,
      `--audit-log-path=${this.auditLog}`,
    ]);
  }

  /** Ends kube-apiserver alone: `kill -9` unless told otherwise. */
  async stopApi(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    await end(this.#api, signal);
  }

  /** Resolves when the server says that it is ready. */
  async ready(): Promise<void> {
    await eventually(
      "kube-apiserver ready",
      async () => {
        this.writeKubeconfig(this.kubeconfig, "admin", this.#adminToken());
        const client = await this.client();
        try {
          await client.request({ method: "GET", path: "/api/v1/namespaces/default" });
          return true;
        } finally {
          client.close();
        }
      },
      START_MS_MAX,
    );
  }

  async stop(): Promise<void> {
    await end(this.#api, "SIGKILL");
    await end(this.#etcd, "SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }

  #adminToken(): string {
    return readFileSync(join(this.folder, "tokens.csv"), "utf8").split(",")[0] ?? "";
  }

  #writeCredentials(): void {
    const token = randomBytes(16).toString("hex");
    const rules = [
      { level: "Metadata", omitStages: ["RequestReceived"], userGroups: ["system:serviceaccounts"] },
      { level: "None" },
    ];
    const policy = { apiVersion: "audit.k8s.io/v1", kind: "Policy", rules };
    writeFileSync(join(this.folder, "audit-policy.json"), JSON.stringify(policy));
    writeFileSync(join(this.folder, "tokens.csv"), `${token},admin,admin,"system:masters"\n`, { mode: 0o600 });
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    writeFileSync(join(this.folder, "sa.key"), privateKey.export({ type: "pkcs1", format: "pem" }), { mode: 0o600 });
  }

  /** A kubeconfig of a member of system:masters that leads through `url`. */
  adminThrough(url: string, path: string): string {
    return this.writeKubeconfig(path, "admin", this.#adminToken(), url);
  }

  /** Stops etcd for a while, or lets it go on. */
  signalEtcd(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#etcd?.kill(signal);
  }

  /** `kill -9` of etcd. */
  async killEtcd(): Promise<void> {
    await end(this.#etcd, "SIGKILL");
  }

  /** Starts etcd, also again on the same data after `killEtcd`. */
  startEtcd(): void {
    const client = `http://127.0.0.1:${this.#ports.etcd}`;
    const peer = `http://127.0.0.1:${this.#ports.peer}`;
    this.#etcd = this.#run(this.#binaries.etcd, "etcd.log", [
      `--data-dir=${join(this.folder, "etcd")}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      "--unsafe-no-fsync",
    ]);
  }

  #run(program: string, log: string, args: readonly string[]): ChildProcess {
    return spawn("sh", ["-c", 'exec "$0" "$@" >> "$LOG" 2>&1', program, ...args], {
      stdio: "ignore",
      env: { ...process.env, LOG: join(this.folder, log) },
    });
  }
}

async function end(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, "exit");
}
