import { LintelError, isLintelError, messageOf } from "../ground/errors.ts";
import type { ErrorCode } from "../ground/errors.ts";
import { resourceName } from "../resource/kind.ts";
import type { Kind } from "../resource/kind.ts";

/** Why one field was refused: `reason` is one of Kubernetes' `metav1.CauseType` words, such as `FieldValueInvalid`. */
export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

/** What a Status is about, for programs. */
export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

/** The `Status` document (`v1`) with which a Kubernetes API answers anything that is not an object. */
export interface StatusDocument {
  readonly kind: "Status";
  readonly apiVersion: "v1";
  /** Of an expired continue token: the one to go on with. */
  readonly metadata: { readonly continue?: string };
  readonly status: "Success" | "Failure";
  readonly message?: string;
  /** One of `metav1.StatusReason`; clients branch on it. */
  readonly reason?: string;
  readonly details?: StatusDetails;
  /** The HTTP status code. */
  readonly code?: number;
}

/** A refusal of the API, carrying the document the client gets. Its message is the one `kubectl` prints. */
export class ApiStatusError extends LintelError {
  readonly status: StatusDocument;
  /** The HTTP status code. */
  readonly httpStatus: number;

  /** `reason` is empty where a real server gives none. */
  constructor(
    httpStatus: number,
    reason: string,
    message: string,
    details?: StatusDetails,
    metadata: StatusDocument["metadata"] = {},
  ) {
    super(message, { code: codeOf(reason), fault: httpStatus >= 500 && reason !== "" ? "internal" : "user" });
    this.name = "ApiStatusError";
    this.httpStatus = httpStatus;
    this.status = {
      kind: "Status",
      apiVersion: "v1",
      metadata,
      status: "Failure",
      message,
      ...(reason === "" ? {} : { reason }),
      ...(details === undefined ? {} : { details }),
      code: httpStatus,
    };
  }
}

function codeOf(reason: string): ErrorCode {
  switch (reason) {
    case "NotFound":
    case "AlreadyExists":
    case "Conflict":
      return reason;
    case "Expired":
    case "Gone":
      return "Gone";
    case "InternalError":
      return "Internal";
    default:
      return "BadManifest";
  }
}

/** The names an error needs of a resource: `plural` and `group` for most messages, `kind` for Invalid. */
export type ResourceRef = Pick<Kind, "group" | "plural" | "kind">;

function detailsOf(resource: ResourceRef, name: string): StatusDetails {
  const { group, plural: kind } = resource;
  return { ...(name === "" ? {} : { name }), ...(group === "" ? {} : { group }), kind };
}

/** 404: the object does not exist. */
export function notFound(resource: ResourceRef, name: string): ApiStatusError {
  const message = `${resourceName(resource)} ${JSON.stringify(name)} not found`;
  return new ApiStatusError(404, "NotFound", message, detailsOf(resource, name));
}

/** 404: the path is none of this API's. */
export function noSuchPath(): ApiStatusError {
  return new ApiStatusError(404, "NotFound", "the server could not find the requested resource", {});
}

/** 409: there is an object of that name already. */
function alreadyExists(resource: ResourceRef, name: string): ApiStatusError {
  const message = `${resourceName(resource)} ${JSON.stringify(name)} already exists`;
  return new ApiStatusError(409, "AlreadyExists", message, detailsOf(resource, name));
}

/** The sentence of a lost optimistic-concurrency race; clients re-read and try again. */
const MODIFIED = "the object has been modified; please apply your changes to the latest version and try again";

/** 409: the object changed since the caller read it, or a precondition does not hold. */
export function conflict(resource: ResourceRef, name: string, why: string = MODIFIED): ApiStatusError {
  const message = `Operation cannot be fulfilled on ${resourceName(resource)} ${JSON.stringify(name)}: ${why}`;
  return new ApiStatusError(409, "Conflict", message, detailsOf(resource, name));
}

/** 403: the request is understood and refused. */
export function forbidden(resource: ResourceRef, name: string, why: string): ApiStatusError {
  const subject = name === "" ? resourceName(resource) : `${resourceName(resource)} ${JSON.stringify(name)}`;
  return new ApiStatusError(403, "Forbidden", `${subject} is forbidden: ${why}`, detailsOf(resource, name));
}

