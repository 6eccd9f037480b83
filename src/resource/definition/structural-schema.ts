import type { Json, JsonObject } from "../../ground/json.ts";
import { writtenSchema } from "../schema/open-api-of.ts";
import type { Schema } from "../schema/schema.ts";

/**
 * Returns `schema` as a CustomResourceDefinition takes it: written out in full, without references. `metadata` of the
 * object itself is left to the API server, as structural schemas demand.
 */
export function structuralSchema(schema: Schema): JsonObject {
  const written = writeOut(schema);
  const properties = written["properties"];
  return {
    ...written,
    properties: { ...(isObject(properties) ? properties : {}), metadata: { type: "object" } },
  };
}

/** Patch strategies mean nothing in custom resources, and a number or a name has no one type. */
function writeOut(schema: Schema): JsonObject {
  const written: Record<string, Json | undefined> = { ...writtenSchema(schema, writeOut) };
  delete written["x-kubernetes-patch-strategy"];
  delete written["x-kubernetes-patch-merge-key"];
  if (schema["x-kubernetes-int-or-string"] === true) {
    delete written["format"];
    delete written["type"];
  }
  // The server drops an empty set of properties, and every comparison with what it stored would show that.
  if (Object.keys(schema.properties ?? {}).length === 0) delete written["properties"];
  return written;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
