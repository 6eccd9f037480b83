import { applyObject } from "../api/apply.ts";
import type { Catalog } from "../api/catalog.ts";
import { Definitions } from "../api/definitions/definitions.ts";
import { ApiStatusError } from "../api/status.ts";
import type { Clock } from "../ground/clock.ts";
import { isLintelError } from "../ground/errors.ts";
import { CUSTOM_RESOURCE_DEFINITION, isSameResource, type Kind } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import type { VersionedStore } from "../store/contract.ts";
import type { AppliedObject, ManifestTarget } from "./manifest-files.ts";

/** The field manager of the manifests given on the command line; visible in `managedFields`. */
const FILES_MANAGER = "lintel-files";

/** Returns the target that applies server-side to `store`, with force: the files say what the files say. */
export function storeTarget(store: VersionedStore, clock: Clock): ManifestTarget {
  const definitions = new Definitions(store, clock);
  return {
    apply: async (object) => {
      const catalog = await definitions.current();
      const options = { fieldManager: FILES_MANAGER, force: true, nowMs: clock.nowMs(), catalog };
      const applied = await applyObject(definitions.store, inNamespace(object, catalog), options);
      await definitions.current();
      return applied;
    },
    remove: (object) => remove(definitions, object),
    refusedField: (error) =>
      error instanceof ApiStatusError
        ? error.status.details?.causes?.find((cause) => cause.field !== "")?.field
        : undefined,
  };
}

async function remove(definitions: Definitions, object: AppliedObject): Promise<boolean> {
  const { store } = definitions;
  const kind = kindOf(object, await definitions.current());
  if (kind === undefined) return false;
  const namespace = kind.namespaced && object.namespace === "" ? "default" : object.namespace;
  try {
    if (isSameResource(kind, CUSTOM_RESOURCE_DEFINITION)) {
      const definition = await store.get(kind, "", object.name);
      if (definition !== undefined) await definitions.holdForInstances(definition);
    }
    await store.delete(kind, namespace, object.name);
    return true;
  } catch (error) {
    if (isLintelError(error, "NotFound")) return false;
    throw error;
  }
}

/** As kubectl does: an object that names no namespace goes to `default`. */
function inNamespace(object: KubeObject, catalog: Catalog): KubeObject {
  if (object.metadata.namespace !== undefined || kindOf(object, catalog)?.namespaced !== true) return object;
  return { ...object, metadata: { ...object.metadata, namespace: "default" } };
}

function kindOf(object: { readonly apiVersion: string; readonly kind: string }, catalog: Catalog): Kind | undefined {
  const group = object.apiVersion.includes("/") ? (object.apiVersion.split("/")[0] ?? "") : "";
  const kinds = catalog.resources.map((resource) => resource.kind);
  return kinds.find((kind) => kind.kind === object.kind && sameGroup(kind.group, group));
}

/** Ingress moved: manifests of before 2020 say `extensions/v1beta1`. */
function sameGroup(stored: string, written: string): boolean {
  return stored === written || (written === "extensions" && stored === "networking.k8s.io");
}
