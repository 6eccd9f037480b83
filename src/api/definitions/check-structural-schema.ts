import { arrayAt, isRecord, jsonEqual, recordAt, stringAt } from "../../ground/json.ts";
import { parseSchema } from "../../resource/definition/parse-schema.ts";
import { checkCustomResource } from "../validate/custom-resource.ts";
import type { FieldError } from "../validate/field-error.ts";
import { forbiddenField, invalidValue, required } from "../validate/field-error.ts";
import { compilePattern } from "../validate/pattern.ts";

type Fields = Readonly<Record<string, unknown>>;
type Level = "root" | "item" | "field";

const INT_OR_STRING = [{ type: "integer" }, { type: "string" }];

/** Checks that a schema is structural: each field has one type, and alternatives only restrict values (Kubernetes documentation, "Structural schemas"). */
export function checkStructuralSchema(schema: Fields, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  checkStructure(schema, "root", path, errors);
  return errors.sort((left, right) => (textOf(left) < textOf(right) ? -1 : 1));
}

function textOf({ field, message }: FieldError): string {
  return `${field}: ${message}`;
}

const EMPTY_TYPE: Readonly<Record<Level, string>> = {
  root: "must not be empty at the root",
  item: "must not be empty for specified array items",
  field: "must not be empty for specified object fields",
};

function checkStructure(schema: Fields, level: Level, path: string, errors: FieldError[]): void {
  const type = stringAt(schema, "type") ?? "";
  const isEither = schema["x-kubernetes-int-or-string"] === true;
  const keepsAll = schema["x-kubernetes-preserve-unknown-fields"] === true;
  const isEmbedded = schema["x-kubernetes-embedded-resource"] === true;
  if (type === "array" && !isRecord(schema["items"])) errors.push(required(`${path}.items`, "must be specified"));
  if (level === "root" && type !== "" && type !== "object") {
    errors.push(invalidValue(`${path}.type`, type, "must be object at the root"));
  }
  if (isEmbedded && type !== "object") {
    const why = "must be object if x-kubernetes-embedded-resource is true";
    errors.push(type === "" ? required(`${path}.type`, why) : invalidValue(`${path}.type`, type, why));
  } else if (type === "" && !isEither && !keepsAll) errors.push(required(`${path}.type`, EMPTY_TYPE[level]));
  if (isEither && keepsAll) {
    const why = "must be false if x-kubernetes-int-or-string is true";
    errors.push(invalidValue(`${path}.x-kubernetes-preserve-unknown-fields`, true, why));
  }
  if (isEither && isEmbedded) {
    const why = "must be false if x-kubernetes-int-or-string is true";
    errors.push(invalidValue(`${path}.x-kubernetes-embedded-resource`, true, why));
  }
  const properties = recordAt(schema, "properties");
  if (isEmbedded && !keepsAll && Object.keys(properties).length === 0) {
    const why =
      "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields";
    errors.push(required(`${path}.properties`, why));
  }
  if (schema["additionalProperties"] !== undefined && level === "root") {
    errors.push(forbiddenField(`${path}.additionalProperties`, "must not be used at the root"));
  }
  if (level === "root" || isEmbedded) checkObjectFields(properties, level, path, errors);
  checkDefault(schema, level, path, errors);
  checkValues(schema, isEither, path, errors);
  for (const [name, inner] of Object.entries(properties)) {
    if (level === "root" && name === "metadata") continue;
    if (isRecord(inner)) checkStructure(inner, "field", `${path}.properties[${name}]`, errors);
  }
  if (isRecord(schema["items"])) checkStructure(schema["items"], "item", `${path}.items`, errors);
  const additional = schema["additionalProperties"];
  if (isRecord(additional)) checkStructure(additional, "field", `${path}.additionalProperties`, errors);
}

