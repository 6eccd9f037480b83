import type { Clock, Timer } from "../ground/clock.ts";
import { isLintelError, messageOf } from "../ground/errors.ts";
import type { Logger } from "../ground/log.ts";
import { resourceName, type Kind } from "../resource/kind.ts";
import { objectKey, type KubeObject } from "../resource/object.ts";
import type { Store } from "../store/contract.ts";

/** First wait after a failed list or watch. */
const BACKOFF_MS_MIN = 100;
/** Longest wait; the real one is between half of it and the whole, so that many informers don't knock together. */
const BACKOFF_MS_MAX = 10_000;

/** A watch that the server has taken and that says nothing for so long is well. */
const STEADY_AFTER_MS = 5_000;

/** What changed in the cache. `before` is what the cache held until now. */
export interface Change {
  readonly kind: Kind;
  readonly before: KubeObject | undefined;
  /** Undefined: the object is gone. */
  readonly after: KubeObject | undefined;
}

/** What of a store an informer needs. */
export type Followed = Pick<Store, "list" | "watch">;

/** Objects of one kind as readers see them. */
export interface ObjectCache {
  readonly kind: Kind;
  /** Resolves when the first list is in the cache. */
  readonly synced: Promise<void>;
  /** Resolves when `synced` does, or once the store says that it has no such kind or that we may not see it. */
  readonly settled: Promise<void>;
  /** Whether the first list is in the cache. */
  readonly isSynced: boolean;
  get(namespace: string, name: string): KubeObject | undefined;
  list(): readonly KubeObject[];
  /** Returns the objects that the index called `index` files under `value`. */
  find(index: string, value: string): readonly KubeObject[];
  /** Calls `listener` for each later change, and now for each object there is. Returns what ends it. */
  subscribe(listener: (change: Change) => void): () => void;
  /** Returns what ends every subscription that is made from now on until it is called. */
  mark(): () => void;
  close(): Promise<void>;
}

/** What an informer follows, and how its cache is indexed. */
export interface InformerOptions {
  readonly store: Followed;
  readonly kind: Kind;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Told why the store cannot be followed, and what to do, and undefined once it can be again. */
  readonly onTrouble?: ((kind: Kind, sentence: string | undefined) => void) | undefined;
  /** Named functions from an object to the values it is found under. */
  readonly indexes?: Readonly<Record<string, (object: KubeObject) => readonly string[]>>;
  /** What of each object is kept: its metadata must tell name, namespace, uid and version. @default the whole object */
  readonly keep?: ((object: KubeObject) => KubeObject) | undefined;
}

/**
 * A cache of all objects of one kind that follows the store by itself. Readers see a state the store had, never a mix
 * of two; it may be a moment behind the store, so whoever acts on an object reads that one from the store first.
 * Listeners are called in order, once per change, also for what a new list shows to be gone. The number of cached
 * objects is bounded by the store's.
 */
export class Informer implements ObjectCache {
  readonly kind: Kind;
  readonly synced: Promise<void>;
  readonly settled: Promise<void>;
  readonly #options: InformerOptions;
  readonly #objects = new Map<string, KubeObject>();
  readonly #indexes = new Map<string, Map<string, Set<string>>>();
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #closing = new AbortController();
  readonly #markSynced: () => void;
  readonly #markSettled: () => void;
  readonly #running: Promise<void>;
  #isSynced = false;

  /** Starts following at once; `close()` ends it. */
  constructor(options: InformerOptions) {
    this.#options = options;
    this.kind = options.kind;
    for (const name of Object.keys(options.indexes ?? {})) this.#indexes.set(name, new Map());
    const synced = Promise.withResolvers<void>();
    const settled = Promise.withResolvers<void>();
    this.synced = synced.promise;
    this.settled = settled.promise;
    this.#markSynced = synced.resolve;
    this.#markSettled = settled.resolve;
    this.#running = this.#follow(this.#closing.signal);
  }

  get isSynced(): boolean {
    return this.#isSynced;
  }

  get(namespace: string, name: string): KubeObject | undefined {
    return this.#objects.get(namespace === "" ? name : `${namespace}/${name}`);
  }

