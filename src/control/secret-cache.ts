import type { Timer } from "../ground/clock.ts";
import { messageOf } from "../ground/errors.ts";
import { SECRET, type Kind } from "../resource/kind.ts";
import { objectKey, type KubeObject } from "../resource/object.ts";
import type { Store } from "../store/contract.ts";
import { Informer, type Change, type Followed, type InformerOptions, type ObjectCache } from "./informer.ts";
import { withoutContent } from "./kept-fields.ts";

/** Secrets that are read at a time. */
const LOADS_MAX = 16;
/** First wait after a Secret could not be read; doubles up to the longest. */
const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 30_000;

/** How a store that is far away tells of Secrets: together all there are, each in one of the two. */
export interface SecretSources {
  /** TLS Secrets, whole. */
  readonly tls: Followed;
  /** The others, their metadata alone. */
  readonly others: Followed;
}

/**
 * The Secrets. Of a store in this process all are here as they are. Of one that is far away only what the translation has
 * asked for is kept whole, and the metadata of all others: memory does not grow with content that nobody uses. A Secret that
 * is asked for later is read at once.
 */
export class SecretCache implements ObjectCache {
  readonly kind: Kind = SECRET;
  readonly synced: Promise<void>;
  readonly settled: Promise<void>;
  readonly #options: Omit<InformerOptions, "kind" | "store"> & { readonly store: Store };
  /** Undefined keepers: what the informers hold is whole. */
  readonly #isPartial: boolean;
  readonly #informers: readonly Informer[];
  readonly #contents = new Map<string, KubeObject>();
  /** What the last translation asked for; undefined before the first: whatever comes is kept. */
  #wanted: Set<string> | undefined;
  #asking = new Set<string>();
  /** By key: the version of the metadata for which the content was read, whatever came of it. */
  readonly #readFor = new Map<string, string>();
  /** Asked for, and known by metadata alone. */
  readonly #missing = new Set<string>();
  readonly #waiting: { readonly key: string; readonly version: string }[] = [];
  readonly #loading = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #retries = new Map<string, Timer>();
  #onLoaded: () => void = () => undefined;
  #closed = false;

