import { isRecord, jsonEqual } from "../../ground/json.ts";
import type { Schema } from "../../resource/schema/schema.ts";
import type { FieldSet } from "./field-set.ts";
import { LEAF, NO_FIELDS, fieldSet, keyElement, union } from "./field-set.ts";

/** How ownership sees a value: as one field, as fields by name, or as items of a list that can be told apart. */
type Shape = "atomic" | "fields" | "keyed" | "set";

function shapeOf(value: unknown, schema: Schema | undefined): Shape {
  if (isRecord(value)) return schema?.["x-kubernetes-map-type"] === "atomic" ? "atomic" : "fields";
  if (!Array.isArray(value)) return "atomic";
  const listType = schema?.["x-kubernetes-list-type"];
  if (listType === "set") return "set";
  return listType === "map" ? "keyed" : "atomic";
}

/** The members of a value that is not atomic, in order, each with its path element and its schema. */
interface Member {
  readonly element: string;
  readonly value: unknown;
  readonly schema: Schema | undefined;
}

function membersOf(value: unknown, schema: Schema | undefined): readonly Member[] {
  if (isRecord(value)) {
    return Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .map(([name, inner]) => ({ element: `f:${name}`, value: inner, schema: propertyOf(schema, name) }));
  }
  if (!Array.isArray(value)) return [];
  const items = schema?.items;
  const keys = schema?.["x-kubernetes-list-map-keys"];
  return value.map((item: unknown) => ({
    element: keys === undefined ? `v:${JSON.stringify(item)}` : keyElement(keyOf(item, keys, items)),
    value: item,
    schema: items,
  }));
}

/** A key field that is absent counts as its default. */
function keyOf(item: unknown, keys: readonly string[], schema: Schema | undefined): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    keys.map((key) => [key, (isRecord(item) ? item[key] : undefined) ?? schema?.properties?.[key]?.default ?? null]),
  );
}

function propertyOf(schema: Schema | undefined, name: string): Schema | undefined {
  const { properties } = schema ?? {};
  return properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : schema?.additionalProperties;
}

/** The fields that someone who applies `value` owns: its leaves, and the items of its lists. */
export function appliedFields(value: unknown, schema: Schema | undefined): FieldSet {
  const shape = shapeOf(value, schema);
  const members = shape === "atomic" ? [] : membersOf(value, schema);
  // Of a list whose items are owned one by one, nothing is owned when it is empty.
  if (members.length === 0) return shape === "keyed" || shape === "set" ? NO_FIELDS : LEAF;
  return fieldSet(
    false,
    members.map((member) => {
      const inner = appliedFields(member.value, member.schema);
      return [member.element, shape === "fields" ? inner : union(LEAF, inner)];
    }),
  );
}

/** Everything in `value`, containers too: what is added when all of it is new. */
function allFields(value: unknown, schema: Schema | undefined): FieldSet {
  if (shapeOf(value, schema) === "atomic") return LEAF;
  return fieldSet(
    true,
    membersOf(value, schema).map((member) => [member.element, allFields(member.value, member.schema)]),
  );
}

/** How two values differ. */
export interface Comparison {
  /** Fields that are new or have another value. */
  readonly changed: FieldSet;
  readonly removed: FieldSet;
}

const SAME: Comparison = { changed: NO_FIELDS, removed: NO_FIELDS };

/** Returns what was changed and removed between two values, told apart as `schema` says. */
export function compareValues(before: unknown, after: unknown, schema: Schema | undefined): Comparison {
  if (before === after) return SAME;
  if (before === undefined) return { changed: allFields(after, schema), removed: NO_FIELDS };
  if (after === undefined) return { changed: NO_FIELDS, removed: allFields(before, schema) };
  const shape = shapeOf(after, schema);
  if (shape === "atomic" || shapeOf(before, schema) !== shape) {
    return jsonEqual(before, after) ? SAME : { changed: LEAF, removed: NO_FIELDS };
  }
  const old = new Map(membersOf(before, schema).map((member) => [member.element, member]));
  const changed: [string, FieldSet][] = [];
  const removed: [string, FieldSet][] = [];
  for (const member of membersOf(after, schema)) {
    const inner = compareValues(old.get(member.element)?.value, member.value, member.schema);
    changed.push([member.element, inner.changed]);
    removed.push([member.element, inner.removed]);
    old.delete(member.element);
  }
  for (const [element, member] of old) removed.push([element, allFields(member.value, member.schema)]);
  return { changed: fieldSet(false, changed), removed: fieldSet(false, removed) };
}

