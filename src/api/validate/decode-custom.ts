import { isRecord } from "../../ground/json.ts";
import { OBJECT_META } from "../../resource/schema/metadata.ts";
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
  if (!isRecord(value)) return value;
  const isEmbedded = schema["x-kubernetes-embedded-resource"] === true;
  const keepsAll = schema["x-kubernetes-preserve-unknown-fields"] === true;
  const entries: [string, unknown][] = [];
  for (const [name, inner] of Object.entries(value)) {
    const own = schema.properties !== undefined && Object.hasOwn(schema.properties, name);
    const property = own ? schema.properties?.[name] : schema.additionalProperties;
    const innerPath = path === "" ? name : `${path}.${name}`;
    if (isEmbedded && name === "metadata") entries.push([name, embeddedMetadata(inner, innerPath, unknown)]);
    else if (property !== undefined) {
      // A null where there may be none counts as absent.
      if (inner === null && property.nullable !== true && property.default === undefined) continue;
      entries.push([name, pruned(inner, property, innerPath, unknown)]);
    } else if (keepsAll || (isEmbedded && (name === "apiVersion" || name === "kind"))) entries.push([name, inner]);
    else unknown.push(innerPath);
  }
  return Object.fromEntries(entries);
}

function embeddedMetadata(value: unknown, path: string, unknown: string[]): unknown {
  const findings: DecodeFindings = { unknown: [], typeError: undefined };
  const decoded = decodeTyped(value, OBJECT_META, findings, { path, struct: undefined, goPath: path });
  unknown.push(...findings.unknown);
  return findings.typeError === undefined ? decoded : value;
}
