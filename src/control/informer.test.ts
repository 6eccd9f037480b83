import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LintelError } from "../ground/errors.ts";
import { ManualClock, MemoryLog, seededRandom, settle } from "../ground/testing.ts";
import { CONFIG_MAP, NAMESPACE } from "../resource/kind.ts";
import type { Store } from "../store/contract.ts";
import { MemoryStore } from "../store/memory.ts";
import { Informer } from "./informer.ts";
import { make } from "./testing.ts";

async function openStore(clock: ManualClock): Promise<MemoryStore> {
  const store = new MemoryStore({ clock });
  await store.create(NAMESPACE, make(NAMESPACE, "shop"));
  return store;
}

function follow(store: Store, clock: ManualClock): Informer {
  const options = { store, clock, random: seededRandom(1), log: new MemoryLog(), kind: CONFIG_MAP };
  return new Informer({ ...options, indexes: { team: (object) => [object.metadata.labels?.["team"] ?? "none"] } });
}

describe("Informer", () => {
  it("follows what is created, changed and deleted", async () => {
    const clock = new ManualClock();
    const store = await openStore(clock);
    await store.create(CONFIG_MAP, make(CONFIG_MAP, "first"));
    const informer = follow(store, clock);
    await informer.synced;
    const seen: string[] = [];
    informer.subscribe(({ before, after }) => {
      seen.push(`${before?.metadata.name ?? "-"}>${after?.metadata.name ?? "-"}`);
    });
    const made = await store.create(CONFIG_MAP, make(CONFIG_MAP, "second"));
    await store.update(CONFIG_MAP, { ...made, data: { a: "1" } });
    await store.delete(CONFIG_MAP, "shop", "first");
    await settle();
    assert.deepEqual(seen, ["->first", "->second", "second>second", "first>-"]);
    assert.deepEqual(informer.get("shop", "second")?.["data"], { a: "1" });
    assert.equal(informer.get("shop", "first"), undefined);
    await informer.close();
  });

  it("finds objects by an index that follows their changes", async () => {
    const clock = new ManualClock();
    const store = await openStore(clock);
    const informer = follow(store, clock);
    await informer.synced;
    const made = await store.create(CONFIG_MAP, make(CONFIG_MAP, "app", {}, { labels: { team: "red" } }));
    await settle();
    assert.equal(informer.find("team", "red").length, 1);
    await store.update(CONFIG_MAP, { ...made, metadata: { ...made.metadata, labels: { team: "blue" } } });
    await settle();
    assert.equal(informer.find("team", "red").length, 0);
    assert.equal(informer.find("team", "blue").length, 1);
    await store.delete(CONFIG_MAP, "shop", "app");
    await settle();
    assert.equal(informer.find("team", "blue").length, 0);
    await informer.close();
  });

  it("lists again when the store forgot its version, and tells what it missed", async () => {
    const clock = new ManualClock();
    const store = await openStore(clock);
    await store.create(CONFIG_MAP, make(CONFIG_MAP, "old"));
    let watches = 0;
    const forgetful = wrap(store, {
      watch: (kind, options) => {
        watches += 1;
        return watches === 1 ? broken("Gone") : store.watch(kind, options);
      },
    });
    const informer = follow(forgetful, clock);
    const gone: string[] = [];
    await informer.synced;
    informer.subscribe(({ before, after }) => {
      if (after === undefined) gone.push(before?.metadata.name ?? "");
    });
    await store.delete(CONFIG_MAP, "shop", "old");
    await store.create(CONFIG_MAP, make(CONFIG_MAP, "new"));
    await clock.advance(200);
    assert.deepEqual(gone, ["old"]);
    assert.equal(informer.get("shop", "new")?.metadata.name, "new");
    await informer.close();
  });

  it("keeps its cache and backs off while the store cannot be reached", async () => {
    const clock = new ManualClock();
    const store = await openStore(clock);
    let lists = 0;
    const down = wrap(store, {
      list: () => {
        lists += 1;
        return Promise.reject(new LintelError("Cannot reach the store", { code: "Unreachable" }));
      },
    });
    const informer = follow(down, clock);
    await clock.advance(60_000);
    // 100 ms doubling up to 30 s: a dozen attempts a minute, not six hundred.
    assert.ok(lists >= 8 && lists <= 14, `${String(lists)} lists`);
    await informer.close();
  });

  it("is settled without being synced while the store has no such kind, and syncs once it has", async () => {
    const clock = new ManualClock();
    const store = await openStore(clock);
    let isKnown = false;
    const growing = wrap(store, {
      list: (kind, options) =>
        isKnown
          ? store.list(kind, options)
          : Promise.reject(new LintelError("No such kind", { code: "NotFound", hint: "Apply its definition" })),
    });
    const troubles: (string | undefined)[] = [];
    const informer = new Informer({
      store: growing,
      clock,
      random: seededRandom(1),
      log: new MemoryLog(),
      kind: CONFIG_MAP,
      onTrouble: (_kind, sentence) => troubles.push(sentence),
    });
    await informer.settled;
    assert.equal(informer.isSynced, false);
    assert.deepEqual(troubles, ["No such kind. Apply its definition"]);
    isKnown = true;
    await clock.advance(1_000);
    await informer.synced;
    assert.equal(troubles.at(-1), undefined);
    await informer.close();
  });

  it("ends its watch when closed", async () => {
    const clock = new ManualClock();
    const store = await openStore(clock);
    const informer = follow(store, clock);
    await informer.synced;
    await informer.close();
    await store.create(CONFIG_MAP, make(CONFIG_MAP, "late"));
    await settle();
    assert.equal(informer.get("shop", "late"), undefined);
  });
});

function wrap(store: Store, changes: Partial<Store>): Store {
  return {
    get: (...args) => store.get(...args),
    list: (...args) => store.list(...args),
    create: (...args) => store.create(...args),
    update: (...args) => store.update(...args),
    updateStatus: (...args) => store.updateStatus(...args),
    delete: (...args) => store.delete(...args),
    watch: (...args) => store.watch(...args),
    ...changes,
  };
}

function broken(code: "Gone"): AsyncIterable<never> {
  const next = async (): Promise<IteratorResult<never>> => {
    await settle();
    throw new LintelError("Cannot watch from that version", { code });
  };
  return { [Symbol.asyncIterator]: () => ({ next }) };
}
