import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseSchema } from "../../resource/definition/parse-schema.ts";
import { SchemaRules } from "./schema-rules.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Returns what breaks `rule` of a spec with these properties, as `field: message`. */
function broken(
  rule: string | Fields,
  spec: unknown,
  old?: unknown,
  properties: Fields = PROPERTIES,
): readonly string[] {
  const rules = [typeof rule === "string" ? { rule, message: "no" } : rule];
  const schema = {
    type: "object",
    properties: { spec: { type: "object", properties, "x-kubernetes-validations": rules } },
  };
  const compiled = SchemaRules.of(parseSchema(schema));
  assert.deepEqual(compiled.problems, []);
  const errors = compiled.check({ spec }, old === undefined ? undefined : { spec: old });
  return errors.map(({ field, message }) => `${field}: ${message}`);
}

const PROPERTIES: Fields = {
  size: { type: "integer" },
  name: { type: "string" },
  "dashed-name": { type: "string" },
  namespace: { type: "string" },
  moment: { type: "string", format: "date-time" },
  wait: { type: "string", format: "duration" },
  either: { "x-kubernetes-int-or-string": true },
  tags: { type: "array", items: { type: "string" } },
  labels: { type: "object", additionalProperties: { type: "string" } },
  parts: { type: "array", items: { type: "object", properties: { name: { type: "string" } } } },
};

/** Rules that hold for the spec beside them. */
const HOLD: readonly (readonly [rule: string, spec: unknown])[] = [
  ["self.size > 3 && self.size <= 4", { size: 4 }],
  ["has(self.name) && !has(self.size)", { name: "a" }],
  ["self.dashed__dash__name == 'x' && self.__namespace__ == 'y'", { "dashed-name": "x", namespace: "y" }],
  ["self.moment < timestamp('2030-01-01T00:00:00Z')", { moment: "2026-01-01T00:00:00Z" }],
  ["self.wait == duration('90s')", { wait: "1m30s" }],
  ["type(self.either) == int ? self.either == 80 : false", { either: 80 }],
  ["self.tags.all(tag, self.tags.exists_one(other, other == tag))", { tags: ["a", "b"] }],
  ["self.labels.all(key, key.startsWith('a') && self.labels[key] != '')", { labels: { ab: "1" } }],
  ["has(self.parts[0].name) && !has(self.parts[1].name)", { parts: [{ name: "a" }, {}] }],
  ["self.parts == [self.parts[0]]", { parts: [{ name: "a" }] }],
  ["self.?name.orValue('none') == 'none'", {}],
  ["self.name.matches('^(?i)abc$') && self.name.find('B.') == 'BC'", { name: "aBC" }],
  ["quantity('1.5Gi').isGreaterThan(quantity('1G')) && quantity('2k').asInteger() == 2000", {}],
  ["url('https://a.test:8443/x?q=1').getPort() == '8443' && isURL('/path') && !isURL('path')", {}],
  ["ip('2001:db8::1').family() == 6 && cidr('10.0.0.0/8').containsIP('10.9.8.7')", {}],
  ["!ip.isCanonical('2001:DB8::0:1') && string(cidr('10.1.2.3/8').masked()) == '10.0.0.0/8'", {}],
  ["semver('1.2.3').isLessThan(semver('1.10.0')) && semver('1.0.0-rc.1').isLessThan(semver('1.0.0'))", {}],
  ["[3, 1, 2].max() == 3 && [1, 2].sum() == 3 && ['b', 'a'].min() == 'a' && [1, 2].isSorted()", {}],
  ["sets.contains([1, 2], [2]) && sets.equivalent([1, 2], [2, 1, 1]) && !sets.intersects([1], [2])", {}],
  ["!format.dns1123Label().validate('ok').hasValue() && format.named('uuid').hasValue()", {}],
  ["'%s has %d'.format(['x', 3]) == 'x has 3' && 'a-b'.replace('-', '+') == 'a+b'", {}],
  ["cel.bind(n, self.size, n * n) == 16", { size: 4 }],
];

