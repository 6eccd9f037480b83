import type { ApiRequest } from "./request.ts";
import { invalid } from "./status.ts";
import type { ApiStatusError } from "./status.ts";
import type { FieldValidation } from "./validate/admit.ts";
import { notSupported } from "./validate/field-error.ts";
import type { FieldError } from "./validate/field-error.ts";

/** What a client may say about a write besides the object. */
export interface WriteChoices {
  readonly dryRun: boolean;
  readonly validation: FieldValidation;
  /** Who is said to own the fields that change. */
  readonly manager: string;
  /** Whether apply takes fields that others own. */
  readonly force: boolean;
}

/** As in Kubernetes: longer names are refused. */
const MANAGER_LENGTH_MAX = 128;

/** Returns the choices that `request` makes. Throws Invalid for words that are none. */
export function parseWriteChoices(request: ApiRequest): WriteChoices {
  const { query, method } = request;
  const options = method === "POST" ? "CreateOptions" : method === "PUT" ? "UpdateOptions" : "PatchOptions";
  return {
    dryRun: parseDryRun(query.getAll("dryRun"), options),
    validation: parseValidation(query.get("fieldValidation") ?? "", options),
    manager: parseManager(query.get("fieldManager") ?? "", request.header("user-agent") ?? "", options),
    force: query.get("force") === "true",
  };
}

/** Returns whether nothing is to be stored. Throws Invalid for a value other than `All`. */
export function parseDryRun(values: readonly unknown[], options: string): boolean {
  const wrong = values.find((value) => value !== "All" && value !== "");
  if (wrong !== undefined) throw invalidOptions(options, notSupported("dryRun", values, ["All"]));
  return values.includes("All");
}

/** 422: what a request says beside its object is none of the words there are; `options` is the kind they belong to. */
export function invalidOptions(options: string, error: FieldError): ApiStatusError {
  return invalid({ group: "meta.k8s.io", plural: options.toLowerCase(), kind: options }, "", [error]);
}

function parseValidation(text: string, options: string): FieldValidation {
  if (text === "") return "Warn";
  if (text === "Strict" || text === "Warn" || text === "Ignore") return text;
  throw invalidOptions(options, notSupported("fieldValidation", text, ["", "Ignore", "Strict", "Warn"]));
}

function parseManager(text: string, userAgent: string, options: string): string {
  if (text.length > MANAGER_LENGTH_MAX) {
    const message = `Too long: may not be more than ${String(MANAGER_LENGTH_MAX)} bytes`;
    throw invalidOptions(options, { reason: "FieldValueTooLong", message, field: "fieldManager" });
  }
  // Without a name the client is known by the program it says it is.
  const program = (userAgent.split("/")[0] ?? "").slice(0, MANAGER_LENGTH_MAX);
  return text !== "" ? text : program === "" ? "unknown" : program;
}
