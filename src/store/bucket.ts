import { LintelError } from "../ground/errors.ts";
import type { Kind } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import type { WatchEvent } from "./contract.ts";
import type { Watcher } from "./watcher.ts";

/** So many past changes of a kind can be watched from; older versions answer `Gone`. */
const HISTORY_EVENTS_MAX = 10_000;

/** So many past states of a kind are kept as lists, for clients that read them page by page. */
const PAST_LISTS_MAX = 8;

/** One change of the past, and what was there before it. */
interface PastChange {
  readonly key: string;
  readonly version: number;
  readonly event: WatchEvent;
  readonly before: KubeObject | undefined;
}

/** All objects of one kind, their recent history, and who watches. Only committed changes enter. */
export class Bucket {
  readonly kind: Kind;
  readonly objects: Map<string, KubeObject> = new Map();
  readonly watchers: Set<Watcher> = new Set();
  #sorted: readonly KubeObject[] | undefined;
  readonly #history: PastChange[] = [];
  readonly #pastLists = new Map<number, readonly KubeObject[]>();
  #compactedVersion: number;

  /** `compactedVersion`: nothing is known of the changes up to and including this one. */
  constructor(kind: Kind, compactedVersion: number) {
    this.kind = kind;
    this.#compactedVersion = compactedVersion;
  }

  /** Takes over what a journal had, without telling anyone. */
  restore(key: string, object: KubeObject): void {
    this.objects.set(key, object);
    this.#sorted = undefined;
  }

  /** Makes the change visible to reads and watches. */
  commit(key: string, version: number, event: WatchEvent): void {
    const before = this.objects.get(key);
    if (event.type === "DELETED") {
      this.objects.delete(key);
      this.#sorted = undefined;
    } else {
      if (event.type === "ADDED") this.#sorted = undefined;
      else if (this.#sorted !== undefined) this.#sorted = replaceSorted(this.#sorted, event.object);
      this.objects.set(key, event.object);
    }
    const told = event.type === "MODIFIED" ? { ...event, before } : event;
    this.#history.push({ key, version, event: told, before });
    // Trimmed in bulk: dropping one entry a write would move the whole array each time.
    if (this.#history.length > 2 * HISTORY_EVENTS_MAX) {
      const dropped = this.#history.splice(0, this.#history.length - HISTORY_EVENTS_MAX);
      this.#compactedVersion = dropped.at(-1)?.version ?? this.#compactedVersion;
    }
    for (const watcher of this.watchers) watcher.push(told);
  }

  /** The objects in namespace, name order; the array is shared and never changed. */
  sorted(): readonly KubeObject[] {
    this.#sorted ??= [...this.objects.values()].sort(byNamespaceAndName);
    return this.#sorted;
  }

  /** The objects as they were at `version`, in the same order. Throws `Gone` when that is no longer known. */
  sortedAt(version: number): readonly KubeObject[] {
    const changes = this.#changesSince(version);
    if (changes.length === 0) return this.sorted();
    // Changes that came since have another version, so what is kept stays right.
    const known = this.#pastLists.get(version);
    if (known !== undefined) return known;
    const objects = new Map(this.objects);
    for (const { key, before } of changes.toReversed()) {
      if (before === undefined) objects.delete(key);
      else objects.set(key, before);
    }
    const past = [...objects.values()].sort(byNamespaceAndName);
    this.#pastLists.set(version, past);
    for (const oldest of this.#pastLists.keys()) {
      if (this.#pastLists.size <= PAST_LISTS_MAX) break;
      this.#pastLists.delete(oldest);
    }
    return past;
  }

  /** The changes after `version`, oldest first. Throws `Gone` when some of them are no longer known. */
  since(version: number): readonly WatchEvent[] {
    return this.#changesSince(version).map((change) => change.event);
  }

  #changesSince(version: number): PastChange[] {
    if (version < this.#compactedVersion) {
      throw new LintelError(`Cannot tell how ${this.kind.plural} were at version ${version}: it was compacted`, {
        code: "Gone",
        fault: "downstream",
        hint: "List again and watch from that version",
      });
    }
    let start = this.#history.length;
    while (start > 0 && (this.#history[start - 1]?.version ?? 0) > version) start -= 1;
    return this.#history.slice(start);
  }
}

/** `namespace/name`: neither may hold a slash. */
export function bucketKey(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

function byNamespaceAndName(left: KubeObject, right: KubeObject): number {
  return (
    compareText(left.metadata.namespace ?? "", right.metadata.namespace ?? "") ||
    compareText(left.metadata.name, right.metadata.name)
  );
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** A modification keeps the order, so it costs one copy instead of a sort. */
function replaceSorted(sorted: readonly KubeObject[], object: KubeObject): readonly KubeObject[] {
  let low = 0;
  let high = sorted.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const candidate = sorted[middle];
    if (candidate === undefined) break;
    const order = byNamespaceAndName(candidate, object);
    if (order === 0) return sorted.with(middle, object);
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return sorted;
}
