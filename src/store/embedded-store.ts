import { randomInt, randomUUID } from "node:crypto";
import type { Clock } from "../ground/clock.ts";
import { LintelError } from "../ground/errors.ts";
import { jsonEqual, recordAt } from "../ground/json.ts";
import { rfc3339 } from "../resource/condition.ts";
import { KINDS, NAMESPACE, resourceName, type Kind } from "../resource/kind.ts";
import type { KubeObject, ObjectMeta } from "../resource/object.ts";
import { Bucket, bucketKey } from "./bucket.ts";
import type {
  DeleteOptions,
  ListOptions,
  ObjectList,
  VersionedStore,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from "./contract.ts";
import type { Journal, JournalChange } from "./journal.ts";
import { Watcher } from "./watcher.ts";

/** Added by the API server's convention while dependants are removed first. */
const FOREGROUND_FINALIZER = "foregroundDeletion";
/** Letters that can't form words by accident: the alphabet Kubernetes uses for generated names. */
const NAME_ALPHABET = "bcdfghjklmnpqrstvwxz2456789";
const GENERATED_NAME_ATTEMPTS_MAX = 8;
/** So many uids of deleted owners are remembered, to collect a dependant created just after its owner went. */
const DELETED_UIDS_MAX = 10_000;

interface Entry {
  readonly kind: Kind;
  readonly namespace: string;
  readonly name: string;
}

interface Change extends Entry {
  readonly version: number;
  readonly event: WatchEvent;
}

/**
 * The store of one-machine mode: all objects in memory, every change in a journal before it is visible. It gives the
 * object semantics of a Kubernetes API server that {@link Store} promises: versions, uids, generations, finalizers,
 * namespace deletion, and garbage collection of dependants, which here happens in the same batch as its cause.
 */
export class EmbeddedStore implements VersionedStore {
  readonly #clock: Clock;
  readonly #journal: Journal;
  readonly #buckets = new Map<string, Bucket>();
  /** Objects by uid, and the dependants of an owner's uid. Follow the head, not the committed state. */
  readonly #entries = new Map<string, Entry>();
  readonly #dependants = new Map<string, Set<string>>();
  readonly #deletedUids = new Set<string>();
  /** Records of kinds nobody asked for yet. */
  readonly #unclaimed = new Map<string, KubeObject[]>();
  #headVersion: number;
  #committedVersion: number;
  /** Changes that are decided and not yet durable. Writes see them, reads do not. */
  #pending: Change[] = [];
  readonly #overlay = new Map<string, KubeObject | undefined>();
  #waiters: { resolve(): void; reject(error: Error): void }[] = [];
  #closed = false;

  /**
   * `kinds` are indexed from the start, so that collection of dependants and namespaces knows them; objects of other
   * kinds are kept and indexed when their kind is first used.
   */
  constructor(options: { readonly clock: Clock; readonly journal: Journal; readonly kinds?: readonly Kind[] }) {
    this.#clock = options.clock;
    this.#journal = options.journal;
    const { records, version } = options.journal.load();
    this.#headVersion = version;
    this.#committedVersion = version;
    for (const record of records) {
      const waiting = this.#unclaimed.get(record.resource) ?? [];
      waiting.push(record.object);
      this.#unclaimed.set(record.resource, waiting);
    }
    for (const kind of options.kinds ?? KINDS) this.#bucket(kind);
  }

  get(kind: Kind, namespace: string, name: string): Promise<KubeObject | undefined> {
    return Promise.resolve(this.#bucket(kind).objects.get(bucketKey(kind.namespaced ? namespace : "", name)));
  }

  list(kind: Kind, options: ListOptions = {}): Promise<ObjectList> {
    const items = ofNamespace(this.#bucket(kind).sorted(), options.namespace ?? "");
    return Promise.resolve({ items, resourceVersion: this.version() });
  }

  version(): string {
    return String(this.#committedVersion);
  }

  listAt(kind: Kind, version: string, options: ListOptions = {}): Promise<ObjectList> {
    try {
      const all = this.#bucket(kind).sortedAt(this.#parseVersion(kind, version));
      return Promise.resolve({ items: ofNamespace(all, options.namespace ?? ""), resourceVersion: version });
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  async create(kind: Kind, object: KubeObject, options: WriteOptions = {}): Promise<KubeObject> {
    const namespace = kind.namespaced ? (object.metadata.namespace ?? "") : "";
    if (kind.namespaced) this.#assertNamespaceTakesObjects(namespace);
    const name =
      object.metadata.name !== "" ? object.metadata.name : this.#generateName(kind, namespace, object.metadata);
    if (this.#head(kind, namespace, name) !== undefined) {
      return this.#lose(
        new LintelError(`${label(kind)} "${name}" already exists`, { code: "AlreadyExists", fault: "user" }),
      );
    }
    const created: KubeObject = {
      ...object,
      metadata: {
        ...withoutStoreFields(object.metadata),
        name,
        ...(kind.namespaced ? { namespace } : {}),
        uid: randomUUID(),
        creationTimestamp: rfc3339(this.#clock.nowMs()),
        ...(kind.hasGeneration ? { generation: 1 } : {}),
      },
    };
    if (options.dryRun === true) return created;
    const stored = this.#write(kind, "ADDED", created);
    this.#collectIfOwnersAreGone(kind, stored);
    await this.#durable();
    return stored;
  }

  update(kind: Kind, object: KubeObject, options: WriteOptions = {}): Promise<KubeObject> {
    return this.#replace(kind, object, options, (before) => {
      const next: KubeObject = {
        ...object,
        metadata: { ...withoutStoreFields(object.metadata), ...storeFields(before.metadata) },
      };
      return kind.hasStatus ? withStatus(next, before["status"]) : next;
    });
  }

  updateStatus(kind: Kind, object: KubeObject, options: WriteOptions = {}): Promise<KubeObject> {
    return this.#replace(kind, object, options, (before) => {
      const managedFields = object.metadata.managedFields ?? before.metadata.managedFields;
      const metadata = managedFields === undefined ? before.metadata : { ...before.metadata, managedFields };
      return withStatus({ ...before, metadata }, object["status"]);
    });
  }

  async delete(kind: Kind, namespace: string, name: string, options: DeleteOptions = {}): Promise<KubeObject> {
    const before = this.#head(kind, kind.namespaced ? namespace : "", name);
    if (before === undefined) throw notFound(kind, name);
    const lost = failedPrecondition(kind, before, options.uid, options.resourceVersion);
    if (lost !== undefined) return this.#lose(lost);
    if (options.dryRun === true) return before;
    const after = this.#delete(kind, before, options.propagation ?? "Background");
    await this.#durable();
    return after;
  }

  watch(kind: Kind, options: WatchOptions): AsyncIterable<WatchEvent> {
    const bucket = this.#bucket(kind);
    const backlog =
      options.resourceVersion === undefined
        ? bucket.sorted().map((object): WatchEvent => ({ type: "ADDED", object }))
        : bucket.since(this.#parseVersion(kind, options.resourceVersion));
    const watcher = new Watcher({
      namespace: options.namespace ?? "",
      signal: options.signal,
      backlog,
      onEnd: (ended) => bucket.watchers.delete(ended),
    });
    if (!options.signal.aborted && !this.#closed) bucket.watchers.add(watcher);
    return watcher;
  }

  /** Commits what is pending and ends every watch. The store must not be used afterwards. */
  close(): void {
    if (this.#closed) return;
    this.#flush();
    this.#closed = true;
    for (const bucket of this.#buckets.values()) for (const watcher of bucket.watchers) void watcher.return();
    this.#journal.close();
  }

  async #replace(
    kind: Kind,
    object: KubeObject,
    options: WriteOptions,
    build: (before: KubeObject) => KubeObject,
  ): Promise<KubeObject> {
    const namespace = kind.namespaced ? (object.metadata.namespace ?? "") : "";
    const before = this.#head(kind, namespace, object.metadata.name);
    if (before === undefined) throw notFound(kind, object.metadata.name);
    const lost = failedPrecondition(kind, before, object.metadata.uid, object.metadata.resourceVersion);
    if (lost !== undefined) return this.#lose(lost);
    let after = build(before);
    if (jsonEqual(before, after)) return before;
    if (kind.hasGeneration && !jsonEqual(generationContent(kind, before), generationContent(kind, after))) {
      after = { ...after, metadata: { ...after.metadata, generation: (before.metadata.generation ?? 0) + 1 } };
    }
    if (options.dryRun === true) return after;
    const isLastFinalizerGone =
      after.metadata.deletionTimestamp !== undefined &&
      (after.metadata.finalizers ?? []).length === 0 &&
      !this.#isHeldByContent(kind, after);
    const stored = isLastFinalizerGone ? this.#remove(kind, after) : this.#write(kind, "MODIFIED", after);
    await this.#durable();
    return stored;
  }

  /** Decides the deletion of `before` and all that follows from it; returns the object as it is afterwards. */
  #delete(kind: Kind, before: KubeObject, propagation: "Background" | "Foreground" | "Orphan"): KubeObject {
    const uid = before.metadata.uid ?? "";
    if (propagation === "Orphan") this.#orphanDependants(uid);
    const holdsForDependants = propagation === "Foreground" && (this.#dependants.get(uid)?.size ?? 0) > 0;
    const finalizers = [...(before.metadata.finalizers ?? [])];
    if (holdsForDependants && !finalizers.includes(FOREGROUND_FINALIZER)) finalizers.push(FOREGROUND_FINALIZER);
    const isNamespace = resourceName(kind) === resourceName(NAMESPACE);
    if (isNamespace) this.#deleteContent(before.metadata.name, before);
    if (finalizers.length === 0 && !this.#isHeldByContent(kind, before)) {
      // A namespace may already be gone with the last thing in it.
      const current = this.#head(kind, before.metadata.namespace ?? "", before.metadata.name);
      return current === undefined ? before : this.#remove(kind, current);
    }
    const current = this.#head(kind, before.metadata.namespace ?? "", before.metadata.name) ?? before;
    const marked =
      current.metadata.deletionTimestamp !== undefined
        ? current
        : this.#write(kind, "MODIFIED", this.#markDeleted(kind, current, finalizers));
    if (holdsForDependants) this.#deleteDependants(uid);
    return this.#head(kind, before.metadata.namespace ?? "", before.metadata.name) ?? marked;
  }

  #markDeleted(kind: Kind, object: KubeObject, finalizers: readonly string[]): KubeObject {
    const isNamespace = resourceName(kind) === resourceName(NAMESPACE);
    return {
      ...object,
      metadata: {
        ...object.metadata,
        ...(finalizers.length > 0 ? { finalizers } : {}),
        ...(kind.hasGeneration ? { generation: (object.metadata.generation ?? 0) + 1 } : {}),
        deletionTimestamp: rfc3339(this.#clock.nowMs()),
        deletionGracePeriodSeconds: 0,
      },
      ...(isNamespace ? { status: { ...recordAt(object, "status"), phase: "Terminating" } } : {}),
    };
  }

  /** Takes the object out, then what depended on it, then a namespace that waited for it to be empty. */
  #remove(kind: Kind, object: KubeObject): KubeObject {
    const gone = this.#write(kind, "DELETED", object);
    const uid = object.metadata.uid ?? "";
    this.#deletedUids.add(uid);
    if (this.#deletedUids.size > DELETED_UIDS_MAX) {
      for (const oldest of this.#deletedUids) {
        this.#deletedUids.delete(oldest);
        break;
      }
    }
    this.#deleteDependants(uid);
    for (const owner of object.metadata.ownerReferences ?? []) this.#finishForeground(owner.uid);
    if (kind.namespaced) this.#finishNamespace(object.metadata.namespace ?? "");
    return gone;
  }

  #deleteDependants(ownerUid: string): void {
    for (const found of this.#dependantsOf(ownerUid)) {
      const others = (found.object.metadata.ownerReferences ?? []).filter((owner) => owner.uid !== ownerUid);
      const hasLivingOwner = others.some((owner) => this.#entries.has(owner.uid));
      if (hasLivingOwner) this.#writeOwners(found.kind, found.object, others);
      else if (found.object.metadata.deletionTimestamp === undefined) {
        this.#delete(found.kind, found.object, "Background");
      }
    }
  }

  #orphanDependants(ownerUid: string): void {
    for (const found of this.#dependantsOf(ownerUid)) {
      const others = (found.object.metadata.ownerReferences ?? []).filter((owner) => owner.uid !== ownerUid);
      this.#writeOwners(found.kind, found.object, others);
    }
  }

  /** A copy: writing a dependant takes it out of the index and puts it back. */
  #dependantsOf(ownerUid: string): readonly { readonly kind: Kind; readonly object: KubeObject }[] {
    return Array.from(this.#dependants.get(ownerUid) ?? []).flatMap((uid) => this.#byUid(uid) ?? []);
  }

  #writeOwners(kind: Kind, object: KubeObject, owners: NonNullable<ObjectMeta["ownerReferences"]>): void {
    const { ownerReferences: _, ...rest } = object.metadata;
    const metadata = owners.length === 0 ? rest : { ...rest, ownerReferences: owners };
    this.#write(kind, "MODIFIED", { ...object, metadata });
  }

  /** An owner deleted in the foreground goes when its last dependant has gone. */
  #finishForeground(ownerUid: string): void {
    const owner = this.#byUid(ownerUid);
    if (owner === undefined || owner.object.metadata.deletionTimestamp === undefined) return;
    const finalizers = owner.object.metadata.finalizers ?? [];
    if (!finalizers.includes(FOREGROUND_FINALIZER) || (this.#dependants.get(ownerUid)?.size ?? 0) > 0) return;
    const left = finalizers.filter((finalizer) => finalizer !== FOREGROUND_FINALIZER);
    const next = { ...owner.object, metadata: { ...owner.object.metadata, finalizers: left } };
    if (left.length === 0) this.#remove(owner.kind, next);
    else this.#write(owner.kind, "MODIFIED", next);
  }

  /** Marks a namespace first, so that nothing new enters, then deletes what is in it. */
  #deleteContent(namespace: string, object: KubeObject): void {
    if (object.metadata.deletionTimestamp === undefined) {
      this.#write(NAMESPACE, "MODIFIED", this.#markDeleted(NAMESPACE, object, object.metadata.finalizers ?? []));
    }
    for (const found of this.#contentOf(namespace)) {
      if (this.#head(found.kind, namespace, found.name) !== undefined) {
        this.#delete(found.kind, found.object, "Background");
      }
    }
  }

  #finishNamespace(name: string): void {
    const namespace = this.#head(NAMESPACE, "", name);
    if (namespace?.metadata.deletionTimestamp === undefined) return;
    if ((namespace.metadata.finalizers ?? []).length > 0 || this.#contentOf(name).length > 0) return;
    this.#remove(NAMESPACE, namespace);
  }

  #isHeldByContent(kind: Kind, object: KubeObject): boolean {
    return resourceName(kind) === resourceName(NAMESPACE) && this.#contentOf(object.metadata.name).length > 0;
  }

  #contentOf(namespace: string): readonly { kind: Kind; name: string; object: KubeObject }[] {
    const found: { kind: Kind; name: string; object: KubeObject }[] = [];
    for (const entry of this.#entries.values()) {
      if (!entry.kind.namespaced || entry.namespace !== namespace) continue;
      const object = this.#head(entry.kind, namespace, entry.name);
      if (object !== undefined) found.push({ kind: entry.kind, name: entry.name, object });
    }
    return found;
  }

  #collectIfOwnersAreGone(kind: Kind, object: KubeObject): void {
    const owners = object.metadata.ownerReferences ?? [];
    if (owners.length > 0 && owners.every((owner) => this.#deletedUids.has(owner.uid))) {
      this.#delete(kind, object, "Background");
    }
  }

  #assertNamespaceTakesObjects(name: string): void {
    const namespace = this.#head(NAMESPACE, "", name);
    if (namespace === undefined) {
      throw new LintelError(`namespaces "${name}" not found`, {
        code: "NotFound",
        fault: "user",
        hint: `Run "kubectl create namespace ${name}"`,
      });
    }
    if (namespace.metadata.deletionTimestamp !== undefined) {
      throw new LintelError(`Cannot create anything in namespace "${name}": it is being terminated`, {
        code: "Conflict",
        fault: "user",
        hint: `Wait until "kubectl get namespace ${name}" finds nothing`,
      });
    }
  }

  #generateName(kind: Kind, namespace: string, metadata: ObjectMeta): string {
    const prefix = metadata.generateName ?? "";
    if (prefix === "")
      throw new LintelError("Cannot create an object without a name", { code: "BadConfig", fault: "user" });
    for (let attempt = 0; attempt < GENERATED_NAME_ATTEMPTS_MAX; attempt++) {
      let name = prefix;
      for (let letter = 0; letter < 5; letter++) name += NAME_ALPHABET[randomInt(NAME_ALPHABET.length)] ?? "";
      if (this.#head(kind, namespace, name) === undefined) return name;
    }
    throw new LintelError(`Cannot find a free name for "${prefix}"`, { code: "AlreadyExists", fault: "internal" });
  }

  #write(kind: Kind, type: WatchEvent["type"], object: KubeObject): KubeObject {
    this.#headVersion += 1;
    const version = this.#headVersion;
    const stored: KubeObject = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
    const namespace = stored.metadata.namespace ?? "";
    const name = stored.metadata.name;
    const before = this.#head(kind, namespace, name);
    if (before !== undefined) this.#unindex(before);
    if (type !== "DELETED") this.#index(kind, stored);
    this.#pending.push({ kind, namespace, name, version, event: { type, object: stored } });
    this.#overlay.set(overlayKey(kind, namespace, name), type === "DELETED" ? undefined : stored);
    return stored;
  }

  /** Resolves when everything decided so far is durable and visible. */
  #durable(): Promise<void> {
    if (!this.#journal.grouped) {
      this.#flush();
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      if (this.#waiters.length === 0) setImmediate(() => this.#flush());
      this.#waiters.push({ resolve, reject });
    });
  }

  /** Fails once what won can be read: whoever reads and tries again at once must not lose to the same write twice. */
  async #lose(failure: LintelError): Promise<never> {
    if (this.#pending.length > 0) await this.#durable();
    throw failure;
  }

  #flush(): void {
    const changes = this.#pending;
    const waiters = this.#waiters;
    this.#pending = [];
    this.#waiters = [];
    if (changes.length > 0 && !this.#closed) {
      try {
        this.#journal.append(changes.map(toJournal));
      } catch (error) {
        this.#rollBack();
        const failure =
          error instanceof LintelError
            ? error
            : new LintelError("Cannot write the state", { code: "StateUnreadable", cause: error });
        if (waiters.length === 0) throw failure;
        for (const waiter of waiters) waiter.reject(failure);
        return;
      }
      this.#overlay.clear();
      this.#committedVersion = this.#headVersion;
      for (const change of changes) {
        this.#bucket(change.kind).commit(bucketKey(change.namespace, change.name), change.version, change.event);
      }
    }
    for (const waiter of waiters) waiter.resolve();
  }

  /** Forgets what could not be made durable: the head is the committed state again. */
  #rollBack(): void {
    this.#overlay.clear();
    this.#headVersion = this.#committedVersion;
    this.#entries.clear();
    this.#dependants.clear();
    for (const bucket of this.#buckets.values()) {
      for (const object of bucket.objects.values()) this.#index(bucket.kind, object);
    }
  }

  #head(kind: Kind, namespace: string, name: string): KubeObject | undefined {
    const key = overlayKey(kind, namespace, name);
    if (this.#overlay.has(key)) return this.#overlay.get(key);
    return this.#bucket(kind).objects.get(bucketKey(namespace, name));
  }

  #byUid(uid: string): { readonly kind: Kind; readonly object: KubeObject } | undefined {
    const entry = this.#entries.get(uid);
    if (entry === undefined) return undefined;
    const object = this.#head(entry.kind, entry.namespace, entry.name);
    return object === undefined ? undefined : { kind: entry.kind, object };
  }

  #index(kind: Kind, object: KubeObject): void {
    const uid = object.metadata.uid ?? "";
    this.#entries.set(uid, { kind, namespace: object.metadata.namespace ?? "", name: object.metadata.name });
    for (const owner of object.metadata.ownerReferences ?? []) {
      const dependants = this.#dependants.get(owner.uid) ?? new Set();
      dependants.add(uid);
      this.#dependants.set(owner.uid, dependants);
    }
  }

  #unindex(object: KubeObject): void {
    const uid = object.metadata.uid ?? "";
    this.#entries.delete(uid);
    for (const owner of object.metadata.ownerReferences ?? []) {
      const dependants = this.#dependants.get(owner.uid);
      dependants?.delete(uid);
      if (dependants?.size === 0) this.#dependants.delete(owner.uid);
    }
  }

  #bucket(kind: Kind): Bucket {
    const resource = resourceName(kind);
    const existing = this.#buckets.get(resource);
    if (existing !== undefined) return existing;
    const bucket = new Bucket(kind, this.#committedVersion);
    this.#buckets.set(resource, bucket);
    for (const object of this.#unclaimed.get(resource) ?? []) {
      bucket.restore(bucketKey(object.metadata.namespace ?? "", object.metadata.name), object);
      this.#index(kind, object);
    }
    this.#unclaimed.delete(resource);
    return bucket;
  }

  #parseVersion(kind: Kind, text: string): number {
    const version = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isNaN(version) || version > this.#committedVersion) {
      throw new LintelError(
        `Cannot tell how ${kind.plural} were at version "${text}": it is not a version of this store`,
        {
          code: "Gone",
          fault: "downstream",
          hint: "List again and watch from that version",
        },
      );
    }
    return version;
  }
}

