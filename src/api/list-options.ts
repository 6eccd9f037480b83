import type { FieldError } from "./validate/field-error.ts";
import { forbiddenField, notSupported } from "./validate/field-error.ts";
import { badRequest, invalid, tooLargeVersion } from "./status.ts";

/** Which state of a collection a client wants to see. */
export type WantedVersion =
  /** The newest there is, which is never older than any version that was ever told. */
  | { readonly at: "now" }
  /** How it was at this version and no other. */
  | { readonly at: "exactly"; readonly version: string };

const EXACT = "Exact";
const NOT_OLDER = "NotOlderThan";

/**
 * Returns the state of the collection that the query of a list asks for: `resourceVersion` and `resourceVersionMatch` as
 * Kubernetes documents them. Throws Invalid for combinations that are none, a Timeout for a version that is not yet.
 */
export function parseListVersion(query: URLSearchParams, newest: string): WantedVersion {
  const version = query.get("resourceVersion") ?? "";
  const match = query.get("resourceVersionMatch") ?? "";
  const token = query.get("continue") ?? "";
  refuse([
    ...(match !== "" && version === "" ? [forbidden("is forbidden unless resourceVersion is provided")] : []),
    ...(match !== "" && token !== "" ? [forbidden("is forbidden when continue is provided")] : []),
    ...(match === "" || match === EXACT || match === NOT_OLDER
      ? []
      : [notSupported("resourceVersionMatch", match, [EXACT, NOT_OLDER, ""])]),
    ...(match === EXACT && version === "0" ? [forbidden('"exact" is forbidden for resourceVersion "0"')] : []),
    ...(query.has("sendInitialEvents")
      ? [forbiddenField("sendInitialEvents", "sendInitialEvents is forbidden for list")]
      : []),
  ]);
  if (token !== "" && version !== "" && version !== "0") {
    throw badRequest("specifying resource version is not allowed when using continue");
  }
  if (version === "" || version === "0") return { at: "now" };
  assertNotBeyond(version, newest);
  // A first page at a version was always a page of exactly that version.
  const isLimited = Number(query.get("limit") ?? "0") > 0;
  return match === EXACT || (match === "" && isLimited) ? { at: "exactly", version } : { at: "now" };
}

/** Checks the query of a watch. Throws Invalid for combinations that are none. */
export function checkWatchOptions(query: URLSearchParams): void {
  const match = query.get("resourceVersionMatch") ?? "";
  const sendsInitial = query.has("sendInitialEvents");
  refuse([
    ...(sendsInitial && match !== NOT_OLDER
      ? [
          forbiddenField(
            "resourceVersionMatch",
            `sendInitialEvents requires setting resourceVersionMatch to ${NOT_OLDER}`,
          ),
        ]
      : []),
    ...(match !== "" && !sendsInitial
      ? [forbidden("is forbidden for watch unless sendInitialEvents is provided")]
      : []),
    ...(match === "" || match === NOT_OLDER ? [] : [notSupported("resourceVersionMatch", match, [NOT_OLDER])]),
    ...(match !== "" && (query.get("continue") ?? "") !== ""
      ? [forbidden("is forbidden when continue is provided")]
      : []),
  ]);
}

/** Throws a Timeout when `version` is not yet, BadRequest when it is none. */
export function assertNotBeyond(version: string, newest: string): void {
  if (!/^\d{1,19}$/.test(version)) {
    const why = `strconv.ParseUint: parsing ${JSON.stringify(version)}: invalid syntax`;
    throw badRequest(`invalid resource version: resourceVersion: Invalid value: ${JSON.stringify(version)}: ${why}`);
  }
  if (BigInt(version) > BigInt(newest)) throw tooLargeVersion(version, newest);
}

function forbidden(why: string): FieldError {
  return forbiddenField("resourceVersionMatch", `resourceVersionMatch ${why}`);
}

function refuse(errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid({ group: "meta.k8s.io", plural: "", kind: "ListOptions" }, "", errors);
}