/** Returns `live` with everything `applied` says; what it does not mention stays. */
export function mergeApplied(live: unknown, applied: unknown, schema: Schema | undefined): unknown {
  const shape = shapeOf(applied, schema);
  if (live === undefined || shape === "atomic" || shapeOf(live, schema) !== shape) return applied;
  const appliedMembers = membersOf(applied, schema);
  const liveMembers = membersOf(live, schema);
  const values = new Map(appliedMembers.map((member) => [member.element, member]));
  const merged = (member: Member): unknown => {
    const change = values.get(member.element);
    return change === undefined ? member.value : mergeApplied(member.value, change.value, member.schema);
  };
  if (isRecord(live)) {
    const result = new Map(liveMembers.map((member) => [member.element.slice(2), merged(member)]));
    for (const member of appliedMembers) {
      const name = member.element.slice(2);
      if (!result.has(name)) result.set(name, member.value);
    }
    return Object.fromEntries(result);
  }
  return interleaved(liveMembers, appliedMembers).map(merged);
}

/**
 * The items of both lists once each, in the order the live ones have and then in the order applied, which wins where they
 * disagree: what only the live list has stays in front of what is new, up to the next item they share.
 */
function interleaved(live: readonly Member[], applied: readonly Member[]): readonly Member[] {
  const liveByElement = new Map(live.map((member) => [member.element, member]));
  const appliedElements = new Set(applied.map((member) => member.element));
  const shared = applied.map((member) => member.element).filter((element) => liveByElement.has(element));
  const done = new Set<string>();
  const result: Member[] = [];
  let next = 0;
  for (const member of applied) {
    for (let other = live[next]; other !== undefined; other = live[++next]) {
      if (!appliedElements.has(other.element)) result.push(other);
      else if (!done.has(other.element) && other.element === shared[0]) break;
    }
    result.push(liveByElement.get(member.element) ?? member);
    done.add(member.element);
    if (member.element === shared[0]) shared.shift();
  }
  return [...result, ...live.slice(next).filter((other) => !appliedElements.has(other.element))];
}

/**
 * Returns `value` without the fields of `given`, except those in `kept` and what contains them. Containers that hold
 * nothing any more go too. Used to remove what a manager applied before and does not apply now.
 */
export function withoutFields(value: unknown, given: FieldSet, kept: FieldSet, schema: Schema | undefined): unknown {
  if (shapeOf(value, schema) === "atomic" || given.children.size === 0) return value;
  const remaining: Member[] = [];
  let isChanged = false;
  for (const member of membersOf(value, schema)) {
    const gone = given.children.get(member.element);
    const stays = kept.children.get(member.element);
    if (gone === undefined) remaining.push(member);
    else if (gone.isMember && stays === undefined && isWhole(member)) isChanged = true;
    else {
      const inner = withoutFields(member.value, gone, stays ?? NO_FIELDS, member.schema);
      if (inner !== member.value) isChanged = true;
      if (inner !== undefined) remaining.push({ ...member, value: inner });
    }
  }
  if (!isChanged) return value;
  if (remaining.length === 0 && !kept.isMember) return undefined;
  return isRecord(value)
    ? Object.fromEntries(remaining.map((member) => [member.element.slice(2), member.value]))
    : remaining.map((member) => member.value);
}

/** Whether a member goes as one: items of lists do, and leaves; a map or struct goes when nothing is left inside it. */
function isWhole(member: Member): boolean {
  if (!member.element.startsWith("f:") || shapeOf(member.value, member.schema) === "atomic") return true;
  return membersOf(member.value, member.schema).length === 0;
}
