import type { Environment } from "@marcbachmann/cel-js";
import { isRecord } from "../../ground/json.ts";
import type { Schema } from "../../resource/schema/schema.ts";
import { duplicate, forbiddenField, invalidValue, required } from "../validate/field-error.ts";
import type { FieldError } from "../validate/field-error.ts";
import { kubernetesEnvironment } from "./cel-functions.ts";
import { CelTypes } from "./cel-types.ts";
import type { CelType } from "./cel-types.ts";
import { compileRule } from "./compiled-rule.ts";
import type { CompiledRule, RuleProblem } from "./compiled-rule.ts";
import { withinTime } from "./time-bound.ts";

/** A rule of a schema that cannot be used. */
export interface SchemaRuleProblem extends RuleProblem {
  /** Where its schema is, as `.properties[spec]`; empty for the root. */
  readonly path: string;
  readonly index: number;
  /** Set when the rule compares with what there is no way to find: the place where the way ends. */
  readonly uncorrelatable?: string;
}

/** What is to be asked at one place of an object, and below it. */
interface Place {
  readonly type: CelType;
  readonly shown: string;
  readonly rules: readonly CompiledRule[];
  readonly properties: ReadonlyMap<string, Place>;
  readonly items: Place | undefined;
  readonly values: Place | undefined;
  /** How items are found again in an older list; undefined: not at all. */
  readonly keys: readonly string[] | undefined;
}

/** The rules of a schema, `x-kubernetes-validations`, compiled once. */
export class SchemaRules {
  /** Rules that cannot be used; a definition that has some is refused. */
  readonly problems: readonly SchemaRuleProblem[];
  readonly #root: Place | undefined;

  private constructor(root: Place | undefined, problems: readonly SchemaRuleProblem[]) {
    this.#root = root;
    this.problems = problems;
  }

  /** Returns the rules of `schema`, the root of a custom resource. */
  static of(schema: Schema): SchemaRules {
    const known = KNOWN.get(schema);
    if (known !== undefined) return known;
    const rules = hasRules(schema) ? compileAll(withObjectFields(schema)) : { root: undefined, problems: [] };
    const made = new SchemaRules(rules.root, rules.problems);
    KNOWN.set(schema, made);
    return made;
  }

  /** Returns what in `object` breaks the rules; `existing` is what it replaces. Takes a bounded time. */
  check(object: unknown, existing: unknown): readonly FieldError[] {
    const root = this.#root;
    if (root === undefined) return [];
    const errors: FieldError[] = [];
    const isDone = withinTime(() => {
      check(root, object, existing, "", errors);
      return true;
    });
    if (isDone === true) return errors;
    const why = "validation failed due to running out of cost budget, no further validation rules will be run";
    return [...errors, invalidValue("<nil>", "object", why)];
  }
}

const KNOWN = new WeakMap<Schema, SchemaRules>();

function hasRules(schema: Schema): boolean {
  if (schema["x-kubernetes-validations"] !== undefined) return true;
  const inner = [...Object.values(schema.properties ?? {}), schema.items, schema.additionalProperties];
  return inner.some((one) => one !== undefined && hasRules(one));
}

const TEXT: Schema = { type: "string" };

/** Of the metadata only the names can be seen. */
function withObjectFields(schema: Schema): Schema {
  const metadata: Schema = { type: "object", properties: { name: TEXT, generateName: TEXT } };
  const properties = { ...schema.properties, apiVersion: TEXT, kind: TEXT, metadata };
  return { ...schema, type: "object", properties };
}

function compileAll(schema: Schema): {
  readonly root: Place | undefined;
  readonly problems: readonly SchemaRuleProblem[];
} {
  const types = new CelTypes(kubernetesEnvironment());
  // All types are declared before the first expression is read: environments are closed by being copied.
  types.typeOf(schema, "Object");
  const problems: SchemaRuleProblem[] = [];
  const root = new Compiler(types, problems).place(schema, "Object", "", undefined);
  return { root, problems };
}

class Compiler {
  readonly #types: CelTypes;
  readonly #problems: SchemaRuleProblem[];

  constructor(types: CelTypes, problems: SchemaRuleProblem[]) {
    this.#types = types;
    this.#problems = problems;
  }