function ofNamespace(objects: readonly KubeObject[], namespace: string): readonly KubeObject[] {
  return namespace === "" ? objects : objects.filter((object) => object.metadata.namespace === namespace);
}

function overlayKey(kind: Kind, namespace: string, name: string): string {
  return `${resourceName(kind)}/${namespace}/${name}`;
}

function toJournal(change: Change): JournalChange {
  return {
    resource: resourceName(change.kind),
    namespace: change.namespace,
    name: change.name,
    version: change.version,
    object: change.event.type === "DELETED" ? undefined : change.event.object,
  };
}

/** `ingresses.networking.k8s.io`: how an API server names a resource in its messages. */
function label(kind: Kind): string {
  return resourceName(kind);
}

function notFound(kind: Kind, name: string): LintelError {
  return new LintelError(`${label(kind)} "${name}" not found`, { code: "NotFound", fault: "user" });
}

function failedPrecondition(
  kind: Kind,
  object: KubeObject,
  uid: string | undefined,
  resourceVersion: string | undefined,
): LintelError | undefined {
  if (uid !== undefined && uid !== "" && uid !== object.metadata.uid) {
    return new LintelError(
      `${label(kind)} "${object.metadata.name}" is another object now: its uid is ${object.metadata.uid ?? ""}, not ${uid}`,
      { code: "Conflict", fault: "user", hint: "Read it again" },
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== "" && resourceVersion !== object.metadata.resourceVersion) {
    return new LintelError(
      `${label(kind)} "${object.metadata.name}" has been modified since version ${resourceVersion}`,
      { code: "Conflict", fault: "user", hint: "Read it again and apply the change to the latest version" },
    );
  }
  return undefined;
}

function withoutStoreFields(metadata: ObjectMeta): ObjectMeta {
  const {
    uid: _uid,
    resourceVersion: _version,
    creationTimestamp: _created,
    generation: _generation,
    deletionTimestamp: _deleted,
    deletionGracePeriodSeconds: _grace,
    ...rest
  } = metadata;
  return rest;
}

function storeFields(metadata: ObjectMeta): Partial<ObjectMeta> {
  const { uid, resourceVersion, creationTimestamp, generation, deletionTimestamp, deletionGracePeriodSeconds } =
    metadata;
  return {
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    ...(generation === undefined ? {} : { generation }),
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    ...(deletionGracePeriodSeconds === undefined ? {} : { deletionGracePeriodSeconds }),
  };
}

function withStatus(object: KubeObject, status: unknown): KubeObject {
  const { status: _, ...rest } = object;
  // The spread of an index signature loses the named members' types, so they are named again.
  const bare: KubeObject = { ...rest, apiVersion: object.apiVersion, kind: object.kind, metadata: object.metadata };
  return status === undefined ? bare : { ...bare, status };
}

/** What counts for the generation: all but metadata, and the status where it is a subresource. */
function generationContent(kind: Kind, object: KubeObject): Readonly<Record<string, unknown>> {
  const { metadata: _metadata, apiVersion: _version, status, ...rest } = object;
  return kind.hasStatus ? rest : { ...rest, status };
}
