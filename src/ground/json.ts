/** A value that JSON can carry. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
/** An object of JSON; a missing entry reads as undefined. */
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

/** Returns whether `value` is an object that is neither null nor an array. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Returns the object at `key`, or an empty one: for reading optional branches of parsed input. */
export function recordAt(value: unknown, key: string): Readonly<Record<string, unknown>> {
  const found = isRecord(value) ? value[key] : undefined;
  return isRecord(found) ? found : {};
}

/** Returns the array at `key`, or an empty one. */
export function arrayAt(value: unknown, key: string): readonly unknown[] {
  const found = isRecord(value) ? value[key] : undefined;
  return Array.isArray(found) ? found : [];
}

/** Returns the strings of the array at `key`; other entries are left out. */
export function stringsAt(value: unknown, key: string): readonly string[] {
  return arrayAt(value, key).filter((item) => typeof item === "string");
}

/** Returns the string at `key`, or undefined when there is none. */
export function stringAt(value: unknown, key: string): string | undefined {
  const found = isRecord(value) ? value[key] : undefined;
  return typeof found === "string" ? found : undefined;
}

/** Returns the finite number at `key`, or undefined when there is none. */
export function numberAt(value: unknown, key: string): number | undefined {
  const found = isRecord(value) ? value[key] : undefined;
  return typeof found === "number" && Number.isFinite(found) ? found : undefined;
}

/** Returns the boolean at `key`, or undefined when there is none. */
export function booleanAt(value: unknown, key: string): boolean | undefined {
  const found = isRecord(value) ? value[key] : undefined;
  return typeof found === "boolean" ? found : undefined;
}

/** Returns the string-to-string map at `key`; entries of other types are left out. */
export function stringMapAt(value: unknown, key: string): Readonly<Record<string, string>> {
  const result: Record<string, string> = {};
  for (const [name, text] of Object.entries(recordAt(value, key))) if (typeof text === "string") result[name] = text;
  return result;
}

/** Returns whether two JSON values are equal, whatever the order of their keys; an undefined entry equals a missing one. */
export function jsonEqual(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (Array.isArray(left) || Array.isArray(right)) {
    if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false;
    return left.every((item, index) => jsonEqual(item, right[index]));
  }
  if (!isRecord(left) || !isRecord(right)) return false;
  for (const key of Object.keys(left)) if (!jsonEqual(left[key], right[key])) return false;
  for (const key of Object.keys(right)) if (right[key] !== undefined && left[key] === undefined) return false;
  return true;
}
