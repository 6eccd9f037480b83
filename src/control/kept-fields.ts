import { arrayAt, isRecord, recordAt } from "../ground/json.ts";
import { ENDPOINT_SLICE, ENDPOINTS, INGRESS, INGRESS_CLASS, SERVICE, type Kind } from "../resource/kind.ts";
import type { KubeObject, ObjectMeta } from "../resource/object.ts";

/** What `kubectl apply` leaves on an object: a second copy of it, which of a Secret has its content. */
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/**
 * Returns what is worth keeping of a copy of an object whose store is far away: of kinds of which a cluster has many, only
 * fields that are read from caches. Whoever writes an object reads all of it from the store first.
 */
export function keptFields(kind: Kind): (object: KubeObject) => KubeObject {
  switch (kind) {
    case SERVICE:
      return keptOfService;
    case ENDPOINT_SLICE:
      return keptOfSlice;
    case ENDPOINTS:
      return keptOfEndpoints;
    case INGRESS:
    case INGRESS_CLASS:
      return withoutLastApplied;
    default:
      return (object) => object;
  }
}

/** Returns what controllers need to know of a Secret that they have not asked for: not its content. */
export function withoutContent({ apiVersion, kind, metadata }: KubeObject): KubeObject {
  return { apiVersion, kind, metadata: nameOf(metadata) };
}

function keptOfService(object: KubeObject): KubeObject {
  const { type, externalName, ports } = recordAt(object, "spec");
  return { ...withoutContent(object), spec: { type, externalName, ports } };
}

function keptOfSlice(object: KubeObject): KubeObject {
  const endpoints = arrayAt(object, "endpoints").map((entry) => pick(entry, ["addresses", "conditions"]));
  return { ...withoutContent(object), addressType: object["addressType"], ports: object["ports"], endpoints };
}

function keptOfEndpoints(object: KubeObject): KubeObject {
  const subsets = arrayAt(object, "subsets").map((subset) => ({
    addresses: addressesOf(subset, "addresses"),
    notReadyAddresses: addressesOf(subset, "notReadyAddresses"),
    ports: arrayAt(subset, "ports"),
  }));
  return { ...withoutContent(object), subsets };
}

function addressesOf(subset: unknown, key: string): readonly unknown[] {
  return arrayAt(subset, key).map((entry) => pick(entry, ["ip"]));
}

function withoutLastApplied(object: KubeObject): KubeObject {
  const { annotations } = object.metadata;
  if (annotations?.[LAST_APPLIED] === undefined) return object;
  const { [LAST_APPLIED]: _, ...kept } = annotations;
  return { ...object, metadata: { ...object.metadata, annotations: kept } };
}

function nameOf(metadata: ObjectMeta): ObjectMeta {
  const { name, namespace, uid, resourceVersion, labels, ownerReferences, deletionTimestamp } = metadata;
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(labels === undefined ? {} : { labels }),
    ...(ownerReferences === undefined ? {} : { ownerReferences }),
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
  };
}

function pick(value: unknown, fields: readonly string[]): Readonly<Record<string, unknown>> {
  const record = isRecord(value) ? value : {};
  return Object.fromEntries(fields.map((field) => [field, record[field]]));
}
