import { isRecord } from "../ground/json.ts";

/**
 * Returns JSON as Go prints it with `%v` (`map[a:1 b:[x y]]`): the words in which a real API server quotes a patch that
 * it refuses.
 */
export function goText(value: unknown): string {
  if (value === null || value === undefined) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(goText).join(" ")}]`;
  if (isRecord(value)) {
    const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
    return `map[${entries.map(([key, entry]) => `${key}:${goText(entry)}`).join(" ")}]`;
  }
  return typeof value === "string" ? value : JSON.stringify(value);
}
