import { arrayAt, isRecord, recordAt, stringAt, stringsAt } from "../../ground/json.ts";
import { SCHEMA_DEPTH_MAX } from "../../resource/definition/parse-schema.ts";
import type { FieldError } from "../validate/field-error.ts";
import { forbiddenField, invalidValue, notSupported, required } from "../validate/field-error.ts";

type Fields = Readonly<Record<string, unknown>>;

const TYPES = ["array", "boolean", "integer", "number", "object", "string"] as const;
/** Keywords of JSON Schema that no definition may use. */
const UNSUPPORTED = ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"] as const;
const AT_ROOT_WITH_STATUS: ReadonlySet<string> = new Set([
  "description",
  "type",
  "format",
  "title",
  "maximum",
  "exclusiveMaximum",
  "minimum",
  "exclusiveMinimum",
  "maxLength",
  "minLength",
  "pattern",
  "maxItems",
  "minItems",
  "uniqueItems",
  "multipleOf",
  "required",
  "items",
  "properties",
  "externalDocs",
  "example",
]);
const REASONS = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"] as const;

/** Checks which keywords the schema of a definition uses, and how; whether it is structural is another question. */
export function checkSchemaRules(schema: Fields, path: string, hasStatus: boolean): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (hasStatus) {
    const type = stringAt(schema, "type") ?? "";
    if (type !== "" && type !== "object") {
      const why = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled';
      errors.push(invalidValue(`${path}.type`, type, why));
    }
    const other = Object.keys(schema).filter(
      (key) => !AT_ROOT_WITH_STATUS.has(key) && !key.startsWith("x-kubernetes-"),
    );
    for (const key of other) {
      if (schema[key] === undefined || key === "nullable" || key === "default") continue;
      const words = [...AT_ROOT_WITH_STATUS].join(" ");
      errors.push(
        forbiddenField(
          path,
          `only [${words}] fields are allowed at the root of the schema if the status subresource is enabled`,
        ),
      );
    }
  }
  if (schema["nullable"] === true)
    errors.push(forbiddenField(`${path}.nullable`, "nullable cannot be true at the root"));
  walk(schema, path, 0, errors);
  return errors;
}

function walk(schema: Fields, path: string, depth: number, errors: FieldError[]): void {
  if (depth > SCHEMA_DEPTH_MAX) {
    errors.push(forbiddenField(path, `must not be nested deeper than ${String(SCHEMA_DEPTH_MAX)} levels`));
    return;
  }
  checkKeywords(schema, path, errors);
  checkList(schema, path, errors);
  checkMap(schema, path, errors);
  checkRules(schema, path, errors);
  for (const [name, inner] of Object.entries(recordAt(schema, "properties"))) {
    if (isRecord(inner)) walk(inner, `${path}.properties[${name}]`, depth + 1, errors);
  }
  for (const key of ["items", "additionalProperties", "not"] as const) {
    const inner = schema[key];
    if (isRecord(inner)) walk(inner, `${path}.${key}`, depth + 1, errors);
  }
  for (const key of ["allOf", "anyOf", "oneOf"] as const) {
    arrayAt(schema, key).forEach((inner, index) => {
      if (isRecord(inner)) walk(inner, `${path}.${key}[${String(index)}]`, depth + 1, errors);
    });
  }
}

function checkKeywords(schema: Fields, path: string, errors: FieldError[]): void {
  const type = stringAt(schema, "type") ?? "";
  if (type !== "" && !TYPES.some((one) => one === type)) errors.push(notSupported(`${path}.type`, type, TYPES));
  for (const key of UNSUPPORTED) {
    if (schema[key] !== undefined && schema[key] !== "") {
      errors.push(forbiddenField(`${path}.${key}`, `${key} is not supported`));
    }
  }
  if (schema["uniqueItems"] === true) {
    const why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
    errors.push(forbiddenField(`${path}.uniqueItems`, why));
  }
  const additional = schema["additionalProperties"];
  if (Object.keys(recordAt(schema, "properties")).length > 0 && (additional === false || isRecord(additional))) {
    const why = "additionalProperties and properties are mutual exclusive";
    errors.push(forbiddenField(`${path}.additionalProperties`, why));
  }
  if (additional === false && !isRecord(schema["properties"])) {
    errors.push(forbiddenField(`${path}.additionalProperties`, "additionalProperties cannot be set to false"));
  }
  if (schema["x-kubernetes-preserve-unknown-fields"] === false) {
    errors.push(invalidValue(`${path}.x-kubernetes-preserve-unknown-fields`, false, "must be true or undefined"));
  }
}

function checkMap(schema: Fields, path: string, errors: FieldError[]): void {
  const mapType = schema["x-kubernetes-map-type"];
  if (mapType === undefined) return;
  mustBe("object", "x-kubernetes-map-type", schema, path, errors);
  if (mapType !== "atomic" && mapType !== "granular") {
    errors.push(notSupported(`${path}.x-kubernetes-map-type`, mapType, ["atomic", "granular"]));
  }
}

