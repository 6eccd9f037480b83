import {
  ACCEPTED_KINDS,
  CERTIFICATE,
  EVENT,
  INGRESS,
  KINDS,
  ORDER,
  apiVersionOf,
  resourceName,
} from "../resource/kind.ts";
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

/** Groups in the order in which short names resolve; those not named come after, by name. */
const GROUP_ORDER: readonly string[] = [
  "",
  "apiregistration.k8s.io",
  "apps",
  "events.k8s.io",
  "authentication.k8s.io",
  "authorization.k8s.io",
  "autoscaling",
  "batch",
  "networking.k8s.io",
  "policy",
  "rbac.authorization.k8s.io",
  "storage.k8s.io",
  "admissionregistration.k8s.io",
  "apiextensions.k8s.io",
  "scheduling.k8s.io",
  "coordination.k8s.io",
  "discovery.k8s.io",
  ORDER.group,
  CERTIFICATE.group,
  FIRST_GROUP,
  "extensions",
];

/** Every resource this API serves. */
export const SERVED_RESOURCES: readonly ServedResource[] = [
  ...KINDS.map(serve),
  ...ACCEPTED_KINDS.map(serve),
  serveAs(INGRESS, "networking.k8s.io", "v1beta1", deprecatedIngress("networking.k8s.io/v1beta1", "v1.19")),
  serveAs(INGRESS, "extensions", "v1beta1", deprecatedIngress("extensions/v1beta1", "v1.14")),
  serveAs(EVENT, "events.k8s.io", "v1", undefined),
  ...OLDER_VERSIONS.map((older) => serveAs(older.kind, older.group, older.version, deprecatedByCertManager(older))),
];

const BY_PATH: ReadonlyMap<string, ServedResource> = new Map(
  SERVED_RESOURCES.map((resource) => [pathKey(resource.group, resource.version, resource.kind.plural), resource]),
);

/** Returns the resource served at `/apis/group/version/plural`, or undefined. */
export function findServed(group: string, version: string, plural: string): ServedResource | undefined {
  return BY_PATH.get(pathKey(group, version, plural));
}

/** Returns whether a group is served in any version. */
export function servesGroup(group: string): boolean {
  return SERVED_RESOURCES.some((resource) => resource.group === group);
}

/** One API group with its versions, the preferred one first. */
export interface ServedGroup {
  readonly group: string;
  readonly versions: readonly string[];
}

/** The groups besides the core one, in the order in which clients should look for a name. */
export const SERVED_GROUPS: readonly ServedGroup[] = groups();

function groups(): readonly ServedGroup[] {
  const versions = new Map<string, Set<string>>([
    ["authentication.k8s.io", new Set(["v1"])],
    ["authorization.k8s.io", new Set(["v1"])],
  ]);
  for (const { group, version } of SERVED_RESOURCES) {
    if (group === "") continue;
    const known = versions.get(group) ?? new Set();
    known.add(version);
    versions.set(group, known);
  }
  return [...versions]
    .map(([group, names]) => ({ group, versions: [...names] }))
    .sort((left, right) => rank(left.group) - rank(right.group) || (left.group < right.group ? -1 : 1));
}

function rank(group: string): number {
  const index = GROUP_ORDER.indexOf(group);
  return index < 0 ? GROUP_ORDER.length : index;
}

/** The verbs of the main resource. Namespaces have no deletecollection, as on a real cluster. */
export function verbsOf(resource: ServedResource): readonly Verb[] {
  return resource.kind.kind === "Namespace" ? VERBS.filter((verb) => verb !== "deletecollection") : VERBS;
}

/** Returns whether the kind has the `scale` subresource. */
export function hasScale(kind: Kind): boolean {
  return SCALABLE.has(resourceName(kind));
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
    deprecation: undefined,
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

function pathKey(group: string, version: string, plural: string): string {
  return `${group}/${version}/${plural}`;
}
