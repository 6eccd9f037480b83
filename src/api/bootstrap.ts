import { isLintelError } from "../ground/errors.ts";
import { ACCEPTED_KINDS, KINDS, NAMESPACE } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import type { Store } from "../store/contract.ts";

/** The namespaces that every cluster has. */
const NAMESPACES = ["default", "kube-system", "kube-public", "kube-node-lease"] as const;

/**
 * Makes a store ready to be served: it gets to know every kind, and the four namespaces of any cluster where they are
 * missing. Idempotent.
 */
export async function ensureDefaults(store: Store): Promise<void> {
  // What an earlier run left of a kind that nobody asks for must still follow its namespace and its owners.
  for (const kind of [...KINDS, ...ACCEPTED_KINDS]) await store.list(kind);
  for (const name of NAMESPACES) {
    if ((await store.get(NAMESPACE, "", name)) !== undefined) continue;
    try {
      await store.create(NAMESPACE, newNamespace(name));
    } catch (error) {
      if (!isLintelError(error, "AlreadyExists")) throw error;
    }
  }
}

function newNamespace(name: string): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name, labels: { "kubernetes.io/metadata.name": name } },
    spec: { finalizers: ["kubernetes"] },
    status: { phase: "Active" },
  };
}
