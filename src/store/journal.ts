import type { KubeObject } from "../resource/object.ts";
import type { ResourceName } from "../resource/kind.ts";

/** One stored object as the journal keeps it. */
export interface JournalRecord {
  readonly resource: ResourceName;
  readonly namespace: string;
  readonly name: string;
  readonly object: KubeObject;
}

/** One step of a batch: what an object became, or that it is gone. */
export interface JournalChange {
  readonly resource: ResourceName;
  readonly namespace: string;
  readonly name: string;
  readonly version: number;
  /** Undefined: deleted. */
  readonly object: KubeObject | undefined;
}

/**
 * Where an embedded store keeps its objects between runs. `append` is all or nothing: when it returns, the whole batch
 * survives the loss of power; when it throws, none of it happened.
 */
export interface Journal {
  /** Whether a batch costs enough that the writes of one event-loop turn should share it. */
  readonly grouped: boolean;
  /** Everything that was appended and not deleted, and the version of the last change (0 for none). Called once, first. */
  load(): { readonly records: Iterable<JournalRecord>; readonly version: number };
  append(changes: readonly JournalChange[]): void;
  close(): void;
}

/** A journal that forgets: for tests and for `lintel proxy`. */
export const FORGETFUL_JOURNAL: Journal = {
  grouped: false,
  load: () => ({ records: [], version: 0 }),
  append: () => undefined,
  close: () => undefined,
};
