import { isLintelError } from "../ground/errors.ts";
import { isRecord, jsonEqual } from "../ground/json.ts";
import type { Kind } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import type { Store } from "../store/contract.ts";

/** How often a write that met a newer version is tried on that version before the reconcile fails and comes again. */
const CONFLICT_RETRIES_MAX = 5;

/** A status as it is stored: fields set to undefined are left out. */
export type StatusFields = Readonly<Record<string, unknown>>;

/**
 * Stores `change(status)` as the object's status; fields set to undefined are removed. On a conflict the object is read
 * again and `change` is applied to what is there now, so it must be a function of its argument alone. Nothing is written
 * when nothing changes. Returns the object as stored, or undefined when it is gone or is another one of the same name.
 */
export async function writeStatus(
  store: Store,
  kind: Kind,
  object: KubeObject,
  change: (status: StatusFields) => StatusFields,
): Promise<KubeObject | undefined> {
  let current: KubeObject | undefined = object;
  for (let attempt = 0; current !== undefined; attempt++) {
    const before = isRecord(current["status"]) ? current["status"] : {};
    const after = withoutUndefined(change(before));
    if (jsonEqual(before, after)) return current;
    try {
      return await store.updateStatus(kind, { ...current, status: after });
    } catch (error) {
      if (isLintelError(error, "NotFound")) return undefined;
      if (!isLintelError(error, "Conflict") || attempt >= CONFLICT_RETRIES_MAX) throw error;
    }
    current = await readAgain(store, kind, object);
  }
  return undefined;
}

/** The same for everything but the status. */
export async function writeObject(
  store: Store,
  kind: Kind,
  object: KubeObject,
  change: (object: KubeObject) => KubeObject,
): Promise<KubeObject | undefined> {
  let current: KubeObject | undefined = object;
  for (let attempt = 0; current !== undefined; attempt++) {
    const after = change(current);
    if (jsonEqual(current, after)) return current;
    try {
      return await store.update(kind, after);
    } catch (error) {
      if (isLintelError(error, "NotFound")) return undefined;
      if (!isLintelError(error, "Conflict") || attempt >= CONFLICT_RETRIES_MAX) throw error;
    }
    current = await readAgain(store, kind, object);
  }
  return undefined;
}

/**
 * Stores `annotations` on the object beside those it has. They are advice to other controllers: where a cluster does not let
 * us write them, they are left out.
 */
export async function annotate(
  store: Store,
  kind: Kind,
  object: KubeObject,
  annotations: Readonly<Record<string, string>>,
): Promise<void> {
  try {
    await writeObject(store, kind, object, (found) => ({
      ...found,
      metadata: { ...found.metadata, annotations: { ...found.metadata.annotations, ...annotations } },
    }));
  } catch (error) {
    if (!isLintelError(error, "Forbidden", "Refused")) throw error;
  }
}

/** Deletes the object; that it is already gone is no failure. */
export async function removeObject(store: Store, kind: Kind, object: KubeObject): Promise<void> {
  const { namespace = "", name, uid } = object.metadata;
  try {
    await store.delete(kind, namespace, name, { uid });
  } catch (error) {
    if (!isLintelError(error, "NotFound", "Conflict")) throw error;
  }
}

async function readAgain(store: Store, kind: Kind, object: KubeObject): Promise<KubeObject | undefined> {
  const { namespace = "", name, uid } = object.metadata;
  const found = await store.get(kind, namespace, name);
  return found?.metadata.uid === uid ? found : undefined;
}

function withoutUndefined(fields: StatusFields): StatusFields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
