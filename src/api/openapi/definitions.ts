import type { JsonObject } from "../../ground/json.ts";
import { openApiOf } from "../../resource/schema/open-api-of.ts";
import { schemaOf } from "../../resource/schema/schema-of.ts";
import type { Schema } from "../../resource/schema/schema.ts";
import type { ServedResource } from "../served-resource.ts";
import { groupVersionKind } from "./paths.ts";

/** Returns the name under which OpenAPI documents define the kind of `resource`. */
export function definitionName(resource: ServedResource): string {
  const named = schemaOf(resource.kind, resource.apiVersion).name;
  if (named !== undefined) return named;
  const group = resource.group === "" ? "core" : (resource.group.split(".")[0] ?? "core");
  return `io.k8s.api.${group}.${resource.version}.${resource.kind.kind}`;
}

/** Returns the definitions of `resources` and of all they refer to, by name, with references made by `refTo`. */
export function definitionsOf(
  resources: readonly ServedResource[],
  refTo: (name: string) => string,
): Readonly<Record<string, JsonObject>> {
  const result: Record<string, JsonObject> = {};
  const waiting: Schema[] = [];
  const define = (schema: Schema): void => {
    if (schema.name !== undefined && result[schema.name] === undefined) waiting.push(schema);
  };
  for (const resource of resources) {
    result[definitionName(resource)] = {
      ...openApiOf(schemaOf(resource.kind, resource.apiVersion), refTo, define),
      "x-kubernetes-group-version-kind": [groupVersionKind(resource)],
    };
  }
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (next.name === undefined || result[next.name] !== undefined) continue;
    result[next.name] = openApiOf(next, refTo, define);
  }
  return result;
}
