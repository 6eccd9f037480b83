import { cookieValue } from "./cookie-value.ts";

/** What a hash key may be made of. Each may look the value up when asked. */
export interface HashFacts {
  /** Path and query as they came. */
  readonly requestUri: string;
  /** The normalised path. */
  readonly path: string;
  readonly host: string;
  readonly method: string;
  readonly scheme: string;
  readonly clientAddress: string;
  /** Without the question mark, as it came. */
  readonly query: string;
  /** The value of the first header of this name (lower case). */
  header(name: string): string | undefined;
}

/** The variables of nginx that may stand in `upstream-hash-by`, as `$name` or `${name}`. */
const VARIABLE = /\$(?:\{([a-z_][a-z0-9_]*)\}|([a-z_][a-z0-9_]*))/gi;

const FIXED: ReadonlyMap<string, (facts: HashFacts) => string> = new Map<string, (facts: HashFacts) => string>([
  ["request_uri", (facts) => facts.requestUri],
  ["uri", (facts) => facts.path],
  ["document_uri", (facts) => facts.path],
  ["args", (facts) => facts.query],
  ["query_string", (facts) => facts.query],
  ["host", (facts) => facts.host],
  ["request_method", (facts) => facts.method],
  ["scheme", (facts) => facts.scheme],
  ["remote_addr", (facts) => facts.clientAddress],
  ["binary_remote_addr", (facts) => facts.clientAddress],
]);

const HEADER_PREFIX = "http_";
const COOKIE_PREFIX = "cookie_";
const ARGUMENT_PREFIX = "arg_";

/** The longest template that is taken. */
const TEMPLATE_CHARS_MAX = 256;

/** Returns whether every variable in the template is known, and there is at least one: a constant would pick one endpoint for all. */
export function isHashTemplate(template: string): boolean {
  if (template.length > TEMPLATE_CHARS_MAX) return false;
  const names = [...template.matchAll(VARIABLE)].map((found) => (found[1] ?? found[2] ?? "").toLowerCase());
  return names.length > 0 && !template.replaceAll(VARIABLE, "").includes("$") && names.every(isKnown);
}

function isKnown(name: string): boolean {
  return FIXED.has(name) || /^(?:http|cookie|arg)_./.test(name);
}

/** Returns the key of a request, or undefined when all that was asked for is absent: such requests are spread in turn. */
export function hashKey(template: string, facts: HashFacts): string | undefined {
  let found = false;
  const key = template.replaceAll(VARIABLE, (_whole, braced: string | undefined, bare: string | undefined) => {
    const value = valueOf(braced ?? bare ?? "", facts);
    found ||= value !== "";
    return value;
  });
  return found ? key : undefined;
}

function valueOf(name: string, facts: HashFacts): string {
  const lower = name.toLowerCase();
  const fixed = FIXED.get(lower);
  if (fixed !== undefined) return fixed(facts);
  if (lower.startsWith(HEADER_PREFIX)) {
    return facts.header(lower.slice(HEADER_PREFIX.length).replaceAll("_", "-")) ?? "";
  }
  if (lower.startsWith(ARGUMENT_PREFIX)) return argumentValue(facts.query, lower.slice(ARGUMENT_PREFIX.length));
  return cookieValue(facts.header("cookie") ?? "", name.slice(COOKIE_PREFIX.length));
}

/** As nginx reads `$arg_name`: the first of the name in any case, its value as it came, escapes and all. */
function argumentValue(query: string, name: string): string {
  for (const pair of query.split("&")) {
    const equals = pair.indexOf("=");
    if (equals === name.length && pair.slice(0, equals).toLowerCase() === name) return pair.slice(equals + 1);
  }
  return "";
}
