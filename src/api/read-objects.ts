import type { Clock } from "../ground/clock.ts";
import { isLintelError } from "../ground/errors.ts";
import type { Kind } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import type { ObjectList, VersionedStore } from "../store/contract.ts";
import type { Definitions } from "./definitions/definitions.ts";
import type { Identity } from "./access/identity.ts";
import { negotiate } from "./accept.ts";
import type { Answer } from "./answer.ts";
import { assertNotBeyond, parseListVersion } from "./list-options.ts";
import { expiredPage, pageOf, parseContinueToken } from "./list-pages.ts";
import type { PageStart } from "./list-pages.ts";
import { parseSelection } from "./object-filter.ts";
import { listAnswer, objectAnswer } from "./object-answer.ts";
import type { ObjectTexts } from "./object-texts.ts";
import { parseIncludeObject } from "./present.ts";
import type { ListMeta, Presentation } from "./present.ts";
import type { ApiRequest } from "./request.ts";
import type { ResourceRoute } from "./route.ts";
import { hasProtobuf } from "./protobuf/envelope.ts";
import { badRequest, expired, notFound } from "./status.ts";

/** What handlers of resources share. */
export interface ObjectContext {
  readonly store: VersionedStore;
  readonly definitions: Definitions;
  readonly clock: Clock;
  readonly texts: ObjectTexts;
  /** Who asks. */
  readonly identity: Identity;
  /** Throws Forbidden when whoever asks may not store `object`, whatever the path said. */
  readonly guard: (kind: Kind, object: KubeObject, isNew: boolean) => Promise<void>;
}

/** Returns how the client wants to see objects. */
export function presentationOf(context: ObjectContext, route: ResourceRoute, request: ApiRequest): Presentation {
  return {
    resource: route.resource,
    form: negotiate(request.header("accept"), hasProtobuf(route.resource.apiVersion, route.resource.kind.kind)),
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
  const version = request.query.get("resourceVersion") ?? "";
  if (version !== "") assertNotBeyond(version, context.store.version());
  const object = await storedObject(context, route);
  return objectAnswer(200, object, presentation);
}

/** Answers GET of a collection. */
export async function listObjects(context: ObjectContext, route: ResourceRoute, request: ApiRequest): Promise<Answer> {
  const presentation = presentationOf(context, route, request);
  const { query } = request;
  const selection = parseSelection(route, query);
  const limit = parseCount(query.get("limit"));
  const { list, start } = await wantedList(context, route, query);
  const items = selection.isAll ? list.items : list.items.filter(selection.matches);
  const page = pageOf(items, list.resourceVersion, limit, start);
  const metadata: ListMeta = {
    resourceVersion: list.resourceVersion,
    ...(page.next === undefined ? {} : { continue: page.next }),
    ...(page.next === undefined || !selection.isAll ? {} : { remainingItemCount: page.remaining }),
  };
  return listAnswer(page.items, metadata, presentation);
}

/** The list that a query asks for, at the version it asks for, and where the page in it begins. */
async function wantedList(
  context: ObjectContext,
  route: ResourceRoute,
  query: URLSearchParams,
): Promise<{ readonly list: ObjectList; readonly start: PageStart | undefined }> {
  const { store } = context;
  const { kind } = route.resource;
  const wanted = parseListVersion(query, store.version());
  const token = query.get("continue") ?? "";
  const start = token === "" ? undefined : parseContinueToken(token);
  const version = start?.version ?? (wanted.at === "exactly" ? wanted.version : undefined);
  const options = { namespace: route.namespace };
  try {
    const list = version === undefined ? await store.list(kind, options) : await store.listAt(kind, version, options);
    return { list, start };
  } catch (error) {
    if (!isLintelError(error, "Gone")) throw error;
    throw start === undefined ? expired("The resourceVersion for the provided list is too old.") : expiredPage(start);
  }
}

/** Returns a whole number of the query, 0 when it is absent. Throws BadRequest for anything else. */
export function parseCount(text: string | null): number {
  if (text === null || text === "") return 0;
  if (!/^-?\d{1,9}$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}
