import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Clock } from "../../ground/clock.ts";
import { LintelError } from "../../ground/errors.ts";
import { numberAt } from "../../ground/json.ts";
import { ManualClock, MemoryLog, seededRandom } from "../../ground/testing.ts";
import { LEASE, NAMESPACE } from "../../resource/kind.ts";
import type { Store } from "../../store/contract.ts";
import { MemoryStore } from "../../store/memory.ts";
import { LeaderElection } from "./leader-election.ts";

/** A store that can be out of reach for one replica. */
class Link {
  reachable: boolean = true;
  /** While it is set, nothing is answered at all. */
  silence: Promise<void> | undefined;
  readonly store: Store;

  constructor(store: Store) {
    const check = (): void => {
      if (!this.reachable) throw new LintelError("Cannot reach the API server", { code: "Unreachable" });
    };
    const guarded = <Arguments extends readonly unknown[], Result>(
      act: (...args: Arguments) => Promise<Result>,
    ): ((...args: Arguments) => Promise<Result>) => {
      return async (...args) => {
        check();
        await this.silence;
        return act(...args);
      };
    };
    this.store = {
      get: guarded((...args: Parameters<Store["get"]>) => store.get(...args)),
      list: guarded((...args: Parameters<Store["list"]>) => store.list(...args)),
      create: guarded((...args: Parameters<Store["create"]>) => store.create(...args)),
      update: guarded((...args: Parameters<Store["update"]>) => store.update(...args)),
      updateStatus: guarded((...args: Parameters<Store["updateStatus"]>) => store.updateStatus(...args)),
      delete: guarded((...args: Parameters<Store["delete"]>) => store.delete(...args)),
      watch: (...args) => store.watch(...args),
    };
  }
}

class Cluster {
  readonly clock: ManualClock = new ManualClock();
  readonly store: MemoryStore = new MemoryStore({ clock: this.clock });
  readonly leading = new Set<string>();
  readonly history: string[] = [];

  static async open(): Promise<Cluster> {
    const cluster = new Cluster();
    await cluster.store.create(NAMESPACE, { apiVersion: "v1", kind: "Namespace", metadata: { name: "lintel" } });
    return cluster;
  }

  join(identity: string, link: Link = new Link(this.store), clock: Clock = this.clock): LeaderElection {
    return LeaderElection.join({
      store: link.store,
      clock,
      random: seededRandom(identity.length),
      log: new MemoryLog(),
      namespace: "lintel",
      name: "lintel-leader",
      identity,
      onElected: async () => {
        this.leading.add(identity);
        this.history.push(`${identity} leads`);
        assert.equal(this.leading.size, 1, "two lead at the same time");
      },
      onDeposed: async () => {
        this.leading.delete(identity);
        this.history.push(`${identity} stops`);
      },
    });
  }

  /** Lets time pass in steps, as clocks do. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 500) await this.clock.advance(500);
  }
}

describe("LeaderElection", () => {
  it("elects exactly one, which stays while it renews", async () => {
    const cluster = await Cluster.open();
    const first = cluster.join("a");
    await cluster.pass(1_000);
    const second = cluster.join("bb");
    await cluster.pass(120_000);
    assert.deepEqual([first.isLeading, second.isLeading, second.leader], [true, false, "a"]);
    assert.deepEqual(cluster.history, ["a leads"]);
    await Promise.all([first.close(), second.close()]);
  });

  it("hands over within two looks when the leader stops", async () => {
    const cluster = await Cluster.open();
    const first = cluster.join("a");
    await cluster.pass(1_000);
    const second = cluster.join("bb");
    await cluster.pass(3_000);
    await first.close();
    await cluster.pass(2_500);
    assert.ok(second.isLeading);
    assert.deepEqual(cluster.history, ["a leads", "a stops", "bb leads"]);
    await second.close();
  });

  it("moves within fifteen seconds when the leader is gone, and never to two at a time", async () => {
    const cluster = await Cluster.open();
    const link = new Link(cluster.store);
    const first = cluster.join("a", link);
    await cluster.pass(1_000);
    const second = cluster.join("bb");
    await cluster.pass(3_000);
    link.reachable = false;
    await cluster.pass(9_500);
    assert.ok(!first.isLeading, "who can't renew stops by itself before another begins");
    await cluster.pass(5_000);
    assert.ok(second.isLeading);
    link.reachable = true;
    await cluster.pass(10_000);
    assert.ok(!first.isLeading);
    const lease = await cluster.store.get(LEASE, "lintel", "lintel-leader");
    assert.equal(numberAt(lease?.["spec"], "leaseTransitions"), 1);
    await Promise.all([first.close(), second.close()]);
  });

  it("stops leading in time while an answer is still awaited", async () => {
    const cluster = await Cluster.open();
    const link = new Link(cluster.store);
    const first = cluster.join("a", link);
    await cluster.pass(1_000);
    const second = cluster.join("bb");
    await cluster.pass(3_000);
    const { promise, resolve } = Promise.withResolvers<void>();
    link.silence = promise;
    await cluster.pass(9_500);
    assert.ok(!first.isLeading && !second.isLeading, "nobody leads yet");
    await cluster.pass(5_000);
    assert.ok(second.isLeading);
    link.silence = undefined;
    resolve();
    await cluster.pass(10_000);
    assert.deepEqual(cluster.history, ["a leads", "a stops", "bb leads"]);
    await Promise.all([first.close(), second.close()]);
  });

  it("fence() throws for a leader that was paused, before anything told it", async () => {
    const cluster = await Cluster.open();
    const { clock } = cluster;
    let asleepMs = 0;
    const first = cluster.join("a", new Link(cluster.store), {
      nowMs: () => clock.nowMs() + asleepMs,
      monotonicMs: () => clock.monotonicMs(),
      timer: (ms, callback) => clock.timer(ms, callback),
      sleep: (ms, options) => clock.sleep(ms, options),
    });
    await cluster.pass(3_000);
    first.fence();
    asleepMs = 7_000;
    assert.ok(first.isLeading, "nothing has told it yet");
    assert.throws(() => first.fence(), /leads no more, so it writes nothing/);
    await first.close();
    assert.throws(() => first.fence(), /leads no more/);
  });

  it("goes on leading through an outage that is shorter than the renew deadline", async () => {
    const cluster = await Cluster.open();
    const link = new Link(cluster.store);
    const first = cluster.join("a", link);
    const second = cluster.join("bb");
    await cluster.pass(3_000);
    const leader = first.isLeading ? first : second;
    link.reachable = false;
    await cluster.pass(4_000);
    link.reachable = true;
    await cluster.pass(20_000);
    assert.ok(leader.isLeading);
    assert.equal(cluster.history.length, 1);
    await Promise.all([first.close(), second.close()]);
  });
});
