import { arrayAt, booleanAt, isRecord, numberAt, stringAt, stringsAt } from "../../ground/json.ts";
import type { Json } from "../../ground/json.ts";
import type { Schema, ValidationRule } from "../schema/schema.ts";

/** How deep schemas may nest: what is deeper is left out, and its values are kept as they are. */
export const SCHEMA_DEPTH_MAX = 64;

/** Anything goes, and is kept as it comes. */
const ANYTHING: Schema = { "x-kubernetes-preserve-unknown-fields": true };

type Fields = Readonly<Record<string, unknown>>;

/**
 * Returns the schema that `openAPIV3Schema` of a CustomResourceDefinition writes down. Keywords of wrong types are left
 * out: the definition was checked before it was stored.
 */
export function parseSchema(written: unknown): Schema {
  return schemaAt(isRecord(written) ? written : {}, 0);
}

function schemaAt(written: Fields, depth: number): Schema {
  if (depth >= SCHEMA_DEPTH_MAX) return ANYTHING;
  const inner = (value: unknown): Schema => schemaAt(isRecord(value) ? value : {}, depth + 1);
  return { ...scalars(written), ...structure(written, inner), ...extensions(written) };
}

function structure(written: Fields, inner: (value: unknown) => Schema): Schema {
  const { properties, items, additionalProperties, not } = written;
  const some = (key: "allOf" | "anyOf" | "oneOf"): readonly Schema[] | undefined => {
    const list = arrayAt(written, key);
    return list.length === 0 ? undefined : list.map(inner);
  };
  return defined({
    properties: isRecord(properties)
      ? Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, inner(value)]))
      : undefined,
    items: isRecord(items) ? inner(items) : undefined,
    additionalProperties:
      additionalProperties === true
        ? ANYTHING
        : isRecord(additionalProperties)
          ? inner(additionalProperties)
          : undefined,
    allOf: some("allOf"),
    anyOf: some("anyOf"),
    oneOf: some("oneOf"),
    not: isRecord(not) ? inner(not) : undefined,
  });
}

const TYPES = ["object", "array", "string", "integer", "number", "boolean"] as const;

function scalars(written: Fields): Schema {
  const type = TYPES.find((one) => one === written["type"]);
  return defined({
    type,
    format: nonEmpty(stringAt(written, "format")),
    title: nonEmpty(stringAt(written, "title")),
    description: nonEmpty(stringAt(written, "description")),
    required: nonEmptyList(stringsAt(written, "required")),
    enum: nonEmptyList(arrayAt(written, "enum").filter(isJson)),
    default: isJson(written["default"]) ? written["default"] : undefined,
    pattern: nonEmpty(stringAt(written, "pattern")),
    minimum: numberAt(written, "minimum"),
    exclusiveMinimum: booleanAt(written, "exclusiveMinimum"),
    maximum: numberAt(written, "maximum"),
    exclusiveMaximum: booleanAt(written, "exclusiveMaximum"),
    multipleOf: numberAt(written, "multipleOf"),
    minLength: numberAt(written, "minLength"),
    maxLength: numberAt(written, "maxLength"),
    minItems: numberAt(written, "minItems"),
    maxItems: numberAt(written, "maxItems"),
    uniqueItems: booleanAt(written, "uniqueItems"),
    minProperties: numberAt(written, "minProperties"),
    maxProperties: numberAt(written, "maxProperties"),
    nullable: booleanAt(written, "nullable"),
  });
}

const LIST_TYPES = ["atomic", "set", "map"] as const;
const MAP_TYPES = ["atomic", "granular"] as const;

function extensions(written: Fields): Schema {
  return defined({
    "x-kubernetes-list-type": LIST_TYPES.find((one) => one === written["x-kubernetes-list-type"]),
    "x-kubernetes-list-map-keys": nonEmptyList(stringsAt(written, "x-kubernetes-list-map-keys")),
    "x-kubernetes-map-type": MAP_TYPES.find((one) => one === written["x-kubernetes-map-type"]),
    "x-kubernetes-preserve-unknown-fields": isSet(written, "x-kubernetes-preserve-unknown-fields"),
    "x-kubernetes-embedded-resource": isSet(written, "x-kubernetes-embedded-resource"),
    "x-kubernetes-int-or-string": isSet(written, "x-kubernetes-int-or-string"),
    "x-kubernetes-validations": nonEmptyList(arrayAt(written, "x-kubernetes-validations").flatMap(ruleOf)),
  });
}

function ruleOf(written: unknown): readonly ValidationRule[] {
  const rule = stringAt(written, "rule");
  if (rule === undefined) return [];
  return [
    defined({
      rule,
      message: stringAt(written, "message"),
      messageExpression: nonEmpty(stringAt(written, "messageExpression")),
      reason: nonEmpty(stringAt(written, "reason")),
      fieldPath: nonEmpty(stringAt(written, "fieldPath")),
      optionalOldSelf: booleanAt(written, "optionalOldSelf"),
    }),
  ];
}

function isSet(written: Fields, key: string): true | undefined {
  return written[key] === true ? true : undefined;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

function nonEmptyList<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

/** What was parsed from JSON is JSON; only a missing field is not. */
function isJson(value: unknown): value is Json {
  return value !== undefined;
}

type Defined<T> = {
  [Key in keyof T as undefined extends T[Key] ? never : Key]: T[Key];
} & { [Key in keyof T as undefined extends T[Key] ? Key : never]?: Exclude<T[Key], undefined> };

/** Leaves out the entries that are undefined. */
function defined<T extends object>(fields: T): Defined<T>;
function defined(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
