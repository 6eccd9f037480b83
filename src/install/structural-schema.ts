import type { Json, JsonObject } from "../ground/json.ts";
import type { Schema } from "../resource/schema/schema.ts";

/** What a structural schema may carry of ours; patch strategies mean nothing in custom resources. */
const CARRIED = [
  "type",
  "format",
  "description",
  "required",
  "enum",
  "default",
  "pattern",
  "minimum",
  "maximum",
  "minLength",
  "maxLength",
  "maxItems",
  "nullable",
  "x-kubernetes-list-type",
  "x-kubernetes-list-map-keys",
  "x-kubernetes-map-type",
  "x-kubernetes-preserve-unknown-fields",
  "x-kubernetes-embedded-resource",
  "x-kubernetes-int-or-string",
  "x-kubernetes-validations",
] as const;

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

function writeOut(schema: Schema): JsonObject {
  const result: Record<string, Json> = {};
  for (const key of CARRIED) {
    const value: Json | undefined = schema[key];
    if (value !== undefined && value !== null) result[key] = value;
  }
  if (schema["x-kubernetes-int-or-string"] === true) {
    delete result["format"];
    delete result["type"];
  }
  // The server drops an empty set of properties, and every comparison with what it stored would show that.
  if (Object.keys(schema.properties ?? {}).length > 0) {
    const written = Object.entries(schema.properties ?? {}).map(
      ([name, property]) => [name, writeOut(property)] as const,
    );
    result["properties"] = Object.fromEntries(written);
  }
  if (schema.items !== undefined) result["items"] = writeOut(schema.items);
  if (schema.additionalProperties !== undefined) result["additionalProperties"] = writeOut(schema.additionalProperties);
  return result;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
