import type { KeyObject } from "node:crypto";
import { once } from "node:events";
import type { Clock } from "../ground/clock.ts";
import { messageOf } from "../ground/errors.ts";
import { isRecord } from "../ground/json.ts";
import type { Logger } from "../ground/log.ts";
import { SIGNING_REQUEST } from "../resource/kind.ts";
import type { VersionedStore } from "../store/contract.ts";
import { admitRequest, refusal } from "./access/admit-request.ts";
import { Authenticator } from "./access/authenticate.ts";
import { assertNoEscalation } from "./access/escalation.ts";
import { ADMIN, type Identity } from "./access/identity.ts";
import { RoleAuthorizer } from "./access/rbac.ts";
import { ServiceAccountTokens } from "./access/service-account-tokens.ts";
import { signingRequestProblem, type ClientSigner } from "./access/signing-request.ts";
import { wishOf } from "./access/wish-of.ts";
import { parseAccept } from "./accept.ts";
import type { MediaRange } from "./accept.ts";
import { encoded, refused } from "./answer.ts";
import type { Answer } from "./answer.ts";
import { objectOf, readObjectBody } from "./body.ts";
import { BUILT_IN } from "./catalog.ts";
import type { Catalog } from "./catalog.ts";
import { aggregatedDiscovery } from "./discovery/aggregated.ts";
import { apiGroup, coreVersions, groupList, resourceList } from "./discovery/legacy.ts";
import { ObjectTexts } from "./object-texts.ts";
import { OpenApiDocuments } from "./openapi/open-api-documents.ts";
import { Definitions } from "./definitions/definitions.ts";
import { answerResource } from "./resource-verbs.ts";
import type { VerbContext } from "./resource-verbs.ts";
import type { ObjectContext } from "./read-objects.ts";
import type { ApiResponse } from "./api-response.ts";
import { readRequest } from "./request.ts";
import type { ApiIncoming, ApiRequest } from "./request.ts";
import { findReview } from "./reviews.ts";
import { routePath } from "./route.ts";
import type { ApiRoute, ResourceRoute } from "./route.ts";
import { HashedAnswers } from "./hashed-answers.ts";
import { forbidden, methodNotAllowed, noSuchPath, toApiStatusError } from "./status.ts";

/** What an {@link ApiServer} is made of. */
export interface ApiServerOptions {
  readonly store: VersionedStore;
  readonly clock: Clock;
  readonly log: Logger;
  /** The bearer token that every request but health and version must carry. */
  readonly token: string;
  /** Signs tokens of ServiceAccounts: a P-256 key. @default they have none */
  readonly tokenKey?: KeyObject;
  /** Signs client certificates; the TLS server must accept those of its authority. @default none are signed */
  readonly signer?: ClientSigner;
  /** Lintel's own version, told beside the Kubernetes version that the API speaks. */
  readonly version: string;
}

/** The Kubernetes minor version whose API this is; `kubectl` warns when its own is more than one away. */
const KUBERNETES_VERSION = "v1.32.0";

/**
 * A Kubernetes-compatible API over a store: what an unmodified `kubectl` of 1.32 needs, answered as a real API server
 * answers. Whoever opens the listening socket also ends its connections.
 */
export class ApiServer {
  /** The request listener for a server of `node:http`, `node:https` or `node:http2`. */
  readonly handle: (request: ApiIncoming, response: ApiResponse) => void;
  readonly #options: ApiServerOptions;
  readonly #authenticator: Authenticator;
  readonly #authorizer: RoleAuthorizer;
  readonly #tokens: ServiceAccountTokens | undefined;
  /** The documents of one catalog; made anew when users define something. */
  #documents: { readonly catalog: Catalog; readonly hashed: HashedAnswers };
  readonly #context: VerbContext;
  readonly #closing = new AbortController();

