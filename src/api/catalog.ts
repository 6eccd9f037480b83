import { CERTIFICATE, ORDER } from "../resource/kind.ts";
import { FIRST_GROUP } from "../resource/older-versions.ts";
import { byVersionPriority } from "../resource/definition/version-priority.ts";
import { SERVED_RESOURCES } from "./served-resource.ts";
import type { ServedResource } from "./served-resource.ts";

/** One API group with its versions, the preferred one first. */
export interface ServedGroup {
  readonly group: string;
  readonly versions: readonly string[];
}

/** Everything that the API serves at a moment: Lintel's own resources, and those that users defined. Never changes. */
export class Catalog {
  readonly resources: readonly ServedResource[];
  /** The groups besides the core one, in the order in which clients should look for a name. */
  readonly groups: readonly ServedGroup[];
  readonly #byPath: ReadonlyMap<string, ServedResource>;

  /** `defined` must not hold what Lintel serves itself. */
  constructor(defined: readonly ServedResource[] = []) {
    this.resources = defined.length === 0 ? SERVED_RESOURCES : [...SERVED_RESOURCES, ...defined];
    this.groups = groupsOf(this.resources);
    this.#byPath = new Map(
      this.resources.map((resource) => [pathKey(resource.group, resource.version, resource.kind.plural), resource]),
    );
  }

  /** Returns the resource served at `/apis/group/version/plural`, or undefined. */
  find(group: string, version: string, plural: string): ServedResource | undefined {
    return this.#byPath.get(pathKey(group, version, plural));
  }

  /** Returns the resource whose objects say this of themselves, or undefined. */
  findKind(apiVersion: string, kind: string): ServedResource | undefined {
    return this.resources.find((resource) => resource.kind.kind === kind && resource.apiVersion === apiVersion);
  }
}

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
  "certificates.k8s.io",
  "networking.k8s.io",
  "policy",
  "rbac.authorization.k8s.io",
  "storage.k8s.io",
  "admissionregistration.k8s.io",
  "apiextensions.k8s.io",
  "scheduling.k8s.io",
  "coordination.k8s.io",
  "node.k8s.io",
  "discovery.k8s.io",
  "flowcontrol.apiserver.k8s.io",
  ORDER.group,
  CERTIFICATE.group,
  FIRST_GROUP,
  "extensions",
];

/** What is served where nobody defined anything. */
export const BUILT_IN: Catalog = new Catalog();

function groupsOf(resources: readonly ServedResource[]): readonly ServedGroup[] {
  const versions = new Map<string, Set<string>>([
    ["authentication.k8s.io", new Set(["v1"])],
    ["authorization.k8s.io", new Set(["v1"])],
  ]);
  for (const { group, version } of resources) {
    if (group === "") continue;
    const known = versions.get(group) ?? new Set();
    known.add(version);
    versions.set(group, known);
  }
  return [...versions]
    .map(([group, names]) => ({ group, versions: [...names].sort(byVersionPriority) }))
    .sort((left, right) => rank(left.group) - rank(right.group) || (left.group < right.group ? -1 : 1));
}

function rank(group: string): number {
  const index = GROUP_ORDER.indexOf(group);
  return index < 0 ? GROUP_ORDER.length : index;
}

function pathKey(group: string, version: string, plural: string): string {
  return `${group}/${version}/${plural}`;
}