/** Returns why a rule cannot be used. */
function detail(rule: string): string | undefined {
  const schema = { type: "object", properties: PROPERTIES, "x-kubernetes-validations": [{ rule }] };
  return SchemaRules.of(parseSchema(schema)).problems[0]?.detail.split("\n")[0];
}

describe("SchemaRules", () => {
  for (const [rule, spec] of HOLD) {
    it(`finds that ${rule}`, () => {
      assert.deepEqual(broken(rule, spec), []);
    });
  }

  it("says who is to blame, why, and in which message", () => {
    assert.deepEqual(broken("self.size > 3", { size: 3 }), ['spec: Invalid value: "object": no']);
    const rule = { rule: "self.size > 3", messageExpression: "'got ' + string(self.size)", fieldPath: ".size" };
    assert.deepEqual(broken({ ...rule, reason: "FieldValueForbidden" }, { size: 1 }), ["spec.size: Forbidden: got 1"]);
    assert.deepEqual(broken({ rule: "self.size > 3 " }, { size: 1 }), [
      'spec: Invalid value: "object": failed rule: self.size > 3',
    ]);
    assert.deepEqual(broken({ rule: "self.tags[4] == 'x'" }, { tags: [] }).length, 1);
  });

  it("compares with what was there before, where there was something", () => {
    assert.deepEqual(broken("self.name == oldSelf.name", { name: "b" }), []);
    assert.equal(broken("self.name == oldSelf.name", { name: "b" }, { name: "a" }).length, 1);
    const rule = { rule: "oldSelf.hasValue() || self.size == 1", optionalOldSelf: true, message: "new" };
    assert.equal(broken(rule, { size: 2 }).length, 1);
    assert.deepEqual(broken(rule, { size: 2 }, { size: 3 }), []);
  });

  it("finds the old item of a keyed list wherever it stands, and no rule for a list without keys", () => {
    const items = {
      type: "object",
      properties: { key: { type: "string" }, size: { type: "integer" } },
      "x-kubernetes-validations": [{ rule: "self.size >= oldSelf.size", message: "shrunk" }],
    };
    const keyed = { type: "array", items, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["key"] };
    const before = {
      list: [
        { key: "a", size: 1 },
        { key: "b", size: 5 },
      ],
    };
    const after = {
      list: [
        { key: "b", size: 4 },
        { key: "c", size: 0 },
        { key: "a", size: 2 },
      ],
    };
    assert.deepEqual(broken("true", after, before, { list: keyed }), ['spec.list[0]: Invalid value: "object": shrunk']);
    const plain = { type: "object", properties: { list: { type: "array", items } } };
    const [problem] = SchemaRules.of(parseSchema(plain)).problems;
    assert.equal(problem?.uncorrelatable, ".properties[list].items");
  });

  it("refuses expressions that are none, and says where", () => {
    assert.equal(detail("self.nope == 1"), "compilation failed: ERROR: <input>:1:5: undefined field 'nope'");
    assert.equal(
      detail("self.size + self.name == 1"),
      "compilation failed: ERROR: <input>:1:11: found no matching overload for '_+_' applied to '(int, string)'",
    );
    assert.equal(
      detail("other > 1"),
      "compilation failed: ERROR: <input>:1:1: undeclared reference to 'other' (in container '')",
    );
    assert.equal(detail("self.size"), "cel expression must evaluate to a bool");
    assert.match(detail("self.size ==") ?? "", /Syntax error/);
  });

  it("stops rules that take too long", () => {
    const tags = Array.from({ length: 2_000 }, (_, index) => `t${String(index)}`);
    const rule = "self.tags.all(a, self.tags.all(b, self.tags.all(c, a + b + c != '')))";
    const [error = ""] = broken(rule, { tags });
    assert.match(error, /running out of cost budget, no further validation rules will be run$/);
  });

  it("takes time that grows with the text alone for any pattern", () => {
    assert.equal(broken("self.name.matches('^(a+)+$')", { name: `${"a".repeat(50_000)}!` }).length, 1);
  });
});
