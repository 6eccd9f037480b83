/** What breaks under load: every request that fails is counted, and every order that a CA was asked for. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { recordAt } from "../../src/ground/json.ts";
import { freePort, skipWithout } from "../../src/ground/testing.ts";
import { conditionsOf } from "../../src/resource/condition.ts";
import {
  CERTIFICATE,
  CERTIFICATE_REQUEST,
  CHALLENGE,
  ENDPOINT_SLICE,
  INGRESS,
  INGRESS_CLASS,
  ISSUER,
  LEASE,
  ORDER,
  SECRET,
  SERVICE,
  type Kind,
} from "../../src/resource/kind.ts";
import type { ClusterStore } from "../../src/store/cluster/cluster-store.ts";
import { eventually } from "../e2e/eventually.ts";
import { startPebble, type Pebble } from "../e2e/pebble.ts";
import { ApiServer } from "./api-server.ts";
import { DroppableLink } from "./droppable-link.ts";
import { skipWithoutNamespaces } from "./far-host.ts";
import { findKubernetesBinaries } from "./kubernetes-binaries.ts";
import { Replica } from "./replica.ts";
import { make, openShop } from "./shop.ts";

const binaries = findKubernetesBinaries();
const skip =
  typeof binaries === "string"
    ? binaries
    : whyNot(skipWithoutNamespaces(), skipWithout("pebble", "pebble-challtestsrv"));

const KINDS: readonly Kind[] = [
  CHALLENGE,
  ORDER,
  CERTIFICATE_REQUEST,
  CERTIFICATE,
  ISSUER,
  INGRESS,
  INGRESS_CLASS,
  SERVICE,
  ENDPOINT_SLICE,
  SECRET,
  LEASE,
];
const REPLICAS = 3;
/** Certificates that are being issued while something breaks, and as many before and after. */
const CERTIFICATES = 4;
/** Longer than a leader goes on without renewing its Lease. */
const AWAY_MS = 9_000;

function whyNot(...reasons: readonly (string | false)[]): string | false {
  return reasons.find((reason) => reason !== false) ?? false;
}

/** Replicas of one cluster, each with its own way to the API server, under load; a CA that reaches any of them. */
class Faulty {
  readonly replicas: Replica[] = [];
  readonly links: DroppableLink[] = [];
  readonly failures: string[] = [];
  readonly #ports: number[] = [];
  /** Replicas of which nothing is expected now. */
  readonly #down = new Set<Replica>();
  readonly server: ApiServer;
  readonly store: ClusterStore;
  readonly pebble: Pebble;
  requests = 0;
  #wanted = 0;
  #loading: Promise<unknown> | undefined;
  #stopped = false;

  private constructor(server: ApiServer, store: ClusterStore, pebble: Pebble) {
    this.server = server;
    this.store = store;
    this.pebble = pebble;
  }

