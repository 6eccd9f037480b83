import type { Catalog } from "./catalog.ts";
import type { ServedResource } from "./served-resource.ts";

/** What a request path names, before its method is looked at. */
export type ApiRoute =
  | { readonly to: "version" | "health" | "coreVersions" | "groups" | "openapiV2" }
  | { readonly to: "openapiV3"; /** Empty for the index. */ readonly document: string }
  | { readonly to: "group"; readonly group: string }
  | { readonly to: "groupVersion"; readonly group: string; readonly version: string }
  | { readonly to: "review"; readonly group: string; readonly plural: string; readonly namespace: string }
  | ResourceRoute
  | { readonly to: "nothing" };

/** A collection, an object, or a subresource of one. */
export interface ResourceRoute {
  readonly to: "resource";
  readonly resource: ServedResource;
  /** Empty for all namespaces and for cluster-scoped kinds. */
  readonly namespace: string;
  /** Undefined for the collection. */
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

const NOTHING: ApiRoute = { to: "nothing" };

/** Returns what `path` (without its query, still percent-encoded) names among what is served. */
export function routePath(path: string, catalog: Catalog): ApiRoute {
  const segments = decodeSegments(path);
  if (segments === undefined) return NOTHING;
  const [first, ...rest] = segments;
  switch (first ?? "") {
    case "version":
      return rest.length === 0 ? { to: "version" } : NOTHING;
    case "healthz":
    case "livez":
    case "readyz":
      return { to: "health" };
    case "openapi":
      if (rest[0] === "v2" && rest.length === 1) return { to: "openapiV2" };
      return rest[0] === "v3" ? { to: "openapiV3", document: rest.slice(1).join("/") } : NOTHING;
    case "api":
      return rest.length === 0 ? { to: "coreVersions" } : routeVersion(catalog, "", rest);
    case "apis":
      if (rest.length === 0) return { to: "groups" };
      return rest.length === 1
        ? { to: "group", group: rest[0] ?? "" }
        : routeVersion(catalog, rest[0] ?? "", rest.slice(1));
    default:
      return NOTHING;
  }
}

function decodeSegments(path: string): readonly string[] | undefined {
  try {
    const segments = path.split("/").map(decodeURIComponent);
    // A trailing slash names the same thing; an empty segment elsewhere names nothing.
    const trimmed = segments.slice(1, segments.at(-1) === "" ? -1 : undefined);
    return trimmed.includes("") ? undefined : trimmed;
  } catch {
    return undefined;
  }
}

function routeVersion(catalog: Catalog, group: string, segments: readonly string[]): ApiRoute {
  const [version = "", ...rest] = segments;
  if (rest.length === 0) return { to: "groupVersion", group, version };
  if (group === "authorization.k8s.io" || group === "authentication.k8s.io") {
    return version === "v1" ? routeReview(group, rest) : NOTHING;
  }
  return rest[0] === "namespaces" && rest.length > 2
    ? routeInNamespace(catalog, group, version, rest)
    : routeResource(catalog, group, version, "", rest);
}

function routeReview(group: string, segments: readonly string[]): ApiRoute {
  if (segments.length === 1) return { to: "review", group, plural: segments[0] ?? "", namespace: "" };
  const [first, namespace = "", plural = "", ...extra] = segments;
  const isNamespaced = first === "namespaces" && plural !== "" && extra.length === 0;
  return isNamespaced ? { to: "review", group, plural, namespace } : NOTHING;
}

function routeInNamespace(catalog: Catalog, group: string, version: string, segments: readonly string[]): ApiRoute {
  const [, namespace = "", third = "", ...rest] = segments;
  const isOwnSubresource = group === "" && rest.length === 0 && (third === "status" || third === "finalize");
  return isOwnSubresource
    ? routeResource(catalog, group, version, "", segments)
    : routeResource(catalog, group, version, namespace, [third, ...rest]);
}

function routeResource(
  catalog: Catalog,
  group: string,
  version: string,
  namespace: string,
  segments: readonly string[],
): ApiRoute {
  const [plural = "", name, subresource, ...extra] = segments;
  const resource = catalog.find(group, version, plural);
  if (resource === undefined || extra.length > 0) return NOTHING;
  if (!resource.kind.namespaced && namespace !== "") return NOTHING;
  // One object of a namespaced kind has no address without its namespace.
  if (resource.kind.namespaced && namespace === "" && name !== undefined) return NOTHING;
  return { to: "resource", resource, namespace, name, subresource };
}
