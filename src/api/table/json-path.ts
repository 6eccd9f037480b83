import { isRecord } from "../../ground/json.ts";

/** One step of a path: from each value reached so far to those that come next. */
type Step =
  | { readonly take: "field"; readonly name: string }
  | { readonly take: "all" | "deep" }
  | { readonly take: "slice"; readonly from: number; readonly to: number | undefined; readonly every: number }
  | { readonly take: "items"; readonly indexes: readonly number[] }
  | { readonly take: "fields"; readonly names: readonly string[] }
  | { readonly take: "where"; readonly left: Operand; readonly operator: Operator; readonly right: Operand };

type Operator = "exists" | "==" | "!=" | "<" | "<=" | ">" | ">=";
type Operand = { readonly path: readonly Step[] } | { readonly value: string | number | boolean | null };

/** A parsed path: returns what it reaches in a value, in order; nothing where a step is missing. */
export type JsonPath = (value: unknown) => readonly unknown[];

/** Steps of a path; a longer one is refused. */
const STEPS_MAX = 64;
/** Values that one step may reach; those after are left out. */
const VALUES_MAX = 10_000;

/**
 * Parses a path as the printer columns of CustomResourceDefinitions have them: `.spec.names[0]`, `['a.b']`, `[*]`, `..name`,
 * `[1:3]`, `[?(@.type == "Ready")].status`. Returns undefined for text that is no such path.
 */
export function parseJsonPath(text: string): JsonPath | undefined {
  const reader = new PathReader(text);
  const steps = reader.steps();
  if (steps === undefined || !reader.isAtEnd) return undefined;
  return (value) => follow(steps, [value]);
}

function follow(steps: readonly Step[], start: readonly unknown[]): readonly unknown[] {
  let values = start;
  for (const step of steps) values = values.flatMap((value) => next(step, value)).slice(0, VALUES_MAX);
  return values;
}

function next(step: Step, value: unknown): readonly unknown[] {
  switch (step.take) {
    case "field":
      return isRecord(value) && Object.hasOwn(value, step.name) ? [value[step.name]] : [];
    case "fields":
      return step.names.flatMap((name) => next({ take: "field", name }, value));
    case "all":
      return Array.isArray(value) ? value : isRecord(value) ? Object.values(value) : [];
    case "deep":
      return [value, ...next({ take: "all" }, value).flatMap((inner) => next(step, inner))].slice(0, VALUES_MAX);
    case "items":
      return Array.isArray(value) ? step.indexes.flatMap((index) => itemAt(value, index)) : [];
    case "slice":
      return Array.isArray(value) ? sliceOf(value, step.from, step.to, step.every) : [];
    case "where":
      return next({ take: "all" }, value).filter((inner) => holds(step.left, step.operator, step.right, inner));
    default:
      return step satisfies never;
  }
}

function itemAt(list: readonly unknown[], index: number): readonly unknown[] {
  const at = index < 0 ? list.length + index : index;
  return at >= 0 && at < list.length ? [list[at]] : [];
}

function sliceOf(list: readonly unknown[], from: number, to: number | undefined, every: number): readonly unknown[] {
  return list.slice(from, to).filter((_, index) => index % every === 0);
}

function holds(left: Operand, operator: Operator, right: Operand, value: unknown): boolean {
  const [mine] = valuesOf(left, value);
  if (operator === "exists") return valuesOf(left, value).length > 0;
  const [theirs] = valuesOf(right, value);
  if (operator === "==") return mine === theirs;
  if (operator === "!=") return mine !== undefined && mine !== theirs;
  if (typeof mine === "number" && typeof theirs === "number") return isOrdered(mine, operator, theirs);
  return typeof mine === "string" && typeof theirs === "string" && isOrdered(mine, operator, theirs);
}

function isOrdered<T extends string | number>(left: T, operator: "<" | "<=" | ">" | ">=", right: T): boolean {
  if (operator === "<") return left < right;
  if (operator === "<=") return left <= right;
  return operator === ">" ? left > right : left >= right;
}

