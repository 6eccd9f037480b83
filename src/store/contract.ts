import type { KubeObject } from "../resource/object.ts";
import type { Kind } from "../resource/kind.ts";

/**
 * The watchable object store: the one thing the API and the controllers share. Drivers: memory, sqlite, and a real
 * Kubernetes API. All pass one contract suite (`contract-suite.ts`).
 *
 * **Objects** are in the kind's stored version, immutable, and carry their metadata. The store owns `uid`,
 * `resourceVersion`, `creationTimestamp`, `generation` and `deletionTimestamp`: what a caller puts there is ignored,
 * except `resourceVersion` on update, which is a precondition.
 *
 * **Versions** are decimal strings that grow with each write to the store, comparable as integers across resources
 * (a real API server promises less: do not compare versions across resources in code that may run on one).
 *
 * **Visibility**: a write is durable, and then visible to reads and watches in version order, before its promise
 * resolves.
 *
 * **Failures** are thrown as LintelError: `NotFound`, `AlreadyExists`, `Conflict` (stale resourceVersion or a failed
 * precondition; re-read and retry), `Gone` (a watch from a version that was compacted; list again), `Unreachable`
 * (a driver whose server did not answer; retry with backoff).
 */
export interface Store {
  /** Returns the object, or undefined when there is none. */
  get(kind: Kind, namespace: string, name: string): Promise<KubeObject | undefined>;

  /** Returns a consistent list in namespace, name order, and the version it is current at: watch from there misses nothing. */
  list(kind: Kind, options?: ListOptions): Promise<ObjectList>;

  /**
   * Stores a new object with a fresh uid. `generateName` gets five random characters when there is no name.
   * A namespaced object in a namespace that does not exist or is being deleted is refused (`NotFound`, `Conflict`).
   * A status it comes with is kept by the embedded drivers and dropped by a real API server: write it with updateStatus.
   */
  create(kind: Kind, object: KubeObject, options?: WriteOptions): Promise<KubeObject>;

  /**
   * Replaces everything but the status (of kinds that have the subresource) and the metadata the store owns. With
   * `metadata.resourceVersion` set, only if the object is still at that version. A change that alters nothing keeps the
   * version. Removing the last finalizer of an object that is being deleted deletes it.
   */
  update(kind: Kind, object: KubeObject, options?: WriteOptions): Promise<KubeObject>;

  /** Replaces only `status`; the same rules. */
  updateStatus(kind: Kind, object: KubeObject, options?: WriteOptions): Promise<KubeObject>;

  /**
   * Deletes the object, or marks it with `deletionTimestamp` while it has finalizers. Returns it as it last was.
   * Dependants (by ownerReferences) follow: in the background by default, before the owner with "Foreground", not at
   * all with "Orphan". Deleting a namespace deletes what is in it.
   */
  delete(kind: Kind, namespace: string, name: string, options?: DeleteOptions): Promise<KubeObject>;

  /**
   * Yields every change after `resourceVersion`, in order, without gaps, until `signal` aborts (then it returns) or
   * the consumer falls more than a bounded number of events behind (then it throws `Gone`). With `resourceVersion`
   * absent it first yields an ADDED event for each object there is.
   */
  watch(kind: Kind, options: WatchOptions): AsyncIterable<WatchEvent>;
}

/** A store that remembers a bounded past, as whoever serves the objects by version needs it. */
export interface VersionedStore extends Store {
  /** Returns the version of the last write that is visible. */
  version(): string;

  /**
   * Returns the list as it was at `version`, a decimal string that is not beyond {@link version}. Throws `Gone` when so many
   * changes followed that it is no longer known.
   */
  listAt(kind: Kind, version: string, options?: ListOptions): Promise<ObjectList>;
}

/** Which objects to list. */
export interface ListOptions {
  /** Absent or empty: all namespaces. */
  readonly namespace?: string | undefined;
}

/** A consistent list. */
export interface ObjectList {
  readonly items: readonly KubeObject[];
  readonly resourceVersion: string;
}

/** How to write. */
export interface WriteOptions {
  /** Checks and returns what would be stored; stores nothing. @default false */
  readonly dryRun?: boolean;
}

/** How to delete, and what must hold for it. */
export interface DeleteOptions extends WriteOptions {
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  /** @default "Background" */
  readonly propagation?: "Background" | "Foreground" | "Orphan" | undefined;
}

/** From where to watch, and until when. */
export interface WatchOptions extends ListOptions {
  readonly resourceVersion?: string | undefined;
  readonly signal: AbortSignal;
  /**
   * Called by stores on a server when it has taken the watch, and from time to time though nothing changes: nothing up to
   * `version` is missing. @default nobody is told
   */
  readonly onProgress?: (version: string) => void;
}

/** One change. MODIFIED follows an ADDED of the same object; DELETED ends it. */
export type WatchEvent =
  | { readonly type: "ADDED"; readonly object: KubeObject }
  | {
      readonly type: "MODIFIED";
      readonly object: KubeObject;
      /** As it was before. A {@link VersionedStore} always tells, others never do. */
      readonly before?: KubeObject | undefined;
    }
  /** The object as it last was, its resourceVersion that of the deletion. */
  | { readonly type: "DELETED"; readonly object: KubeObject };