  static async open(t: TestContext, server: ApiServer, index: number): Promise<Faulty> {
    await server.wipe(KINDS, ["shop", "lintel"]);
    const store = await server.store();
    t.after(() => store.close());
    const httpPort = await freePort();
    const pebble = await startPebble(t, { program: "pebble", httpPort, tlsPort: 1 });
    const cluster = new Faulty(server, store, pebble);
    await DroppableLink.open(t, () => cluster.#ports, httpPort);
    await cluster.#create(t, index);
    for (let count = 0; count < REPLICAS; count++) await cluster.#start(t, `${index}-${count}`);
    t.after(() => cluster.#stop());
    cluster.#loading = Promise.all(cluster.replicas.map((replica) => cluster.#load(replica)));
    return cluster;
  }

  /** Asks for a few more certificates, and returns before they are there. */
  async order(count: number = CERTIFICATES): Promise<void> {
    for (let more = 0; more < count; more++) {
      const name = `c${this.#wanted++}`;
      const spec = { secretName: `${name}-tls`, dnsNames: [`${name}.example`], issuerRef: { name: "le" } };
      await this.store.create(CERTIFICATE, make(CERTIFICATE, name, { spec }));
    }
  }

  leader(): Replica {
    const found = this.replicas.find((replica) => replica.leads && !this.#down.has(replica));
    if (found === undefined) throw new Error("nobody leads");
    return found;
  }

  link(replica: Replica): DroppableLink | undefined {
    return this.links[this.replicas.indexOf(replica)];
  }

  /** Expects nothing of `replica` from now on, or everything again. */
  expect(replica: Replica, up: boolean): void {
    if (up) this.#down.delete(replica);
    else this.#down.add(replica);
  }

  /** Resolves when every certificate is there; every one was ordered once, and no request failed meanwhile. */
  async whole(t: TestContext): Promise<void> {
    await eventually(
      "every certificate Ready",
      async () => {
        const { items } = await this.store.list(CERTIFICATE);
        const ready = items.filter((item) =>
          conditionsOf(item["status"]).some(({ type, status }) => type === "Ready" && status === "True"),
        );
        if (ready.length === this.#wanted) return true;
        const missing = items.filter((item) => !ready.includes(item));
        throw new Error(missing.map((item) => `${item.metadata.name}: ${JSON.stringify(item["status"])}`).join("\n"));
      },
      180_000,
    );
    await this.#stop();
    const orders = (await this.store.list(ORDER)).items.length;
    t.diagnostic(
      `${this.requests} requests, ${this.failures.length} failed; ${this.#wanted} certificates, ${this.pebble.orders()} orders`,
    );
    assert.deepEqual(this.failures, []);
    assert.ok(this.requests > 100, "there was a load");
    assert.equal(orders, this.#wanted);
    assert.equal(this.pebble.orders(), this.#wanted, "the CA was asked once for each certificate");
  }

  async #create(t: TestContext, index: number): Promise<void> {
    const { store, pebble } = this;
    await openShop(t, store, index);
    const backend = { service: { name: "web", port: { number: 80 } } };
    const rules = [{ host: "shop.example", http: { paths: [{ path: "/", pathType: "Prefix", backend }] } }];
    await store.create(INGRESS, make(INGRESS, "web", { spec: { ingressClassName: "lintel", rules } }));
    const acme = {
      server: pebble.directoryUrl,
      caBundle: Buffer.from(pebble.caPem).toString("base64"),
      privateKeySecretRef: { name: "account" },
      solvers: [{ http01: { ingress: { ingressClassName: "lintel" } } }],
    };
    await store.create(ISSUER, make(ISSUER, "le", { spec: { acme } }));
  }

  /** One more, which has a Lease like the others, and which none of them reaches. */
  async startUnreachable(t: TestContext): Promise<Replica> {
    // Reserved for documentation (RFC 5737): nobody answers there.
    const more = ["--preflight", "off", "--replica-address", "192.0.2.1"];
    return Replica.start(t, this.server.kubeconfig, ...more).serving();
  }

  async #start(t: TestContext, name: string): Promise<void> {
    const link = await DroppableLink.open(t, () => [Number(new URL(this.server.url).port)]);
    const folder = join(this.server.folder, `replica-${name}`);
    mkdirSync(folder);
    const kubeconfig = this.server.adminThrough(`https://127.0.0.1:${link.port}`, join(folder, "kubeconfig"));
    const port = await freePort();
    const more = ["--preflight", "off", "--http", String(port), "--replica-address", "127.0.0.1"];
    const replica = await Replica.start(t, kubeconfig, ...more).serving();
    this.replicas.push(replica);
    this.links.push(link);
    this.#ports.push(port);
  }

  /** One request after the other, as fast as they are answered. */
  async #load(replica: Replica): Promise<void> {
    for (let count = 0; !this.#stopped; count++) {
      if (this.#down.has(replica)) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        continue;
      }
      const said = await replica.get("shop.example", "/x").then(
        ({ status, body }) => (status === 200 && body === "web /x" ? "" : `${status} ${body.slice(0, 80)}`),
        (error: unknown) => String(error),
      );
      this.requests += 1;
      if (said !== "" && !this.#down.has(replica)) this.failures.push(said);
    }
  }

  async #stop(): Promise<void> {
    this.#stopped = true;
    await this.#loading;
  }
}

describe("a cluster that breaks under load", { skip }, () => {
  let server: ApiServer;
  before(async () => {
    if (typeof binaries !== "string") server = await ApiServer.start(binaries);
  });
  after(async () => server.stop());

  it("orders once and serves on when leaders are killed", async (t) => {
    const cluster = await Faulty.open(t, server, 11);
    await cluster.order();
    for (let kills = 0; kills < 2; kills++) {
      await eventually("a leader with orders in its hands", async () => {
        const { items } = await cluster.store.list(ORDER);
        if (items.some((order) => recordAt(order, "status")["certificate"] === undefined)) return cluster.leader();
        await cluster.order(1);
        return undefined;
      });
      const leader = cluster.leader();
      cluster.expect(leader, false);
      leader.signalAll("SIGKILL");
      await cluster.order();
      await eventually("another leader", () => cluster.leader());
    }
    await cluster.whole(t);
  });

  it("orders once when a leader sleeps, another leads, and the first wakes up", async (t) => {
    const cluster = await Faulty.open(t, server, 12);
    await cluster.order();
    const sleeper = cluster.leader();
    cluster.expect(sleeper, false);
    sleeper.signalAll("SIGSTOP");
    await cluster.order();
    await eventually("another leader", () => cluster.leader());
    sleeper.signalAll("SIGCONT");
    await eventually("the sleeper to notice", () => (sleeper.leads ? undefined : true));
    cluster.expect(sleeper, true);
    await cluster.order();
    await cluster.whole(t);
  });

  it("orders once and serves on when the leader is cut off from the API server, and not from the CA", async (t) => {
    const cluster = await Faulty.open(t, server, 13);
    await cluster.order();
    const leader = cluster.leader();
    cluster.link(leader)?.cut();
    await cluster.order();
    await eventually("the leader to stop by itself", () => (leader.leads ? undefined : true));
    await eventually("another leader", () => cluster.leader());
    cluster.link(leader)?.heal();
    await cluster.order();
    await cluster.whole(t);
  });

  it("orders once and serves on when kube-apiserver and etcd are killed", async (t) => {
    const cluster = await Faulty.open(t, server, 14);
    await cluster.order();
    await server.stopApi();
    await new Promise((resolve) => setTimeout(resolve, AWAY_MS));
    server.startApi();
    await server.ready();
    await cluster.order();
    await server.killEtcd();
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    server.startEtcd();
    await server.ready();
    await cluster.order();
    await cluster.whole(t);
  });

  it("orders once, and says which replica it is, when the leader does not reach one of the others", async (t) => {
    const cluster = await Faulty.open(t, server, 16);
    await eventually("a leader", () => cluster.leader());
    await cluster.startUnreachable(t);
    await cluster.order(2);
    await cluster.whole(t);
    await cluster.leader().printed("A replica does not answer a new challenge; going on without it");
  });

  it("orders once and serves on when etcd stands still now and then", async (t) => {
    const cluster = await Faulty.open(t, server, 15);
    for (let stops = 0; stops < 3; stops++) {
      await cluster.order(2);
      server.signalEtcd("SIGSTOP");
      await new Promise((resolve) => setTimeout(resolve, 4_000));
      server.signalEtcd("SIGCONT");
      await server.ready();
    }
    await cluster.whole(t);
  });
});
