import { Environment } from "@marcbachmann/cel-js";
import { isRecord } from "../../ground/json.ts";
import type { Schema } from "../../resource/schema/schema.ts";
import { celEqual } from "./cel-equal.ts";

/** An object of a schema as CEL sees it: its known fields by their CEL names. */
abstract class CelObject {
  readonly [field: string]: unknown;
}

/** How values of one schema look to CEL. */
export interface CelType {
  /** As declarations write it: `int`, `list<string>`, `Object3`. */
  readonly name: string;
  /** As people should read it: `Object.spec`. */
  readonly label: string;
  toCel(value: unknown): unknown;
}

/** Declares the types of a schema in an environment, each once. */
export class CelTypes {
  readonly environment: Environment;
  readonly #labels = new Map<string, string>();
  readonly #known = new Map<Schema, CelType | undefined>();

  constructor(environment: Environment) {
    this.environment = environment;
  }

  /** Returns the type of `schema`, or undefined when rules cannot reach such values. */
  typeOf(schema: Schema, label: string): CelType | undefined {
    if (this.#known.has(schema)) return this.#known.get(schema);
    const type = this.#make(schema, label);
    this.#known.set(schema, type);
    return type;
  }

  /** Returns `text` with names of types as people know them. */
  readable(text: string): string {
    return text.replaceAll(/\bObject\d+\b/g, (name) => this.#labels.get(name) ?? name);
  }

  #make(schema: Schema, label: string): CelType | undefined {
    if (schema["x-kubernetes-int-or-string"] === true) return { name: "dyn", label: "dyn", toCel: dynamic };
    switch (schema.type) {
      case "boolean":
        return { name: "bool", label: "bool", toCel: (value) => value };
      case "integer":
        return { name: "int", label: "int", toCel: (value) => (typeof value === "number" ? BigInt(value) : value) };
      case "number":
        return { name: "double", label: "double", toCel: (value) => value };
      case "string":
        return this.#text(schema);
      case "array":
        return this.#list(schema, label);
      case "object":
        return schema.additionalProperties === undefined ? this.#object(schema, label) : this.#map(schema, label);
      case undefined:
        return undefined;
      default:
        return schema.type satisfies never;
    }
  }

  #text(schema: Schema): CelType {
    switch (schema.format) {
      case "byte":
        return { name: "bytes", label: "bytes", toCel: (value) => Buffer.from(String(value), "base64") };
      case "date":
      case "date-time":
        return {
          name: "google.protobuf.Timestamp",
          label: "google.protobuf.Timestamp",
          toCel: (value) => new Date(String(value)),
        };
      case "duration":
        return {
          name: "google.protobuf.Duration",
          label: "google.protobuf.Duration",
          toCel: (value) => DURATIONS({ text: String(value) }) as unknown,
        };
      case undefined:
      default:
        return { name: "string", label: "string", toCel: (value) => value };
    }
  }

  #list(schema: Schema, label: string): CelType | undefined {
    const items = this.typeOf(schema.items ?? {}, `${label}.@idx`);
    if (items === undefined) return undefined;
    return {
      name: `list<${items.name}>`,
      label: `list(${items.label})`,
      toCel: (value) => (Array.isArray(value) ? value.map((item) => items.toCel(item)) : value),
    };
  }

  #map(schema: Schema, label: string): CelType | undefined {
    const values = this.typeOf(schema.additionalProperties ?? {}, `${label}.@elem`);
    if (values === undefined) return undefined;
    return {
      name: `map<string, ${values.name}>`,
      label: `map(string, ${values.label})`,
      toCel: (value) =>
        isRecord(value) ? new Map(Object.entries(value).map(([key, inner]) => [key, values.toCel(inner)])) : value,
    };
  }

  #object(schema: Schema, label: string): CelType {
    const name = `Object${String(this.#labels.size)}`;
    this.#labels.set(name, label);
    const fields: Record<string, string> = {};
    const converters = new Map<string, { readonly field: string; readonly type: CelType }>();
    for (const [property, inner] of Object.entries(schema.properties ?? {})) {
      const field = celFieldName(property);
      const type = field === undefined ? undefined : this.typeOf(inner, `${label}.${property}`);
      if (field === undefined || type === undefined) continue;
      fields[field] = type.name;
      converters.set(property, { field, type });
    }
    const Fields = class extends CelObject {};
    this.environment.registerType(name, { ctor: Fields, fields });
    this.environment.registerOperator(`${name} == ${name}`, celEqual);
    const toCel = (value: unknown): unknown => {
      if (!isRecord(value)) return value;
      const entries: Record<string, unknown> = {};
      for (const [property, { field, type }] of converters) {
        const inner = value[property];
        if (inner !== undefined && inner !== null) entries[field] = type.toCel(inner);
      }
      return Object.assign(new Fields(), entries);
    };
    return { name, label, toCel };
  }
}

const DURATIONS = new Environment().registerVariable("text", "string").parse("duration(text)");

function dynamic(value: unknown): unknown {
  return typeof value === "number" && Number.isInteger(value) ? BigInt(value) : value;
}

/** Words of CEL that a field may be called by, and that must be escaped. */
const RESERVED: ReadonlySet<string> = new Set(
  "true false null in as break const continue else for function if import let loop package namespace return var void while".split(
    " ",
  ),
);

/** Returns the name by which rules reach a field (Kubernetes documentation, "Validation rules"); undefined: there is none. */
export function celFieldName(property: string): string | undefined {
  if (RESERVED.has(property)) return `__${property}__`;
  if (!/^[A-Za-z_][\w.\-/]*$/.test(property)) return undefined;
  return property
    .replaceAll("__", "__underscores__")
    .replaceAll(".", "__dot__")
    .replaceAll("-", "__dash__")
    .replaceAll("/", "__slash__");
}
