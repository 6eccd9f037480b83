import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isLintelError } from "../ground/errors.ts";
import {
  CERTIFICATE,
  CONFIG_MAP,
  INGRESS,
  NAMESPACE,
  SECRET,
  apiVersionOf,
  resourceName,
  type Kind,
} from "../resource/kind.ts";
import { controllerReference, type KubeObject, type ObjectMeta } from "../resource/object.ts";
import type { Store, WatchEvent } from "./contract.ts";

/** Returns an object of `kind` in namespace `demo`, with `fields` beside its metadata. */
export function objectOf(
  kind: Kind,
  name: string,
  fields: Readonly<Record<string, unknown>> = {},
  metadata: Partial<ObjectMeta> = {},
): KubeObject {
  return {
    ...fields,
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    metadata: { name, ...(kind.namespaced ? { namespace: "demo" } : {}), ...metadata },
  };
}

/** Reads `count` events of a watch. */
export async function take(events: AsyncIterable<WatchEvent>, count: number): Promise<readonly WatchEvent[]> {
  const taken: WatchEvent[] = [];
  if (count === 0) return taken;
  for await (const event of events) {
    taken.push(event);
    if (taken.length === count) break;
  }
  return taken;
}

/** Specs and a status that a real API server takes too. */
const SPEC = { defaultBackend: { service: { name: "web", port: { number: 80 } } } };
const OTHER_SPEC = { defaultBackend: { service: { name: "web", port: { number: 81 } } } };
const CERTIFICATE_SPEC = { spec: { secretName: "tls", dnsNames: ["shop.example"], issuerRef: { name: "ca" } } };
const STATUS = { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } };

/** In what stores may differ. */
export interface StoreTraits {
  /** A real API server leaves dependants and the content of namespaces to another program of the cluster. */
  readonly collectsGarbage?: boolean;
  /** A version the store can't watch from; a real API server waits for those of the future. */
  readonly forgottenVersion?: string;
}

/** What every driver of the store contract must do. `open` gives a fresh store that has the namespace `demo`. */
export function describeStore(
  driver: string,
  open: () => Promise<Store>,
  { collectsGarbage = true, forgottenVersion = "999999999" }: StoreTraits = {},
): void {
  describe(`${driver} store`, () => {
    describeReadsAndWrites(open);
    describeDeletion(open);
    if (collectsGarbage) describeGarbageCollection(open);
    describeWatch(open, forgottenVersion);
  });
}

