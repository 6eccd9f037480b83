import { createHash } from "node:crypto";
import type { Answer } from "./answer.ts";
import { parseAccept } from "./accept.ts";
import type { HashedDocument, OpenApiDocuments } from "./openapi/open-api-documents.ts";
import type { ApiRequest } from "./request.ts";
import { noSuchPath } from "./status.ts";

/** A year: the URL of such a document holds the hash of its content. */
const IMMUTABLE_SECONDS = 31_536_000;
const V2_PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/** Answers with documents that clients keep and ask for again by their entity tag (RFC 9110 section 8.8.3). */
export class HashedAnswers {
  readonly #openApi: OpenApiDocuments;
  readonly #discovery = new Map<string, HashedDocument>();

  constructor(openApi: OpenApiDocuments) {
    this.#openApi = openApi;
  }

  /** Answers `/api` or `/apis` with the aggregated document that `make` builds once. */
  discovery(root: string, version: string, request: ApiRequest, make: () => object): Answer {
    const key = `${root} ${version}`;
    let document = this.#discovery.get(key);
    if (document === undefined) {
      const body = Buffer.from(JSON.stringify(make()));
      document = { body, hash: createHash("sha512").update(body).digest("hex").toUpperCase() };
      this.#discovery.set(key, document);
    }
    const contentType = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
    return tagged(document, request, contentType, { Vary: "Accept", "Cache-Control": "public" });
  }

  /** Answers `/openapi/v2`, in protobuf where that is asked for. */
  openApiV2(request: ApiRequest): Answer {
    const wantsProtobuf = parseAccept(request.header("accept"))[0]?.type.includes("protobuf") === true;
    return tagged(
      this.#openApi.v2(wantsProtobuf ? "protobuf" : "json"),
      request,
      wantsProtobuf ? V2_PROTOBUF : "application/json",
      { Vary: "Accept" },
    );
  }

  /** Answers the index at `/openapi/v3`, and the documents it names. Throws NotFound for others. */
  openApiV3(path: string, request: ApiRequest): Answer {
    if (path === "") return tagged(this.#openApi.index(), request, "application/json", {});
    const document = this.#openApi.group(path);
    if (document === undefined) throw noSuchPath();
    const isNamedByHash = request.query.get("hash") === document.hash;
    const cacheControl = isNamedByHash
      ? `public, immutable, max-age=${String(IMMUTABLE_SECONDS)}`
      : "no-cache, private";
    return tagged(document, request, "application/json", { Vary: "Accept", "Cache-Control": cacheControl });
  }
}

function tagged(
  document: HashedDocument,
  request: ApiRequest,
  contentType: string,
  headers: Readonly<Record<string, string>>,
): Answer {
  const tag = `"${document.hash}"`;
  const known = (request.header("if-none-match") ?? "").split(",").map((entry) => entry.trim());
  const isKnown = known.includes(tag) || known.includes("*");
  return {
    httpStatus: isKnown ? 304 : 200,
    contentType,
    body: isKnown ? "" : document.body,
    headers: { ETag: tag, ...headers },
  };
}
