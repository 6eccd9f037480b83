import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { INGRESS, ISSUER, SERVICE } from "../../resource/kind.ts";
import { schemaOf } from "../../resource/schema/schema-of.ts";
import { typedErrors } from "./typed-errors.ts";

const service = (spec: unknown): readonly string[] => typedErrors({ spec }, schemaOf(SERVICE));
const ingress = (spec: unknown): readonly string[] => typedErrors({ spec }, schemaOf(INGRESS));

describe("typedErrors()", () => {
  it("says nothing of what the schema has, nor of nulls", () => {
    assert.deepEqual(service({ ports: [{ port: 80, targetPort: "web" }], selector: null, type: "ClusterIP" }), []);
  });

  it("names each value of a wrong shape by its path, and shows it as Go does", () => {
    assert.deepEqual(
      service({ ports: [{ port: "80", name: 1, targetPort: { a: [true, null] } }], publishNotReadyAddresses: "yes" }),
      [
        '.spec.ports[port="80",protocol="TCP"].name: expected string, got &value.valueUnstructured{Value:1}',
        '.spec.ports[port="80",protocol="TCP"].port: expected numeric (int or float), got string',
        '.spec.ports[port="80",protocol="TCP"].targetPort: expected any scalar, got &{map[a:[true <nil>]]}',
        ".spec.publishNotReadyAddresses: expected boolean, got &{yes}",
      ],
    );
    assert.deepEqual(ingress({ tls: { a: "b" }, defaultBackend: "web" }), [
      ".spec.defaultBackend: expected map, got &{web}",
      ".spec.tls: expected list, got &{map[a:b]}",
    ]);
  });

  it("stops at a field that is not in the schema, and goes on beside the object that has it", () => {
    assert.deepEqual(ingress({ rules: [{ nosuch: 1, host: 5 }, { host: 5 }], nosuch: 1, tls: 1 }), [
      ".spec.nosuch: field not declared in schema",
    ]);
    assert.deepEqual(ingress({ rules: [{ a: 1, host: 5 }, { host: 5 }] }), [
      ".spec.rules[0].a: field not declared in schema",
      ".spec.rules[1].host: expected string, got &value.valueUnstructured{Value:5}",
    ]);
  });

  it("refuses items that have no key, or one that was there before", () => {
    assert.deepEqual(service({ ports: [{ port: 80 }, { port: 80, protocol: "TCP" }] }), [
      '.spec.ports: duplicate entries for key [port=80,protocol="TCP"]',
    ]);
    assert.deepEqual(typedErrors({ status: { conditions: [{ status: "True" }] } }, schemaOf(ISSUER)), [
      '.status.conditions: element 0: associative list with keys has an element that omits key field "type" (and doesn\'t have default value)',
    ]);
  });
});
