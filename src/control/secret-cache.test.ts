import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { LintelError } from "../ground/errors.ts";
import { ManualClock, MemoryLog, seededRandom, settle } from "../ground/testing.ts";
import { NAMESPACE, SECRET } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import { MemoryStore } from "../store/memory.ts";
import { SecretCache } from "./secret-cache.ts";
import { make, secretSourcesOf } from "./testing.ts";

const TLS = "kubernetes.io/tls";

/** A store whose reads are counted and may fail. */
class CountingStore extends MemoryStore {
  readonly gets: string[] = [];
  fails = false;

  override async get(...[kind, namespace, name]: Parameters<MemoryStore["get"]>): Promise<KubeObject | undefined> {
    this.gets.push(name);
    if (this.fails) throw new LintelError("Cannot reach the store", { code: "Unreachable" });
    return super.get(kind, namespace, name);
  }
}

interface World {
  readonly clock: ManualClock;
  readonly store: CountingStore;
  readonly cache: SecretCache;
  /** Translates: asks for these Secrets and returns what was in them. */
  readonly translate: (...names: readonly string[]) => readonly unknown[];
  loaded: number;
}

async function open(t: TestContext, ...secrets: readonly KubeObject[]): Promise<World> {
  const clock = new ManualClock();
  const store = new CountingStore({ clock });
  await store.create(NAMESPACE, make(NAMESPACE, "shop"));
  for (const secret of secrets) await store.create(SECRET, secret);
  const options = { store, clock, random: seededRandom(1), log: new MemoryLog() };
  const cache = new SecretCache(options, secretSourcesOf(store));
  t.after(() => cache.close());
  await cache.synced;
  const translate: World["translate"] = (...names) => {
    const contents = names.map((name) => contentOf(cache.read("shop", name)));
    cache.keepRead();
    return contents;
  };
  const world = { clock, store, cache, translate, loaded: 0 };
  cache.onLoaded(() => (world.loaded += 1));
  return world;
}

function secret(name: string, content: string, type: string = TLS): KubeObject {
  return make(SECRET, name, { type, data: { content } });
}

function contentOf(object: KubeObject | undefined): unknown {
  const data = object?.["data"];
  return typeof data === "object" && data !== null && "content" in data ? data.content : undefined;
}

describe("SecretCache", () => {
  it("has TLS Secrets that the first translation asks for without reading them one by one", async (t) => {
    const { store, cache, translate } = await open(t, secret("a", "1"), secret("b", "2"));
    assert.deepEqual(translate("a", "none"), ["1", undefined]);
    assert.ok(!cache.isMissing);
    assert.deepEqual(store.gets, []);
  });

  it("keeps the metadata alone of what no translation asks for", async (t) => {
    const { cache, translate } = await open(t, secret("a", "1"), secret("b", "2"), secret("c", "3", "Opaque"));
    translate("a");
    assert.deepEqual(cache.list().map(contentOf), [undefined, undefined, undefined]);
    assert.deepEqual(
      cache.list().map(({ metadata }) => metadata.name),
      ["a", "b", "c"],
    );
    assert.equal(contentOf(cache.seen("shop", "a")), "1");
    assert.equal(contentOf(cache.seen("shop", "b")), undefined);
  });

  it("reads a Secret that is asked for later, once, and says when it is there", async (t) => {
    const world = await open(t, secret("late", "1"), secret("opaque", "2", "Opaque"));
    world.translate();
    assert.deepEqual(world.translate("late", "opaque"), [undefined, undefined]);
    assert.ok(world.cache.isMissing && world.cache.busy);
    await settle();
    assert.ok(world.loaded > 0);
    assert.ok(!world.cache.isMissing && !world.cache.busy);
    assert.deepEqual(world.translate("late", "opaque"), ["1", "2"]);
    assert.deepEqual(world.store.gets, ["late", "opaque"]);
  });

  it("gives the version before while a newer one is being read, and then the newer one", async (t) => {
    const { store, translate, cache } = await open(t, secret("opaque", "1", "Opaque"));
    translate("opaque");
    await settle();
    assert.deepEqual(translate("opaque"), ["1"]);
    await store.update(SECRET, secret("opaque", "2", "Opaque"));
    await settle();
    assert.deepEqual(translate("opaque"), ["1"]);
    assert.ok(!cache.isMissing);
    await settle();
    assert.deepEqual(translate("opaque"), ["2"]);
    assert.deepEqual(store.gets, ["opaque", "opaque"]);
  });

  it("takes the newer version of a TLS Secret from the watch", async (t) => {
    const { store, translate } = await open(t, secret("a", "1"));
    translate("a");
    await store.update(SECRET, secret("a", "2"));
    await settle();
    assert.deepEqual(translate("a"), ["2"]);
    assert.deepEqual(store.gets, []);
  });

  it("gives nothing of a Secret that is gone, nor of another one of its name before that is read", async (t) => {
    const { store, translate } = await open(t, secret("a", "1", "Opaque"));
    translate("a");
    await settle();
    await store.delete(SECRET, "shop", "a");
    await settle();
    assert.deepEqual(translate("a"), [undefined]);
    await store.create(SECRET, secret("a", "2", "Opaque"));
    await settle();
    assert.deepEqual(translate("a"), [undefined]);
    await settle();
    assert.deepEqual(translate("a"), ["2"]);
  });

  it("tries again with longer and longer waits when a Secret cannot be read", async (t) => {
    const { clock, store, translate, cache } = await open(t, secret("a", "1", "Opaque"));
    store.fails = true;
    translate("a");
    await settle();
    assert.ok(cache.isMissing);
    translate("a");
    await settle();
    assert.equal(store.gets.length, 1, "not before its time");
    store.fails = false;
    await clock.advance(100);
    translate("a");
    await settle();
    assert.deepEqual(translate("a"), ["1"]);
  });

  it("forgets what is not asked for any more", async (t) => {
    const { translate, cache } = await open(t, secret("a", "1"));
    assert.deepEqual(translate("a"), ["1"]);
    assert.ok(cache.isWanted(secret("a", "")));
    translate();
    assert.ok(!cache.isWanted(secret("a", "")));
    assert.deepEqual(translate("a"), [undefined]);
  });
});
