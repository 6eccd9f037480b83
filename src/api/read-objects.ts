import type { Clock } from "../ground/clock.ts";
import type { KubeObject } from "../resource/object.ts";
import type { Store } from "../store/contract.ts";
import { negotiate } from "./accept.ts";
import type { Answer } from "./answer.ts";
import type { ListPages } from "./list-pages.ts";
import { parseSelection } from "./object-filter.ts";
import { listAnswer, objectAnswer } from "./object-answer.ts";
import type { ObjectTexts } from "./object-texts.ts";
import { parseIncludeObject } from "./present.ts";
import type { ListMeta, Presentation } from "./present.ts";
import type { ApiRequest } from "./request.ts";
import type { ResourceRoute } from "./route.ts";
import { badRequest, notFound } from "./status.ts";

/** What handlers of resources share. */
export interface ObjectContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly pages: ListPages;
  readonly texts: ObjectTexts;
}

/** Returns how the client wants to see objects. */
export function presentationOf(context: ObjectContext, route: ResourceRoute, request: ApiRequest): Presentation {
  return {
    resource: route.resource,
    form: negotiate(request.header("accept")),
    includeObject: parseIncludeObject(request.query),
    nowMs: context.clock.nowMs(),
    texts: context.texts,
  };
}

/** Returns the stored object that the route names, or throws NotFound. */
export async function storedObject(context: ObjectContext, route: ResourceRoute): Promise<KubeObject> {
  const name = route.name ?? "";
  const found = await context.store.get(route.resource.kind, route.namespace, name);
  if (found === undefined) throw notFound(route.resource.kind, name);
  return found;
}

/** Answers GET of one object. */
export async function getObject(context: ObjectContext, route: ResourceRoute, request: ApiRequest): Promise<Answer> {
  const presentation = presentationOf(context, route, request);
  const object = await storedObject(context, route);
  return objectAnswer(200, object, presentation);
}

/** Answers GET of a collection. */
export async function listObjects(context: ObjectContext, route: ResourceRoute, request: ApiRequest): Promise<Answer> {
  const presentation = presentationOf(context, route, request);
  const { query } = request;
  const selection = parseSelection(route, query);
  const limit = parseCount(query.get("limit"), "limit");
  const token = query.get("continue") ?? "";
  const name = JSON.stringify([
    route.resource.apiVersion,
    route.resource.kind.plural,
    route.namespace,
    query.get("labelSelector") ?? "",
    query.get("fieldSelector") ?? "",
  ]);
  const page =
    token === "" ? await firstPage(context, route, selection, name, limit) : context.pages.next(name, token, limit);
  const metadata: ListMeta = {
    resourceVersion: page.resourceVersion,
    ...(page.next === undefined ? {} : { continue: page.next }),
    ...(page.next === undefined || !selection.isAll ? {} : { remainingItemCount: page.remaining }),
  };
  return listAnswer(page.items, metadata, presentation);
}

async function firstPage(
  context: ObjectContext,
  route: ResourceRoute,
  selection: ReturnType<typeof parseSelection>,
  name: string,
  limit: number,
): Promise<ReturnType<ListPages["first"]>> {
  const list = await context.store.list(route.resource.kind, { namespace: route.namespace });
  const items = selection.isAll ? list.items : list.items.filter(selection.matches);
  return context.pages.first(name, items, list.resourceVersion, limit);
}

/** Returns a whole number of the query, 0 when it is absent. Throws BadRequest for anything else. */
export function parseCount(text: string | null, parameter: string): number {
  if (text === null || text === "") return 0;
  if (!/^\d{1,9}$/.test(text)) {
    throw badRequest(`invalid value for parameter ${parameter}: ${JSON.stringify(text)} is not a whole number`);
  }
  return Number(text);
}