  /** `lost`: above this place old values can no longer be told apart. Undefined where nothing is to be asked. */
  place(schema: Schema, label: string, path: string, lost: string | undefined): Place | undefined {
    const type = this.#types.typeOf(schema, label);
    if (type === undefined) return undefined;
    const isEmbedded = schema["x-kubernetes-embedded-resource"] === true;
    const properties = new Map<string, Place>();
    const isGranular = schema["x-kubernetes-map-type"] !== "atomic";
    for (const [name, inner] of Object.entries(schema.properties ?? {})) {
      if (isEmbedded && name === "metadata") continue;
      const innerPath = `${path}.properties[${name}]`;
      const found = this.place(inner, `${label}.${name}`, innerPath, isGranular ? lost : (lost ?? innerPath));
      if (found !== undefined) properties.set(name, found);
    }
    const isKeyed = schema["x-kubernetes-list-type"] === "map";
    const inItems = `${path}.items`;
    const items =
      schema.items === undefined
        ? undefined
        : this.place(schema.items, `${label}.@idx`, inItems, isKeyed ? lost : (lost ?? inItems));
    const values =
      schema.additionalProperties === undefined
        ? undefined
        : this.place(schema.additionalProperties, `${label}.@elem`, `${path}.additionalProperties`, lost);
    const rules = this.#rules(schema, type, path, lost);
    if (rules.length === 0 && properties.size === 0 && items === undefined && values === undefined) return undefined;
    const keys = isKeyed ? schema["x-kubernetes-list-map-keys"] : undefined;
    return { type, shown: schema.type ?? "", rules, properties, items, values, keys };
  }

  #rules(schema: Schema, type: CelType, path: string, lost: string | undefined): readonly CompiledRule[] {
    const rules: CompiledRule[] = [];
    let plain: Environment | undefined;
    let optional: Environment | undefined;
    for (const [index, rule] of (schema["x-kubernetes-validations"] ?? []).entries()) {
      const environment =
        rule.optionalOldSelf === true
          ? (optional ??= this.#environment(type, `optional<${type.name}>`))
          : (plain ??= this.#environment(type, type.name));
      const compiled = compileRule(environment, rule, (text) => this.#types.readable(text));
      if ("detail" in compiled) this.#problems.push({ ...compiled, path, index });
      else if (compiled.usesOldSelf && lost !== undefined) {
        this.#problems.push({ expression: "rule", detail: "", path, index, uncorrelatable: lost });
      } else rules.push(compiled);
    }
    return rules;
  }

  #environment(type: CelType, oldType: string): Environment {
    return this.#types.environment.clone().registerVariable("self", type.name).registerVariable("oldSelf", oldType);
  }
}

function check(place: Place, value: unknown, old: unknown, path: string, errors: FieldError[]): void {
  if (value === undefined || value === null) return;
  if (place.rules.length > 0) checkRules(place, value, old, path, errors);
  if (Array.isArray(value)) {
    const { items } = place;
    if (items === undefined) return;
    const olds = Array.isArray(old) && place.keys !== undefined ? byKeys(old, place.keys) : undefined;
    value.forEach((item: unknown, index) => {
      const before = place.keys === undefined ? undefined : olds?.get(keyOf(item, place.keys));
      check(items, item, before, `${path}[${String(index)}]`, errors);
    });
    return;
  }
  if (!isRecord(value)) return;
  const before = isRecord(old) ? old : {};
  for (const [name, inner] of place.properties) {
    check(inner, value[name], before[name], path === "" ? name : `${path}.${name}`, errors);
  }
  if (place.values === undefined) return;
  for (const [key, inner] of Object.entries(value)) {
    check(place.values, inner, before[key], `${path}[${key}]`, errors);
  }
}

function byKeys(list: readonly unknown[], keys: readonly string[]): ReadonlyMap<string, unknown> {
  return new Map(list.map((item) => [keyOf(item, keys), item]));
}

function keyOf(item: unknown, keys: readonly string[]): string {
  return JSON.stringify(keys.map((key) => (isRecord(item) ? (item[key] ?? null) : null)));
}

function checkRules(place: Place, value: unknown, old: unknown, path: string, errors: FieldError[]): void {
  const self = place.type.toCel(value);
  const oldSelf = old === undefined || old === null ? undefined : place.type.toCel(old);
  for (const compiled of place.rules) {
    if (compiled.usesOldSelf && oldSelf === undefined && compiled.rule.optionalOldSelf !== true) continue;
    const why = compiled.broken(self, oldSelf);
    if (why !== undefined) errors.push(errorOf(compiled, place.shown, path, why));
  }
}

function errorOf({ rule }: CompiledRule, shown: string, path: string, why: string): FieldError {
  const field = fieldOf(path, rule.fieldPath ?? "");
  switch (rule.reason) {
    case "FieldValueRequired":
      return required(field, why);
    case "FieldValueForbidden":
      return forbiddenField(field, why);
    case "FieldValueDuplicate":
      return duplicate(field, shown);
    case undefined:
    default:
      return invalidValue(field, shown, why);
  }
}

function fieldOf(path: string, fieldPath: string): string {
  const inner = fieldPath.replaceAll(/\['([^']*)'\]/g, "[$1]");
  const joined = path + (inner === "" || inner.startsWith(".") || inner.startsWith("[") ? inner : `.${inner}`);
  return joined === "" ? "<nil>" : joined.replace(/^\./, "");
}
