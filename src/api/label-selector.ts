import type { KubeObject } from "../resource/object.ts";
import { badRequest } from "./status.ts";
import { labelValue, qualifiedName } from "./validate/name-rules.ts";

/** Whether an object's labels meet what a client asked for. */
export type ObjectFilter = (object: KubeObject) => boolean;

type Labels = Readonly<Record<string, string>>;
type Requirement = (labels: Labels) => boolean;

/** The longest selector that is read, in characters. */
const SELECTOR_LENGTH_MAX = 8_192;

/**
 * Returns the filter that a label selector such as `app=web,tier in (a, b),!canary` stands for, or undefined when it
 * is empty and lets everything pass. Throws BadRequest when it cannot be read, in the words of a real server.
 */
export function parseLabelSelector(text: string): ObjectFilter | undefined {
  if (text.trim() === "") return undefined;
  if (text.length > SELECTOR_LENGTH_MAX) {
    throw badRequest(`a label selector may not be longer than ${String(SELECTOR_LENGTH_MAX)} characters`);
  }
  const requirements = new SelectorParser(tokensOf(text)).requirements();
  return (object) => {
    const labels = object.metadata.labels ?? {};
    return requirements.every((requirement) => requirement(labels));
  };
}

/** Marks, words, and at last the end, which is empty. */
const TOKEN = /\s*(==|=|!=|!|<|>|\(|\)|,|[^\s=!<>(),]+)/gy;
const MARK = /^[=!<>(),]/;
const OPERATORS: ReadonlySet<string> = new Set(["in", "notin", "=", "==", "!=", ">", "<"]);

function tokensOf(text: string): readonly string[] {
  return [...Array.from(text.trimEnd().matchAll(TOKEN), (match) => match[1] ?? ""), ""];
}

class SelectorParser {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  requirements(): readonly Requirement[] {
    const found: Requirement[] = [];
    while (this.#next !== "") {
      if (this.#next !== "!" && !isWord(this.#next)) throw unexpected(this.#next, "!, identifier, or 'end of string'");
      found.push(this.#requirement());
      const separator = this.#take();
      if (separator === "") break;
      if (separator !== ",") throw unexpected(separator, "',' or 'end of string'");
      if (this.#next !== "!" && !isWord(this.#next)) throw unexpected(this.#next, "identifier after ','");
    }
    return found;
  }

  get #next(): string {
    return this.#tokens[this.#at] ?? "";
  }

  #take(): string {
    const token = this.#next;
    this.#at += 1;
    return token;
  }

  #requirement(): Requirement {
    const isAbsent = this.#next === "!";
    if (isAbsent) this.#take();
    const key = this.#take();
    if (!isWord(key)) throw unparsable(`found '${key}', expected: identifier`);
    checkKey(key);
    if (isAbsent) return (labels) => !has(labels, key);
    if (this.#next === "" || this.#next === ",") return (labels) => has(labels, key);
    const operator = this.#take();
    if (!OPERATORS.has(operator)) {
      throw unparsable(`found '${operator}', expected: in, notin, =, ==, !=, gt, lt`);
    }
    if (operator === "in" || operator === "notin") return ofSet(key, operator, this.#values(key));
    return comparison(key, operator, this.#value(key, operator));
  }

  /** Nothing at all is the empty value. */
  #value(key: string, operator: string): string {
    if (this.#next === "" || this.#next === ",") return checkedValue(key, "", 0);
    const value = this.#take();
    if (!isWord(value)) throw unparsable(`found '${value}', expected: identifier`);
    if ((operator === ">" || operator === "<") && !/^[+-]?\d+$/.test(value)) {
      const why = "for 'Gt', 'Lt' operators, the value must be an integer";
      throw unparsable(`values[0]: Invalid value: ${JSON.stringify(value)}: ${why}`);
    }
    return checkedValue(key, value, 0);
  }

  /** Between the parentheses, commas part values, which may be empty. */
  #values(key: string): ReadonlySet<string> {
    const open = this.#take();
    if (open !== "(") throw unparsable(`found '${open}' expected: '('`);
    const values: string[] = [];
    let value: string | undefined;
    for (;;) {
      const token = this.#take();
      if (token === ")") break;
      if (token === ",") {
        values.push(value ?? "");
        value = undefined;
      } else if (isWord(token) && value === undefined) value = token;
      else throw unparsable(`found '${token}', expected: ${value === undefined ? "',', or identifier" : "',' or ')'"}`);
    }
    values.push(value ?? "");
    return new Set(values.toSorted().map((one, index) => checkedValue(key, one, index)));
  }
}

function isWord(token: string): boolean {
  return token !== "" && !MARK.test(token);
}

function checkKey(key: string): void {
  const [reason] = qualifiedName(key);
  if (reason !== undefined) throw unparsable(`<nil>: Invalid value: ${JSON.stringify(key)}: ${reason}`);
}

function checkedValue(key: string, value: string, index: number): string {
  const [reason] = labelValue(value);
  if (reason === undefined) return value;
  throw unparsable(`values[${String(index)}][${key}]: Invalid value: ${JSON.stringify(value)}: ${reason}`);
}

function ofSet(key: string, operator: "in" | "notin", values: ReadonlySet<string>): Requirement {
  return operator === "in"
    ? (labels) => has(labels, key) && values.has(labels[key] ?? "")
    : (labels) => !has(labels, key) || !values.has(labels[key] ?? "");
}

function comparison(key: string, operator: string, value: string): Requirement {
  switch (operator) {
    case "!=":
      return (labels) => labels[key] !== value;
    case ">":
      return (labels) => has(labels, key) && Number(labels[key]) > Number(value);
    case "<":
      return (labels) => has(labels, key) && Number(labels[key]) < Number(value);
    default:
      return (labels) => has(labels, key) && labels[key] === value;
  }
}

function has(labels: Labels, key: string): boolean {
  return Object.hasOwn(labels, key);
}

function unexpected(token: string, expected: string): Error {
  return badRequest(`found '${token}', expected: ${expected}`);
}

function unparsable(why: string): Error {
  return badRequest(`unable to parse requirement: ${why}`);
}
