import { isRecord, jsonEqual } from "../../ground/json.ts";
import type { Schema } from "../../resource/schema/schema.ts";
import { illegalBase64At } from "./decode-typed.ts";
import type { FieldError } from "./field-error.ts";
import {
  GoLiteral,
  duplicate,
  invalidValue,
  notSupported,
  required,
  tooLong,
  tooMany,
  wrongType,
} from "./field-error.ts";

/**
 * Checks a custom resource against its schema, in the words in which an API server does: types, required fields, enums,
 * formats, limits, and lists whose items must differ. `metadata` is not looked at.
 */
export function checkCustomResource(object: Readonly<Record<string, unknown>>, schema: Schema): readonly FieldError[] {
  const errors: FieldError[] = [];
  const { metadata: _, ...rest } = object;
  const { metadata: __, ...properties } = schema.properties ?? {};
  check(
    rest,
    { ...schema, properties, required: (schema.required ?? []).filter((name) => name !== "metadata") },
    "",
    errors,
  );
  if (errors.some((error) => BLOCKING.has(error.reason)) && hasRules(schema)) errors.push(RULES_NOT_CHECKED);
  return errors;
}

/** Findings after which rules in the Common Expression Language are not evaluated. */
const BLOCKING: ReadonlySet<string> = new Set([
  "FieldValueNotSupported",
  "FieldValueRequired",
  "FieldValueTooLong",
  "FieldValueTooMany",
  "FieldValueTypeInvalid",
]);

const RULES_NOT_CHECKED: FieldError = invalidValue(
  "<nil>",
  null,
  "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
);

const WITH_RULES = new WeakMap<Schema, boolean>();

function hasRules(schema: Schema): boolean {
  const known = WITH_RULES.get(schema);
  if (known !== undefined) return known;
  const inner = [...Object.values(schema.properties ?? {}), schema.items, schema.additionalProperties];
  const found =
    schema["x-kubernetes-validations"] !== undefined || inner.some((one) => one !== undefined && hasRules(one));
  WITH_RULES.set(schema, found);
  return found;
}

function check(value: unknown, schema: Schema, path: string, errors: FieldError[]): void {
  if (schema.type !== undefined && !isOfType(value, schema)) {
    const found = typeOf(value);
    errors.push(wrongType(path, found, `${path} in body must be of type ${schema.type}: ${JSON.stringify(found)}`));
    return;
  }
  if (typeof value === "string") checkString(value, schema, path, errors);
  else if (typeof value === "number") checkNumber(value, schema, path, errors);
  else if (Array.isArray(value)) checkList(value, schema, path, errors);
  else if (isRecord(value)) checkObject(value, schema, path, errors);
}

function isOfType(value: unknown, schema: Schema): boolean {
  const found = typeOf(value);
  return found === schema.type || (found === "integer" && schema.type === "number");
}

function typeOf(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value === "number" && Number.isInteger(value) ? "integer" : typeof value;
}

function checkString(value: string, schema: Schema, path: string, errors: FieldError[]): void {
  const bytes = Buffer.byteLength(value);
  if (schema.maxLength !== undefined && bytes > schema.maxLength) errors.push(tooLong(path, schema.maxLength));
  if (schema.minLength !== undefined && value.length < schema.minLength) {
    const detail = `${path} in body should be at least ${String(schema.minLength)} chars long`;
    errors.push(invalidValue(path, value, detail));
  }
  if (schema.pattern !== undefined && !new RegExp(schema.pattern, "u").test(value)) {
    errors.push(invalidValue(path, value, `${path} in body should match '${schema.pattern}'`));
  }
  if (schema.enum !== undefined && !schema.enum.includes(value)) errors.push(notSupported(path, value, schema.enum));
  const format = badFormat(value, schema);
  if (format !== undefined) {
    errors.push(wrongType(path, value, `${path} in body must be of type ${format}: ${JSON.stringify(value)}`));
  }
}

function badFormat(value: string, schema: Schema): string | undefined {
  if (schema.format === "byte" && illegalBase64At(value) !== undefined) return "byte";
  if (schema.format === "date-time" && Number.isNaN(Date.parse(value))) return "datetime";
  return undefined;
}

function checkNumber(value: number, schema: Schema, path: string, errors: FieldError[]): void {
  if (schema.minimum !== undefined && value < schema.minimum) {
    const detail = `${path} in body should be greater than or equal to ${String(schema.minimum)}`;
    errors.push(invalidValue(path, value, detail));
  }
  if (schema.maximum !== undefined && value > schema.maximum) {
    errors.push(invalidValue(path, value, `${path} in body should be less than or equal to ${String(schema.maximum)}`));
  }
}

function checkList(value: readonly unknown[], schema: Schema, path: string, errors: FieldError[]): void {
  if (schema.maxItems !== undefined && value.length > schema.maxItems) {
    errors.push(tooMany(path, value.length, schema.maxItems));
  }
  const { items } = schema;
  if (items !== undefined) {
    value.forEach((inner, index) => {
      check(inner, items, `${path}[${String(index)}]`, errors);
    });
  }
  checkDuplicates(value, schema, path, errors);
}

function checkDuplicates(value: readonly unknown[], schema: Schema, path: string, errors: FieldError[]): void {
  const kind = schema["x-kubernetes-list-type"];
  if (kind !== "set" && kind !== "map") return;
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  const identities = value.map((item) => (kind === "set" ? item : keyOf(item, keys)));
  identities.forEach((identity, index) => {
    if (!identities.slice(0, index).some((earlier) => jsonEqual(earlier, identity))) return;
    const shown = kind === "set" ? identity : new GoLiteral(`map[string]interface {}${JSON.stringify(identity)}`);
    errors.push(duplicate(`${path}[${String(index)}]`, shown));
  });
}

function keyOf(item: unknown, keys: readonly string[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(keys.map((key) => [key, isRecord(item) ? item[key] : undefined]));
}

function checkObject(
  value: Readonly<Record<string, unknown>>,
  schema: Schema,
  path: string,
  errors: FieldError[],
): void {
  for (const name of schema.required ?? []) if (value[name] === undefined) errors.push(required(childOf(path, name)));
  for (const [name, inner] of Object.entries(value)) {
    const own = schema.properties !== undefined && Object.hasOwn(schema.properties, name);
    const property = own ? schema.properties?.[name] : schema.additionalProperties;
    if (property !== undefined) check(inner, property, childOf(path, name), errors);
  }
}

function childOf(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}
