import type { Answer } from "./answer.ts";
import type { ObjectContext } from "./read-objects.ts";
import type { ApiRequest } from "./request.ts";
import type { ResourceRoute } from "./route.ts";
import { methodNotAllowed } from "./status.ts";

/** Answers PATCH of type apply. */
export function applyObjectPatch(
  _context: ObjectContext,
  _route: ResourceRoute,
  _request: ApiRequest,
): Promise<Answer> {
  throw methodNotAllowed();
}
