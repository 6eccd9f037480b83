import type { Json, JsonObject } from "../../ground/json.ts";
import type { Schema } from "./schema.ts";

/** The fields of a Schema that OpenAPI carries as they are. */
const CARRIED = [
  "type",
  "format",
  "title",
  "description",
  "required",
  "enum",
  "default",
  "pattern",
  "minimum",
  "exclusiveMinimum",
  "maximum",
  "exclusiveMaximum",
  "multipleOf",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
  "uniqueItems",
  "minProperties",
  "maxProperties",
  "nullable",
  "x-kubernetes-patch-strategy",
  "x-kubernetes-patch-merge-key",
  "x-kubernetes-list-type",
  "x-kubernetes-list-map-keys",
  "x-kubernetes-map-type",
  "x-kubernetes-preserve-unknown-fields",
  "x-kubernetes-embedded-resource",
  "x-kubernetes-int-or-string",
  "x-kubernetes-validations",
] as const;

/**
 * Returns `schema` as an OpenAPI document has it. Objects with a definition name become references made by `refTo`
 * (`#/components/schemas/…` in v3, `#/definitions/…` in v2), inside `allOf` when the field adds words of its own; each
 * such definition is handed to `define`, at least once. The outermost object is written out in full.
 */
export function openApiOf(
  schema: Schema,
  refTo: (name: string) => string,
  define: (definition: Schema) => void,
): JsonObject {
  return writtenSchema(schema, (inner) => reference(inner, refTo, define));
}

/** Returns `schema` with everything that OpenAPI carries; what is inside of it is written by `field`. */
export function writtenSchema(schema: Schema, field: (inner: Schema) => JsonObject): JsonObject {
  const result: Record<string, Json> = {};
  for (const key of CARRIED) {
    const value: Json | undefined = schema[key];
    // A null default only says that the field is always there.
    if (value !== undefined && value !== null) result[key] = value;
  }
  if (schema.format === "int-or-string") result["type"] = "string";
  if (schema.properties !== undefined) {
    result["properties"] = Object.fromEntries(
      Object.entries(schema.properties).map(([name, property]) => [name, field(property)]),
    );
  }
  for (const key of ["allOf", "anyOf", "oneOf"] as const) {
    const list = schema[key];
    if (list !== undefined) result[key] = list.map(field);
  }
  if (schema.not !== undefined) result["not"] = field(schema.not);
  if (schema.items !== undefined) result["items"] = field(schema.items);
  if (schema.additionalProperties !== undefined) result["additionalProperties"] = field(schema.additionalProperties);
  return result;
}

function reference(schema: Schema, refTo: (name: string) => string, define: (definition: Schema) => void): JsonObject {
  const definition = schema.definition ?? schema;
  if (definition.name === undefined) return writtenSchema(schema, (inner) => reference(inner, refTo, define));
  define(definition);
  const target = { $ref: refTo(definition.name) };
  if (schema.definition === undefined) return target;
  return {
    ...(schema.description === undefined ? {} : { description: schema.description }),
    ...(schema.default === undefined ? {} : { default: schema.default }),
    allOf: [target],
  };
}
