import assert from "node:assert/strict";
import { test } from "node:test";
import { INGRESS, SERVICE } from "../kind.ts";
import { openApiOf } from "./open-api-of.ts";
import { schemaOf } from "./schema-of.ts";
import type { Schema } from "./schema.ts";

function documentOf(root: Schema): Record<string, unknown> {
  const documents: Record<string, unknown> = {};
  const waiting = [root];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (next.name === undefined || documents[next.name] !== undefined) continue;
    documents[next.name] = openApiOf(
      next,
      (name) => `#/components/schemas/${name}`,
      (definition) => waiting.push(definition),
    );
  }
  return documents;
}

test("openApiOf() turns named objects into references when they are fields", () => {
  const documents = documentOf(schemaOf(INGRESS));
  assert.ok(documents["io.k8s.api.networking.v1.IngressSpec"] !== undefined);
  const root = documents["io.k8s.api.networking.v1.Ingress"] as { properties: Record<string, unknown> };
  assert.deepEqual(root.properties["spec"], {
    description: "Which requests go where.",
    default: {},
    allOf: [{ $ref: "#/components/schemas/io.k8s.api.networking.v1.IngressSpec" }],
  });
});

test("openApiOf() keeps the extensions that patches need", () => {
  const spec = documentOf(schemaOf(SERVICE))["io.k8s.api.core.v1.ServiceSpec"] as {
    properties: Record<string, Record<string, unknown>>;
  };
  assert.deepEqual(spec.properties["ports"], {
    type: "array",
    description: "Ports the service offers.",
    "x-kubernetes-patch-strategy": "merge",
    "x-kubernetes-patch-merge-key": "port",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["port", "protocol"],
    items: { $ref: "#/components/schemas/io.k8s.api.core.v1.ServicePort" },
  });
});

test("openApiOf() publishes nothing that is ours alone", () => {
  const text = JSON.stringify(documentOf(schemaOf(INGRESS)));
  assert.doesNotMatch(text, /"(?:goType|definition|name)":"/u);
});
