import type { JsonObject } from "../../ground/json.ts";
import { arrayAt, isRecord, recordAt, stringAt } from "../../ground/json.ts";
import { encodeMessage, field, message } from "../protobuf/message.ts";
import type { Field, Message } from "../protobuf/message.ts";

/** The field numbers of gnostic's `openapi.v2` messages, as far as clients of a Kubernetes API read them. */

const LIST = { shape: "list" } as const;
const ANY = message({ 2: field("yaml", "string") });
const NAMED_ANY = message({ 1: field("name", "string"), 2: field("value", ANY) });

const schemaFields = new Map<number, Field>();
/** A schema holds schemas, so its table is filled after it exists. */
const SCHEMA: Message = { fields: schemaFields };
const NAMED_SCHEMA = message({ 1: field("name", "string"), 2: field("value", SCHEMA) });
for (const [number, entry] of message({
  1: field("ref", "string"),
  2: field("format", "string"),
  4: field("description", "string"),
  5: field("default", ANY),
  19: field("required", "string", LIST),
  20: field("enum", ANY, LIST),
  21: field("additionalProperties", message({ 1: field("schema", SCHEMA), 2: field("boolean", "bool") })),
  22: field("type", message({ 1: field("value", "string", LIST) })),
  23: field("items", message({ 1: field("schema", SCHEMA, LIST) })),
  25: field("properties", message({ 1: field("entries", NAMED_SCHEMA, LIST) })),
  31: field("extensions", NAMED_ANY, LIST),
}).fields) {
  schemaFields.set(number, entry);
}

const BODY_PARAMETER = message({
  2: field("name", "string"),
  3: field("in", "string"),
  5: field("schema", SCHEMA),
});
const QUERY_PARAMETER = message({
  2: field("in", "string"),
  3: field("description", "string"),
  4: field("name", "string"),
  6: field("type", "string"),
});
const PATH_PARAMETER = message({
  1: field("required", "bool"),
  2: field("in", "string"),
  3: field("description", "string"),
  4: field("name", "string"),
  5: field("type", "string"),
});
const PARAMETER = message({
  1: field("body", BODY_PARAMETER),
  2: field("other", message({ 3: field("query", QUERY_PARAMETER), 4: field("path", PATH_PARAMETER) })),
});
const RESPONSE = message({
  1: field("description", "string"),
  2: field("schema", message({ 1: field("schema", SCHEMA) })),
});
const OPERATION = message({
  3: field("description", "string"),
  5: field("operationId", "string"),
  6: field("produces", "string", LIST),
  7: field("consumes", "string", LIST),
  8: field("parameters", message({ 1: field("parameter", PARAMETER) }), LIST),
  9: field(
    "responses",
    message({
      1: field(
        "entries",
        message({ 1: field("name", "string"), 2: field("value", message({ 1: field("response", RESPONSE) })) }),
        LIST,
      ),
    }),
  ),
  13: field("extensions", NAMED_ANY, LIST),
});
const PATH_ITEM = message({
  2: field("get", OPERATION),
  3: field("put", OPERATION),
  4: field("post", OPERATION),
  5: field("delete", OPERATION),
  8: field("patch", OPERATION),
});
const DOCUMENT = message({
  1: field("swagger", "string"),
  2: field("info", message({ 1: field("title", "string"), 2: field("version", "string") })),
  8: field(
    "paths",
    message({ 2: field("entries", message({ 1: field("name", "string"), 2: field("value", PATH_ITEM) }), LIST) }),
  ),
  9: field("definitions", message({ 1: field("entries", NAMED_SCHEMA, LIST) })),
});

type Parts = Readonly<Record<string, unknown>>;

/** Returns an OpenAPI 2 document as gnostic's protobuf, the only form in which `kubectl` asks for it. */
export function encodeOpenApiV2(document: JsonObject): Uint8Array {
  return encodeMessage(DOCUMENT, {
    swagger: stringAt(document, "swagger") ?? "",
    info: recordAt(document, "info"),
    paths: { entries: named(recordAt(document, "paths"), pathItem) },
    definitions: { entries: named(recordAt(document, "definitions"), schemaParts) },
  });
}

function named(map: Parts, convert: (value: unknown) => Parts): readonly Parts[] {
  return Object.entries(map).map(([name, value]) => ({ name, value: convert(value) }));
}

function pathItem(item: unknown): Parts {
  return isRecord(item)
    ? Object.fromEntries(Object.entries(item).map(([method, operation]) => [method, operationParts(operation)]))
    : {};
}

function operationParts(operation: unknown): Parts {
  return {
    description: stringAt(operation, "description") ?? "",
    operationId: stringAt(operation, "operationId") ?? "",
    produces: arrayAt(operation, "produces"),
    consumes: arrayAt(operation, "consumes"),
    parameters: arrayAt(operation, "parameters").map((parameter) => ({ parameter: parameterParts(parameter) })),
    responses: {
      entries: named(recordAt(operation, "responses"), (response) => ({
        response: {
          description: stringAt(response, "description") ?? "",
          schema: { schema: schemaParts(recordAt(response, "schema")) },
        },
      })),
    },
    extensions: extensionsOf(operation),
  };
}

function parameterParts(parameter: unknown): Parts {
  switch (stringAt(parameter, "in") ?? "") {
    case "body":
      return { body: { name: "body", in: "body", schema: schemaParts(recordAt(parameter, "schema")) } };
    case "path":
      return { other: { path: parameter } };
    default:
      return { other: { query: parameter } };
  }
}

function schemaParts(schema: unknown): Parts {
  const type = stringAt(schema, "type");
  const items = isRecord(schema) ? schema["items"] : undefined;
  const additional = isRecord(schema) ? schema["additionalProperties"] : undefined;
  const defaultValue = isRecord(schema) ? schema["default"] : undefined;
  return {
    ref: stringAt(schema, "$ref"),
    format: stringAt(schema, "format"),
    description: stringAt(schema, "description"),
    default: defaultValue === undefined ? undefined : yaml(defaultValue),
    required: arrayAt(schema, "required"),
    enum: arrayAt(schema, "enum").map(yaml),
    additionalProperties: isRecord(additional) ? { schema: schemaParts(additional) } : undefined,
    type: type === undefined ? undefined : { value: [type] },
    items: items === undefined ? undefined : { schema: [schemaParts(items)] },
    properties:
      isRecord(schema) && isRecord(schema["properties"])
        ? { entries: named(recordAt(schema, "properties"), schemaParts) }
        : undefined,
    extensions: extensionsOf(schema),
  };
}

function extensionsOf(owner: unknown): readonly Parts[] {
  if (!isRecord(owner)) return [];
  return Object.entries(owner)
    .filter(([name]) => name.startsWith("x-"))
    .map(([name, value]) => ({ name, value: yaml(value) }));
}

/** JSON is YAML. */
function yaml(value: unknown): Parts {
  return { yaml: `${JSON.stringify(value)}\n` };
}
