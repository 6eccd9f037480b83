import { NAMESPACE, SERVICE_ACCOUNT, SIGNING_REQUEST, isSameResource } from "../resource/kind.ts";
import { answerApproval } from "./access/approval.ts";
import type { RoleAuthorizer } from "./access/rbac.ts";
import type { ServiceAccountTokens } from "./access/service-account-tokens.ts";
import type { ClientSigner } from "./access/signing-request.ts";
import { createToken } from "./access/token-request.ts";
import { warningHeaders } from "./answer.ts";
import type { Answer } from "./answer.ts";
import type { ApiResponse } from "./api-response.ts";
import { deleteCollection, deleteObject } from "./delete-objects.ts";
import { getObject, listObjects } from "./read-objects.ts";
import { isTrue } from "./request.ts";
import type { ApiRequest } from "./request.ts";
import type { ResourceRoute } from "./route.ts";
import { answerScale } from "./scale.ts";
import { hasScale, verbsOf } from "./served-resource.ts";
import { ApiStatusError, methodNotAllowed, noSuchPath } from "./status.ts";
import { watchObjects } from "./watch-objects.ts";
import type { WatchContext } from "./watch-objects.ts";
import { patchObject } from "./patch-objects.ts";
import { createObject, replaceObject } from "./write-objects.ts";

/** What the handlers of all verbs need. */
export interface VerbContext extends WatchContext {
  readonly tokens: ServiceAccountTokens | undefined;
  readonly signer: ClientSigner | undefined;
  readonly authorizer: RoleAuthorizer;
}

/** Answers a request for a resource; undefined when the answer was streamed into `response`. */
export async function answerResource(
  context: VerbContext,
  route: ResourceRoute,
  request: ApiRequest,
  response: ApiResponse,
): Promise<Answer | undefined> {
  const { deprecation } = route.resource;
  if (deprecation === undefined || isWrite(request)) return answerMethod(context, route, request, response);
  // Writes say it among their other warnings; of reads this is the only one, and a stream has it before its first event.
  const headers = warningHeaders([deprecation]);
  if (isWatch(request)) for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  const answer = await answerMethod(context, route, request, response);
  return answer === undefined ? undefined : { ...answer, headers: { ...headers, ...answer.headers } };
}

function isWrite({ method }: ApiRequest): boolean {
  return method === "POST" || method === "PUT" || method === "PATCH";
}

function isWatch(request: ApiRequest): boolean {
  return request.query.has("watch") && isTrue(request.query, "watch");
}

async function answerMethod(
  context: VerbContext,
  route: ResourceRoute,
  request: ApiRequest,
  response: ApiResponse,
): Promise<Answer | undefined> {
  // What only tells how the API is can't be written.
  const isReadOnly = !verbsOf(route.resource).includes("create");
  if (isReadOnly && (request.method !== "GET" || isWatch(request))) throw methodNotAllowed();
  if (route.subresource !== undefined) return answerSubresource(context, route, request);
  return route.name === undefined
    ? answerCollection(context, route, request, response)
    : answerObject(context, route, request, response);
}

async function answerCollection(
  context: VerbContext,
  route: ResourceRoute,
  request: ApiRequest,
  response: ApiResponse,
): Promise<Answer | undefined> {
  switch (request.method) {
    case "GET":
      if (isWatch(request)) return watch(context, route, request, response);
      return listObjects(context, route, request);
    case "POST":
      if (route.resource.kind.custom?.isTerminating === true) throw terminating();
      return createObject(context, route, request);
    case "DELETE":
      if (!verbsOf(route.resource).includes("deletecollection")) throw methodNotAllowed();
      return deleteCollection(context, route, request);
    default:
      throw methodNotAllowed();
  }
}

/** The objects of a definition that is going are going too. */
function terminating(): ApiStatusError {
  const why = "create not allowed while custom resource definition is terminating";
  return new ApiStatusError(405, "MethodNotAllowed", why, {});
}

async function answerObject(
  context: VerbContext,
  route: ResourceRoute,
  request: ApiRequest,
  response: ApiResponse,
): Promise<Answer | undefined> {
  switch (request.method) {
    case "GET":
      if (isWatch(request)) {
        request.query.set("fieldSelector", `metadata.name=${route.name ?? ""}`);
        return watch(context, { ...route, name: undefined }, request, response);
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

async function watch(
  context: VerbContext,
  route: ResourceRoute,
  request: ApiRequest,
  response: ApiResponse,
): Promise<Answer | undefined> {
  if (request.header("upgrade")?.toLowerCase() === "websocket") return NO_WEB_SOCKET;
  await watchObjects(context, route, request, response);
  return undefined;
}

/**
 * Clients in Java try a WebSocket first and take 200 for the sign to watch in the plain way. They read the answer to its end,
 * so that it must have one; a 503, the other sign, they ask for again and again.
 */
const NO_WEB_SOCKET: Answer = { httpStatus: 200, contentType: "application/json", body: "" };

async function answerSubresource(context: VerbContext, route: ResourceRoute, request: ApiRequest): Promise<Answer> {
  const { kind } = route.resource;
  if (route.subresource === "scale" && hasScale(kind)) return answerScale(context, route, request);
  if (route.subresource === "token" && kind === SERVICE_ACCOUNT) {
    if (request.method !== "POST") throw methodNotAllowed();
    return createToken(context, context.tokens, route, request);
  }
  if (route.subresource === "approval" && kind === SIGNING_REQUEST) return answerApproval(context, route, request);
  const isStatus = route.subresource === "status" && kind.hasStatus;
  const isFinalize = route.subresource === "finalize" && isSameResource(kind, NAMESPACE);
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
