import { isLintelError } from "../ground/errors.ts";
import { NAMESPACE } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import type { Store } from "../store/contract.ts";

/** The namespaces that every cluster has. */
const NAMESPACES = ["default", "kube-system", "kube-public", "kube-node-lease"] as const;

/** Creates what a client expects to find in any cluster, where it is missing: the four namespaces. Idempotent. */
export async function ensureDefaults(store: Store): Promise<void> {
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
