import assert from "node:assert/strict";
import { test } from "node:test";
import { KINDS } from "../kind.ts";
import type { Schema } from "./schema.ts";
import { schemaOf, schemaVersionsOf } from "./schema-of.ts";

function walk(schema: Schema, path: string, visit: (schema: Schema, path: string) => void): void {
  visit(schema, path);
  for (const [name, inner] of Object.entries(schema.properties ?? {})) walk(inner, `${path}.${name}`, visit);
  if (schema.items !== undefined) walk(schema.items, `${path}[]`, visit);
  if (schema.additionalProperties !== undefined) walk(schema.additionalProperties, `${path}.*`, visit);
}

test("schemaOf() knows every kind that is served, in every version", () => {
  for (const kind of KINDS) {
    assert.ok(schemaVersionsOf(kind).length > 0, kind.kind);
    for (const version of schemaVersionsOf(kind))
      assert.equal(schemaOf(kind, version).name?.endsWith(`.${kind.kind}`), true);
  }
});

test("schemaOf() describes every field in one sentence", () => {
  for (const kind of KINDS) {
    walk(schemaOf(kind), kind.kind, (schema, path) => {
      if (path.endsWith("[]") || path.endsWith("*")) return;
      assert.match(schema.description ?? "", /^[^\n]+\.$/u, path);
    });
  }
});

test("schemaOf() requires only fields that exist, and keys lists by fields that exist", () => {
  for (const kind of KINDS) {
    walk(schemaOf(kind), kind.kind, (schema, path) => {
      for (const name of schema.required ?? []) assert.ok(schema.properties?.[name] !== undefined, `${path}.${name}`);
      const keys = schema["x-kubernetes-list-map-keys"] ?? [];
      const mergeKey = schema["x-kubernetes-patch-merge-key"];
      for (const key of mergeKey === undefined ? keys : [...keys, mergeKey]) {
        assert.ok(schema.items?.properties?.[key] !== undefined, `${path}[${key}]`);
      }
      assert.equal(schema["x-kubernetes-list-type"] === "map", keys.length > 0, path);
    });
  }
});

test("schemaOf() keeps everything when the kind is unknown", () => {
  const kind = { ...KINDS[0]!, kind: "Frob" };
  assert.equal(schemaOf(kind)["x-kubernetes-preserve-unknown-fields"], true);
});