  list(): readonly KubeObject[] {
    return [...this.#objects.values()];
  }

  find(index: string, value: string): readonly KubeObject[] {
    const keys = this.#indexes.get(index)?.get(value) ?? [];
    return [...keys].flatMap((key) => this.#objects.get(key) ?? []);
  }

  subscribe(listener: (change: Change) => void): () => void {
    for (const after of this.#objects.values()) listener({ kind: this.kind, before: undefined, after });
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  mark(): () => void {
    const before = new Set(this.#listeners);
    return () => {
      for (const listener of this.#listeners) if (!before.has(listener)) this.#listeners.delete(listener);
    };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#listeners.clear();
    await this.#running;
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { clock, random, log, kind } = this.#options;
    let failures = 0;
    let from: string | undefined;
    let said = "";
    const moved = (version: string): void => {
      from = version;
      if (failures > 0) this.#options.onTrouble?.(kind, undefined);
      failures = 0;
      said = "";
    };
    while (!signal.aborted) {
      try {
        await this.#listAndWatch(from, signal, moved);
        // A watch that a server ended in peace: go on from where we stand, but never in a tight loop.
        await clock.sleep(BACKOFF_MS_MIN, { signal });
      } catch (error) {
        if (isAborted(signal)) return;
        // The store forgot the version we stand at: only a new list can tell what we missed.
        if (isLintelError(error, "Gone")) from = undefined;
        const ceilingMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.min(failures, 20));
        failures += 1;
        this.#options.onTrouble?.(kind, sentenceOf(error));
        if (isLintelError(error, "NotFound") || isLintelError(error, "Forbidden")) this.#markSettled();
        const fields = { resource: resourceName(kind), attempt: failures, error: messageOf(error) };
        // What stays as it is, for as long as a cluster is away, is no news.
        if (fields.error === said) log.debug("Cannot follow the store; trying again", fields);
        else log.warn("Cannot follow the store; trying again", fields);
        said = fields.error;
        await clock.sleep(ceilingMs * (0.5 + random() / 2), { signal }).catch(() => undefined);
      }
    }
  }

  async #listAndWatch(from: string | undefined, signal: AbortSignal, moved: (version: string) => void): Promise<void> {
    const { store, kind, clock } = this.#options;
    let version = from;
    if (version === undefined) {
      const list = await store.list(kind);
      if (signal.aborted) return;
      this.#replace(list.items);
      this.#isSynced = true;
      this.#markSynced();
      this.#markSettled();
      version = list.resourceVersion;
      moved(version);
    }
    const began = version;
    let steady: Timer | undefined;
    const onProgress = (at: string): void => {
      if (at !== began) return moved(at);
      // A server that takes a watch may still tear it at once, again and again: that is no reason to hurry.
      steady ??= clock.timer(STEADY_AFTER_MS, () => moved(at));
    };
    try {
      for await (const event of store.watch(kind, { resourceVersion: version, signal, onProgress })) {
        if (signal.aborted) return;
        steady?.cancel();
        const { metadata } = event.object;
        if (this.#isLate(event.object)) continue;
        this.#set(objectKey(event.object), event.type === "DELETED" ? undefined : this.#kept(event.object));
        moved(metadata.resourceVersion ?? version);
      }
    } finally {
      steady?.cancel();
    }
  }

  /** A server that repeats itself, or tells in the wrong order, must not bring back what was. */
  #isLate({ metadata, ...object }: KubeObject): boolean {
    const known = this.#objects.get(objectKey({ ...object, metadata }));
    if (known === undefined || known.metadata.uid !== metadata.uid) return false;
    const [before, after] = [Number(known.metadata.resourceVersion), Number(metadata.resourceVersion)];
    return after < before;
  }

  #replace(items: readonly KubeObject[]): void {
    const fresh = new Map(items.map((object) => [objectKey(object), this.#kept(object)]));
    for (const key of this.#objects.keys()) if (!fresh.has(key)) this.#set(key, undefined);
    for (const [key, object] of fresh) this.#set(key, object);
  }

  #kept(object: KubeObject): KubeObject {
    return this.#options.keep?.(object) ?? object;
  }

  #set(key: string, after: KubeObject | undefined): void {
    const before = this.#objects.get(key);
    if (before === undefined && after === undefined) return;
    const version = after?.metadata.resourceVersion;
    if (version !== undefined && before?.metadata.uid === after?.metadata.uid) {
      if (before?.metadata.resourceVersion === version) return;
    }
    this.#reindex(key, before, after);
    if (after === undefined) this.#objects.delete(key);
    else this.#objects.set(key, after);
    for (const listener of this.#listeners) listener({ kind: this.kind, before, after });
  }

  #reindex(key: string, before: KubeObject | undefined, after: KubeObject | undefined): void {
    for (const [name, values] of this.#indexes) {
      const valuesOf = this.#options.indexes?.[name] ?? (() => []);
      for (const value of before === undefined ? [] : valuesOf(before)) {
        const keys = values.get(value);
        keys?.delete(key);
        if (keys?.size === 0) values.delete(value);
      }
      for (const value of after === undefined ? [] : valuesOf(after)) {
        const keys = values.get(value);
        if (keys === undefined) values.set(value, new Set([key]));
        else keys.add(key);
      }
    }
  }
}

function sentenceOf(error: unknown): string {
  const hint = isLintelError(error) ? error.hint : undefined;
  return hint === undefined ? messageOf(error) : `${messageOf(error)}. ${hint}`;
}

function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
