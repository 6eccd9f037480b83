import type { Json } from "../../ground/json.ts";
import { apiVersionOf, type Kind } from "../kind.ts";
import { builtInType, type BuiltInField, type BuiltInFieldType, type BuiltInScalar } from "./built-in-types.ts";
import { OBJECT_META, topLevel } from "./metadata.ts";
import { intOrString, quantity, type Schema } from "./schema.ts";

/** Where the types of an API version are in the tables: exactly these, for anybody may define kinds in a group `apps.example`. */
const ROOMS: ReadonlyMap<string, string> = new Map([
  ["v1", "core"],
  ["apps/v1", "apps"],
  ["batch/v1", "batch"],
  ["autoscaling/v1", "autoscalingV1"],
  ["autoscaling/v2", "autoscaling"],
  ["policy/v1", "policy"],
  ["networking.k8s.io/v1", "networking"],
  ["rbac.authorization.k8s.io/v1", "rbac"],
  ["scheduling.k8s.io/v1", "scheduling"],
  ["storage.k8s.io/v1", "storage"],
  ["admissionregistration.k8s.io/v1", "admissionregistration"],
  ["certificates.k8s.io/v1", "certificates"],
  ["coordination.k8s.io/v1", "coordination"],
  ["discovery.k8s.io/v1", "discovery"],
  ["events.k8s.io/v1", "events"],
  ["node.k8s.io/v1", "node"],
  ["flowcontrol.apiserver.k8s.io/v1", "flowcontrol"],
  ["authentication.k8s.io/v1", "authentication"],
  ["authorization.k8s.io/v1", "authorization"],
  ["apiregistration.k8s.io/v1", "apiregistration"],
]);

/** What definitions are called where that does not follow from the room. */
const DEFINITIONS: Readonly<Record<string, string>> = {
  meta: "io.k8s.apimachinery.pkg.apis.meta.v1",
  autoscaling: "io.k8s.api.autoscaling.v2",
  autoscalingV1: "io.k8s.api.autoscaling.v1",
  apiregistration: "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1",
};

/** Returns the name in the tables of built-in types of a kind in an API version, `apps.Deployment`; undefined for other versions. */
export function builtInTypeName(apiVersion: string, kind: string): string | undefined {
  const room = ROOMS.get(apiVersion);
  return room === undefined ? undefined : `${room}.${kind}`;
}

/** Returns the schema of a built-in kind of Kubernetes, without words, or undefined when the kind is none. */
export function builtInSchema(kind: Kind, apiVersion: string = apiVersionOf(kind)): Schema | undefined {
  const name = builtInTypeName(apiVersion, kind.kind);
  const type = name === undefined ? undefined : builtInType(name);
  if (name === undefined || type === undefined) return undefined;
  const properties = propertiesOf(type.fields.filter((field) => field.name !== "metadata"));
  return topLevel(definitionName(name), `A ${kind.kind}, as Kubernetes has it.`, properties, requiredOf(type.fields));
}

const STRUCTS = new Map<string, Schema>();

function structSchema(name: string): Schema {
  if (name === "meta.ObjectMeta") return OBJECT_META;
  const known = STRUCTS.get(name);
  if (known !== undefined) return known;
  const type = builtInType(name);
  const schema: Schema = {
    name: definitionName(name),
    type: "object",
    properties: propertiesOf(type?.fields ?? []),
    ...requiredOf(type?.fields ?? []),
    ...(type?.isAtomic === true ? { "x-kubernetes-map-type": "atomic" } : {}),
  };
  STRUCTS.set(name, schema);
  return schema;
}

function requiredOf(fields: readonly BuiltInField[]): Pick<Schema, "required"> {
  const required = fields.filter((field) => field.isRequired).map((field) => field.name);
  return required.length === 0 ? {} : { required };
}

/** `core.Container` is `io.k8s.api.core.v1.Container` in documents. */
function definitionName(name: string): string {
  const [room = "", type = ""] = name.split(".");
  return `${DEFINITIONS[room] ?? `io.k8s.api.${room}.v1`}.${type}`;
}

/** The properties of fields; those of embedded structs stand among them. */
function propertiesOf(fields: readonly BuiltInField[]): Readonly<Record<string, Schema>> {
  const properties: Record<string, Schema> = {};
  for (const field of fields) {
    if (field.isInline && field.type.is === "struct")
      Object.assign(properties, structSchema(field.type.name).properties);
    else properties[field.name] = fieldSchema(field);
  }
  return properties;
}

function fieldSchema(field: BuiltInField): Schema {
  const base = typeSchema(field.type);
  const standard = standardOf(field) ?? alwaysThere(field);
  return {
    ...base,
    ...(field.type.is === "struct" ? { definition: base.definition ?? base } : {}),
    ...(field.isPointer && field.type.is === "scalar" ? { keepsEmpty: true } : {}),
    ...(standard === undefined ? {} : { default: standard }),
    ...(field.listType === undefined ? {} : { "x-kubernetes-list-type": field.listType }),
    ...(field.listKeys.length === 0 ? {} : { "x-kubernetes-list-map-keys": field.listKeys }),
    ...(field.patchStrategy === undefined ? {} : { "x-kubernetes-patch-strategy": field.patchStrategy }),
    ...(field.patchKey === undefined ? {} : { "x-kubernetes-patch-merge-key": field.patchKey }),
    ...(field.isAtomicMap ? { "x-kubernetes-map-type": "atomic" } : {}),
  };
}

/** A default that is empty and would be left out again is none. */
function standardOf(field: BuiltInField): Json | undefined {
  const { standard } = field;
  const isEmpty = standard === 0 || standard === "" || standard === false;
  return isEmpty && !field.isAlways && !field.isPointer ? undefined : standard;
}

/** What a field holds in JSON when nothing was given: structs that are no pointers are never left out. */
function alwaysThere(field: BuiltInField): Json | undefined {
  if (field.isPointer) return field.isAlways ? null : undefined;
  if (field.type.is === "struct") return {};
  if (!field.isAlways) return undefined;
  return field.type.is === "scalar" ? ZERO[field.type.scalar] : null;
}

const ZERO: Readonly<Record<BuiltInScalar, Json>> = {
  string: "",
  bool: false,
  int32: 0,
  int64: 0,
  double: 0,
  bytes: null,
  time: null,
  microTime: null,
  duration: "0s",
  raw: null,
  intOrString: 0,
  quantity: "0",
};

function typeSchema(type: BuiltInFieldType): Schema {
  switch (type.is) {
    case "list":
      return { type: "array", items: typeSchema(type.of) };
    case "map":
      return { type: "object", additionalProperties: typeSchema(type.of) };
    case "struct":
      return structSchema(type.name);
    case "scalar":
      return { ...SCALARS[type.scalar], ...(type.goType === undefined ? {} : { goType: type.goType }) };
    default:
      return type satisfies never;
  }
}

const SCALARS: Readonly<Record<BuiltInScalar, Schema>> = {
  string: { type: "string" },
  bool: { type: "boolean" },
  int32: { type: "integer", format: "int32" },
  int64: { type: "integer", format: "int64" },
  double: { type: "number", format: "double" },
  bytes: { type: "string", format: "byte" },
  time: { type: "string", format: "date-time", goType: "v1.Time" },
  microTime: { type: "string", format: "date-time", goType: "v1.MicroTime" },
  duration: { type: "string", goType: "v1.Duration" },
  raw: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
  intOrString: intOrString("A number, or a name."),
  quantity: quantity("An amount, such as 500m or 1Gi."),
};
