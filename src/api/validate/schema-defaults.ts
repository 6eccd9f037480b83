import { isRecord } from "../../ground/json.ts";
import type { Schema } from "../../resource/schema/schema.ts";

/**
 * Returns `value` with every absent field that has a default in `schema` filled in, all the way down. Of the schema of
 * a custom resource, a null where there is a default counts as absent. Fields of objects that are absent stay absent.
 */
export function withSchemaDefaults(value: unknown, schema: Schema): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined || !hasDefaults(items)) return value;
    return value.map((inner: unknown) => withSchemaDefaults(inner, items));
  }
  if (!isRecord(value) || !hasDefaults(schema)) return value;
  const result: Record<string, unknown> = Object.fromEntries(Object.entries(value));
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if ((result[name] === undefined || result[name] === null) && property.default !== undefined) {
      result[name] = property.default;
    }
    if (result[name] !== undefined) result[name] = withSchemaDefaults(result[name], property);
  }
  const { additionalProperties } = schema;
  if (additionalProperties !== undefined) {
    for (const [name, inner] of Object.entries(value)) result[name] = withSchemaDefaults(inner, additionalProperties);
  }
  return result;
}

const KNOWN = new WeakMap<Schema, boolean>();

/** Whether anything inside has a default; most schemas have none and are passed over. */
function hasDefaults(schema: Schema): boolean {
  const known = KNOWN.get(schema);
  if (known !== undefined) return known;
  const found =
    Object.values(schema.properties ?? {}).some((inner) => inner.default !== undefined || hasDefaults(inner)) ||
    (schema.items !== undefined && hasDefaults(schema.items)) ||
    (schema.additionalProperties !== undefined && hasDefaults(schema.additionalProperties));
  KNOWN.set(schema, found);
  return found;
}
