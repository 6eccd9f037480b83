import { isLintelError } from "../ground/errors.ts";
import { jsonEqual } from "../ground/json.ts";
import { customResourceDefinitions } from "../resource/definition/custom-resource-definitions.ts";
import {
  ACCEPTED_KINDS,
  COMPONENT_STATUS,
  CUSTOM_RESOURCE_DEFINITION,
  KINDS,
  NAMESPACE,
  type Kind,
} from "../resource/kind.ts";
import { withDefinitionDefaults } from "./definitions/definition-defaults.ts";
import type { KubeObject } from "../resource/object.ts";
import { BOOTSTRAP_ROLES } from "./bootstrap-roles.ts";
import type { Store } from "../store/contract.ts";

/** The namespaces that every cluster has. */
const NAMESPACES = ["default", "kube-system", "kube-public", "kube-node-lease"] as const;

/**
 * Makes a store ready to be served: it gets to know every kind, the four namespaces and the roles of any cluster where
 * they are missing, and the definitions of the kinds that a cluster would have from CustomResourceDefinitions. Idempotent.
 */
export async function ensureDefaults(store: Store): Promise<void> {
  // What an earlier run left of a kind that nobody asks for must still follow its namespace and its owners.
  for (const kind of [...KINDS, ...ACCEPTED_KINDS]) await store.list(kind);
  for (const name of NAMESPACES) await ensure(store, NAMESPACE, newNamespace(name));
  await ensure(store, COMPONENT_STATUS, STORE_STATUS);
  for (const [kind, object] of BOOTSTRAP_ROLES) await ensure(store, kind, object);
}

/** Of the one component besides the API itself. Where this can be read, the store is well. */
const STORE_STATUS: KubeObject = {
  apiVersion: "v1",
  kind: COMPONENT_STATUS.kind,
  metadata: { name: "store" },
  conditions: [{ type: "Healthy", status: "True", message: "ok" }],
};

async function ensure(store: Store, kind: Kind, object: KubeObject): Promise<void> {
  if ((await store.get(kind, "", object.metadata.name)) !== undefined) return;
  try {
    await store.create(kind, object);
  } catch (error) {
    if (!isLintelError(error, "AlreadyExists")) throw error;
  }
  await ensureDefinitions(store);
}

/** Tools look for the definitions of cert-manager's kinds; a definition that somebody applied is left as it is. */
async function ensureDefinitions(store: Store): Promise<void> {
  for (const written of customResourceDefinitions()) {
    const definition = { ...written, ...withDefinitionDefaults(written) };
    const existing = await store.get(CUSTOM_RESOURCE_DEFINITION, "", definition.metadata.name);
    if (existing === undefined) await store.create(CUSTOM_RESOURCE_DEFINITION, definition);
    else if (isOurs(existing) && !jsonEqual(existing["spec"], definition["spec"])) {
      await store.update(CUSTOM_RESOURCE_DEFINITION, { ...existing, spec: definition["spec"] });
    }
  }
}

/** What others apply carries their mark. */
function isOurs({ metadata }: KubeObject): boolean {
  return metadata.labels?.["app.kubernetes.io/name"] === "lintel" && (metadata.managedFields ?? []).length === 0;
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
