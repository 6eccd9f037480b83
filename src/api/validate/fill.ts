import { isRecord } from "../../ground/json.ts";

/** The fields of an object in JSON. */
export type Fields = Readonly<Record<string, unknown>>;

/** Returns `object` with those of `standards` that it does not have, or has as null. */
export function filled(object: Fields, standards: Fields): Fields {
  const missing = Object.entries(standards).filter(([name]) => object[name] === undefined || object[name] === null);
  return missing.length === 0 ? object : { ...object, ...Object.fromEntries(missing) };
}

/** Returns `object` with the record at `name` changed; without one it stays as it is. */
export function within(object: Fields, name: string, change: (inner: Fields) => Fields): Fields {
  const inner = object[name];
  if (!isRecord(inner)) return object;
  const next = change(inner);
  return next === inner ? object : { ...object, [name]: next };
}

/** Returns `object` with each record of the list at `name` changed. */
export function withinEach(object: Fields, name: string, change: (inner: Fields) => Fields): Fields {
  const list = object[name];
  if (!Array.isArray(list)) return object;
  const next = list.map((inner: unknown) => (isRecord(inner) ? change(inner) : inner));
  return next.every((inner, index) => inner === list[index]) ? object : { ...object, [name]: next };
}
