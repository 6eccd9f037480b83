import { isRecord } from "../../ground/json.ts";

/**
 * A set of fields of an object, as a tree of path elements in the notation of FieldsV1: `f:name` a field, `k:{…}` an item
 * of a list by its keys, `v:…` an item by its value. Immutable; the empty set has no children and is no member.
 */
export interface FieldSet {
  /** Whether the field at this place is in the set itself, besides what is inside it. */
  readonly isMember: boolean;
  readonly children: ReadonlyMap<string, FieldSet>;
}

export const NO_FIELDS: FieldSet = { isMember: false, children: new Map() };

/** A single field, with nothing inside. */
export const LEAF: FieldSet = { isMember: true, children: new Map() };

/** Returns whether there is nothing in the set. */
export function isEmptySet(set: FieldSet): boolean {
  return !set.isMember && set.children.size === 0;
}

/** Makes a set; children that are empty are left out. */
export function fieldSet(isMember: boolean, children: Iterable<readonly [string, FieldSet]>): FieldSet {
  const kept = new Map<string, FieldSet>();
  for (const [element, child] of children) if (!isEmptySet(child)) kept.set(element, child);
  return kept.size === 0 && isMember ? LEAF : { isMember, children: kept };
}

/** The fields in either set. */
export function union(left: FieldSet, right: FieldSet): FieldSet {
  if (isEmptySet(left)) return right;
  if (isEmptySet(right)) return left;
  const children = new Map(left.children);
  for (const [element, child] of right.children)
    children.set(element, union(children.get(element) ?? NO_FIELDS, child));
  return fieldSet(left.isMember || right.isMember, children);
}

/** The fields of `left` that are not in `right`. */
export function difference(left: FieldSet, right: FieldSet): FieldSet {
  if (isEmptySet(left) || isEmptySet(right)) return left;
  return fieldSet(
    left.isMember && !right.isMember,
    [...left.children].map(([element, child]) => [
      element,
      difference(child, right.children.get(element) ?? NO_FIELDS),
    ]),
  );
}

/** The fields in both sets. */
export function intersection(left: FieldSet, right: FieldSet): FieldSet {
  if (isEmptySet(left) || isEmptySet(right)) return NO_FIELDS;
  return fieldSet(
    left.isMember && right.isMember,
    [...left.children].map(([element, child]) => [
      element,
      intersection(child, right.children.get(element) ?? NO_FIELDS),
    ]),
  );
}

/** How deep stored sets are followed; deeper ones are cut. */
const DEPTH_MAX = 64;

/** Reads the `fieldsV1` of a managedFields entry; anything that is not one is the empty set. */
export function parseFieldsV1(value: unknown, depth: number = 0): FieldSet {
  if (!isRecord(value) || depth > DEPTH_MAX) return NO_FIELDS;
  const names = Object.keys(value);
  if (names.length === 0) return depth === 0 ? NO_FIELDS : LEAF;
  const children = new Map<string, FieldSet>();
  for (const name of names) if (name !== ".") children.set(canonical(name), parseFieldsV1(value[name], depth + 1));
  return fieldSet(value["."] !== undefined, children);
}

/** Keys of list items are compared as text, so their order and spacing must be one. */
function canonical(element: string): string {
  if (!element.startsWith("k:")) return element;
  try {
    const key: unknown = JSON.parse(element.slice(2));
    return isRecord(key) ? keyElement(key) : element;
  } catch {
    return element;
  }
}

/** The path element of a list item with these key fields. */
export function keyElement(key: Readonly<Record<string, unknown>>): string {
  const sorted = Object.fromEntries(
    Object.keys(key)
      .sort()
      .map((name) => [name, key[name]]),
  );
  return `k:${JSON.stringify(sorted)}`;
}

/** Writes a set as `fieldsV1`, in the order a Kubernetes API server writes it. */
export function toFieldsV1(set: FieldSet): Readonly<Record<string, unknown>> {
  const entries = [...set.children]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([element, child]): [string, unknown] => [element, toFieldsV1(child)]);
  return Object.fromEntries(set.isMember && entries.length > 0 ? [[".", {}], ...entries] : entries);
}

/** The members of a set as paths in the words of conflict messages: `.spec.ports[port=80,protocol="TCP"].targetPort`. */
export function pathsOf(set: FieldSet, prefix: string = ""): readonly string[] {
  const inner = [...set.children]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .flatMap(([element, child]) => pathsOf(child, `${prefix}${shownElement(element)}`));
  return set.isMember ? [prefix, ...inner] : inner;
}

/** A path element in the words of messages: `.name`, `[port=80,protocol="TCP"]`, `[="value"]` or `[0]`. */
export function shownElement(element: string): string {
  const rest = element.slice(2);
  if (element.startsWith("f:")) return `.${rest}`;
  if (!element.startsWith("k:")) return `[${element.startsWith("v:") ? "=" : ""}${rest}]`;
  const key: unknown = JSON.parse(rest);
  const parts = isRecord(key) ? Object.entries(key).map(([name, value]) => `${name}=${JSON.stringify(value)}`) : [];
  return `[${parts.join(",")}]`;
}
