import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { recordAt } from "../../ground/json.ts";
import { checkDefinition, checkDefinitionUpdate } from "./check-definition.ts";
import { withDefinitionDefaults } from "./definition-defaults.ts";
import { shopDefinition } from "./testing.ts";

type Fields = Readonly<Record<string, unknown>>;

function refusals(schema: Fields, spec: Fields = {}): readonly string[] {
  const definition = shopDefinition({ schema: { type: "object", properties: { spec: schema } } });
  const written = { ...definition, spec: { ...recordAt(definition, "spec"), ...spec } };
  return checkDefinition(withDefinitionDefaults(written)).map(({ field, message }) => `${field}: ${message}`);
}

const SPEC = "spec.validation.openAPIV3Schema.properties[spec]";

describe("checkDefinition()", () => {
  it("accepts a definition that a server accepts", () => {
    assert.deepEqual(refusals({ type: "object", properties: { a: { type: "string", default: "x" } } }), []);
  });

  const schemas: readonly (readonly [why: string, schema: Fields])[] = [
    [`${SPEC}.type: Required value: must not be empty for specified object fields`, {}],
    [`${SPEC}.items: Required value: must be specified`, { type: "array" }],
    [`${SPEC}.$ref: Forbidden: $ref is not supported`, { type: "object", $ref: "#/a" }],
    [
      `${SPEC}.anyOf[0].type: Forbidden: must be empty to be structural`,
      { type: "object", anyOf: [{ type: "string" }] },
    ],
    [
      `${SPEC}.default: Invalid value: "integer": in body must be of type string: "integer"`,
      { type: "string", default: 3 },
    ],
    [
      `${SPEC}.pattern: Invalid value: "(": must be a valid regular expression, but isn't: error parsing regexp: missing closing ): \`(\``,
      { type: "string", pattern: "(" },
    ],
    [
      `${SPEC}.uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic`,
      { type: "array", uniqueItems: true, items: { type: "string" } },
    ],
    [
      `${SPEC}.x-kubernetes-list-map-keys: Invalid value: ["b"]: entries must all be names of item properties`,
      {
        type: "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["b"],
        items: { type: "object", properties: { a: { type: "string" } } },
      },
    ],
    [
      `${SPEC}.x-kubernetes-validations[0].rule: Required value: rule is not specified`,
      { type: "object", "x-kubernetes-validations": [{ rule: "" }] },
    ],
  ];
  for (const [why, schema] of schemas) {
    it(`refuses ${JSON.stringify(schema)}`, () => {
      assert.deepEqual(refusals(schema), [why]);
    });
  }

  it("refuses groups of Kubernetes without an approval, and names that do not fit", () => {
    const [first] = refusals({ type: "object" }, { group: "demo.k8s.io" });
    assert.equal(first, 'metadata.name: Invalid value: "shops.demo.test": must be spec.names.plural+"."+spec.group');
    assert.match(refusals({ type: "object" }, { group: "demo.k8s.io" })[1] ?? "", /must have approval annotation/);
  });

  it("refuses to change what objects are stored by", () => {
    const before = { ...shopDefinition(), status: { conditions: [{ type: "Established", status: "True" }] } };
    const after = { ...before, spec: { ...recordAt(before, "spec"), scope: "Cluster" } };
    assert.deepEqual(
      checkDefinitionUpdate(after, before).map(({ field, message }) => `${field}: ${message}`),
      ['spec.scope: Invalid value: "Cluster": field is immutable'],
    );
  });
});