function valuesOf(operand: Operand, value: unknown): readonly unknown[] {
  return "path" in operand ? follow(operand.path, [value]) : [operand.value];
}

/** Reads a path from left to right. */
class PathReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length;
  }

  steps(): readonly Step[] | undefined {
    const steps: Step[] = [];
    while (!this.isAtEnd && steps.length <= STEPS_MAX) {
      if (this.#take(/^\.\./) !== undefined) {
        steps.push({ take: "deep" });
        if (this.#text[this.#at] === "[") continue;
        const name = this.#name();
        if (name === undefined) return undefined;
        steps.push(name);
      } else if (this.#text[this.#at] === ".") {
        this.#at += 1;
        // A dot before a bracket, or alone, stands for the value itself.
        if (this.isAtEnd || this.#text[this.#at] === "[") continue;
        const name = this.#name();
        if (name === undefined) return undefined;
        steps.push(name);
      } else if (this.#text[this.#at] === "[") {
        const step = this.#bracket();
        if (step === undefined) return undefined;
        steps.push(step);
      } else break;
    }
    return steps.length > STEPS_MAX ? undefined : steps;
  }

  #name(): Step | undefined {
    if (this.#take(/^\*/) !== undefined) return { take: "all" };
    const raw = this.#take(/^(?:\\.|[^\s.[\]{}\\'"()=<>!,&|])+/);
    return raw === undefined ? undefined : { take: "field", name: raw.replaceAll(/\\(.)/g, "$1") };
  }

  #bracket(): Step | undefined {
    if (this.#take(/^\[\s*\?\s*\(/) !== undefined) return this.#where();
    const inner = this.#take(/^\[(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[^\]'"])*\]/)
      ?.slice(1, -1)
      .trim();
    if (inner === undefined || inner === "") return undefined;
    if (inner === "*") return { take: "all" };
    const quoted = inner.match(/'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"/g);
    if (quoted !== null) return { take: "fields", names: quoted.map(unquoted) };
    const slice = /^(-?\d*):(-?\d*)(?::(\d+))?$/.exec(inner);
    if (slice !== null) {
      const [, from = "", to = "", every = "1"] = slice;
      const step = Math.max(1, Number(every));
      return { take: "slice", from: Number(from), to: to === "" ? undefined : Number(to), every: step };
    }
    if (!/^-?\d+(?:\s*,\s*-?\d+)*$/.test(inner)) return undefined;
    return { take: "items", indexes: inner.split(",").map(Number) };
  }

  #where(): Step | undefined {
    const left = this.#operand();
    if (left === undefined) return undefined;
    const found = this.#take(/^\s*(?:==|!=|<=|>=|<|>)/)?.trim();
    const operator = OPERATORS.find((one) => one === found) ?? "exists";
    const right = operator === "exists" ? { value: null } : this.#operand();
    if (right === undefined || this.#take(/^\s*\)\s*\]/) === undefined) return undefined;
    return { take: "where", left, operator, right };
  }

  #operand(): Operand | undefined {
    this.#take(/^\s+/);
    const literal = this.#take(/^(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|-?\d+(?:\.\d+)?|true\b|false\b)/);
    if (literal !== undefined) return { value: valueOf(literal) };
    if (this.#take(/^@/) === undefined) return undefined;
    const path = this.steps();
    return path === undefined ? undefined : { path };
  }

  #take(pattern: RegExp): string | undefined {
    const found = pattern.exec(this.#text.slice(this.#at))?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }
}

const OPERATORS: readonly Operator[] = ["==", "!=", "<=", ">=", "<", ">"];

function valueOf(literal: string): string | number | boolean {
  if (literal === "true" || literal === "false") return literal === "true";
  return literal.startsWith("'") || literal.startsWith('"') ? unquoted(literal) : Number(literal);
}

function unquoted(text: string): string {
  return text.slice(1, -1).replaceAll(/\\(.)/g, "$1");
}
