import { recordAt, stringAt } from "../ground/json.ts";
import { warningHeaders } from "./answer.ts";
import type { Answer } from "./answer.ts";
import { objectOf, readObjectBody } from "./body.ts";
import { objectAnswer } from "./object-answer.ts";
import { presentationOf } from "./read-objects.ts";
import type { ObjectContext } from "./read-objects.ts";
import type { ApiRequest } from "./request.ts";
import type { ResourceRoute } from "./route.ts";
import { badRequest, methodNotAllowed, notFound } from "./status.ts";
import { storeNew, storeNext, warningsOf } from "./stored-write.ts";
import { parseWriteChoices } from "./write-options.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Kinds that a real API server creates when a PUT names one that does not exist. */
const CREATED_BY_PUT: ReadonlySet<string> = new Set(["Endpoints", "Event", "Lease", "LimitRange"]);

/** Answers POST to a collection. */
export async function createObject(context: ObjectContext, route: ResourceRoute, request: ApiRequest): Promise<Answer> {
  if (route.resource.kind.namespaced && route.namespace === "") throw methodNotAllowed();
  const choices = parseWriteChoices(request);
  const presentation = presentationOf(context, route, request);
  const body = await readObjectBody(request);
  const input = inNamespace(objectOf(body), route);
  const written = await storeNew(context, route, { input, choices, duplicates: body.duplicates });
  const headers = warningHeaders(warningsOf(route, written));
  return objectAnswer(201, written.object, presentation, headers);
}

/** Answers PUT to an object or its status. */
export async function replaceObject(
  context: ObjectContext,
  route: ResourceRoute,
  request: ApiRequest,
): Promise<Answer> {
  const choices = parseWriteChoices(request);
  const presentation = presentationOf(context, route, request);
  const body = await readObjectBody(request);
  const input = named(inNamespace(objectOf(body), route), route);
  const { kind } = route.resource;
  const draft = { input, choices, duplicates: body.duplicates };
  const existing = await context.store.get(kind, route.namespace, route.name ?? "");
  const isNew = existing === undefined;
  if (isNew && (route.subresource !== undefined || !CREATED_BY_PUT.has(kind.kind))) {
    throw notFound(kind, route.name ?? "");
  }
  const written = isNew ? await storeNew(context, route, draft) : await storeNext(context, route, existing, draft);
  const headers = warningHeaders(warningsOf(route, written));
  return objectAnswer(isNew ? 201 : 200, written.object, presentation, headers);
}

/**
 * Returns the object with the namespace of the path, or without one where its kind has none. Throws BadRequest when it
 * says it is in another.
 */
export function inNamespace(input: Fields, route: ResourceRoute): Fields {
  const metadata = recordAt(input, "metadata");
  const said = stringAt(metadata, "namespace") ?? "";
  if (!route.resource.kind.namespaced) {
    if (said === "") return input;
    const { namespace: _, ...rest } = metadata;
    return { ...input, metadata: rest };
  }
  if (said !== "" && said !== route.namespace) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  return { ...input, metadata: { ...metadata, namespace: route.namespace } };
}

/** Returns the object with the name of the path. Throws BadRequest when it says it has another. */
export function named(input: Fields, route: ResourceRoute): Fields {
  const metadata = recordAt(input, "metadata");
  const said = stringAt(metadata, "name") ?? "";
  const name = route.name ?? "";
  if (said !== "" && said !== name) {
    throw badRequest(`the name of the object (${said}) does not match the name on the URL (${name})`);
  }
  return { ...input, metadata: { ...metadata, name } };
}