  constructor(options: ApiServerOptions) {
    this.#options = options;
    const { store, clock, token, tokenKey, signer } = options;
    this.#tokens = tokenKey === undefined ? undefined : new ServiceAccountTokens({ key: tokenKey, store, clock });
    this.#authenticator = new Authenticator({ token, tokens: this.#tokens, clock });
    this.#authorizer = new RoleAuthorizer(store);
    this.#documents = documentsOf(BUILT_IN);
    const definitions = new Definitions(store, clock);
    this.#context = {
      store: definitions.store,
      definitions,
      clock: options.clock,
      texts: new ObjectTexts(),
      closing: this.#closing.signal,
      watching: new Set(),
      identity: ADMIN,
      guard: () => Promise.resolve(),
      tokens: this.#tokens,
      signer,
      authorizer: this.#authorizer,
    };
    this.handle = (request, response) => void this.#handle(request, response);
  }

  /** Ends the watches; requests in flight are finished. */
  close(): Promise<void> {
    this.#closing.abort();
    return Promise.resolve();
  }

  async #handle(incoming: ApiIncoming, response: ApiResponse): Promise<void> {
    // A client that leaves in the middle is no news; without a listener it would end the process.
    response.on("error", () => undefined);
    incoming.on("error", () => undefined);
    const request = readRequest(incoming, response);
    try {
      const answer = await this.#answer(incoming, request, response);
      if (answer !== undefined) await send(response, answer, request.over);
    } catch (error) {
      // Nobody is there any more to be answered.
      if (request.over.aborted) return;
      const status = toApiStatusError(error);
      if (status.httpStatus >= 500) {
        this.#options.log.error("API request failed", {
          method: request.method,
          path: request.path,
          error: messageOf(error),
        });
      }
      if (response.headersSent) response.end();
      else await send(response, refused(status), request.over);
    }
  }

  /** Returns the answer, or undefined when it was streamed. */
  async #answer(incoming: ApiIncoming, request: ApiRequest, response: ApiResponse): Promise<Answer | undefined> {
    const catalog = await this.#context.definitions.current();
    const route = routePath(request.path, catalog);
    const isPublic = route.to === "health" || route.to === "version";
    const access = { authenticator: this.#authenticator, authorizer: this.#authorizer };
    const claim = request.header("authorization") ?? "";
    // Whoever claims to be somebody is told when that is wrong, even where nobody in particular may ask.
    if (isPublic && claim !== "") await access.authenticator.identify(claim, incoming.socket);
    const identity = isPublic ? undefined : await admitRequest(access, route, request, incoming);
    if (route.to === "resource" && identity !== undefined) {
      const guard = this.#guard(identity, route, request);
      return answerResource({ ...this.#context, identity, guard }, route, request, response);
    }
    if (route.to === "review" && identity !== undefined) return this.#review(route, request, identity);
    if (route.to === "nothing" || route.to === "resource" || route.to === "review") throw noSuchPath();
    if (request.method !== "GET" && request.method !== "HEAD") throw methodNotAllowed();
    return this.#document(route, request, catalog);
  }

  /** What is checked of an object that is about to be stored beyond what the path told. */
  #guard(identity: Identity, route: ResourceRoute, request: ApiRequest): ObjectContext["guard"] {
    return async (kind, object, isNew) => {
      const wish = wishOf(route, request);
      if (isNew && wish.to === "resource" && wish.verb !== "create") {
        const creation = { ...wish, verb: "create" };
        if (!(await this.#authorizer.decide(identity, creation)).allowed) throw refusal(identity, creation);
      }
      await assertNoEscalation(this.#options.store, this.#authorizer, identity, kind, object);
      const { signer } = this.#options;
      const isRequest = isNew && kind === SIGNING_REQUEST && signer !== undefined;
      const problem = isRequest ? signingRequestProblem(object, signer) : undefined;
      if (problem !== undefined) throw forbidden(kind, object.metadata.name, problem);
    };
  }

  async #review(route: Extract<ApiRoute, { to: "review" }>, request: ApiRequest, identity: Identity): Promise<Answer> {
    const review = findReview(route.group, route.plural);
    if (review === undefined || review.namespaced !== (route.namespace !== "")) throw noSuchPath();
    if (request.method !== "POST") throw methodNotAllowed();
    const body = await readObjectBody(request);
    const asked = body.isEmpty ? {} : objectOf(body);
    const metadata = isRecord(asked["metadata"]) ? asked["metadata"] : {};
    const about = { identity, namespace: route.namespace, authorizer: this.#authorizer, tokens: this.#tokens };
    const answer = await review.answer(asked, about);
    return encoded(201, { kind: review.kind, apiVersion: `${route.group}/v1`, metadata, ...answer });
  }

  #document(
    route: Exclude<ApiRoute, { to: "resource" | "review" | "nothing" }>,
    request: ApiRequest,
    catalog: Catalog,
  ): Answer {
    switch (route.to) {
      case "health":
        return { httpStatus: 200, contentType: "text/plain; charset=utf-8", body: "ok" };
      case "version":
        return encoded(200, this.#versionDocument());
      case "coreVersions":
        return this.#discovery(catalog, "api", request, () => coreVersions(request.header("host") ?? ""));
      case "groups":
        return this.#discovery(catalog, "apis", request, () => groupList(catalog));
      case "group":
        return found(apiGroup(catalog, route.group));
      case "groupVersion":
        return found(resourceList(catalog, route.group, route.version));
      case "openapiV2":
        return this.#hashed(catalog).openApiV2(request);
      case "openapiV3":
        return this.#hashed(catalog).openApiV3(route.document, request);
      default:
        return route satisfies never;
    }
  }

  #discovery(catalog: Catalog, root: "api" | "apis", request: ApiRequest, legacy: () => object): Answer {
    const version = parseAccept(request.header("accept"))
      .map(aggregatedVersion)
      .find((found) => found !== undefined);
    if (version === undefined) return encoded(200, legacy(), "json", { Vary: "Accept" });
    return version === "legacy"
      ? encoded(200, legacy(), "json", { Vary: "Accept" })
      : this.#hashed(catalog).discovery(root, version, request, () => aggregatedDiscovery(catalog, root, version));
  }

  #hashed(catalog: Catalog): HashedAnswers {
    if (catalog !== this.#documents.catalog) this.#documents = documentsOf(catalog);
    return this.#documents.hashed;
  }

  #versionDocument(): object {
    const [major, minor] = KUBERNETES_VERSION.slice(1).split(".");
    return {
      major,
      minor,
      gitVersion: KUBERNETES_VERSION,
      gitCommit: `lintel-${this.#options.version}`,
      gitTreeState: "clean",
      buildDate: "1970-01-01T00:00:00Z",
      goVersion: "go1.23.5",
      compiler: "gc",
      platform: "linux/amd64",
    };
  }
}

function documentsOf(catalog: Catalog): { readonly catalog: Catalog; readonly hashed: HashedAnswers } {
  return { catalog, hashed: new HashedAnswers(new OpenApiDocuments(KUBERNETES_VERSION, catalog.resources)) };
}

function aggregatedVersion(range: MediaRange): "v2" | "v2beta1" | "legacy" | undefined {
  if (range.parameters.get("as") !== "APIGroupDiscoveryList") {
    return range.type === "application/json" || range.type === "*/*" ? "legacy" : undefined;
  }
  const version = range.parameters.get("v");
  return version === "v2" || version === "v2beta1" ? version : undefined;
}

function found(document: object | undefined): Answer {
  if (document === undefined) throw noSuchPath();
  return encoded(200, document);
}

async function send(response: ApiResponse, answer: Answer, over: AbortSignal): Promise<void> {
  const { body } = answer;
  const isWhole = typeof body === "string" || body instanceof Uint8Array;
  response.writeHead(answer.httpStatus, {
    "Content-Type": answer.contentType,
    "Cache-Control": "no-cache, private",
    ...(answer.httpStatus === 304 || !isWhole ? {} : { "Content-Length": Buffer.byteLength(body) }),
    ...mutable(answer.headers ?? {}),
  });
  if (isWhole) response.end(body);
  else await sendParts(response, body, over);
}

/** Writes a long answer no faster than it is read; between its parts others have their turn. */
async function sendParts(response: ApiResponse, parts: Iterable<string>, over: AbortSignal): Promise<void> {
  for (const part of parts) {
    if (!response.write(part)) await once(response, "drain", { signal: over });
  }
  response.end();
}

function mutable(headers: Readonly<Record<string, string | readonly string[]>>): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, typeof value === "string" ? value : [...value]]),
  );
}
