import type { Kind } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import type { Store } from "../store/contract.ts";
import { removeObject } from "./status-writer.ts";

/**
 * Removes `object` when the `owner` kind's object that controls it is gone, or is another one of the same name, and returns
 * whether it did. Kubernetes' garbage collector does the same; here it matters before anything is done for an object that
 * came out of a backup: its request would be signed once more though nobody waits for it.
 */
export async function removeOrphan(store: Store, kind: Kind, object: KubeObject, owner: Kind): Promise<boolean> {
  const { namespace = "", ownerReferences = [] } = object.metadata;
  const reference = ownerReferences.find((one) => one.controller === true && one.kind === owner.kind);
  if (reference === undefined) return false;
  const found = await store.get(owner, namespace, reference.name);
  if (found !== undefined && found.metadata.uid === reference.uid) return false;
  await removeObject(store, kind, object);
  return true;
}
