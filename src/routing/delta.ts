import { jsonEqual } from "../ground/json.ts";
import {
  EMPTY_SNAPSHOT,
  type Backend,
  type ClientCa,
  type EdgeSettings,
  type Host,
  type HttpChallenge,
  type ServedCertificate,
  type Snapshot,
  type TlsHost,
} from "./snapshot.ts";

/** The change from one generation to another, as JSON. With `from` absent it starts from the empty snapshot. */
export interface SnapshotDelta {
  readonly from?: number;
  readonly generation: number;
  readonly hosts: MapDelta<Host>;
  readonly backends: MapDelta<Backend>;
  readonly tls: MapDelta<TlsHost>;
  readonly certificates: MapDelta<ServedCertificate>;
  readonly clientCas: MapDelta<ClientCa>;
  readonly challenges: MapDelta<HttpChallenge>;
  readonly settings?: EdgeSettings;
}

/** Entries to set and keys to remove, in that meaning: no key is in both. */
export interface MapDelta<Value> {
  readonly set: readonly (readonly [string, Value])[];
  readonly remove: readonly string[];
}

/** Returns what turns `before` into `after`; the whole of `after` when `before` is undefined. */
export function diffSnapshots(before: Snapshot | undefined, after: Snapshot): SnapshotDelta {
  const base = before ?? EMPTY_SNAPSHOT;
  const delta = {
    generation: after.generation,
    hosts: diffMaps(base.hosts, after.hosts),
    backends: diffMaps(base.backends, after.backends),
    tls: diffMaps(base.tls, after.tls),
    certificates: diffMaps(base.certificates, after.certificates),
    clientCas: diffMaps(base.clientCas, after.clientCas),
    challenges: diffMaps(base.challenges, after.challenges),
  };
  return {
    ...delta,
    ...(before === undefined ? {} : { from: before.generation }),
    ...(before !== undefined && jsonEqual(before.settings, after.settings) ? {} : { settings: after.settings }),
  };
}

/** Returns whether the delta changes nothing but the generation. */
export function isEmptyDelta(delta: SnapshotDelta): boolean {
  const maps = [delta.hosts, delta.backends, delta.tls, delta.certificates, delta.clientCas, delta.challenges];
  return delta.settings === undefined && maps.every((map) => map.set.length === 0 && map.remove.length === 0);
}

/**
 * Returns the snapshot after `delta`, sharing what did not change. Returns undefined when the delta does not start at
 * `snapshot`: the receiver must then ask for the whole.
 */
export function applyDelta(snapshot: Snapshot, delta: SnapshotDelta): Snapshot | undefined {
  if (delta.from !== undefined && delta.from !== snapshot.generation) return undefined;
  const base = delta.from === undefined ? EMPTY_SNAPSHOT : snapshot;
  return {
    generation: delta.generation,
    hosts: applyMap(base.hosts, delta.hosts),
    backends: applyMap(base.backends, delta.backends),
    tls: applyMap(base.tls, delta.tls),
    certificates: applyMap(base.certificates, delta.certificates),
    clientCas: applyMap(base.clientCas, delta.clientCas),
    challenges: applyMap(base.challenges, delta.challenges),
    settings: delta.settings ?? base.settings,
  };
}

function diffMaps<Value>(before: ReadonlyMap<string, Value>, after: ReadonlyMap<string, Value>): MapDelta<Value> {
  const set: [string, Value][] = [];
  const remove: string[] = [];
  if (before === after) return { set, remove };
  for (const [key, value] of after) {
    const old = before.get(key);
    if (old !== value && !jsonEqual(old, value)) set.push([key, value]);
  }
  for (const key of before.keys()) if (!after.has(key)) remove.push(key);
  return { set, remove };
}

function applyMap<Value>(base: ReadonlyMap<string, Value>, delta: MapDelta<Value>): ReadonlyMap<string, Value> {
  if (delta.set.length === 0 && delta.remove.length === 0) return base;
  const next = new Map(base);
  for (const key of delta.remove) next.delete(key);
  for (const [key, value] of delta.set) next.set(key, value);
  return next;
}
