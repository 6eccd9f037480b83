import type { KubeObject } from "../resource/object.ts";
import { badRequest } from "./status.ts";

/** Whether an object's labels meet what a client asked for. */
export type ObjectFilter = (object: KubeObject) => boolean;

type Labels = Readonly<Record<string, string>>;
type Requirement = (labels: Labels) => boolean;

/** The longest selector that is read, in characters. */
const SELECTOR_LENGTH_MAX = 8_192;

const KEY = String.raw`[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?`;
const EXISTS = new RegExp(String.raw`^\s*(!?)\s*(${KEY})\s*$`);
const EQUALS = new RegExp(String.raw`^\s*(${KEY})\s*(==|=|!=|>|<)\s*([-A-Za-z0-9_.]*)\s*$`);
const SET = new RegExp(String.raw`^\s*(${KEY})\s+(in|notin)\s*\(([^()]*)\)\s*$`);

/**
 * Returns the filter that a label selector such as `app=web,tier in (a, b),!canary` stands for, or undefined when it
 * is empty and lets everything pass. Throws BadRequest when it cannot be read.
 */
export function parseLabelSelector(text: string): ObjectFilter | undefined {
  if (text.trim() === "") return undefined;
  if (text.length > SELECTOR_LENGTH_MAX)
    throw unreadable(`it is longer than ${String(SELECTOR_LENGTH_MAX)} characters`);
  const requirements = splitOutsideParentheses(text).map(parseRequirement);
  return (object) => {
    const labels = object.metadata.labels ?? {};
    return requirements.every((requirement) => requirement(labels));
  };
}

function parseRequirement(text: string): Requirement {
  const equals = EQUALS.exec(text);
  if (equals !== null) return comparison(equals[1] ?? "", equals[3] ?? "=", equals[4] ?? "");
  const set = SET.exec(text);
  if (set !== null) {
    const key = set[1] ?? "";
    const values = new Set((set[4] ?? "").split(",").map((value) => value.trim()));
    return set[3] === "in"
      ? (labels) => has(labels, key) && values.has(labels[key] ?? "")
      : (labels) => !has(labels, key) || !values.has(labels[key] ?? "");
  }
  const exists = EXISTS.exec(text);
  if (exists !== null) {
    const key = exists[2] ?? "";
    return exists[1] === "!" ? (labels) => !has(labels, key) : (labels) => has(labels, key);
  }
  throw unreadable(JSON.stringify(text));
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

function splitOutsideParentheses(text: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (character === "(") depth++;
    else if (character === ")") depth--;
    else if (character === "," && depth === 0) {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

function unreadable(what: string): Error {
  return badRequest(`unable to parse requirement: ${what} is no label selector`);
}
