import { parseFieldSelector } from "./field-selector.ts";
import type { FieldSelector } from "./field-selector.ts";
import { parseLabelSelector } from "./label-selector.ts";
import type { ObjectFilter } from "./label-selector.ts";
import type { ResourceRoute } from "./route.ts";

/** Which objects of a collection a request is about. */
export interface Selection {
  readonly matches: ObjectFilter;
  /** Whether every object matches. */
  readonly isAll: boolean;
}

/** Returns what the selectors of `query` select. Throws BadRequest for one that cannot be read. */
export function parseSelection(route: ResourceRoute, query: URLSearchParams): Selection {
  const labels = parseLabelSelector(query.get("labelSelector") ?? "");
  const fields: FieldSelector | undefined = parseFieldSelector(query.get("fieldSelector") ?? "", route.resource.kind);
  return {
    matches: (object) => (labels === undefined || labels(object)) && (fields === undefined || fields.matches(object)),
    isAll: labels === undefined && fields === undefined,
  };
}
