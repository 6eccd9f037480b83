import type { OlderVersion } from "../older-versions.ts";
import type { Schema } from "./schema.ts";

type Properties = Readonly<Record<string, Schema>>;

/** Returns the schema of an older version: the stored one's, with the fields where that version has them. */
export function olderSchema(stored: Schema, older: OlderVersion): Schema {
  let schema: Schema = { ...stored, name: `io.cert-manager.${older.version}.${older.kind.kind}` };
  for (const { each, older: path, stored: storedPath, words } of older.moves) {
    const list = each === "" ? [] : [...each.split("."), "[]"];
    const field = withoutWords(nodeAt(schema, [...list, ...storedPath.split(".")]) ?? {}, words);
    schema = withField(schema, [...list, ...storedPath.split(".")], undefined);
    schema = withField(schema, [...list, ...path.split(".")], field);
  }
  for (const path of older.only) {
    schema = withField(schema, path.split("."), {
      type: "object",
      description: "Kept for whoever reads this version; not acted upon.",
      "x-kubernetes-preserve-unknown-fields": true,
    });
  }
  return schema;
}

/** Words that are renamed are no longer those of the enumeration. */
function withoutWords(field: Schema, words: Readonly<Record<string, string>>): Schema {
  if (Object.keys(words).length === 0) return field;
  const { enum: _, ...rest } = field;
  return rest;
}

function nodeAt(schema: Schema | undefined, path: readonly string[]): Schema | undefined {
  const [head, ...rest] = path;
  if (head === undefined || schema === undefined) return schema;
  return nodeAt(head === "[]" ? schema.items : schema.properties?.[head], rest);
}

/** Returns `schema` with the field at `path` set, or left out when it is undefined; it is no longer required then. */
function withField(schema: Schema, path: readonly string[], field: Schema | undefined): Schema {
  const [head = "", ...rest] = path;
  if (head === "[]") {
    return schema.items === undefined ? schema : { ...schema, items: withField(schema.items, rest, field) };
  }
  const { [head]: child, ...others }: Properties = schema.properties ?? {};
  const next = rest.length === 0 ? field : withField(child ?? { type: "object" }, rest, field);
  const required = (schema.required ?? []).filter((name) => next !== undefined || name !== head);
  return {
    ...schema,
    properties: { ...others, ...(next === undefined ? {} : { [head]: next }) },
    ...(schema.required === undefined ? {} : { required }),
  };
}
