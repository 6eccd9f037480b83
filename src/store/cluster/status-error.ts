import type { ErrorCode, Fault } from "../../ground/errors.ts";
import { LintelError } from "../../ground/errors.ts";
import { isRecord, stringAt } from "../../ground/json.ts";
import { denialRemedy, denialSentence, parseDenial } from "./denial.ts";
import type { KubeRequest } from "./kube-client.ts";

/**
 * Returns the error for an answer that is not a success (a `Status` object, or whatever a proxy in between says):
 * `NotFound`, `AlreadyExists`, `Conflict`, `Gone` (410, and versions the server does not have yet), `Forbidden` (401,
 * 403: the message names the verb and the resource), `Refused` (400, 422 and other requests the server does not take),
 * `Unreachable` (429, 5xx).
 */
export function statusError(
  code: number,
  body: string,
  request: Pick<KubeRequest, "method" | "path">,
  source: string,
): LintelError {
  const status = parseStatus(body);
  const reason = stringAt(status, "reason") ?? "";
  const said = stringAt(status, "message") ?? `it answered ${String(code)}`;
  switch (code) {
    case 404:
      return status === undefined || said === NO_SUCH_RESOURCE
        ? unknownKind(request)
        : failure("NotFound", "user", said);
    case 409:
      return failure(reason === "AlreadyExists" ? "AlreadyExists" : "Conflict", "user", said);
    case 410:
      return failure("Gone", "upstream", said);
    case 401:
      return failure("Forbidden", "user", `The API server does not know who ${source} is: ${said}`, {
        hint: "Renew the credentials",
      });
    case 403:
      return forbidden(reason, said, source);
    default:
  }
  if (isTooLargeVersion(status)) return failure("Gone", "upstream", said);
  if (code >= 500 || code === 429)
    return failure("Unreachable", "upstream", `The API server cannot answer now: ${said}`);
  return failure("Refused", "internal", `The API server refused ${request.method} ${pathOf(request)}: ${said}`);
}

/** How a server answers for a kind it does not know in a group that it knows; for other groups there is no Status. */
const NO_SUCH_RESOURCE = "the server could not find the requested resource";

function unknownKind(request: Pick<KubeRequest, "method" | "path">): LintelError {
  const path = pathOf(request);
  const [, group = "", version = "", resource = ""] =
    /^\/apis\/([^/]+)\/([^/]+)\/(?:namespaces\/[^/]+\/)?([^/]+)/.exec(path) ?? [];
  const what = resource === "" ? path : `${resource} of ${group}/${version}`;
  return failure("NotFound", "user", `The API server does not know ${what}`, {
    hint: 'Apply the definitions that "lintel manifests" prints',
  });
}

/** A namespace that is being deleted refuses new objects with 403 too; that is no matter of permissions. */
function forbidden(reason: string, said: string, source: string): LintelError {
  if (/because it is being terminated/.test(said)) return failure("Conflict", "user", said);
  const denial = parseDenial(said);
  if (denial !== undefined) {
    return failure("Forbidden", "user", denialSentence(denial), { hint: denialRemedy(denial) });
  }
  const hint = reason === "Forbidden" ? 'Apply the roles that "lintel manifests" prints' : `Check who ${source} is`;
  return failure("Forbidden", "user", said, { hint });
}

function failure(code: ErrorCode, fault: Fault, message: string, more: { readonly hint?: string } = {}): LintelError {
  return new LintelError(message, { code, fault, ...more });
}

/** A watch from a version the server has not reached: its answer is a timeout with this cause. */
function isTooLargeVersion(status: unknown): boolean {
  return JSON.stringify(status ?? null).includes("ResourceVersionTooLarge");
}

function parseStatus(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    return isRecord(parsed) && parsed["kind"] === "Status" ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function pathOf({ path }: Pick<KubeRequest, "path">): string {
  return path.split("?")[0] ?? path;
}
