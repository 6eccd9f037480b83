import { createHash } from "node:crypto";
import type { Kind } from "../../resource/kind.ts";
import type { Catalog, ServedGroup } from "../catalog.ts";
import { hasScale, verbsOf } from "../served-resource.ts";
import type { ServedResource } from "../served-resource.ts";
import { REVIEWS } from "../reviews.ts";

/** The discovery documents of before aggregation: one for each group and version. */

/** Returns `/api`. `address` is where the client reached the server, as `host:port`. */
export function coreVersions(address: string): object {
  return {
    kind: "APIVersions",
    versions: ["v1"],
    serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress: address }],
  };
}

/** Returns `/apis`. */
export function groupList(catalog: Catalog): object {
  return { kind: "APIGroupList", apiVersion: "v1", groups: catalog.groups.map(groupBody) };
}

/** Returns `/apis/<group>`, or undefined when there is no such group. */
export function apiGroup(catalog: Catalog, name: string): object | undefined {
  const found = catalog.groups.find(({ group }) => group === name);
  return found === undefined ? undefined : { kind: "APIGroup", apiVersion: "v1", ...groupBody(found) };
}

function groupBody({ group, versions }: ServedGroup): object {
  const list = versions.map((version) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions: list, preferredVersion: list[0] };
}

/** Returns `/api/v1` or `/apis/<group>/<version>`, or undefined when it is not served. */
export function resourceList(catalog: Catalog, group: string, version: string): object | undefined {
  const served = catalog.resources.filter((entry) => entry.group === group && entry.version === version);
  const reviews = REVIEWS.filter((review) => review.group === group && version === "v1");
  if (served.length === 0 && reviews.length === 0) return undefined;
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: group === "" ? version : `${group}/${version}`,
    resources: [
      ...[...served].sort((left, right) => (left.kind.plural < right.kind.plural ? -1 : 1)).flatMap(resourceEntries),
      ...reviews.map((review) => ({
        name: review.plural,
        singularName: review.kind.toLowerCase(),
        namespaced: review.namespaced,
        kind: review.kind,
        verbs: ["create"],
      })),
    ],
  };
}

function resourceEntries(entry: ServedResource): readonly object[] {
  const { kind } = entry;
  const main = {
    name: kind.plural,
    singularName: kind.singular,
    namespaced: kind.namespaced,
    kind: kind.kind,
    verbs: verbsOf(entry),
    ...(kind.custom === undefined
      ? {}
      : { storageVersionHash: storageVersionHash(kind, kind.custom.storedApiVersion) }),
    ...(entry.shortNames.length > 0 ? { shortNames: entry.shortNames } : {}),
    ...(entry.categories.length > 0 ? { categories: entry.categories } : {}),
  };
  const subresource = { singularName: "", namespaced: kind.namespaced, verbs: ["get", "patch", "update"] };
  const status = kind.hasStatus ? [{ ...subresource, name: `${kind.plural}/status`, kind: kind.kind }] : [];
  const scale = hasScale(kind)
    ? [{ ...subresource, name: `${kind.plural}/scale`, group: "autoscaling", version: "v1", kind: "Scale" }]
    : [];
  return [main, ...(kind.custom === undefined ? [...scale, ...status] : [...status, ...scale])];
}

/** By this clients notice that objects are stored in another version. */
function storageVersionHash(kind: Kind, storedApiVersion: string): string {
  return createHash("sha256").update(`${storedApiVersion}/${kind.kind}`).digest().subarray(0, 8).toString("base64");
}
