import type { Json } from "../../ground/json.ts";

/**
 * The shape of a value in the words of OpenAPI v3 and the Kubernetes extensions. One schema drives decoding, defaults,
 * validation, both kinds of patch, field ownership and what `kubectl explain` prints.
 *
 * `name`, `definition`, `goType` and `keepsEmpty` are ours and never published; `openApiOf` leaves them out.
 */
export interface Schema {
  /** The name this object has in Kubernetes's OpenAPI documents (`io.k8s.api.networking.v1.IngressSpec`). */
  readonly name?: string;
  /** The named schema this use of it was made from; its description is the type's, ours is the field's. */
  readonly definition?: Schema;
  /** The Go type that a real API server names in decoding errors, where it is not the one `type` implies. */
  readonly goType?: string;
  /** In a built-in kind: an empty value is kept, where other optional fields drop it. */
  readonly keepsEmpty?: true;

  readonly type?: "object" | "array" | "string" | "integer" | "number" | "boolean";
  readonly format?: string;
  readonly title?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly enum?: readonly Json[];
  /** What an absent value becomes. On a struct of a built-in kind `{}` says that the object is always there. */
  readonly default?: Json;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly maximum?: number;
  readonly exclusiveMaximum?: boolean;
  readonly multipleOf?: number;
  /** In characters. */
  readonly minLength?: number;
  /** In bytes, as API servers count it. */
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly nullable?: boolean;
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly not?: Schema;

  readonly "x-kubernetes-patch-strategy"?: string;
  readonly "x-kubernetes-patch-merge-key"?: string;
  readonly "x-kubernetes-list-type"?: "atomic" | "set" | "map";
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-map-type"?: "atomic" | "granular";
  readonly "x-kubernetes-preserve-unknown-fields"?: true;
  readonly "x-kubernetes-embedded-resource"?: true;
  readonly "x-kubernetes-int-or-string"?: true;
  readonly "x-kubernetes-validations"?: readonly ValidationRule[];
}

/** A rule in the Common Expression Language (CEL) that the value, `self`, must keep. */
export type ValidationRule = {
  readonly rule: string;
  readonly message?: string;
  /** An expression that makes the message; where it fails, `message` stands in. */
  readonly messageExpression?: string;
  /** A word of `metav1.CauseType`. @default FieldValueInvalid */
  readonly reason?: string;
  /** The field inside of the value that is to blame, as `.spec.name`. @default the value itself */
  readonly fieldPath?: string;
  /** Whether a rule with `oldSelf` is also asked of new values. @default false */
  readonly optionalOldSelf?: boolean;
};

/** What a builder below adds to the schema it makes. */
export type Extras = Omit<Partial<Schema>, "type" | "description" | "properties" | "items" | "additionalProperties">;

/** Makes the schema of an object. `name` is its definition name, or undefined when Kubernetes inlines it. */
export function struct(
  name: string | undefined,
  description: string,
  properties: Readonly<Record<string, Schema>>,
  extras: Extras = {},
): Schema {
  return { ...(name === undefined ? {} : { name }), type: "object", description, properties, ...extras };
}

/** Makes a field that holds the named `schema`, described for this place. */
export function use(schema: Schema, description: string, extras: Extras = {}): Schema {
  return { ...schema, description, ...extras, definition: schema.definition ?? schema };
}

/** A string. */
export function text(description: string, extras: Extras = {}): Schema {
  return { type: "string", description, ...extras };
}

/** A boolean. */
export function flag(description: string, extras: Extras = {}): Schema {
  return { type: "boolean", description, ...extras };
}

/** A whole number of 32 bits. */
export function int32(description: string, extras: Extras = {}): Schema {
  return { type: "integer", format: "int32", description, ...extras };
}

/** A whole number of 64 bits. */
export function int64(description: string, extras: Extras = {}): Schema {
  return { type: "integer", format: "int64", description, ...extras };
}

/** A moment in RFC 3339. */
export function moment(description: string, extras: Extras = {}): Schema {
  return { type: "string", format: "date-time", description, goType: "v1.Time", ...extras };
}

/** Bytes, base64 in JSON. */
export function bytes(description: string, extras: Extras = {}): Schema {
  return { type: "string", format: "byte", description, ...extras };
}

/** A number or a name, such as a port. */
export function intOrString(description: string, extras: Extras = {}): Schema {
  return use(INT_OR_STRING, description, extras);
}

const INT_OR_STRING: Schema = {
  name: "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
  description: "A number, or a name.",
  format: "int-or-string",
  "x-kubernetes-int-or-string": true,
  goType: "intstr.IntOrString",
};

/** An amount with a suffix, `500m` or `1Gi`. */
export function quantity(description: string, extras: Extras = {}): Schema {
  return use(QUANTITY, description, extras);
}

const QUANTITY: Schema = {
  name: "io.k8s.apimachinery.pkg.api.resource.Quantity",
  description: "An amount.",
  type: "string",
  goType: "resource.Quantity",
};

/** A list; patches and apply replace it whole unless `extras` say otherwise. */
export function listOf(items: Schema, description: string, extras: Extras = {}): Schema {
  return { type: "array", items, description, ...extras };
}

/** A list that is replaced whole by apply and by patches. */
export function atomicList(items: Schema, description: string, extras: Extras = {}): Schema {
  return listOf(items, description, { "x-kubernetes-list-type": "atomic", ...extras });
}

/** A list whose items are told apart by `keys`, merged item by item by apply and (by the first key) by patches. */
export function keyedList(items: Schema, keys: readonly string[], description: string, extras: Extras = {}): Schema {
  return listOf(items, description, {
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": keys,
    ...extras,
  });
}

/** The patch extensions of a list that strategic merge patches merge by `key`. */
export function mergedBy(key: string): Extras {
  return { "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": key };
}

/** Values by name. */
export function mapOf(values: Schema, description: string, extras: Extras = {}): Schema {
  return { type: "object", additionalProperties: values, description, ...extras };
}

/** Strings by name, such as labels. */
export function textMap(description: string, extras: Extras = {}): Schema {
  return mapOf(TEXT, description, extras);
}

/** A string in a list or map that needs no words of its own. */
export const TEXT: Schema = { type: "string" };
