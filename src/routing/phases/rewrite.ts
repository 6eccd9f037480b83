import type { PathRewrite } from "../snapshot.ts";

/** By rewrite object, so that an expression is compiled once. */
const compiled = new WeakMap<PathRewrite, RegExp>();

/**
 * Returns the path and query the endpoint is asked for instead of `path` and `query` (without its `?`; empty for none).
 * As nginx's `rewrite`: the target replaces the whole path, the client's query is appended to the target's unless the
 * target ends with `?`, and a path that the expression does not match is kept.
 */
export function rewriteTarget(rewrite: PathRewrite, path: string, query: string): string {
  const found = expressionOf(rewrite)?.exec(path);
  if (found === null || found === undefined) return query === "" ? path : `${path}?${query}`;
  const target = rewrite.target.replaceAll(/\$([1-9])/g, (_, digit: string) => found[Number(digit)] ?? "");
  const rooted = target.startsWith("/") ? target : `/${target}`;
  if (rooted.endsWith("?")) return rooted.slice(0, -1);
  if (query === "") return rooted;
  return `${rooted}${rooted.includes("?") ? "&" : "?"}${query}`;
}

function expressionOf(rewrite: PathRewrite): RegExp | undefined {
  const known = compiled.get(rewrite);
  if (known !== undefined) return known;
  try {
    const expression = new RegExp(`^(?:${rewrite.pattern})`, "i");
    compiled.set(rewrite, expression);
    return expression;
  } catch {
    return undefined;
  }
}
