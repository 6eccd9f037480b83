import { isRecord, jsonEqual } from "../../ground/json.ts";
import type { ApiStatusError } from "../status.ts";
import { ApiStatusError as StatusError, badRequest } from "../status.ts";

/** How many operations one patch may have. */
const OPERATIONS_MAX = 10_000;

/**
 * Returns `target` changed by a JSON patch (RFC 6902), all of it or nothing. Throws ApiStatusError: 400 for something
 * that is no patch, 413 for too many operations, 422 for an operation that fails.
 */
export function applyJsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badRequest("error decoding patch: a JSON patch is a list of operations");
  if (patch.length > OPERATIONS_MAX) {
    throw new StatusError(
      413,
      "RequestEntityTooLarge",
      `The allowed maximum operations in a JSON patch is ${String(OPERATIONS_MAX)}, got ${String(patch.length)}`,
    );
  }
  let result = target;
  for (const operation of patch) result = applyOperation(result, operation);
  return result;
}

function applyOperation(document: unknown, operation: unknown): unknown {
  if (!isRecord(operation)) throw badRequest("error decoding patch: an operation is an object");
  const { op, value } = operation;
  const path = pointerOf(operation, "path");
  switch (op) {
    case "add":
      return added(document, path, needed(operation, value));
    case "remove":
      return removed(document, path);
    case "replace":
      valueAt(document, path, "replace");
      return replaced(document, path, needed(operation, value));
    case "move": {
      const from = pointerOf(operation, "from");
      const moved = valueAt(document, from, "move");
      if (path.length > from.length && from.every((part, index) => part === path[index])) {
        throw failed(`move operation moves "${shown(from)}" into itself`);
      }
      return added(removed(document, from), path, moved);
    }
    case "copy":
      return added(document, path, valueAt(document, pointerOf(operation, "from"), "copy"));
    case "test":
      if (jsonEqual(lookUp(document, path) ?? null, value ?? null)) return document;
      throw failed(`testing value ${shown(path)} failed`);
    default:
      throw failed(`unexpected kind of operation: ${JSON.stringify(op)}`);
  }
}

/** RFC 6902 section 4.1: add, replace and test carry a value, which may be null. */
function needed(operation: Readonly<Record<string, unknown>>, value: unknown): unknown {
  if (value === undefined) throw badRequest(`error decoding patch: operation ${String(operation["op"])} has no value`);
  return value;
}

/** RFC 6901: the parts of a JSON pointer. */
function pointerOf(operation: Readonly<Record<string, unknown>>, field: "path" | "from"): readonly string[] {
  const text = operation[field];
  if (typeof text !== "string") throw badRequest(`error decoding patch: operation has no ${field}`);
  if (text === "") return [];
  if (!text.startsWith("/")) throw failed(`${field} ${JSON.stringify(text)} does not start with a slash`);
  return text
    .slice(1)
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function shown(path: readonly string[]): string {
  return path.map((part) => `/${part.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

function lookUp(document: unknown, path: readonly string[]): unknown {
  let current = document;
  for (const part of path) {
    if (Array.isArray(current)) current = /^(?:0|[1-9]\d*)$/.test(part) ? current[Number(part)] : undefined;
    else current = isRecord(current) && Object.hasOwn(current, part) ? current[part] : undefined;
  }
  return current;
}

function valueAt(document: unknown, path: readonly string[], operation: string): unknown {
  const value = lookUp(document, path);
  if (value === undefined) throw failed(`${operation} operation does not apply: doc is missing key: ${shown(path)}`);
  return value;
}

/** Rebuilds the containers on the way to `path`, the last of them by `change`. */
function rebuilt(
  document: unknown,
  path: readonly string[],
  operation: string,
  change: (container: unknown, part: string) => unknown,
): unknown {
  const [part, ...rest] = path;
  if (part === undefined) throw failed(`${operation} operation does not apply to the whole document`);
  if (rest.length === 0) return change(document, part);
  const inner = lookUp(document, [part]);
  if (inner === undefined) throw failed(`${operation} operation does not apply: doc is missing path: ${shown(path)}`);
  const next = rebuilt(inner, rest, operation, change);
  if (Array.isArray(document)) return document.with(Number(part), next);
  return withMember(document, part, next);
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function withMember(container: unknown, name: string, value: unknown): unknown {
  return Object.fromEntries(new Map(isRecord(container) ? Object.entries(container) : []).set(name, value));
}

function added(document: unknown, path: readonly string[], value: unknown): unknown {
  if (path.length === 0) return value;
  return rebuilt(document, path, "add", (container, part) => {
    if (isList(container)) return container.toSpliced(indexOf(container, part, container.length), 0, value);
    if (!isRecord(container)) throw failed(`add operation does not apply: doc is missing path: ${shown(path)}`);
    return withMember(container, part, value);
  });
}

function removed(document: unknown, path: readonly string[]): unknown {
  valueAt(document, path, "remove");
  return rebuilt(document, path, "remove", (container, part) => {
    if (isList(container)) return container.toSpliced(indexOf(container, part, container.length - 1), 1);
    return isRecord(container)
      ? Object.fromEntries(Object.entries(container).filter(([name]) => name !== part))
      : container;
  });
}

function replaced(document: unknown, path: readonly string[], value: unknown): unknown {
  if (path.length === 0) return value;
  return rebuilt(document, path, "replace", (container, part) =>
    Array.isArray(container)
      ? container.with(indexOf(container, part, container.length - 1), value)
      : withMember(container, part, value),
  );
}

function indexOf(list: readonly unknown[], part: string, max: number): number {
  if (part === "-" && max === list.length) return list.length;
  const index = /^(?:0|[1-9]\d*)$/.test(part) ? Number(part) : Number.NaN;
  if (Number.isNaN(index) || index > max)
    throw failed(`Unable to access invalid index: ${part}: invalid index referenced`);
  return index;
}

/** The server's answer to an operation that fails; the cause says which. */
function failed(why: string): ApiStatusError {
  return new StatusError(422, "Invalid", "the server rejected our request due to an error in our request", {
    causes: [{ reason: "UnexpectedServerResponse", message: why, field: "patch" }],
  });
}