/** 422: the object breaks the rules of its kind. Several causes are listed in brackets, as the real server does. */
export function invalid(resource: ResourceRef, name: string, causes: readonly StatusCause[]): ApiStatusError {
  const kind = resource.group === "" ? resource.kind : `${resource.kind}.${resource.group}`;
  const sentences = causes.map((cause) => `${cause.field}: ${cause.message}`);
  const list = sentences.length === 1 ? sentences.join("") : `[${sentences.join(", ")}]`;
  return new ApiStatusError(422, "Invalid", `${kind} ${JSON.stringify(name)} is invalid: ${list}`, {
    ...(name === "" ? {} : { name }),
    ...(resource.group === "" ? {} : { group: resource.group }),
    kind: resource.kind,
    causes,
  });
}

/** 400: the request cannot be understood. */
export function badRequest(message: string): ApiStatusError {
  return new ApiStatusError(400, "BadRequest", message);
}

/** 401: no token or a wrong one. Same answer for both, or a caller could learn which. */
export function unauthorized(): ApiStatusError {
  return new ApiStatusError(401, "Unauthorized", "Unauthorized");
}

/** 405: the resource has no such verb. */
export function methodNotAllowed(): ApiStatusError {
  return new ApiStatusError(
    405,
    "MethodNotAllowed",
    "the server does not allow this method on the requested resource",
    {},
  );
}

/** 406: none of the media types the client accepts can be made. */
export function notAcceptable(supported: readonly string[]): ApiStatusError {
  return new ApiStatusError(
    406,
    "NotAcceptable",
    `only the following media types are accepted: ${supported.join(", ")}`,
  );
}

/** 415: the body's media type is not understood here. */
export function unsupportedMediaType(supported: readonly string[]): ApiStatusError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${supported.join(", ")}`;
  return new ApiStatusError(415, "UnsupportedMediaType", message);
}

/** 410: a resourceVersion or continue token from before what is remembered; the client lists again. */
export function expired(message: string): ApiStatusError {
  return new ApiStatusError(410, "Expired", message);
}

/** 504: a version that is not yet; the client asks again in a moment. */
export function tooLargeVersion(version: string, newest: string): ApiStatusError {
  return new ApiStatusError(504, "Timeout", `Timeout: Too large resource version: ${version}, current: ${newest}`, {
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version", field: "" }],
    retryAfterSeconds: 1,
  });
}

/** 413: the body is longer than `bytesMax`. */
export function bodyTooLarge(bytesMax: number): ApiStatusError {
  return new ApiStatusError(413, "RequestEntityTooLarge", `Request entity too large: limit is ${String(bytesMax)}`);
}

/** 429: too much of the same at once; the client tries again in a moment. */
export function tooManyRequests(why: string): ApiStatusError {
  return new ApiStatusError(429, "TooManyRequests", why, { retryAfterSeconds: 1 });
}

/** The refusal for anything thrown: itself when it is one, its Kubernetes equal for a store failure, else a 500 without private detail. */
export function toApiStatusError(error: unknown, resource?: ResourceRef, name?: string): ApiStatusError {
  if (error instanceof ApiStatusError) return error;
  if (resource !== undefined && name !== undefined && isLintelError(error)) {
    const translated = fromStore(error, resource, name);
    if (translated !== undefined) return translated;
  }
  if (isLintelError(error, "Gone")) return expired(messageOf(error));
  if (isLintelError(error, "Unreachable")) {
    return new ApiStatusError(503, "ServiceUnavailable", "the store behind this API did not answer");
  }
  if (isLintelError(error, "StateUnreadable")) {
    const next = "make room on the disk of the state folder and check its rights; the server's log has the cause";
    return new ApiStatusError(500, "InternalError", `Internal error occurred: the state cannot be written: ${next}`);
  }
  return new ApiStatusError(500, "InternalError", "Internal error occurred: the server's log has the cause");
}

function fromStore(error: LintelError, resource: ResourceRef, name: string): ApiStatusError | undefined {
  if (error.code === "NotFound") return notFound(resource, name);
  if (error.code === "AlreadyExists") return alreadyExists(resource, name);
  if (error.code === "Conflict") return conflict(resource, name);
  return error.fault === "user" ? badRequest(error.message) : undefined;
}

/** The answer to a delete that left nothing behind. */
export function deletedStatus(resource: ResourceRef, name: string, uid: string | undefined): StatusDocument {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: { ...detailsOf(resource, name), ...(uid === undefined ? {} : { uid }) },
  };
}
