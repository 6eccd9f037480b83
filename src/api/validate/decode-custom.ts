import { isRecord } from "../../ground/json.ts";
import type { Schema } from "../../resource/schema/schema.ts";
import { decodeTyped } from "./decode-typed.ts";
import type { DecodeFindings } from "./decode-typed.ts";

/**
 * Decodes `value` as an API server decodes a custom resource: fields that the schema does not have are left out and
 * reported in order of name; types are judged later. Metadata is decoded as that of built-in kinds.
 */
export function decodeCustom(
  value: Readonly<Record<string, unknown>>,
  schema: Schema,
  findings: DecodeFindings,
): unknown {
  const metadataSchema = schema.properties?.["metadata"];
  const { metadata, ...rest } = value;
  const unknown: string[] = [];
  const body = pruned(rest, schema, "", unknown);
  findings.unknown.push(...unknown.sort());
  if (metadataSchema === undefined || metadata === undefined) return body;
  const place = { path: "metadata", struct: undefined, goPath: "metadata" };
  return { ...(isRecord(body) ? body : {}), metadata: decodeTyped(metadata, metadataSchema, findings, place) ?? {} };
}

function pruned(value: unknown, schema: Schema, path: string, unknown: string[]): unknown {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined
      ? value
      : value.map((inner: unknown, index) => pruned(inner, items, `${path}[${String(index)}]`, unknown));
  }
  if (!isRecord(value) || (schema.properties === undefined && schema.additionalProperties === undefined)) return value;
  const entries: [string, unknown][] = [];
  for (const [name, inner] of Object.entries(value)) {
    const own = schema.properties !== undefined && Object.hasOwn(schema.properties, name);
    const property = own ? schema.properties?.[name] : schema.additionalProperties;
    const innerPath = path === "" ? name : `${path}.${name}`;
    if (property !== undefined) entries.push([name, pruned(inner, property, innerPath, unknown)]);
    else if (schema["x-kubernetes-preserve-unknown-fields"] === true) entries.push([name, inner]);
    else unknown.push(innerPath);
  }
  return Object.fromEntries(entries);
}