function mustBe(wanted: string, keyword: string, schema: Fields, path: string, errors: FieldError[]): void {
  const type = stringAt(schema, "type") ?? "";
  if (type === wanted) return;
  const why = `must be ${wanted} if ${keyword} is specified`;
  errors.push(type === "" ? required(`${path}.type`, why) : invalidValue(`${path}.type`, type, why));
}

function checkList(schema: Fields, path: string, errors: FieldError[]): void {
  const listType = schema["x-kubernetes-list-type"];
  const keys = stringsAt(schema, "x-kubernetes-list-map-keys");
  if (listType !== undefined) {
    mustBe("array", "x-kubernetes-list-type", schema, path, errors);
    if (listType !== "atomic" && listType !== "set" && listType !== "map") {
      errors.push(notSupported(`${path}.x-kubernetes-list-type`, listType, ["atomic", "set", "map"]));
    }
  }
  if (keys.length > 0 && listType !== "map") {
    const why = "must be map if x-kubernetes-list-map-keys is non-empty";
    const field = `${path}.x-kubernetes-list-type`;
    errors.push(listType === undefined ? required(field, why) : invalidValue(field, listType, why));
  }
  const items = isRecord(schema["items"]) ? schema["items"] : undefined;
  if ((listType === "set" || listType === "map") && items?.["nullable"] === true) {
    errors.push(
      forbiddenField(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${listType}`),
    );
  }
  if (listType === "map") checkKeyedList(keys, items, path, errors);
}

function checkKeyedList(keys: readonly string[], items: Fields | undefined, path: string, errors: FieldError[]): void {
  if (keys.length === 0) {
    errors.push(required(`${path}.x-kubernetes-list-map-keys`, "must not be empty if x-kubernetes-list-type is map"));
  }
  if (items === undefined) {
    errors.push(required(`${path}.items`, "must have a schema if x-kubernetes-list-type is map"));
    return;
  }
  const type = stringAt(items, "type") ?? "";
  if (type !== "object") {
    const why = "must be object if parent array's x-kubernetes-list-type is map";
    errors.push(invalidValue(`${path}.items.type`, type, why));
    return;
  }
  const properties = recordAt(items, "properties");
  const needed = new Set(stringsAt(items, "required"));
  for (const key of keys) {
    const property = properties[key];
    if (!isRecord(property)) {
      errors.push(
        invalidValue(`${path}.x-kubernetes-list-map-keys`, keys, "entries must all be names of item properties"),
      );
      continue;
    }
    const at = `${path}.items.properties[${key}]`;
    if (property["type"] === "array" || property["type"] === "object") {
      const why = "must be a scalar type if parent array's x-kubernetes-list-type is map";
      errors.push(invalidValue(`${at}.type`, type, why));
    }
    if (!needed.has(key) && property["default"] === undefined) {
      const why = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
      errors.push(required(`${at}.default`, why));
    }
    if (property["nullable"] === true) {
      const why = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
      errors.push(forbiddenField(`${at}.nullable`, why));
    }
  }
  if (new Set(keys).size < keys.length) {
    errors.push(invalidValue(`${path}.x-kubernetes-list-map-keys`, keys, "must not contain duplicate entries"));
  }
}

/** How the rules of `x-kubernetes-validations` are written down; what they mean is checked when they are compiled. */
function checkRules(schema: Fields, path: string, errors: FieldError[]): void {
  arrayAt(schema, "x-kubernetes-validations").forEach((entry, index) => {
    const at = `${path}.x-kubernetes-validations[${String(index)}]`;
    const rule = (stringAt(entry, "rule") ?? "").trim();
    const message = stringAt(entry, "message") ?? "";
    if (rule === "") errors.push(required(`${at}.rule`, "rule is not specified"));
    else if (message !== "" && message.trim() === "") {
      errors.push(invalidValue(`${at}.message`, message, "must be non-empty if specified"));
    } else if (message.trim().includes("\n")) {
      errors.push(invalidValue(`${at}.message`, message, "must not contain line breaks"));
    } else if (rule.includes("\n") && message.trim() === "") {
      errors.push(required(`${at}.message`, "message must be specified if rule contains line breaks"));
    }
    const reason = stringAt(entry, "reason");
    if (reason !== undefined && !REASONS.some((one) => one === reason)) {
      errors.push(notSupported(`${at}.reason`, reason, REASONS));
    }
    const fieldPath = stringAt(entry, "fieldPath") ?? "";
    if (fieldPath !== "" && fieldPath.trim() === "") {
      errors.push(invalidValue(`${at}.fieldPath`, fieldPath, "must be non-empty if specified"));
    } else if (fieldPath !== "" && !/^\.?[A-Za-z_[]/.test(fieldPath)) {
      errors.push(invalidValue(`${at}.fieldPath`, fieldPath, "must be a valid path"));
    }
  });
}
