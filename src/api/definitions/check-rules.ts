import { isRecord, stringAt, booleanAt } from "../../ground/json.ts";
import { parseSchema } from "../../resource/definition/parse-schema.ts";
import { SchemaRules } from "../cel/schema-rules.ts";
import type { SchemaRuleProblem } from "../cel/schema-rules.ts";
import type { FieldError } from "../validate/field-error.ts";
import { GoLiteral, invalidValue } from "../validate/field-error.ts";

/** Compiles the rules of a schema and returns those that cannot be used, in the words of a server. */
export function checkRules(schema: Readonly<Record<string, unknown>>, path: string): readonly FieldError[] {
  return SchemaRules.of(parseSchema(schema)).problems.map((problem) => errorOf(problem, schema, path));
}

function errorOf(problem: SchemaRuleProblem, schema: unknown, path: string): FieldError {
  const place = `${path}${problem.path}.x-kubernetes-validations[${String(problem.index)}]`;
  const written = ruleAt(schema, problem);
  if (problem.uncorrelatable !== undefined) {
    const within = `${path}${problem.uncorrelatable}`;
    const why = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${within}`;
    return invalidValue(`${place}.rule`, stringAt(written, "rule") ?? "", why);
  }
  return invalidValue(`${place}.${problem.expression}`, new GoLiteral(goRule(written)), problem.detail);
}

function ruleAt(schema: unknown, { path, index }: SchemaRuleProblem): unknown {
  let place: unknown = schema;
  for (const [, name, word = ""] of path.matchAll(/\.properties\[([^\]]*)\]|\.(items|additionalProperties)/g)) {
    const from = isRecord(place) ? place : {};
    place = name === undefined ? from[word] : isRecord(from["properties"]) ? from["properties"][name] : undefined;
  }
  const rules = isRecord(place) ? place["x-kubernetes-validations"] : undefined;
  return Array.isArray(rules) ? (rules[index] as unknown) : undefined;
}

/** A rule as Go writes it. */
function goRule(rule: unknown): string {
  const text = JSON.stringify({
    Rule: stringAt(rule, "rule") ?? "",
    Message: stringAt(rule, "message") ?? "",
    MessageExpression: stringAt(rule, "messageExpression") ?? "",
    Reason: stringAt(rule, "reason") ?? null,
    FieldPath: stringAt(rule, "fieldPath") ?? "",
    OptionalOldSelf: booleanAt(rule, "optionalOldSelf") ?? null,
  });
  return text
    .replaceAll("<", String.raw`\u003c`)
    .replaceAll(">", String.raw`\u003e`)
    .replaceAll("&", String.raw`\u0026`);
}
