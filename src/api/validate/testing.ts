import fc from "fast-check";
import type { Kind } from "../../resource/kind.ts";
import { apiVersionOf } from "../../resource/kind.ts";
import { schemaOf } from "../../resource/schema/schema-of.ts";
import type { Schema } from "../../resource/schema/schema.ts";

const DEPTH_MAX = 7;
const WORDS = [
  "web",
  "a.example",
  "*.b.example",
  "http",
  "10.0.0.1",
  "24h",
  "Prefix",
  "/",
  "IPv4",
  "cert-manager.io",
  "",
];

/**
 * Objects of a kind with any of its fields, most of the right type. Does not imitate: sense. Few of them are valid, all of
 * them are what somebody may send.
 */
export function objectsOf(kind: Kind): fc.Arbitrary<Readonly<Record<string, unknown>>> {
  const { apiVersion: _, kind: __, metadata: ___, ...properties } = schemaOf(kind).properties ?? {};
  const metadata = { name: "web", ...(kind.namespaced ? { namespace: "demo" } : {}) };
  return fields(properties, DEPTH_MAX).map((body) => ({
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    metadata,
    ...body,
  }));
}

function fields(properties: Readonly<Record<string, Schema>>, depth: number): fc.Arbitrary<Record<string, unknown>> {
  const values = Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name, valuesOf(schema, depth - 1)]),
  );
  return fc.record(values, { requiredKeys: [] });
}

function valuesOf(schema: Schema, depth: number): fc.Arbitrary<unknown> {
  const wrong = fc.constantFrom<unknown>(null, 1, "x", true, [], {}, [1]);
  return fc.oneof({ weight: 40, arbitrary: rightValues(schema, depth) }, { weight: 1, arbitrary: wrong });
}

function rightValues(schema: Schema, depth: number): fc.Arbitrary<unknown> {
  if (depth <= 0) return fc.constant(null);
  const word = fc.constantFrom(...WORDS);
  const port = fc.constantFrom(0, 1, 80, 443, 70_000, -1);
  if (schema["x-kubernetes-int-or-string"] === true) return fc.oneof(word, port);
  switch (schema.type) {
    case "object":
      return schema.properties === undefined
        ? fc.dictionary(fc.constantFrom("a", "b.example/c"), valuesOf(schema.additionalProperties ?? {}, depth - 1), {
            maxKeys: 2,
          })
        : fields(schema.properties, depth);
    case "array":
      return fc.array(valuesOf(schema.items ?? {}, depth - 1), { maxLength: 2 });
    case "integer":
    case "number":
      return port;
    case "boolean":
      return fc.boolean();
    case "string":
      if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
      if (schema.format === "date-time") return fc.constant("2026-01-01T00:00:00Z");
      return schema.format === "byte" ? fc.constantFrom("eA==", "") : word;
    case undefined:
      return word;
    default:
      return schema.type satisfies never;
  }
}
