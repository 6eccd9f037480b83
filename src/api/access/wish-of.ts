import type { ApiRequest } from "../request.ts";
import { isTrue } from "../request.ts";
import type { ApiRoute, ResourceRoute } from "../route.ts";
import type { Wish } from "./rbac.ts";

/** Returns what a request wishes to do, as roles name it. */
export function wishOf(route: ApiRoute, request: ApiRequest): Wish {
  if (route.to === "resource") {
    const { resource } = route;
    return {
      to: "resource",
      verb: verbOf(route, request),
      group: resource.group,
      resource: resource.kind.plural,
      subresource: route.subresource ?? "",
      namespace: namespaceOf(route),
      name: route.name ?? nameSelected(request),
    };
  }
  if (route.to === "review") {
    const { group, plural: resource, namespace } = route;
    return { to: "resource", verb: "create", group, resource, subresource: "", namespace, name: "" };
  }
  return { to: "path", verb: request.method.toLowerCase(), path: request.path };
}

/** A Namespace is in itself, for whoever may act there. */
function namespaceOf(route: ResourceRoute): string {
  return route.resource.group === "" && route.resource.kind.kind === "Namespace" ? (route.name ?? "") : route.namespace;
}

function verbOf(route: ResourceRoute, request: ApiRequest): string {
  const isCollection = route.name === undefined;
  switch (request.method) {
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "PATCH":
      return "patch";
    case "DELETE":
      return isCollection ? "deletecollection" : "delete";
    default:
      if (request.query.has("watch") && isTrue(request.query, "watch")) return "watch";
      return isCollection ? "list" : "get";
  }
}

/** A list of one name is a wish for that name alone. */
function nameSelected(request: ApiRequest): string {
  return /^metadata\.name==?([^,=!]+)$/.exec(request.query.get("fieldSelector") ?? "")?.[1] ?? "";
}
