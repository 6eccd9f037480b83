import { RE2JS } from "re2js";

/** Compiled patterns that are kept; the oldest goes first. */
const PATTERNS_MAX = 2_000;

const COMPILED = new Map<string, RE2JS | string>();

/**
 * Returns `pattern` compiled as Go's regular expressions (RE2), whose time grows with the text alone, or why it is none.
 */
export function compilePattern(pattern: string): RE2JS | string {
  const known = COMPILED.get(pattern);
  if (known !== undefined) return known;
  const compiled = compile(pattern);
  if (COMPILED.size >= PATTERNS_MAX) {
    const [oldest] = COMPILED.keys();
    if (oldest !== undefined) COMPILED.delete(oldest);
  }
  COMPILED.set(pattern, compiled);
  return compiled;
}

/** Returns whether some part of `text` matches; every text matches what is no pattern. */
export function matchesPattern(text: string, pattern: string): boolean {
  const compiled = compilePattern(pattern);
  return typeof compiled === "string" || compiled.matcher(text).find();
}

function compile(pattern: string): RE2JS | string {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
