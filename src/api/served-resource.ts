import {
  ACCEPTED_KINDS,
  AUTOSCALER,
  COMPONENT_STATUS,
  EVENT,
  INGRESS,
  KINDS,
  NAMESPACE,
  apiVersionOf,
  isSameResource,
  resourceName,
} from "../resource/kind.ts";
import type { DefinedVersion } from "../resource/definition/parse-definition.ts";
import type { Kind } from "../resource/kind.ts";
import { FIRST_GROUP, OLDER_VERSIONS, olderApiVersion, type OlderVersion } from "../resource/older-versions.ts";
import { isCustomResource } from "../resource/schema/schema-of.ts";

/** One kind as it is served under one group and version; the stored version may be another. */
export interface ServedResource {
  readonly kind: Kind;
  readonly group: string;
  readonly version: string;
  /** `v1` or `group/version`, as objects say it here. */
  readonly apiVersion: string;
  /** Defined by a CustomResourceDefinition on a real cluster: strategic merge patches are refused there and here. */
  readonly isCustom: boolean;
  /** The sentence of a Warning header for a version that real clusters no longer serve. */
  readonly deprecation: string | undefined;
  /** Short names belong to one resource, or clients warn that they could mean another. */
  readonly shortNames: readonly string[];
  /** Words that stand for several resources at once; of one group only, or lists would show objects twice. */
  readonly categories: readonly string[];
}

/** What can be done with a resource, in the words of discovery. */
export type Verb = "create" | "delete" | "deletecollection" | "get" | "list" | "patch" | "update" | "watch";

const VERBS: readonly Verb[] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/** In the order in which a real server names them for kinds that users define. */
const CUSTOM_VERBS: readonly Verb[] = [
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "create",
  "update",
  "watch",
];

/** Every resource this API serves beside those that users define. */
export const SERVED_RESOURCES: readonly ServedResource[] = [
  ...KINDS.map(serve),
  ...ACCEPTED_KINDS.map(serve),
  serveAs(INGRESS, "networking.k8s.io", "v1beta1", deprecatedIngress("networking.k8s.io/v1beta1", "v1.19")),
  serveAs(INGRESS, "extensions", "v1beta1", deprecatedIngress("extensions/v1beta1", "v1.14")),
  serveAs(EVENT, "events.k8s.io", "v1", undefined),
  serveAs(AUTOSCALER, "autoscaling", "v1", undefined),
  ...OLDER_VERSIONS.map((older) => serveAs(older.kind, older.group, older.version, deprecatedByCertManager(older))),
];

/** Returns the resource as which a version of a user's kind is served. */
export function serveDefined(defined: DefinedVersion): ServedResource {
  return { ...serve(defined.kind), deprecation: defined.deprecation };
}

/** The verbs of the main resource. Namespaces have no deletecollection, as on a real cluster. */
export function verbsOf(resource: ServedResource): readonly Verb[] {
  if (resource.kind.custom !== undefined) return CUSTOM_VERBS;
  if (isSameResource(resource.kind, COMPONENT_STATUS)) return ["get", "list"];
  return isSameResource(resource.kind, NAMESPACE) ? VERBS.filter((verb) => verb !== "deletecollection") : VERBS;
}

/** Returns whether the kind has the `scale` subresource. */
export function hasScale(kind: Kind): boolean {
  return kind.custom === undefined ? SCALABLE.has(resourceName(kind)) : kind.custom.scale !== undefined;
}

const SCALABLE: ReadonlySet<string> = new Set([
  "deployments.apps",
  "replicasets.apps",
  "statefulsets.apps",
  "replicationcontrollers",
]);

function serve(kind: Kind): ServedResource {
  return {
    kind,
    group: kind.group,
    version: kind.version,
    apiVersion: apiVersionOf(kind),
    isCustom: isCustomResource(kind),
    deprecation: isSameResource(kind, COMPONENT_STATUS) ? "v1 ComponentStatus is deprecated in v1.19+" : undefined,
    shortNames: kind.shortNames,
    categories: kind.categories,
  };
}

function serveAs(kind: Kind, group: string, version: string, deprecation: string | undefined): ServedResource {
  return {
    kind,
    group,
    version,
    apiVersion: `${group}/${version}`,
    isCustom: isCustomResource(kind),
    deprecation,
    shortNames: group === kind.group ? kind.shortNames : [],
    categories: group === kind.group ? kind.categories : [],
  };
}

function deprecatedIngress(apiVersion: string, since: string): string {
  return `${apiVersion} Ingress is deprecated in ${since}+, unavailable in v1.22+; use networking.k8s.io/v1 Ingress`;
}

function deprecatedByCertManager(older: OlderVersion): string {
  const { kind } = older;
  const since = older.group === FIRST_GROUP ? "unavailable in v0.11+" : "unavailable in v1.6+";
  return `${olderApiVersion(older)} ${kind.kind} is deprecated by cert-manager, ${since}; use ${apiVersionOf(kind)} ${kind.kind}`;
}
