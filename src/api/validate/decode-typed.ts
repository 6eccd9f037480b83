import { isRecord } from "../../ground/json.ts";
import { canonicalQuantity } from "../../resource/quantity.ts";
import type { Schema } from "../../resource/schema/schema.ts";

/** What decoding found besides the value. */
export interface DecodeFindings {
  /** Paths of fields the kind does not have, in the order they came. */
  readonly unknown: string[];
  /** The first value of a wrong type, in the words of Go's JSON decoder; nothing is right once this is set. */
  typeError: string | undefined;
}

/**
 * Decodes `value` as an API server decodes a built-in kind: into structs. Unknown fields are left out and reported,
 * nulls and empty optional values are left out, and a value of a wrong type is an error.
 */
export function decodeTyped(value: unknown, schema: Schema, findings: DecodeFindings, place: Place = ROOT): unknown {
  if (value === null || value === undefined) return undefined;
  if (schema["x-kubernetes-int-or-string"] === true) return intOrString(value, findings);
  if (schema["x-kubernetes-preserve-unknown-fields"] === true && schema.properties === undefined) return value;
  if (schema.goType === QUANTITY) return quantity(value, findings);
  switch (schema.type) {
    case "object":
      return schema.additionalProperties === undefined
        ? decodeStruct(value, schema, findings, place)
        : decodeMap(value, schema, schema.additionalProperties, findings, place);
    case "array":
      return decodeList(value, schema, findings, place);
    case "string":
      return decodeString(value, schema, findings, place);
    case "integer":
      return decodeInteger(value, schema, findings, place);
    case "number":
      return typeof value === "number" ? value : mismatch(value, schema, findings, place);
    case "boolean":
      return typeof value === "boolean" ? emptyUnless(value, value, schema) : mismatch(value, schema, findings, place);
    case undefined:
      return value;
    default:
      return schema.type satisfies never;
  }
}

/** Where a value is: its path with indices, as unknown fields are reported, and without them under its Go struct, as types are. */
export interface Place {
  readonly path: string;
  readonly struct: Schema | undefined;
  readonly goPath: string;
}

const QUANTITY = "resource.Quantity";

const ROOT: Place = { path: "", struct: undefined, goPath: "" };

function decodeStruct(value: unknown, schema: Schema, findings: DecodeFindings, place: Place): unknown {
  if (!isRecord(value)) return mismatch(value, schema, findings, place);
  const properties = schema.properties ?? {};
  const entries: [string, unknown][] = [];
  for (const [name, inner] of Object.entries(value)) {
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    const path = place.path === "" ? name : `${place.path}.${name}`;
    if (property === undefined) {
      if (schema["x-kubernetes-preserve-unknown-fields"] === true) entries.push([name, inner]);
      else findings.unknown.push(path);
      continue;
    }
    const goPath = place.goPath === "" ? name : `${place.goPath}.${name}`;
    const decoded = decodeTyped(inner, property, findings, { path, struct: schema, goPath });
    if (decoded !== undefined) entries.push([name, decoded]);
  }
  return Object.fromEntries(entries);
}

function decodeMap(value: unknown, schema: Schema, values: Schema, findings: DecodeFindings, place: Place): unknown {
  if (!isRecord(value)) return mismatch(value, schema, findings, place);
  const entries = Object.entries(value).map(([name, inner]): [string, unknown] => {
    const path = place.path === "" ? name : `${place.path}.${name}`;
    return [name, decodeTyped(inner, keepingEmpty(values), findings, { ...place, path }) ?? zeroOf(values)];
  });
  return emptyUnless(entries.length > 0, Object.fromEntries(entries), schema);
}

function decodeList(value: unknown, schema: Schema, findings: DecodeFindings, place: Place): unknown {
  if (!Array.isArray(value)) return mismatch(value, schema, findings, place);
  const items = keepingEmpty(schema.items ?? {});
  const decoded = value.map((inner: unknown, index) => {
    const path = `${place.path}[${String(index)}]`;
    return decodeTyped(inner, items, findings, { ...place, path }) ?? zeroOf(items);
  });
  return emptyUnless(decoded.length > 0, decoded, schema);
}

const KEEPING_EMPTY = new WeakMap<Schema, Schema>();

/** Items and entries are never optional, so they keep what they are. */
function keepingEmpty(schema: Schema): Schema {
  const known = KEEPING_EMPTY.get(schema);
  if (known !== undefined) return known;
  const kept: Schema = { ...schema, keepsEmpty: true };
  KEEPING_EMPTY.set(schema, kept);
  return kept;
}