function describeReadsAndWrites(open: () => Promise<Store>): void {
  it("create() sets the fields the store owns whatever the caller put there", async () => {
    const store = await open();
    const made = await store.create(INGRESS, objectOf(INGRESS, "web", { spec: SPEC }, { uid: "mine", generation: 9 }));
    assert.notEqual(made.metadata.uid, "mine");
    assert.equal(made.metadata.generation, 1);
    assert.match(made.metadata.creationTimestamp ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.deepEqual(await store.get(INGRESS, "demo", "web"), made);
  });

  it("create() refuses a name that is taken and a namespace that is missing", async () => {
    const store = await open();
    await store.create(SECRET, objectOf(SECRET, "tls"));
    await assert.rejects(store.create(SECRET, objectOf(SECRET, "tls")), (error) =>
      isLintelError(error, "AlreadyExists"),
    );
    const elsewhere = objectOf(SECRET, "tls", {}, { namespace: "nowhere" });
    await assert.rejects(store.create(SECRET, elsewhere), (error) => isLintelError(error, "NotFound"));
  });

  it("create() makes a name from generateName", async () => {
    const store = await open();
    const made = await store.create(SECRET, objectOf(SECRET, "", {}, { generateName: "key-" }));
    assert.match(made.metadata.name, /^key-[a-z0-9]{5}$/);
  });

  it("create() and update() store nothing on a dry run", async () => {
    const store = await open();
    await store.create(SECRET, objectOf(SECRET, "dry"), { dryRun: true });
    assert.equal(await store.get(SECRET, "demo", "dry"), undefined);
    const made = await store.create(SECRET, objectOf(SECRET, "wet", { data: { a: "MQ==" } }));
    await store.update(SECRET, objectOf(SECRET, "wet", { data: { a: "Mg==" } }), { dryRun: true });
    assert.deepEqual(await store.get(SECRET, "demo", "wet"), made);
  });

  it("update() refuses a stale version and keeps the newer object", async () => {
    const store = await open();
    const first = await store.create(CONFIG_MAP, objectOf(CONFIG_MAP, "app", { data: { a: "1" } }));
    const second = await store.update(CONFIG_MAP, { ...first, data: { a: "2" } });
    await assert.rejects(store.update(CONFIG_MAP, { ...first, data: { a: "3" } }), (error) =>
      isLintelError(error, "Conflict"),
    );
    assert.deepEqual(await store.get(CONFIG_MAP, "demo", "app"), second);
  });

  it("update() keeps the version when nothing changed", async () => {
    const store = await open();
    const made = await store.create(CONFIG_MAP, objectOf(CONFIG_MAP, "app", { data: { a: "1" } }));
    const again = await store.update(CONFIG_MAP, objectOf(CONFIG_MAP, "app", { data: { a: "1" } }));
    assert.equal(again.metadata.resourceVersion, made.metadata.resourceVersion);
  });

  it("update() counts the generation for the spec only and leaves the status alone", async () => {
    const store = await open();
    const made = await store.create(INGRESS, objectOf(INGRESS, "web", { spec: SPEC }));
    await store.updateStatus(INGRESS, { ...made, status: STATUS });
    const labelled = await store.update(
      INGRESS,
      objectOf(INGRESS, "web", { spec: SPEC, status: {} }, { labels: { x: "y" } }),
    );
    assert.equal(labelled.metadata.generation, 1);
    assert.deepEqual(labelled["status"], STATUS);
    const changed = await store.update(INGRESS, objectOf(INGRESS, "web", { spec: OTHER_SPEC }));
    assert.equal(changed.metadata.generation, 2);
  });

  it("updateStatus() changes nothing but the status", async () => {
    const store = await open();
    const made = await store.create(INGRESS, objectOf(INGRESS, "web", { spec: SPEC }));
    const after = await store.updateStatus(INGRESS, {
      ...made,
      metadata: { ...made.metadata, labels: { sneaked: "in" } },
      spec: OTHER_SPEC,
      status: STATUS,
    });
    assert.deepEqual(after["spec"], made["spec"]);
    assert.equal(after.metadata.labels, undefined);
    assert.equal(after.metadata.generation, 1);
  });

  it("list() is sorted, filtered by namespace, and says its version", async () => {
    const store = await open();
    await store.create(NAMESPACE, objectOf(NAMESPACE, "other"));
    await store.create(SECRET, objectOf(SECRET, "b"));
    await store.create(SECRET, objectOf(SECRET, "a"));
    const last = await store.create(SECRET, objectOf(SECRET, "c", {}, { namespace: "other" }));
    const all = await store.list(SECRET);
    assert.deepEqual(
      all.items.map((item) => `${item.metadata.namespace ?? ""}/${item.metadata.name}`),
      ["demo/a", "demo/b", "other/c"],
    );
    assert.ok(Number(all.resourceVersion) >= Number(last.metadata.resourceVersion));
    assert.equal((await store.list(SECRET, { namespace: "demo" })).items.length, 2);
  });
}

function describeDeletion(open: () => Promise<Store>): void {
  it("delete() refuses when a precondition does not hold", async () => {
    const store = await open();
    await store.create(SECRET, objectOf(SECRET, "tls"));
    await assert.rejects(store.delete(SECRET, "demo", "tls", { uid: "other" }), (error) =>
      isLintelError(error, "Conflict"),
    );
    await assert.rejects(store.delete(SECRET, "demo", "none"), (error) => isLintelError(error, "NotFound"));
  });

  it("delete() waits for finalizers, and the update that removes the last one finishes it", async () => {
    const store = await open();
    await store.create(SECRET, objectOf(SECRET, "held", {}, { finalizers: ["acme.example/x"] }));
    const marked = await store.delete(SECRET, "demo", "held");
    assert.ok(marked.metadata.deletionTimestamp !== undefined);
    assert.ok((await store.get(SECRET, "demo", "held")) !== undefined);
    await store.update(SECRET, objectOf(SECRET, "held", {}, { finalizers: [] }));
    assert.equal(await store.get(SECRET, "demo", "held"), undefined);
  });
}

function describeGarbageCollection(open: () => Promise<Store>): void {
  it("delete() takes dependants along, to any depth, unless told to orphan them", async () => {
    const store = await open();
    const build = async (suffix: string): Promise<KubeObject> => {
      const owner = await store.create(INGRESS, objectOf(INGRESS, `web-${suffix}`, { spec: SPEC }));
      const child = await store.create(
        CERTIFICATE,
        objectOf(CERTIFICATE, `cert-${suffix}`, CERTIFICATE_SPEC, { ownerReferences: [controllerReference(owner)] }),
      );
      await store.create(
        SECRET,
        objectOf(SECRET, `key-${suffix}`, {}, { ownerReferences: [controllerReference(child)] }),
      );
      return owner;
    };
    for (const propagation of ["Background", "Foreground"] as const) {
      const owner = await build(propagation.toLowerCase());
      await store.delete(INGRESS, "demo", owner.metadata.name, { propagation });
      assert.equal(await store.get(INGRESS, "demo", owner.metadata.name), undefined);
      assert.equal((await store.list(CERTIFICATE)).items.length, 0);
      assert.equal((await store.list(SECRET)).items.length, 0);
    }
    const owner = await build("orphan");
    await store.delete(INGRESS, "demo", owner.metadata.name, { propagation: "Orphan" });
    const orphan = await store.get(CERTIFICATE, "demo", "cert-orphan");
    assert.equal(orphan?.metadata.ownerReferences, undefined);
    assert.equal((await store.list(SECRET)).items.length, 1);
  });

  it("create() does not leave a dependant behind whose owner has just gone", async () => {
    const store = await open();
    const owner = await store.create(INGRESS, objectOf(INGRESS, "web", { spec: SPEC }));
    await store.delete(INGRESS, "demo", "web");
    await store.create(SECRET, objectOf(SECRET, "late", {}, { ownerReferences: [controllerReference(owner)] }));
    assert.equal(await store.get(SECRET, "demo", "late"), undefined);
  });

  it("delete() of a namespace empties it, and lets nothing in while something holds it", async () => {
    const store = await open();
    await store.create(SECRET, objectOf(SECRET, "free"));
    await store.create(SECRET, objectOf(SECRET, "held", {}, { finalizers: ["acme.example/x"] }));
    const marked = await store.delete(NAMESPACE, "", "demo");
    assert.deepEqual(marked["status"], { phase: "Terminating" });
    assert.equal(await store.get(SECRET, "demo", "free"), undefined);
    await assert.rejects(store.create(SECRET, objectOf(SECRET, "new")), (error) => isLintelError(error, "Conflict"));
    await store.update(SECRET, objectOf(SECRET, "held", {}, { finalizers: [] }));
    assert.equal(await store.get(NAMESPACE, "", "demo"), undefined);
    await store.create(NAMESPACE, objectOf(NAMESPACE, "demo"));
    await store.delete(NAMESPACE, "", "demo");
    assert.equal(await store.get(NAMESPACE, "", "demo"), undefined);
  });
}

function describeWatch(open: () => Promise<Store>, forgottenVersion: string): void {
  it("watch() without a version yields what there is and then what changes", async () => {
    const store = await open();
    const stop = new AbortController();
    await store.create(SECRET, objectOf(SECRET, "old"));
    const seen: string[] = [];
    for await (const { type, object } of store.watch(SECRET, { signal: stop.signal })) {
      seen.push(`${type} ${object.metadata.name}`);
      if (seen.length === 3) break;
      if (seen.length > 1) continue;
      await store.create(SECRET, objectOf(SECRET, "new"));
      await store.delete(SECRET, "demo", "old");
    }
    assert.deepEqual(seen, ["ADDED old", "ADDED new", "DELETED old"]);
  });

  it("watch() from a list's version misses nothing", async () => {
    const store = await open();
    const stop = new AbortController();
    await store.create(SECRET, objectOf(SECRET, "before"));
    const { resourceVersion } = await store.list(SECRET);
    await store.create(SECRET, objectOf(SECRET, "after"));
    const [event] = await take(store.watch(SECRET, { resourceVersion, signal: stop.signal }), 1);
    assert.equal(event?.object.metadata.name, "after");
  });

  it("watch() of one namespace sees only that one", async () => {
    const store = await open();
    const stop = new AbortController();
    await store.create(NAMESPACE, objectOf(NAMESPACE, "other"));
    const events = store.watch(SECRET, { namespace: "other", signal: stop.signal });
    await store.create(SECRET, objectOf(SECRET, "a"));
    await store.create(SECRET, objectOf(SECRET, "b", {}, { namespace: "other" }));
    const [event] = await take(events, 1);
    assert.equal(event?.object.metadata.name, "b");
  });

  it("watch() says Gone for a version it does not know", async () => {
    const store = await open();
    const stop = new AbortController();
    const start = async (): Promise<unknown> =>
      take(store.watch(SECRET, { resourceVersion: forgottenVersion, signal: stop.signal }), 1);
    await assert.rejects(start, (error) => isLintelError(error, "Gone"));
  });

  it("watch() ends when its signal aborts", async () => {
    const store = await open();
    const stop = new AbortController();
    const ended = take(store.watch(SECRET, { signal: stop.signal }), 1);
    stop.abort();
    assert.deepEqual(await ended, []);
  });

  it("watch() replayed gives the same objects as list(), whatever the writes", async () => {
    const step = fc.record({ name: fc.constantFrom("a", "b", "c"), value: fc.nat(3), drop: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const store = await open();
        const stop = new AbortController();
        const { resourceVersion } = await store.list(CONFIG_MAP, { namespace: "demo" });
        const events = store.watch(CONFIG_MAP, { namespace: "demo", resourceVersion, signal: stop.signal });
        for (const { name, value, drop } of steps) await writeOne(store, name, value, drop);
        // The last write marks the end of what is replayed.
        await store.create(CONFIG_MAP, objectOf(CONFIG_MAP, "end"));
        const replica = await replay(events);
        const { items } = await store.list(CONFIG_MAP, { namespace: "demo" });
        assert.deepEqual([...replica.values()].sort(byName), items);
      }),
      { numRuns: 40 },
    );
  });
}

