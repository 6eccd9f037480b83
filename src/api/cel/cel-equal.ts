import { isRecord } from "../../ground/json.ts";

/** Returns whether two values of CEL are equal, all the way down. */
export function celEqual(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (left instanceof Date && right instanceof Date) return left.getTime() === right.getTime();
  if (left instanceof Uint8Array && right instanceof Uint8Array) return Buffer.compare(left, right) === 0;
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, index) => celEqual(item, right[index]));
  }
  if (left instanceof Map && right instanceof Map) {
    if (left.size !== right.size) return false;
    for (const [key, value] of left) if (!right.has(key) || !celEqual(value, right.get(key))) return false;
    return true;
  }
  if (!isRecord(left) || !isRecord(right) || left.constructor !== right.constructor) return false;
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length && keys.every((key) => celEqual(left[key], right[key]));
}
