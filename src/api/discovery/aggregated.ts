import type { Catalog } from "../catalog.ts";
import { hasScale, verbsOf } from "../served-resource.ts";
import type { ServedResource } from "../served-resource.ts";
import { REVIEWS } from "../reviews.ts";

/** Versions of the aggregated discovery document; the newer one is what `kubectl` 1.30 and later asks for. */
export type DiscoveryVersion = "v2" | "v2beta1";

/** Returns the `APIGroupDiscoveryList` of `/api` (the core group) or `/apis` (all others). */
export function aggregatedDiscovery(catalog: Catalog, root: "api" | "apis", version: DiscoveryVersion): object {
  const items =
    root === "api"
      ? [{ metadata: { creationTimestamp: null }, versions: [versionOf(catalog, "", "v1")] }]
      : catalog.groups.map(({ group, versions }) => ({
          metadata: { name: group, creationTimestamp: null },
          versions: versions.map((name) => versionOf(catalog, group, name)),
        }));
  return { kind: "APIGroupDiscoveryList", apiVersion: `apidiscovery.k8s.io/${version}`, metadata: {}, items };
}

function versionOf(catalog: Catalog, group: string, version: string): object {
  const resources = catalog.resources
    .filter((entry) => entry.group === group && entry.version === version)
    .sort((left, right) => (left.kind.plural < right.kind.plural ? -1 : 1))
    .map(resourceOf);
  const reviews = REVIEWS.filter((review) => review.group === group).map((review) => ({
    resource: review.plural,
    responseKind: kindOf(review.kind),
    scope: review.namespaced ? "Namespaced" : "Cluster",
    singularResource: review.kind.toLowerCase(),
    verbs: ["create"],
  }));
  return { version, resources: [...resources, ...reviews], freshness: "Current" };
}

function resourceOf(entry: ServedResource): object {
  const { kind } = entry;
  const subresources = [
    ...(hasScale(kind)
      ? [
          {
            subresource: "scale",
            responseKind: { group: "autoscaling", version: "v1", kind: "Scale" },
            verbs: ["get", "patch", "update"],
          },
        ]
      : []),
    ...(kind.hasStatus
      ? [{ subresource: "status", responseKind: kindOf(kind.kind), verbs: ["get", "patch", "update"] }]
      : []),
  ];
  return {
    resource: kind.plural,
    responseKind: kindOf(kind.kind),
    scope: kind.namespaced ? "Namespaced" : "Cluster",
    singularResource: kind.singular,
    verbs: verbsOf(entry),
    ...(entry.shortNames.length > 0 ? { shortNames: entry.shortNames } : {}),
    ...(entry.categories.length > 0 ? { categories: entry.categories } : {}),
    ...(subresources.length > 0 ? { subresources } : {}),
  };
}

/** An empty group and version mean those of the list it stands in. */
function kindOf(kind: string): object {
  return { group: "", version: "", kind };
}