async function writeOne(store: Store, name: string, value: number, drop: boolean): Promise<void> {
  const exists = (await store.get(CONFIG_MAP, "demo", name)) !== undefined;
  const object = objectOf(CONFIG_MAP, name, { data: { value: String(value) } });
  if (drop && exists) await store.delete(CONFIG_MAP, "demo", name);
  else if (exists) await store.update(CONFIG_MAP, object);
  else if (!drop) await store.create(CONFIG_MAP, object);
}

async function replay(events: AsyncIterable<WatchEvent>): Promise<ReadonlyMap<string, KubeObject>> {
  const replica = new Map<string, KubeObject>();
  let lastVersion = 0;
  for await (const { type, object } of events) {
    const version = Number(object.metadata.resourceVersion);
    assert.ok(version > lastVersion, `${resourceName(CONFIG_MAP)} versions grow: ${version} after ${lastVersion}`);
    lastVersion = version;
    assert.equal(replica.has(object.metadata.name), type !== "ADDED");
    if (type === "DELETED") replica.delete(object.metadata.name);
    else replica.set(object.metadata.name, object);
    if (object.metadata.name === "end") break;
  }
  return replica;
}

function byName(left: KubeObject, right: KubeObject): number {
  return left.metadata.name < right.metadata.name ? -1 : 1;
}
