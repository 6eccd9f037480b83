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
    const filled = value.map((inner: unknown) => withSchemaDefaults(inner, items));
    return filled.some((inner, index) => inner !== value[index]) ? filled : value;
  }
  if (!isRecord(value) || !hasDefaults(schema)) return value;
  const changes: [string, unknown][] = [];
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const given = Object.hasOwn(value, name) ? value[name] : undefined;
    const absent = given === undefined || (given === null && property.nullable !== true);
    const base = absent && property.default !== undefined ? property.default : given;
    if (base === undefined) continue;
    const filled = withSchemaDefaults(base, property);
    if (filled !== given) changes.push([name, filled]);
  }
  const { additionalProperties } = schema;
  if (additionalProperties !== undefined) {
    for (const [name, inner] of Object.entries(value)) {
      changes.push([name, withSchemaDefaults(inner, additionalProperties)]);
    }
  }
  // Most objects have all there is to have, and are handed on as they are.
  return changes.length === 0 ? value : Object.fromEntries([...Object.entries(value), ...changes]);
}

const KNOWN = new WeakMap<Schema, boolean>();

/** Whether anything inside has a default; most schemas have none and are passed over. */
function hasDefaults(schema: Schema): boolean {
  const known = KNOWN.get(schema);
  if (known !== undefined) return known;
  // A schema may hold itself; then what is beside that decides.
  KNOWN.set(schema, false);
  const found =
    Object.values(schema.properties ?? {}).some((inner) => inner.default !== undefined || hasDefaults(inner)) ||
    (schema.items !== undefined && hasDefaults(schema.items)) ||
    (schema.additionalProperties !== undefined && hasDefaults(schema.additionalProperties));
  KNOWN.set(schema, found);
  return found;
}
