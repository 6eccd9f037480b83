import type { Kind } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import type { Store } from "../store/contract.ts";
import type { Informer } from "./informer.ts";
import { removeObject } from "./status-writer.ts";

/**
 * Removes `object` when the `owner` that controls it is gone, or is another one of the same name, and returns
 * whether it did. Kubernetes' garbage collector does the same; here it matters before anything is done for an object that
 * came out of a backup: its request would be signed once more though nobody waits for it.
 */
export async function removeOrphan(
  store: Store,
  object: { readonly kind: Kind; readonly object: KubeObject },
  owner: { readonly kind: Kind; readonly seen: Pick<Informer, "get"> },
): Promise<boolean> {
  const { namespace = "", ownerReferences = [] } = object.object.metadata;
  const reference = ownerReferences.find((one) => one.controller === true && one.kind === owner.kind.kind);
  if (reference === undefined) return false;
  // What was seen is enough to let it be, but not to remove it: the owner may be newer than what was seen.
  if (owner.seen.get(namespace, reference.name)?.metadata.uid === reference.uid) return false;
  const found = await store.get(owner.kind, namespace, reference.name);
  if (found?.metadata.uid === reference.uid) return false;
  await removeObject(store, object.kind, object.object);
  return true;
}
