import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ManualClock, MemoryLog } from "../../ground/testing.ts";
import { LEASE, NAMESPACE } from "../../resource/kind.ts";
import { MemoryStore } from "../../store/memory.ts";
import { Replicas, type Replica } from "./replicas.ts";

const CHALLENGE = { token: "t", keyAuthorization: "t.k", host: "shop.example" };

class Cluster {
  readonly clock: ManualClock = new ManualClock();
  readonly store: MemoryStore = new MemoryStore({ clock: this.clock });
  readonly log: MemoryLog = new MemoryLog();
  /** Who has the token. */
  readonly serving = new Set<string>();

  static async open(): Promise<Cluster> {
    const cluster = new Cluster();
    await cluster.store.create(NAMESPACE, { apiVersion: "v1", kind: "Namespace", metadata: { name: "lintel" } });
    return cluster;
  }

  async join(identity: string): Promise<Replicas> {
    const replicas = Replicas.join({
      store: this.store,
      clock: this.clock,
      log: this.log,
      namespace: "lintel",
      self: { identity, http: `${identity}:8080`, https: `${identity}:8443`, edgeAddress: `${identity}.edge` },
      probe: async (replica) => this.serving.has(replica.identity),
    });
    await this.clock.advance(0);
    return replicas;
  }

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 500) await this.clock.advance(500);
  }
}

function names(replicas: readonly Replica[]): readonly string[] {
  return replicas.map(({ identity }) => identity).sort();
}

describe("Replicas", () => {
  it("knows who runs, and forgets who is gone", async () => {
    const cluster = await Cluster.open();
    const first = await cluster.join("a");
    const second = await cluster.join("b");
    assert.deepEqual(names(await first.live()), ["a", "b"]);
    await second.close();
    assert.deepEqual(names(await first.live()), ["a"]);
    await first.close();
    assert.equal((await cluster.store.list(LEASE)).items.length, 0);
  });

  it("takes a replica that stopped renewing for gone after fifteen seconds, and removes its Lease later", async () => {
    const cluster = await Cluster.open();
    const first = await cluster.join("a");
    await cluster.store.create(LEASE, {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name: "lintel-replica-dead", namespace: "lintel", labels: { "lintel.dev/replica": "true" } },
      spec: { holderIdentity: "dead", leaseDurationSeconds: 15 },
    });
    assert.deepEqual(names(await first.live()), ["a", "dead"]);
    await cluster.pass(15_000);
    assert.deepEqual(names(await first.live()), ["a"]);
    await cluster.pass(60_000);
    await first.live();
    assert.equal(await cluster.store.get(LEASE, "lintel", "lintel-replica-dead"), undefined);
    await first.close();
  });

  it("waits until every other replica serves a token", async () => {
    const cluster = await Cluster.open();
    const first = await cluster.join("a");
    const second = await cluster.join("b");
    let served = false;
    const waiting = first.challengeServed(CHALLENGE, new AbortController().signal).then(() => (served = true));
    await cluster.pass(1_000);
    assert.ok(!served);
    cluster.serving.add("b");
    await cluster.pass(500);
    await waiting;
    await Promise.all([first.close(), second.close()]);
  });

  it("goes on after five seconds without one that cannot be reached, and says which", async () => {
    const cluster = await Cluster.open();
    const first = await cluster.join("a");
    const second = await cluster.join("b");
    const waiting = first.challengeServed(CHALLENGE, new AbortController().signal);
    await cluster.pass(6_000);
    await waiting;
    assert.ok(cluster.log.lines.some(({ fields }) => fields["replica"] === "b"));
    await Promise.all([first.close(), second.close()]);
  });
});
