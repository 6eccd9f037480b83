import { isRecord, jsonEqual, recordAt, stringAt } from "../../ground/json.ts";
import type { Schema } from "../../resource/schema/schema.ts";
import type { FieldError } from "./field-error.ts";
import { matchesPattern } from "./pattern.ts";
import { subdomain } from "./name-rules.ts";
import { hasFormat } from "./string-format.ts";
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
export const BLOCKING: ReadonlySet<string> = new Set([
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

/** What one schema finds in a value: how much of it fits tells which of several alternatives was meant. */
interface Findings {
  readonly errors: FieldError[];
  matches: number;
}

function check(value: unknown, schema: Schema, path: string, errors: FieldError[]): number {
  const findings: Findings = { errors, matches: 0 };
  checkType(value, schema, path, errors);
  if (schema.enum !== undefined && !schema.enum.some((one) => jsonEqual(one, value))) {
    errors.push(notSupported(path, value, schema.enum));
  }
  if (typeof value === "string") checkString(value, schema, path, errors);
  else if (typeof value === "number") checkNumber(value, schema, path, errors);
  else if (Array.isArray(value)) checkList(value, schema, path, errors);
  else if (isRecord(value)) checkObject(value, schema, path, findings);
  checkAlternatives(value, schema, path, findings);
  return findings.matches;
}

function checkType(value: unknown, schema: Schema, path: string, errors: FieldError[]): void {
  if (value === null && schema.nullable === true) return;
  const found = typeOf(value);
  const isEither = schema["x-kubernetes-int-or-string"] === true;
  if (isEither ? found === "integer" || found === "string" : schema.type === undefined) return;
  if (!isEither && (found === schema.type || (found === "integer" && schema.type === "number"))) return;
  const wanted = isEither ? "integer,string" : (schema.type ?? "");
  errors.push(wrongType(path, found, `${path} in body must be of type ${wanted}: ${JSON.stringify(found)}`));
}

function typeOf(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value === "number" && Number.isInteger(value) ? "integer" : typeof value;
}

function checkString(value: string, schema: Schema, path: string, errors: FieldError[]): void {
  const bytes = Buffer.byteLength(value);
  if (schema.maxLength !== undefined && bytes > schema.maxLength) errors.push(tooLong(path, schema.maxLength));
  if (schema.minLength !== undefined && characters(value) < schema.minLength) {
    const detail = `${path} in body should be at least ${String(schema.minLength)} chars long`;
    errors.push(invalidValue(path, value, detail));
  }
  if (schema.pattern !== undefined && !matchesPattern(value, schema.pattern)) {
    errors.push(invalidValue(path, value, `${path} in body should match '${schema.pattern}'`));
  }
  if (schema.format !== undefined && schema.type === "string" && !hasFormat(value, schema.format)) {
    errors.push(wrongType(path, value, `${path} in body must be of type ${schema.format}: ${JSON.stringify(value)}`));
  }
}

/** Code points, as servers count. */
function characters(text: string): number {
  return Array.from(text).length;
}

function checkNumber(value: number, schema: Schema, path: string, errors: FieldError[]): void {
  const { minimum, maximum, multipleOf } = schema;
  const refuse = (detail: string): void => void errors.push(invalidValue(path, value, `${path} in body ${detail}`));
  if (multipleOf !== undefined && !isMultiple(value, multipleOf)) {
    refuse(`should be a multiple of ${String(multipleOf)}`);
  }
  if (maximum !== undefined) {
    if (schema.exclusiveMaximum === true && value >= maximum) refuse(`should be less than ${String(maximum)}`);
    else if (value > maximum) refuse(`should be less than or equal to ${String(maximum)}`);
  }
  if (minimum !== undefined) {
    if (schema.exclusiveMinimum === true && value <= minimum) refuse(`should be greater than ${String(minimum)}`);
    else if (value < minimum) refuse(`should be greater than or equal to ${String(minimum)}`);
  }
}

/** The quotient of two decimals is seldom exact. */
function isMultiple(value: number, factor: number): boolean {
  const quotient = value / factor;
  return Math.abs(quotient - Math.round(quotient)) <= 1e-9 * Math.max(1, Math.abs(quotient));
}

function checkList(value: readonly unknown[], schema: Schema, path: string, errors: FieldError[]): void {
  if (schema.maxItems !== undefined && value.length > schema.maxItems) {
    errors.push(tooMany(path, value.length, schema.maxItems));
  }
  if (schema.minItems !== undefined && value.length < schema.minItems) {
    const detail = `${path} in body should have at least ${String(schema.minItems)} items`;
    errors.push(invalidValue(path, value.length, detail));
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
  const seen = new Set<string>();
  value.forEach((item, index) => {
    const identity = kind === "set" ? item : keyOf(item, keys);
    const text = sortedText(identity);
    if (seen.has(text)) {
      const shown = kind === "set" ? identity : new GoLiteral(`map[string]interface {}${JSON.stringify(identity)}`);
      errors.push(duplicate(`${path}[${String(index)}]`, shown));
    }
    seen.add(text);
  });
}

/** JSON that is the same for equal values. */
function sortedText(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    isRecord(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([left], [right]) => (left < right ? -1 : 1)))
      : inner,
  );
}

function keyOf(item: unknown, keys: readonly string[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(keys.map((key) => [key, isRecord(item) ? item[key] : undefined]));
}

function checkObject(value: Readonly<Record<string, unknown>>, schema: Schema, path: string, findings: Findings): void {
  const { errors } = findings;
  const count = Object.keys(value).length;
  if (schema.maxProperties !== undefined && count > schema.maxProperties) {
    errors.push(tooMany(path, count, schema.maxProperties));
  }
  if (schema.minProperties !== undefined && count < schema.minProperties) {
    const detail = `${path} in body should have at least ${String(schema.minProperties)} properties`;
    errors.push(invalidValue(path, count, detail));
  }
  for (const name of schema.required ?? []) {
    if (value[name] === undefined) errors.push(required(childOf(path, name)));
    else findings.matches += 1;
  }
  if (schema["x-kubernetes-embedded-resource"] === true) checkEmbedded(value, path, errors);
  for (const [name, inner] of Object.entries(value)) {
    const own = schema.properties !== undefined && Object.hasOwn(schema.properties, name);
    const property = own ? schema.properties?.[name] : schema.additionalProperties;
    if (property === undefined) continue;
    findings.matches += 1;
    check(inner, property, childOf(path, name), errors);
  }
}

/** A whole object inside of another one says what it is. */
function checkEmbedded(value: Readonly<Record<string, unknown>>, path: string, errors: FieldError[]): void {
  for (const name of ["apiVersion", "kind"]) {
    const said = value[name];
    if (said === undefined) errors.push(required(childOf(path, name)));
    else if (said === "") errors.push(invalidValue(childOf(path, name), said, "must not be empty"));
  }
  const metadata = recordAt(value, "metadata");
  const name = stringAt(metadata, "name");
  if (name === undefined) return;
  for (const reason of subdomain(name)) {
    errors.push(invalidValue(childOf(path, "metadata.name"), name, reason));
  }
}

/** What one of the alternatives, all of them, or none must allow. */
function checkAlternatives(value: unknown, schema: Schema, path: string, { errors }: Findings): void {
  const quoted = JSON.stringify(path);
  const refuse = (detail: string): void => void errors.push(invalidValue("<nil>", "", `${quoted} must ${detail}`));
  if (schema.anyOf !== undefined) {
    const { failed, best } = tryEach(value, schema.anyOf, path);
    if (failed.length === schema.anyOf.length) {
      refuse("validate at least one schema (anyOf)");
      errors.push(...best);
    }
  }
  if (schema.oneOf !== undefined) {
    const { failed, best } = tryEach(value, schema.oneOf, path);
    const valid = schema.oneOf.length - failed.length;
    if (valid === 0) {
      refuse("validate one and only one schema (oneOf). Found none valid");
      errors.push(...best);
    } else if (valid > 1) {
      refuse(`validate one and only one schema (oneOf). Found ${String(valid)} valid alternatives`);
    }
  }
  if (schema.allOf !== undefined) {
    const { failed } = tryEach(value, schema.allOf, path);
    if (failed.length > 0) {
      errors.push(...failed.flat());
      refuse(`validate all the schemas (allOf)${failed.length === schema.allOf.length ? ". None validated" : ""}`);
    }
  }
  if (schema.not !== undefined && tryEach(value, [schema.not], path).failed.length === 0) {
    refuse("not validate the schema (not)");
  }
}

/** The errors of each alternative that fails, and those of the one that fits best. */
function tryEach(
  value: unknown,
  alternatives: readonly Schema[],
  path: string,
): { readonly failed: readonly (readonly FieldError[])[]; readonly best: readonly FieldError[] } {
  const failed: (readonly FieldError[])[] = [];
  let best: readonly FieldError[] = [];
  let matchesMax = -1;
  for (const alternative of alternatives) {
    const errors: FieldError[] = [];
    const matches = check(value, alternative, path, errors);
    if (errors.length === 0) continue;
    failed.push(errors);
    if (matches > matchesMax) best = errors;
    matchesMax = Math.max(matches, matchesMax);
  }
  return { failed, best };
}

function childOf(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}