function decodeString(value: unknown, schema: Schema, findings: DecodeFindings, place: Place): unknown {
  if (typeof value !== "string") return mismatch(value, schema, findings, place);
  if (schema.format === "byte") {
    const at = illegalBase64At(value);
    if (at !== undefined) findings.typeError ??= `illegal base64 data at input byte ${String(at)}`;
  }
  if (schema.format === "date-time" && Number.isNaN(Date.parse(value))) {
    const text = JSON.stringify(value);
    findings.typeError ??= `parsing time ${text} as "2006-01-02T15:04:05Z07:00": cannot parse ${text} as "2006"`;
  }
  return emptyUnless(value !== "", value, schema);
}

function decodeInteger(value: unknown, schema: Schema, findings: DecodeFindings, place: Place): unknown {
  const fits =
    typeof value === "number" &&
    Number.isInteger(value) &&
    (schema.format !== "int32" || (value >= -2_147_483_648 && value <= 2_147_483_647));
  return fits ? emptyUnless(value !== 0, value, schema) : mismatch(value, schema, findings, place);
}

function intOrString(value: unknown, findings: DecodeFindings): unknown {
  if (typeof value === "string" || (typeof value === "number" && Number.isInteger(value))) return value;
  const found = typeof value === "number" ? `number ${String(value)}` : jsonTypeOf(value);
  findings.typeError ??= `json: cannot unmarshal ${found} into Go value of type int32`;
  return undefined;
}

/** Amounts may come as numbers, and are kept as Kubernetes writes them. */
function quantity(value: unknown, findings: DecodeFindings): unknown {
  const canonical =
    typeof value === "string" || typeof value === "number" ? canonicalQuantity(String(value)) : undefined;
  if (canonical === undefined) {
    findings.typeError ??=
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
  }
  return canonical;
}

/** Optional fields that hold nothing are dropped (Go's omitempty); a field with a default of its own keeps what it was given. */
function emptyUnless(full: boolean, value: unknown, schema: Schema): unknown {
  return full || schema.keepsEmpty === true || schema.default !== undefined ? value : undefined;
}

function mismatch(value: unknown, schema: Schema, findings: DecodeFindings, place: Place): undefined {
  const found =
    typeof value === "number" && (schema.type === "integer" || schema.type === "number")
      ? `number ${String(value)}`
      : jsonTypeOf(value);
  const target =
    place.struct === undefined
      ? `Go value of type ${goTypeOf(schema)}`
      : `Go struct field ${goNameOf(place.struct)}.${place.goPath} of type ${goTypeOf(schema)}`;
  findings.typeError ??= `json: cannot unmarshal ${found} into ${target}`;
  return undefined;
}

function jsonTypeOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean") return "bool";
  return typeof value;
}

function goTypeOf(schema: Schema): string {
  if (schema.goType !== undefined) return schema.goType;
  if (schema.type === "array") return `[]${goTypeOf(schema.items ?? {})}`;
  if (schema.type === "object") {
    if (schema.additionalProperties !== undefined) return `map[string]${goTypeOf(schema.additionalProperties)}`;
    const parts = (schema.name ?? "").split(".");
    return `${parts.at(-2) ?? ""}.${parts.at(-1) ?? ""}`;
  }
  if (schema.type === "boolean") return "bool";
  if (schema.type === "integer") return schema.format ?? "int64";
  if (schema.format === "byte") return "[]uint8";
  return schema.type ?? "interface {}";
}

function goNameOf(schema: Schema): string {
  return schema.name?.slice(schema.name.lastIndexOf(".") + 1) ?? "";
}

function zeroOf(schema: Schema): unknown {
  if (schema.type === "string") return "";
  if (schema.type === "object") return {};
  return null;
}

/** Returns where `text` stops being standard base64 (RFC 4648 section 4; line breaks are skipped), or undefined when it does not. */
export function illegalBase64At(text: string): number | undefined {
  const body = text.replaceAll(/[\r\n]/g, "");
  const match = /^[A-Za-z0-9+/]*/.exec(body);
  const length = match?.[0].length ?? 0;
  const padding = body.slice(length);
  const expected = { 0: "", 2: "==", 3: "=" }[length % 4 === 1 ? -1 : length % 4];
  if (expected !== undefined && padding === expected) return undefined;
  return padding === "" || padding.startsWith("=") ? Math.max(0, body.length - (body.length % 4 || 4)) : length;
}
