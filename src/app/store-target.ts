import { applyObject } from "../api/apply.ts";
import { ApiStatusError } from "../api/status.ts";
import type { Clock } from "../ground/clock.ts";
import { isLintelError } from "../ground/errors.ts";
import { ACCEPTED_KINDS, KINDS, type Kind } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import type { Store } from "../store/contract.ts";
import type { AppliedObject, ManifestTarget } from "./manifest-files.ts";

/** The field manager of the manifests given on the command line; visible in `managedFields`. */
const FILES_MANAGER = "lintel-files";

/** Returns the target that applies server-side to `store`, with force: the files say what the files say. */
export function storeTarget(store: Store, clock: Clock): ManifestTarget {
  return {
    apply: async (object) =>
      await applyObject(store, inNamespace(object), { fieldManager: FILES_MANAGER, force: true, nowMs: clock.nowMs() }),
    remove: (object) => remove(store, object),
    refusedField: (error) =>
      error instanceof ApiStatusError
        ? error.status.details?.causes?.find((cause) => cause.field !== "")?.field
        : undefined,
  };
}

async function remove(store: Store, object: AppliedObject): Promise<boolean> {
  const kind = kindOf(object);
  if (kind === undefined) return false;
  const namespace = kind.namespaced && object.namespace === "" ? "default" : object.namespace;
  try {
    await store.delete(kind, namespace, object.name);
    return true;
  } catch (error) {
    if (isLintelError(error, "NotFound")) return false;
    throw error;
  }
}

/** As kubectl does: an object that names no namespace goes to `default`. */
function inNamespace(object: KubeObject): KubeObject {
  if (object.metadata.namespace !== undefined || kindOf(object)?.namespaced !== true) return object;
  return { ...object, metadata: { ...object.metadata, namespace: "default" } };
}

function kindOf(object: { readonly apiVersion: string; readonly kind: string }): Kind | undefined {
  const group = object.apiVersion.includes("/") ? (object.apiVersion.split("/")[0] ?? "") : "";
  return [...KINDS, ...ACCEPTED_KINDS].find((kind) => kind.kind === object.kind && sameGroup(kind.group, group));
}

/** Ingress moved: manifests of before 2020 say `extensions/v1beta1`. */
function sameGroup(stored: string, written: string): boolean {
  return stored === written || (written === "extensions" && stored === "networking.k8s.io");
}