  constructor(
    options: Omit<InformerOptions, "kind" | "store"> & { readonly store: Store },
    sources: SecretSources | undefined,
  ) {
    this.#options = options;
    this.#isPartial = sources !== undefined;
    const follow = (store: Followed, keep?: InformerOptions["keep"]): Informer =>
      new Informer({ ...options, store, kind: SECRET, keep });
    this.#informers =
      sources === undefined
        ? [follow(options.store)]
        : [follow(sources.tls, (object) => this.#take(object)), follow(sources.others, withoutContent)];
    this.synced = Promise.all(this.#informers.map((informer) => informer.synced)).then(() => undefined);
    this.settled = Promise.all(this.#informers.map((informer) => informer.settled)).then(() => undefined);
  }

  get isSynced(): boolean {
    return this.#informers.every((informer) => informer.isSynced);
  }

  /** Returns what is known of a Secret, its metadata at least. */
  get(namespace: string, name: string): KubeObject | undefined {
    for (const informer of this.#informers) {
      const found = informer.get(namespace, name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  list(): readonly KubeObject[] {
    return this.#informers.flatMap((informer) => informer.list());
  }

  find(index: string, value: string): readonly KubeObject[] {
    return this.#informers.flatMap((informer) => informer.find(index, value));
  }

  subscribe(listener: (change: Change) => void): () => void {
    const ends = this.#informers.map((informer) => informer.subscribe(listener));
    return () => ends.forEach((end) => end());
  }

  mark(): () => void {
    const ends = this.#informers.map((informer) => informer.mark());
    return () => ends.forEach((end) => end());
  }

  /** Calls `listener` after contents that were asked for have come. There is one listener. */
  onLoaded(listener: () => void): void {
    this.#onLoaded = listener;
  }

  /**
   * For a translation: returns the whole Secret. While a newer version is being read, the one before; undefined when there
   * is no such Secret, and while one that nobody asked for before is being read: see {@link isMissing}.
   */
  read(namespace: string, name: string): KubeObject | undefined {
    const key = `${namespace}/${name}`;
    this.#asking.add(key);
    const known = this.get(namespace, name);
    if (known === undefined || !this.#isPartial) {
      this.#forget(key);
      return known;
    }
    const content = this.#contents.get(key);
    // What was read may be newer than what the watch has told so far.
    if (versionOf(content) === versionOf(known) || this.#readFor.get(key) === versionOf(known)) return content;
    this.#load(key, versionOf(known));
    if (content?.metadata.uid === known.metadata.uid) return content;
    this.#missing.add(key);
    return undefined;
  }

  /** Ends a translation: what it did not ask for is not kept. */
  keepRead(): void {
    this.#wanted = this.#asking;
    this.#asking = new Set();
    for (const keys of [this.#contents, this.#readFor, this.#missing]) {
      for (const key of keys.keys()) if (!this.#wanted.has(key)) this.#forget(key);
    }
  }

  /** Whether the last translation asked for a Secret that exists and of which no content was there yet. */
  get isMissing(): boolean {
    return this.#missing.size > 0;
  }

  /** Whether contents are being read. */
  get busy(): boolean {
    return this.#loading.size > 0;
  }

  /** Whether the last translation asked for it. */
  isWanted(object: KubeObject): boolean {
    return this.#wanted?.has(objectKey(object)) ?? true;
  }

  /** Returns what the next translation will see of it: its metadata, when it does not ask. */
  seen(namespace: string, name: string): KubeObject | undefined {
    const key = `${namespace}/${name}`;
    const known = this.get(namespace, name);
    if (known === undefined || !this.#isPartial || this.#wanted?.has(key) !== true) return known;
    return this.#contents.get(key);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#retries.values()) timer.cancel();
    await Promise.all(this.#informers.map((informer) => informer.close()));
  }

  /** Of a TLS Secret that comes whole. */
  #take(object: KubeObject): KubeObject {
    const key = objectKey(object);
    const isWanted = this.#wanted?.has(key) ?? true;
    // An object that stays the same object is not looked into again.
    if (isWanted && versionOf(this.#contents.get(key)) !== versionOf(object)) this.#contents.set(key, object);
    return withoutContent(object);
  }

  #forget(key: string): void {
    this.#contents.delete(key);
    this.#readFor.delete(key);
    this.#missing.delete(key);
  }

  #load(key: string, version: string): void {
    if (this.#closed || this.#loading.has(key) || this.#retries.has(key)) return;
    this.#loading.add(key);
    this.#waiting.push({ key, version });
    if (this.#loading.size - this.#waiting.length < LOADS_MAX) void this.#loadNext();
  }

  async #loadNext(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined && !this.#closed; next = this.#waiting.shift()) {
      await this.#loadOne(next.key, next.version);
      this.#loading.delete(next.key);
      if (this.#waiting.length === 0 && !this.#closed) this.#onLoaded();
    }
  }

  async #loadOne(key: string, version: string): Promise<void> {
    const [namespace = "", name = ""] = key.split("/");
    try {
      const object = await this.#options.store.get(SECRET, namespace, name);
      this.#failures.delete(key);
      this.#forget(key);
      this.#readFor.set(key, version);
      if (object !== undefined) this.#contents.set(key, object);
    } catch (error) {
      this.#retryLater(key, error);
    }
  }

  #retryLater(key: string, error: unknown): void {
    if (this.#closed) return;
    const { clock, log } = this.#options;
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    if (failures === 0) log.warn("Cannot read a Secret; trying again", { secret: key, error: messageOf(error) });
    const waitMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(failures, 20));
    const timer = clock.timer(waitMs, () => {
      this.#retries.delete(key);
      this.#onLoaded();
    });
    this.#retries.set(key, timer);
  }
}

function versionOf(object: KubeObject | undefined): string {
  return object === undefined ? "" : `${object.metadata.uid ?? ""} ${object.metadata.resourceVersion ?? ""}`;
}
