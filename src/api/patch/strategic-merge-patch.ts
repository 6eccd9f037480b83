import { isRecord, jsonEqual } from "../../ground/json.ts";
import type { Schema } from "../../resource/schema/schema.ts";
import { badRequest } from "../status.ts";
import { inOrder } from "./element-order.ts";
import { notAnObject } from "./not-an-object.ts";

type Fields = Readonly<Record<string, unknown>>;

const DIRECTIVE = "$patch";
const RETAIN_KEYS = "$retainKeys";
const DELETE_FROM = "$deleteFromPrimitiveList/";
const SET_ORDER = "$setElementOrder/";

/**
 * Returns `original` changed by a strategic merge patch: like a JSON merge patch, but lists whose schema says so are
 * merged item by item (by their merge key, or by value), and `$patch`, `$retainKeys`, `$deleteFromPrimitiveList/…` and
 * `$setElementOrder/…` direct how. Throws ApiStatusError 400 for a directive that makes no sense.
 */
export function applyStrategicMergePatch(original: unknown, patch: unknown, schema: Schema): unknown {
  if (!isRecord(patch)) throw badRequest(notAnObject(patch));
  return mergeMap(isRecord(original) ? original : {}, patch, schema);
}

function mergeMap(original: Fields, patch: Fields, schema: Schema | undefined): Fields {
  const directive = patch[DIRECTIVE];
  if (directive !== undefined) return directed(directive, patch);
  const result = new Map(Object.entries(retained(original, patch)));
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith("$")) continue;
    const property = propertyOf(schema, name);
    if (value === null) result.delete(name);
    else result.set(name, mergeValue(result.get(name), value, property, orderOf(patch, name)));
  }
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith(DELETE_FROM)) deleteItems(result, name.slice(DELETE_FROM.length), value);
    else if (name.startsWith(SET_ORDER)) reorder(result, name.slice(SET_ORDER.length), value, schema, patch);
    else if (name.startsWith("$") && name !== RETAIN_KEYS)
      throw badRequest(`invalid patch directive ${JSON.stringify(name)}`);
  }
  return Object.fromEntries(result);
}

function directed(directive: unknown, patch: Fields): Fields {
  if (directive === "delete") return {};
  if (directive === "replace") return recordOf(withoutDirectives(withoutName(patch, DIRECTIVE)));
  if (directive === "merge") return recordOf(withoutDirectives(withoutName(patch, DIRECTIVE)));
  throw badRequest(`Unknown patch directive: ${JSON.stringify(directive)}`);
}

function recordOf(value: unknown): Fields {
  return isRecord(value) ? value : {};
}

function withoutName(value: Fields, name: string): Fields {
  return Object.fromEntries(Object.entries(value).filter(([key]) => key !== name));
}

/** `$retainKeys` clears every field of the original that it does not list: for unions, where one choice ends the other. */
function retained(original: Fields, patch: Fields): Fields {
  const keys: unknown = patch[RETAIN_KEYS];
  if (keys === undefined) return original;
  if (!Array.isArray(keys)) throw badRequest("invalid patch format of retainKeys");
  const kept = new Set<unknown>(keys);
  for (const [name, value] of Object.entries(patch)) {
    if (!name.startsWith("$") && value !== null && !kept.has(name)) {
      throw badRequest("invalid patch format of retainKeys: it must list every field of the patch");
    }
  }
  return Object.fromEntries(Object.entries(original).filter(([name]) => kept.has(name)));
}

function mergeValue(
  original: unknown,
  patch: unknown,
  schema: Schema | undefined,
  order: readonly unknown[] | undefined,
): unknown {
  if (isRecord(patch) && isRecord(original)) return mergeMap(original, patch, schema);
  if (isRecord(patch)) return patch[DIRECTIVE] === "delete" ? {} : withoutDirectives(patch);
  if (Array.isArray(patch) && Array.isArray(original)) return mergeList(original, patch, schema, order);
  return withoutDirectives(patch);
}

function mergeList(
  original: readonly unknown[],
  patch: readonly unknown[],
  schema: Schema | undefined,
  order: readonly unknown[] | undefined,
): readonly unknown[] {
  if (!isMerged(schema)) return withoutDirectivesInList(patch);
  if (patch.some((item) => isRecord(item) && item[DIRECTIVE] === "replace")) {
    return withoutDirectivesInList(patch.filter((item) => !isRecord(item) || item[DIRECTIVE] !== "replace"));
  }
  const key = schema?.["x-kubernetes-patch-merge-key"];
  if (key === undefined) return inOrder(unique([...original, ...patch]), original, order ?? patch, undefined);
  const gone = patch.filter((item) => isRecord(item) && item[DIRECTIVE] === "delete").map((item) => keyIn(item, key));
  const changes = patch.filter((item) => !isRecord(item) || item[DIRECTIVE] !== "delete");
  const merged = new Map<string, unknown>();
  for (const item of original) {
    const identity = keyIn(item, key);
    if (!gone.includes(identity)) merged.set(identity, item);
  }
  for (const item of changes) {
    const identity = keyIn(item, key);
    const before = merged.get(identity);
    merged.set(
      identity,
      isRecord(before) && isRecord(item) ? mergeMap(before, item, schema?.items) : withoutDirectives(item),
    );
  }
  return inOrder([...merged.values()], original, order ?? changes, key);
}

function keyIn(item: unknown, key: string): string {
  const value = isRecord(item) ? item[key] : undefined;
  if (value === undefined) {
    throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`);
  }
  return JSON.stringify(value);
}

function unique(items: readonly unknown[]): readonly unknown[] {
  return items.filter((item, index) => !items.slice(0, index).some((earlier) => jsonEqual(earlier, item)));
}

function orderOf(patch: Fields, name: string): readonly unknown[] | undefined {
  const order: unknown = patch[`${SET_ORDER}${name}`];
  return Array.isArray(order) ? order : undefined;
}

function deleteItems(result: Map<string, unknown>, name: string, values: unknown): void {
  const list = result.get(name);
  if (!Array.isArray(values)) throw badRequest("invalid patch format of primitive list");
  if (!Array.isArray(list)) return;
  result.set(
    name,
    list.filter((item) => !values.some((value) => jsonEqual(item, value))),
  );
}

/** A patch may order a list that it does not otherwise change. */
function reorder(
  result: Map<string, unknown>,
  name: string,
  order: unknown,
  schema: Schema | undefined,
  patch: Fields,
): void {
  if (!Array.isArray(order)) throw badRequest("invalid patch format of setElementOrder list");
  const list = result.get(name);
  if (patch[name] !== undefined || !Array.isArray(list)) return;
  result.set(name, inOrder(list, list, order, propertyOf(schema, name)?.["x-kubernetes-patch-merge-key"]));
}

/** A value that is new has nothing to be merged with: directives in it, and nulls, go. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return withoutDirectivesInList(value);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, inner]) => !name.startsWith("$") && inner !== null)
      .map(([name, inner]) => [name, withoutDirectives(inner)]),
  );
}

function withoutDirectivesInList(items: readonly unknown[]): readonly unknown[] {
  return items.filter((item) => !isRecord(item) || item[DIRECTIVE] !== "delete").map(withoutDirectives);
}

function propertyOf(schema: Schema | undefined, name: string): Schema | undefined {
  const { properties } = schema ?? {};
  return properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : schema?.additionalProperties;
}

/** `merge`, or `merge,retainKeys`. */
function isMerged(schema: Schema | undefined): boolean {
  return schema?.["x-kubernetes-patch-strategy"]?.split(",").includes("merge") === true;
}
