import { isRecord } from "../../ground/json.ts";
import type { Schema } from "../../resource/schema/schema.ts";
import { badRequest } from "../status.ts";
import { applyJsonPatch } from "./json-patch.ts";
import { applyMergePatch } from "./merge-patch.ts";
import { notAnObject } from "./not-an-object.ts";
import { applyStrategicMergePatch } from "./strategic-merge-patch.ts";

/** The media types of patches that change an object field by field; server-side apply is another thing. */
export type PatchType =
  "application/json-patch+json" | "application/merge-patch+json" | "application/strategic-merge-patch+json";

/** What a patch made of an object, not yet judged. */
export interface Patched {
  readonly result: unknown;
  /** How a real server names the patch when the result can't be decoded: hand it to `admit` as `patch`. */
  readonly shown: string;
}

/**
 * Applies a parsed patch to an object in the version it is served in, whose schema is `schema`. Throws ApiStatusError
 * for a patch that makes no sense or does not apply.
 */
export function applyPatch(type: PatchType, object: unknown, patch: unknown, schema: Schema): Patched {
  switch (type) {
    case "application/json-patch+json": {
      const result = applyJsonPatch(object, patch);
      return { result, shown: JSON.stringify(result) };
    }
    case "application/merge-patch+json": {
      if (!isRecord(patch)) throw badRequest(`error decoding patch: ${notAnObject(patch)}`);
      const result = applyMergePatch(object, patch);
      return { result, shown: JSON.stringify(result) };
    }
    case "application/strategic-merge-patch+json":
      return { result: applyStrategicMergePatch(object, patch, schema), shown: goText(patch) };
    default:
      return type satisfies never;
  }
}

/** A value as Go prints it: `map[a:1 b:[x y]]`, `<nil>`. */
function goText(value: unknown): string {
  if (value === null || value === undefined) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(goText).join(" ")}]`;
  if (!isRecord(value)) return typeof value === "string" ? value : JSON.stringify(value);
  const names = Object.keys(value).sort();
  return `map[${names.map((name) => `${name}:${goText(value[name])}`).join(" ")}]`;
}
