import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import { LintelError } from "../ground/errors.ts";
import { ManualClock, MemoryLog, seededRandom, settle } from "../ground/testing.ts";
import { CONFIG_MAP, NAMESPACE } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import type { Store } from "../store/contract.ts";
import { fencedStore } from "../store/fenced-store.ts";
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

function colored(version: string, color: string): KubeObject {
  return make(CONFIG_MAP, "a", { data: { color } }, { uid: "1", resourceVersion: version });
}

/** Its methods, to replace some of them. */
function storeOf(store: MemoryStore): Store {
  return fencedStore(store, () => undefined);
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

  it("tells that trouble is over when a watch is taken and lasts, though nothing changes, and goes on from bookmarks", async () => {
    const clock = new ManualClock();
    const store = await openStore(clock);
    const told: (string | undefined)[] = [];
    const from: (string | undefined)[] = [];
    let torn: (() => void) | undefined;
    const failing: Store = {
      ...storeOf(store),
      async *watch(_kind, options) {
        from.push(options.resourceVersion);
        options.onProgress?.(options.resourceVersion ?? "");
        if (from.length === 3) options.onProgress?.("1000");
        await new Promise<void>((resolve) => (torn = resolve));
        options.signal.throwIfAborted();
        yield* [];
        throw new LintelError("Cannot reach the API server", { code: "Unreachable" });
      },
    };
    const onTrouble = (_: unknown, sentence: string | undefined): void => void told.push(sentence);
    const common = { clock, random: seededRandom(1), log: new MemoryLog(), kind: CONFIG_MAP };
    const informer = new Informer({ ...common, store: failing, onTrouble });
    await informer.synced;
    await settle();
    torn?.();
    await clock.advance(4_900);
    assert.deepEqual(told, ["Cannot reach the API server"], "not well yet: it might be torn again");
    await clock.advance(200);
    assert.deepEqual(told, ["Cannot reach the API server", undefined]);
    torn?.();
    await clock.advance(200);
    assert.deepEqual(told.slice(2), ["Cannot reach the API server", undefined], "a bookmark is enough");
    torn?.();
    await clock.advance(200);
    assert.equal(from.at(-1), "1000");
    const closed = informer.close();
    torn?.();
    await closed;
  });

  it("takes no event that is older than what it knows, nor one twice", async () => {
    const clock = new ManualClock();
    const store: Store = {
      ...storeOf(await openStore(clock)),
      list: async () => ({ items: [colored("5", "red")], resourceVersion: "5" }),
      async *watch(_kind, { signal }) {
        for (const one of [colored("7", "green"), colored("7", "green"), colored("6", "blue")]) {
          yield { type: "MODIFIED", object: one };
        }
        yield { type: "DELETED", object: colored("6", "blue") };
        await once(signal, "abort");
      },
    };
    const informer = follow(store, clock);
    await informer.synced;
    let changes = 0;
    informer.subscribe(() => (changes += 1));
    await settle();
    assert.deepEqual(informer.get("shop", "a")?.["data"], { color: "green" });
    assert.equal(changes, 2);
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
