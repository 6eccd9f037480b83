import type { ASTNode, ParseError, TypeError as CelTypeError } from "@marcbachmann/cel-js";

/** Operators as servers call them in messages. */
const OPERATORS: Readonly<Record<string, string>> = {
  "==": "_==_",
  "!=": "_!=_",
  "<": "_<_",
  "<=": "_<=_",
  ">": "_>_",
  ">=": "_>=_",
  "+": "_+_",
  "-": "_-_",
  "*": "_*_",
  "/": "_/_",
  "%": "_%_",
  in: "@in",
  "&&": "_&&_",
  "||": "_||_",
  "!_": "!_",
  "-_": "-_",
  "?:": "_?_:_",
  "[]": "_[_]",
};

/** Returns why an expression does not compile, with the place marked under it, as a server prints it. */
export function compileProblem(error: ParseError | CelTypeError | undefined, source: string): string {
  const summary = error?.summary ?? "it is no expression";
  const { detail, offset } = describe(error, summary, source);
  const before = source.slice(0, offset).split("\n");
  const line = before.length;
  const column = (before.at(-1) ?? "").length;
  const text = source.split("\n")[line - 1] ?? "";
  return `compilation failed: ERROR: <input>:${String(line)}:${String(column + 1)}: ${detail}\n | ${text}\n | ${".".repeat(column)}^`;
}

interface Description {
  readonly detail: string;
  /** Where in the source it is. */
  readonly offset: number;
}

function describe(error: ParseError | CelTypeError | undefined, summary: string, source: string): Description {
  const start = error?.range?.start ?? 0;
  const node = isNode(error?.node) ? error.node : undefined;
  if (error?.name === "ParseError") return { detail: `Syntax error: ${summary}`, offset: start };
  switch (error?.code) {
    case "no_such_key":
      return { detail: `undefined field '${lastWord(summary)}'`, offset: dotBefore(source, start) };
    case "cannot_index_type":
      return {
        detail: `type '${/'(.*)'/.exec(summary)?.[1] ?? ""}' does not support field selection`,
        offset: dotBefore(source, start),
      };
    case "unknown_variable":
      return { detail: undeclared(lastWord(summary)), offset: start };
    case "no_such_overload":
      return overload(summary, node, source, start);
    case "no_matching_overload":
      return call(summary, node, source, start);
    case undefined:
    default:
      return { detail: summary, offset: start };
  }
}

/** The class of nodes is not public, so it is told by what every node has. */
function isNode(value: unknown): value is ASTNode {
  return typeof value === "object" && value !== null && "op" in value && "args" in value;
}

function undeclared(name: string): string {
  return `undeclared reference to '${name}' (in container '')`;
}

function lastWord(text: string): string {
  return text.split(/[ :]+/).at(-1) ?? "";
}

function dotBefore(source: string, at: number): number {
  const dot = source.lastIndexOf(".", at);
  return dot < 0 ? at : dot;
}

/** `no such overload: int + string`. */
function overload(summary: string, node: ASTNode | undefined, source: string, start: number): Description {
  const match = /overload: (?:(.+) (==|!=|<=|>=|<|>|\+|-|\*|\/|%|in|&&|\|\|) (.+)|([!-])(.+))$/.exec(summary);
  const operator = match?.[2] ?? match?.[4] ?? "";
  const types = [match?.[1], match?.[3], match?.[5]].filter((type) => type !== undefined).join(", ");
  const shown = OPERATORS[match?.[1] === undefined ? `${operator}_` : operator] ?? operator;
  const args: unknown = node?.args;
  const left: unknown = Array.isArray(args) ? args[0] : undefined;
  const from = isNode(left) ? left.end : start;
  const at = source.indexOf(operator, from);
  return { detail: `found no matching overload for '${shown}' applied to '(${types})'`, offset: at < 0 ? start : at };
}

/** `found no matching overload for 'string.foo(int)'`. */
function call(summary: string, node: ASTNode | undefined, source: string, start: number): Description {
  const match = /'(?:(.+)\.)?([A-Za-z_]\w*)\((.*)\)'/.exec(summary);
  const [, receiver, name = "", types = ""] = match ?? [];
  const args: unknown = node?.args;
  const target: unknown = Array.isArray(args) ? args[1] : undefined;
  const from = receiver !== undefined && isNode(target) ? target.end : start;
  const named = source.indexOf(name, from);
  const offset = source.indexOf("(", named < 0 ? start : named);
  const applied = receiver === undefined ? `(${types})` : `${receiver}.(${types})`;
  const isKnown = KNOWN_FUNCTIONS.has(name);
  return {
    detail: isKnown ? `found no matching overload for '${name}' applied to '${applied}'` : undeclared(name),
    offset: offset < 0 ? start : offset,
  };
}

/** Functions that exist, if not for every type. */
const KNOWN_FUNCTIONS: ReadonlySet<string> = new Set(
  "size contains startsWith endsWith matches int uint double string bool bytes duration timestamp type dyn all exists exists_one map filter indexOf lastIndexOf join split substring trim lowerAscii upperAscii replace charAt format reverse min max sum isSorted find findAll url isURL quantity isQuantity ip isIP cidr isCIDR semver isSemver getFullYear getMonth getHours getMinutes getSeconds orValue hasValue value isLessThan isGreaterThan compareTo".split(
    " ",
  ),
);
