import { Optional } from "@marcbachmann/cel-js";
import type { ASTNode, Environment, ParseResult } from "@marcbachmann/cel-js";
import { isRecord } from "../../ground/json.ts";
import type { ValidationRule } from "../../resource/schema/schema.ts";
import { LINEAR_MATCHES } from "./cel-functions.ts";
import { compileProblem } from "./compile-problem.ts";

/** A rule that can be asked of values. */
export interface CompiledRule {
  readonly rule: ValidationRule;
  /** It compares with what was there before. */
  readonly usesOldSelf: boolean;
  /** Returns why the value breaks the rule, or undefined. `oldSelf` undefined: there was none. */
  broken(self: unknown, oldSelf: unknown): string | undefined;
}

/** Why a rule cannot be used, and which of its two expressions is to blame. */
export interface RuleProblem {
  readonly expression: "rule" | "messageExpression";
  readonly detail: string;
}

/** Expressions that are longer are refused. */
const EXPRESSION_CHARACTERS_MAX = 64 * 1024;

/** Compiles a rule in an environment that declares `self` and `oldSelf`, and checks its types. `readable` names them. */
export function compileRule(
  environment: Environment,
  rule: ValidationRule,
  readable: (text: string) => string,
): CompiledRule | RuleProblem {
  const condition = compile(environment, rule.rule, "bool");
  if (typeof condition === "string") return { expression: "rule", detail: readable(condition) };
  const { messageExpression } = rule;
  const message = messageExpression === undefined ? undefined : compile(environment, messageExpression, "string");
  if (typeof message === "string") return { expression: "messageExpression", detail: readable(message) };
  const isOptional = rule.optionalOldSelf === true;
  return {
    rule,
    usesOldSelf: condition.names.has("oldSelf"),
    broken: (self, old) => {
      const context = { self, oldSelf: isOptional ? (old === undefined ? Optional.none() : Optional.of(old)) : old };
      const shown = rule.message ?? `failed rule: ${rule.rule.trim()}`;
      try {
        if (condition.run(context) === true) return undefined;
      } catch (error) {
        return `${summaryOf(error)} evaluating rule: ${rule.message ?? rule.rule.trim()}`;
      }
      return (message === undefined ? undefined : messageOf(message.run, context)) ?? shown;
    },
  };
}

interface Expression {
  readonly run: ParseResult;
  readonly names: ReadonlySet<string>;
}

function compile(environment: Environment, source: string, wanted: "bool" | "string"): Expression | string {
  if (source.length > EXPRESSION_CHARACTERS_MAX) return "the expression is too long";
  let parsed: ParseResult;
  try {
    parsed = environment.parse(source);
  } catch (error) {
    return compileProblem(isCelError(error) ? error : undefined, source);
  }
  const { names, presence, linear } = factsOf(parsed.ast, source);
  // What is checked stays as close to what was written as can be: messages point into it.
  const text = edited(source, presence);
  const checked = (text === source ? parsed : environment.parse(text)).check();
  if (!checked.valid) return compileProblem(checked.error, text);
  if (checked.type !== wanted && checked.type !== "dyn") {
    return wanted === "bool" ? "cel expression must evaluate to a bool" : "messageExpression must evaluate to a string";
  }
  const isAsWritten = presence.length === 0 && linear.length === 0;
  return { run: isAsWritten ? parsed : environment.parse(edited(source, [...presence, ...linear])), names };
}

/** Errors of the library have a code and a summary. */
function isCelError(error: unknown): error is NonNullable<ReturnType<ParseResult["check"]>["error"]> {
  return error instanceof Error && "code" in error && "summary" in error;
}

function summaryOf(error: unknown): string {
  const text = isCelError(error) ? error.summary : error instanceof Error ? error.message : String(error);
  return text.replace(/^No such key/, "no such key");
}

function messageOf(run: ParseResult, context: Readonly<Record<string, unknown>>): string | undefined {
  try {
    const message: unknown = run({ ...context });
    const isUsable = typeof message === "string" && message.trim() !== "" && !/[\r\n]/.test(message.trim());
    return isUsable ? message.trim() : undefined;
  } catch {
    return undefined;
  }
}

/** A piece of an expression that is written in another way before it is run. */
interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

interface Facts {
  readonly names: ReadonlySet<string>;
  /** `has(self[0].field)`: the library knows `has` of plain names only, and this by another name. */
  readonly presence: readonly Edit[];
  /** `matches`, called by the name of the function whose time has a bound. */
  readonly linear: readonly Edit[];
}

function factsOf(ast: ASTNode, source: string): Facts {
  const names = new Set<string>();
  const presence: Edit[] = [];
  const linear: Edit[] = [];
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) {
      for (const inner of node) visit(inner);
      return;
    }
    if (!isRecord(node) || !("op" in node)) return;
    const { op, args } = node;
    if (op === "id" && typeof args === "string") names.add(args);
    if (op === "rcall") linear.push(...linearEdit(args, source));
    if (op === "call") presence.push(...presenceEdit(node, source));
    visit(args);
  };
  visit(ast);
  return { names, presence, linear };
}

function linearEdit(args: unknown, source: string): readonly Edit[] {
  if (!Array.isArray(args) || args[0] !== "matches" || !isRecord(args[1])) return [];
  const { end } = args[1];
  const start = typeof end === "number" ? source.indexOf("matches", end) : -1;
  return start < 0 ? [] : [{ start, end: start + "matches".length, text: LINEAR_MATCHES }];
}

function presenceEdit(node: Readonly<Record<string, unknown>>, source: string): readonly Edit[] {
  const { args, start, end } = node;
  if (!Array.isArray(args) || args[0] !== "has" || typeof start !== "number" || typeof end !== "number") return [];
  const list: unknown = args[1];
  const field: unknown = Array.isArray(list) ? list[0] : undefined;
  if (!isRecord(field) || field["op"] !== "." || isChainOfNames(field)) return [];
  const inner = source.slice(source.indexOf("(", start) + 1, end - 1);
  const dot = inner.lastIndexOf(".");
  return [{ start, end, text: `(${inner.slice(0, dot)}.?${inner.slice(dot + 1).trim()}.hasValue())` }];
}

function isChainOfNames(node: unknown): boolean {
  if (!isRecord(node)) return false;
  if (node["op"] === "id") return true;
  return (node["op"] === "." || node["op"] === ".?") && Array.isArray(node["args"]) && isChainOfNames(node["args"][0]);
}

/** From the end to the start, so that places stay right; of two that overlap the inner one is left out. */
function edited(source: string, edits: readonly Edit[]): string {
  let text = source;
  let end = source.length;
  for (const edit of [...edits].sort((left, right) => right.start - left.start || left.end - right.end)) {
    if (edit.end > end) continue;
    text = text.slice(0, edit.start) + edit.text + text.slice(edit.end);
    end = edit.start;
  }
  return text;
}
