import { isRecord } from "../../ground/json.ts";
import type { Schema } from "../../resource/schema/schema.ts";
import { keyElement, shownElement } from "./field-set.ts";

/**
 * Returns why `value` cannot be applied as `schema` has it, in the words of a real server: fields it does not have, values of
 * a wrong shape, and items of keyed lists without their key or with the same. Nobody can own such fields, so this is so
 * whatever the client says about validation. After an unknown field nothing more is said of the object that has it.
 */
export function typedErrors(value: unknown, schema: Schema): readonly string[] {
  const errors: string[] = [];
  check(value, schema, "", errors);
  return errors;
}

function check(value: unknown, schema: Schema, path: string, errors: string[]): void {
  if (value === null || value === undefined) return;
  if (schema["x-kubernetes-int-or-string"] === true) checkScalar(value, "any scalar", path, errors);
  else if (schema.type === "object") checkMap(value, schema, path, errors);
  else if (schema.type === "array") checkList(value, schema, path, errors);
  else if (schema.type === "integer" || schema.type === "number") checkScalar(value, "numeric", path, errors);
  else if (schema.type === "boolean") checkScalar(value, "boolean", path, errors);
  else if (schema.type === "string") {
    // An amount may be a number.
    const isPlain = (schema.format === undefined || schema.format === "byte") && schema.goType !== "resource.Quantity";
    checkScalar(value, isPlain ? "string" : "any scalar", path, errors);
  }
}

function checkMap(value: unknown, schema: Schema, path: string, errors: string[]): void {
  const { properties, additionalProperties } = schema;
  if (!isRecord(value)) {
    errors.push(`${path}: expected map, got &{${shown(value)}}`);
    return;
  }
  if (properties === undefined && additionalProperties === undefined) return;
  for (const name of Object.keys(value).sort()) {
    const own = properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
    if (own !== undefined) check(value[name], own, `${path}.${name}`, errors);
    else if (schema["x-kubernetes-preserve-unknown-fields"] !== true) {
      errors.push(`${path}.${name}: field not declared in schema`);
      return;
    }
  }
}

function checkList(value: unknown, schema: Schema, path: string, errors: string[]): void {
  if (!Array.isArray(value)) {
    errors.push(`${path}: expected list, got &{${shown(value)}}`);
    return;
  }
  const keys = schema["x-kubernetes-list-type"] === "map" ? schema["x-kubernetes-list-map-keys"] : undefined;
  const seen = new Set<string>();
  for (const [index, item] of value.entries()) {
    const element = keys === undefined ? `i:${String(index)}` : itemKey(item, keys, schema.items);
    if (element.startsWith("missing ")) {
      const problem = `associative list with keys has an element that omits key field ${element.slice(8)} (and doesn't have default value)`;
      errors.push(`${path}: element ${String(index)}: ${problem}`);
      return;
    }
    if (seen.has(element)) errors.push(`${path}: duplicate entries for key ${shownElement(element)}`);
    seen.add(element);
    check(item, schema.items ?? {}, `${path}${shownElement(element)}`, errors);
  }
}

/** The path element of an item, or "missing" and the name of the key field that it lacks. */
function itemKey(item: unknown, keys: readonly string[], schema: Schema | undefined): string {
  const found: [string, unknown][] = [];
  for (const key of keys) {
    const value = (isRecord(item) ? item[key] : undefined) ?? schema?.properties?.[key]?.default;
    if (value === undefined) return `missing ${JSON.stringify(key)}`;
    found.push([key, value]);
  }
  return keyElement(Object.fromEntries(found));
}

function checkScalar(
  value: unknown,
  expected: "any scalar" | "boolean" | "numeric" | "string",
  path: string,
  errors: string[],
): void {
  const found = typeof value;
  if (expected === "numeric" && found !== "number") {
    errors.push(`${path}: expected numeric (int or float), got ${goType(value)}`);
  } else if (expected === "string" && found !== "string") {
    errors.push(`${path}: expected string, got &value.valueUnstructured{Value:${literal(value)}}`);
  } else if (expected === "boolean" && found !== "boolean") {
    errors.push(`${path}: expected boolean, got &{${shown(value)}}`);
  } else if (expected === "any scalar" && found === "object") {
    errors.push(`${path}: expected any scalar, got &{${shown(value)}}`);
  }
}

/** As Go prints a value for people. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(shown).join(" ")}]`;
  if (isRecord(value)) return `map[${entriesOf(value, (key) => key, shown).join(" ")}]`;
  return typeof value === "string" ? value : value === null ? "<nil>" : JSON.stringify(value);
}

/** As Go prints a value for programmers. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `[]interface {}{${value.map(literal).join(", ")}}`;
  if (isRecord(value)) return `map[string]interface {}{${entriesOf(value, JSON.stringify, literal).join(", ")}}`;
  return value === null ? "interface {}(nil)" : JSON.stringify(value);
}

function entriesOf(
  value: Readonly<Record<string, unknown>>,
  showKey: (key: string) => string,
  show: (value: unknown) => string,
): readonly string[] {
  return Object.keys(value)
    .sort()
    .map((key) => `${showKey(key)}:${show(value[key])}`);
}

function goType(value: unknown): string {
  if (Array.isArray(value)) return "[]interface {}";
  if (isRecord(value)) return "map[string]interface {}";
  return typeof value === "boolean" ? "bool" : typeof value;
}
