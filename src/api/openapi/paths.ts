import type { JsonObject } from "../../ground/json.ts";
import type { ServedResource } from "../served-resource.ts";

/** One way of calling a resource, before it is written in the words of OpenAPI 2 or 3. */
export interface Operation {
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  readonly path: string;
  readonly action: "list" | "get" | "post" | "put" | "patch" | "delete" | "deletecollection";
  readonly operationId: string;
  readonly description: string;
  readonly parameters: readonly Parameter[];
  /** Media types of the body; empty for none. */
  readonly consumes: readonly string[];
}

/** Something a client may say in a path or query. */
export interface Parameter {
  readonly name: string;
  readonly in: "query" | "path";
  readonly type: "string" | "boolean" | "integer";
  readonly description: string;
}

const NAME: Parameter = { name: "name", in: "path", type: "string", description: "Name of the object." };
const NAMESPACE: Parameter = { name: "namespace", in: "path", type: "string", description: "Namespace of the object." };

const WRITE: readonly Parameter[] = [
  query("dryRun", "string", "All: check and answer, store nothing."),
  query("fieldManager", "string", "Who is said to own the fields that change."),
  query("fieldValidation", "string", "Ignore, Warn or Strict: what happens to fields that are not known."),
];

const READ_MANY: readonly Parameter[] = [
  query("allowWatchBookmarks", "boolean", "Whether a watch also tells how far it is."),
  query("continue", "string", "Token of the page before."),
  query("fieldSelector", "string", "Fields the objects must have."),
  query("labelSelector", "string", "Labels the objects must have."),
  query("limit", "integer", "The longest page."),
  query("resourceVersion", "string", "The version to read or watch from."),
  query("timeoutSeconds", "integer", "How long a watch may last."),
  query("watch", "boolean", "Whether to stream changes."),
];

const BODY = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"] as const;

/** The patch types of every kind; built-in ones also take strategic merge patches. */
export const PATCH_TYPES = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/apply-patch+yaml",
] as const;
export const STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json";

/** Returns the operations on `resource` that clients look for in an OpenAPI document. */
export function operationsOf(resource: ServedResource, isStrategic: boolean): readonly Operation[] {
  const { kind } = resource;
  const root = resource.group === "" ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const collection = kind.namespaced ? `${root}/namespaces/{namespace}/${kind.plural}` : `${root}/${kind.plural}`;
  const scope = kind.namespaced ? [NAMESPACE] : [];
  const id = `${camel(resource.group)}${camel(resource.version)}${kind.namespaced ? "Namespaced" : ""}${kind.kind}`;
  const one = { path: `${collection}/{name}` } as const;
  const many = { path: collection } as const;
  const patchTypes = isStrategic ? [...PATCH_TYPES, STRATEGIC_MERGE_PATCH] : PATCH_TYPES;
  return [
    {
      ...many,
      method: "get",
      action: "list",
      operationId: `list${id}`,
      description: `list or watch objects of kind ${kind.kind}`,
      parameters: [...scope, ...READ_MANY],
      consumes: [],
    },
    {
      ...many,
      method: "post",
      action: "post",
      operationId: `create${id}`,
      description: `create a ${kind.kind}`,
      parameters: [...scope, ...WRITE],
      consumes: BODY,
    },
    {
      ...one,
      method: "get",
      action: "get",
      operationId: `read${id}`,
      description: `read the specified ${kind.kind}`,
      parameters: [NAME, ...scope],
      consumes: [],
    },
    {
      ...one,
      method: "put",
      action: "put",
      operationId: `replace${id}`,
      description: `replace the specified ${kind.kind}`,
      parameters: [NAME, ...scope, ...WRITE],
      consumes: BODY,
    },
    {
      ...one,
      method: "patch",
      action: "patch",
      operationId: `patch${id}`,
      description: `partially update the specified ${kind.kind}`,
      parameters: [NAME, ...scope, ...WRITE, query("force", "boolean", "Whether apply takes fields from others.")],
      consumes: patchTypes,
    },
    {
      ...one,
      method: "delete",
      action: "delete",
      operationId: `delete${id}`,
      description: `delete a ${kind.kind}`,
      parameters: [NAME, ...scope, query("dryRun", "string", "All: check and answer, delete nothing.")],
      consumes: BODY,
    },
  ];
}

/** The extensions that tie an operation or a definition to its kind. */
export function groupVersionKind(resource: ServedResource): JsonObject {
  return { group: resource.group, version: resource.version, kind: resource.kind.kind };
}

function query(name: string, type: Parameter["type"], description: string): Parameter {
  return { name, in: "query", type, description };
}

function camel(text: string): string {
  const words = (text === "" ? "core" : text.replace(/\.k8s\.io$/, "")).split(/[.-]/);
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}
