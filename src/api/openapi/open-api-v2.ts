import type { Json, JsonObject } from "../../ground/json.ts";
import { isRecord, stringAt } from "../../ground/json.ts";
import type { ServedResource } from "../served-resource.ts";
import { definitionName, definitionsOf } from "./definitions.ts";
import { groupVersionKind, operationsOf } from "./paths.ts";
import type { Operation, Parameter } from "./paths.ts";

/** Returns the one OpenAPI 2 (Swagger) document of everything that is served. */
export function openApiV2(resources: readonly ServedResource[], version: string): JsonObject {
  const paths: Record<string, Record<string, Json>> = {};
  for (const resource of resources) {
    for (const operation of operationsOf(resource, !resource.isCustom)) {
      const path = (paths[operation.path] ??= {});
      path[operation.method] = operationBody(operation, resource);
    }
  }
  const definitions = Object.entries(definitionsOf(resources, reference));
  return {
    swagger: "2.0",
    info: { title: "Kubernetes", version },
    paths,
    definitions: Object.fromEntries(definitions.map(([name, schema]) => [name, flattened(schema)])),
  };
}

function reference(name: string): string {
  return `#/definitions/${name}`;
}

function operationBody(operation: Operation, resource: ServedResource): JsonObject {
  const schema = { $ref: reference(definitionName(resource)) };
  const isPatch = operation.action === "patch";
  const hasBody = operation.consumes.length > 0;
  const body = { name: "body", in: "body", schema: isPatch ? { type: "object" } : schema };
  return {
    description: operation.description,
    operationId: operation.operationId,
    produces: ["application/json", "application/yaml"],
    consumes: hasBody ? [...operation.consumes] : ["*/*"],
    parameters: [...operation.parameters.map(parameterBody), ...(hasBody ? [body] : [])],
    responses: { "200": { description: "OK", schema } },
    "x-kubernetes-action": operation.action,
    "x-kubernetes-group-version-kind": groupVersionKind(resource),
  };
}

function parameterBody(parameter: Parameter): JsonObject {
  return {
    name: parameter.name,
    in: parameter.in,
    type: parameter.type,
    description: parameter.description,
    ...(parameter.in === "path" ? { required: true } : { uniqueItems: true }),
  };
}

/** OpenAPI 2 readers look for a reference beside its description, not inside `allOf`. */
function flattened(schema: JsonObject): JsonObject {
  const result: Record<string, Json> = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === "allOf" && Array.isArray(value)) {
      const target = stringAt(value[0], "$ref");
      if (target !== undefined) result["$ref"] = target;
    } else if (key === "anyOf" || key === "oneOf" || key === "not") {
      // OpenAPI 2 has no words for alternatives.
      continue;
    } else if (key === "properties" && isJsonObject(value)) {
      const entries = Object.entries(value).map(([name, inner]): [string, Json] => [
        name,
        isJsonObject(inner) ? flattened(inner) : (inner ?? null),
      ]);
      result[key] = Object.fromEntries(entries);
    } else if ((key === "items" || key === "additionalProperties") && isJsonObject(value)) {
      result[key] = flattened(value);
    } else if (value !== undefined) {
      result[key] = value;
    }
  }
  return result;
}

function isJsonObject(value: Json | undefined): value is JsonObject {
  return isRecord(value);
}