/** Type and metadata of an object are what they always are. */
function checkObjectFields(properties: Fields, level: Level, path: string, errors: FieldError[]): void {
  for (const name of ["kind", "apiVersion"]) {
    if (!isRecord(properties[name])) continue;
    const type = stringAt(properties[name], "type") ?? "";
    if (type !== "string") errors.push(invalidValue(`${path}.properties[${name}].type`, type, "must be string"));
  }
  const { metadata } = properties;
  if (!isRecord(metadata)) return;
  const at = `${path}.properties[metadata]`;
  const type = stringAt(metadata, "type") ?? "";
  if (type !== "object") errors.push(invalidValue(`${at}.type`, type, "must be object"));
  const allowed = new Set(["name", "generateName"]);
  const isBare = Object.keys(metadata).every((key) => key === "type" || key === "properties");
  if (
    level === "root" &&
    !(isBare && Object.keys(recordAt(metadata, "properties")).every((name) => allowed.has(name)))
  ) {
    const why = "must not specify anything other than name and generateName, but metadata is implicitly specified";
    errors.push(forbiddenField(at, why));
  }
}

/** A default has to be a value that the schema allows. */
function checkDefault(schema: Fields, level: Level, path: string, errors: FieldError[]): void {
  if (schema["default"] === undefined || schema["default"] === null) return;
  const field = `${path}.default`;
  if (level === "item") return;
  // The value is judged as the field of an object, so that the path is right.
  const wrapped = { type: "object", properties: { default: parseSchema(schema) } } as const;
  for (const error of checkCustomResource({ default: schema["default"] }, wrapped)) {
    if (error.field.startsWith("default")) {
      const message = error.message.replaceAll(/\bdefault(?:\.| (?=in body))/g, "");
      errors.push({ ...error, field: field + error.field.slice("default".length), message });
    }
  }
}

function checkValues(schema: Fields, isEither: boolean, path: string, errors: FieldError[]): void {
  const pattern = stringAt(schema, "pattern") ?? "";
  const compiled = pattern === "" ? "" : compilePattern(pattern);
  if (typeof compiled === "string" && compiled !== "") {
    errors.push(invalidValue(`${path}.pattern`, pattern, `must be a valid regular expression, but isn't: ${compiled}`));
  }
  const skipsAnyOf = isEither && jsonEqual(schema["anyOf"], INT_OR_STRING);
  for (const key of ["anyOf", "allOf", "oneOf"] as const) {
    if (key === "anyOf" && skipsAnyOf) continue;
    arrayAt(schema, key).forEach((inner, index) => {
      if (!isRecord(inner)) return;
      const isPattern = isEither && key === "allOf" && index === 0 && jsonEqual(inner["anyOf"], INT_OR_STRING);
      const { anyOf: _, ...rest } = inner;
      checkNested(isPattern ? rest : inner, `${path}.${key}[${String(index)}]`, errors);
    });
  }
  if (isRecord(schema["not"])) checkNested(schema["not"], `${path}.not`, errors);
}

/** What may not be said inside of alternatives, with the words of the refusal. */
const FORBIDDEN: Readonly<Record<string, string>> = {
  type: "must be empty to be structural",
  additionalProperties: "must be undefined to be structural",
  default: "must be undefined to be structural",
  title: "must be empty to be structural",
  description: "must be empty to be structural",
  nullable: "must be false to be structural",
  "x-kubernetes-preserve-unknown-fields": "must be false to be structural",
  "x-kubernetes-embedded-resource": "must be false to be structural",
  "x-kubernetes-int-or-string": "must be false to be structural",
  "x-kubernetes-list-map-keys": "must be empty to be structural",
  "x-kubernetes-list-type": "must be undefined to be structural",
  "x-kubernetes-map-type": "must be undefined to be structural",
  "x-kubernetes-validations": "must be empty to be structural",
};

function checkNested(schema: Fields, path: string, errors: FieldError[]): void {
  for (const [key, why] of Object.entries(FORBIDDEN)) {
    const value = schema[key];
    if (value !== undefined && value !== "" && value !== false) errors.push(forbiddenField(`${path}.${key}`, why));
  }
  checkValues(schema, false, path, errors);
  for (const [name, inner] of Object.entries(recordAt(schema, "properties"))) {
    const at = `${path}.properties[${name}]`;
    if (name === "metadata") errors.push(forbiddenField(at, "must not be specified in a nested context"));
    if (isRecord(inner)) checkNested(inner, at, errors);
  }
  if (isRecord(schema["items"])) checkNested(schema["items"], `${path}.items`, errors);
}
