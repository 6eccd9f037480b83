import { NAMESPACE } from "../resource/kind.ts";
import type { Kind } from "../resource/kind.ts";
import type { Store } from "../store/contract.ts";
import { forbidden, notFound } from "./status.ts";

/** Throws NotFound or Forbidden when a new object of `kind` cannot go into `namespace`: it is not there, or on its way out. */
export async function assertNamespaceIsOpen(store: Store, kind: Kind, namespace: string, name: string): Promise<void> {
  if (!kind.namespaced) return;
  const found = await store.get(NAMESPACE, "", namespace);
  if (found === undefined) throw notFound(NAMESPACE, namespace);
  if (found.metadata.deletionTimestamp === undefined) return;
  throw forbidden(kind, name, `unable to create new content in namespace ${namespace} because it is being terminated`);
}
