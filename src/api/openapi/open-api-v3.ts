import type { Json, JsonObject } from "../../ground/json.ts";
import type { ServedResource } from "../served-resource.ts";
import { definitionName, definitionsOf } from "./definitions.ts";
import { groupVersionKind, operationsOf } from "./paths.ts";
import type { Operation, Parameter } from "./paths.ts";

/** Returns the OpenAPI 3 document of one group and version. */
export function openApiV3(resources: readonly ServedResource[], version: string): JsonObject {
  const paths: Record<string, Record<string, Json>> = {};
  for (const resource of resources) {
    for (const operation of operationsOf(resource, !resource.isCustom)) {
      const path = (paths[operation.path] ??= {});
      path[operation.method] = operationBody(operation, resource);
    }
  }
  return {
    openapi: "3.0.0",
    info: { title: "Kubernetes", version },
    paths,
    components: { schemas: { ...definitionsOf(resources, reference), ...CHOICES } },
  };
}

/** Values of either of two types, which only OpenAPI 3 can say. */
const CHOICES: JsonObject = {
  "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {
    description: "A number, or a name.",
    format: "int-or-string",
    oneOf: [{ type: "integer" }, { type: "string" }],
  },
  "io.k8s.apimachinery.pkg.api.resource.Quantity": {
    description: "An amount, such as 500m or 1Gi.",
    oneOf: [{ type: "string" }, { type: "number" }],
  },
};

function reference(name: string): string {
  return `#/components/schemas/${name}`;
}

function operationBody(operation: Operation, resource: ServedResource): JsonObject {
  const schema = { $ref: reference(definitionName(resource)) };
  const isPatch = operation.action === "patch";
  const content = Object.fromEntries(
    operation.consumes.map((type) => [type, { schema: isPatch ? { type: "object" } : schema }]),
  );
  return {
    tags: [resource.apiVersion],
    description: operation.description,
    operationId: operation.operationId,
    parameters: operation.parameters.map(parameterBody),
    ...(operation.consumes.length > 0 ? { requestBody: { content, required: operation.action !== "delete" } } : {}),
    responses: { "200": { description: "OK", content: { "application/json": { schema } } } },
    "x-kubernetes-action": operation.action,
    "x-kubernetes-group-version-kind": groupVersionKind(resource),
  };
}

function parameterBody(parameter: Parameter): JsonObject {
  return {
    name: parameter.name,
    in: parameter.in,
    description: parameter.description,
    ...(parameter.in === "path" ? { required: true } : {}),
    schema: { type: parameter.type, uniqueItems: true },
  };
}
