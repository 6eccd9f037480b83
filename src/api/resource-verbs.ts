import type { ServerResponse } from "node:http";
import type { Answer } from "./answer.ts";
import { deleteCollection, deleteObject } from "./delete-objects.ts";
import { getObject, listObjects } from "./read-objects.ts";
import { isTrue } from "./request.ts";
import type { ApiRequest } from "./request.ts";
import type { ResourceRoute } from "./route.ts";
import { answerScale } from "./scale.ts";
import { hasScale, verbsOf } from "./served-resource.ts";
import { methodNotAllowed, noSuchPath } from "./status.ts";
import { watchObjects } from "./watch-objects.ts";
import type { WatchContext } from "./watch-objects.ts";
import { patchObject } from "./patch-objects.ts";
import { createObject, replaceObject } from "./write-objects.ts";

/** What the handlers of all verbs need. */
export type VerbContext = WatchContext;

/** Answers a request for a resource; undefined when the answer was streamed into `response`. */
export async function answerResource(
  context: VerbContext,
  route: ResourceRoute,
  request: ApiRequest,
  response: ServerResponse,
): Promise<Answer | undefined> {
  if (route.subresource !== undefined) return answerSubresource(context, route, request);
  return route.name === undefined
    ? answerCollection(context, route, request, response)
    : answerObject(context, route, request, response);
}

async function answerCollection(
  context: VerbContext,
  route: ResourceRoute,
  request: ApiRequest,
  response: ServerResponse,
): Promise<Answer | undefined> {
  switch (request.method) {
    case "GET":
      if (request.query.has("watch") && isTrue(request.query, "watch")) {
        await watchObjects(context, route, request, response);
        return undefined;
      }
      return listObjects(context, route, request);
    case "POST":
      return createObject(context, route, request);
    case "DELETE":
      if (!verbsOf(route.resource).includes("deletecollection")) throw methodNotAllowed();
      return deleteCollection(context, route, request);
    default:
      throw methodNotAllowed();
  }
}

async function answerObject(
  context: VerbContext,
  route: ResourceRoute,
  request: ApiRequest,
  response: ServerResponse,
): Promise<Answer | undefined> {
  switch (request.method) {
    case "GET":
      if (request.query.has("watch") && isTrue(request.query, "watch")) {
        request.query.set("fieldSelector", `metadata.name=${route.name ?? ""}`);
        await watchObjects(context, { ...route, name: undefined }, request, response);
        return undefined;
      }
      return getObject(context, route, request);
    case "PUT":
      return replaceObject(context, route, request);
    case "PATCH":
      return patchObject(context, route, request);
    case "DELETE":
      return deleteObject(context, route, request);
    default:
      throw methodNotAllowed();
  }
}

async function answerSubresource(context: VerbContext, route: ResourceRoute, request: ApiRequest): Promise<Answer> {
  const { kind } = route.resource;
  if (route.subresource === "scale" && hasScale(kind)) return answerScale(context, route, request);
  const isStatus = route.subresource === "status" && kind.hasStatus;
  const isFinalize = route.subresource === "finalize" && kind.kind === "Namespace";
  if (!isStatus && !isFinalize) throw noSuchPath();
  switch (request.method) {
    case "GET":
      return getObject(context, route, request);
    case "PUT":
      return replaceObject(context, route, request);
    case "PATCH":
      return patchObject(context, route, request);
    default:
      throw methodNotAllowed();
  }
}
