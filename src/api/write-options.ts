import { parseDryRun } from "./delete-objects.ts";
import type { ApiRequest } from "./request.ts";
import { badRequest } from "./status.ts";
import type { FieldValidation } from "./validate/admit.ts";

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

/** Returns the choices that `request` makes. Throws BadRequest for words that are none. */
export function parseWriteChoices(request: ApiRequest): WriteChoices {
  const { query } = request;
  return {
    dryRun: parseDryRun(query.getAll("dryRun")),
    validation: parseValidation(query.get("fieldValidation") ?? ""),
    manager: parseManager(query.get("fieldManager") ?? "", request.header("user-agent") ?? ""),
    force: query.get("force") === "true",
  };
}

function parseValidation(text: string): FieldValidation {
  if (text === "") return "Warn";
  if (text === "Strict" || text === "Warn" || text === "Ignore") return text;
  throw badRequest(
    `fieldValidation: Unsupported value: ${JSON.stringify(text)}: supported values: "Ignore", "Warn", "Strict"`,
  );
}

function parseManager(text: string, userAgent: string): string {
  if (text.length > MANAGER_LENGTH_MAX) throw badRequest(`fieldManager: Too long: may not be more than 128 bytes`);
  // Without a name the client is known by the program it says it is.
  const program = (userAgent.split("/")[0] ?? "").slice(0, MANAGER_LENGTH_MAX);
  return text !== "" ? text : program === "" ? "unknown" : program;
}
