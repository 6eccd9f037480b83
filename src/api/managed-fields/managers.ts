import { isRecord, stringAt } from "../../ground/json.ts";
import { rfc3339 } from "../../resource/condition.ts";
import type { FieldSet } from "./field-set.ts";
import { NO_FIELDS, isEmptySet, parseFieldsV1, toFieldsV1, union } from "./field-set.ts";

/** One entry of managedFields. Two entries are the same manager when all but `time` and `fields` agree. */
export interface Manager {
  readonly name: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  readonly subresource: string;
  /** RFC 3339; absent when the manager never changed a value. */
  readonly time: string | undefined;
  readonly fields: FieldSet;
}

/** What tells managers apart. */
export type ManagerIdentity = Omit<Manager, "time" | "fields">;

/** How many managers that update are told apart; beyond that the oldest become one. */
const UPDATE_MANAGERS_MAX = 10;

/** The name that the oldest managers are put together under. */
const ANCIENT = "ancient-changes";

/** Reads managedFields; entries that are none are left out. */
export function parseManagers(entries: unknown): readonly Manager[] {
  if (!Array.isArray(entries)) return [];
  return entries.flatMap((entry: unknown) => {
    const operation = stringAt(entry, "operation");
    if (!isRecord(entry) || (operation !== "Apply" && operation !== "Update")) return [];
    return [
      {
        name: stringAt(entry, "manager") ?? "",
        operation,
        apiVersion: stringAt(entry, "apiVersion") ?? "",
        subresource: stringAt(entry, "subresource") ?? "",
        time: stringAt(entry, "time"),
        fields: parseFieldsV1(entry["fieldsV1"]),
      },
    ];
  });
}

/** Writes managedFields: appliers first, then by time and name; managers of nothing are left out. */
export function toManagedFields(managers: readonly Manager[]): readonly Readonly<Record<string, unknown>>[] {
  return [...capped(managers)]
    .filter((manager) => !isEmptySet(manager.fields))
    .sort(byPlace)
    .map((manager) => ({
      manager: manager.name,
      operation: manager.operation,
      apiVersion: manager.apiVersion,
      ...(manager.time === undefined ? {} : { time: manager.time }),
      fieldsType: "FieldsV1",
      fieldsV1: toFieldsV1(manager.fields),
      ...(manager.subresource === "" ? {} : { subresource: manager.subresource }),
    }));
}

function byPlace(left: Manager, right: Manager): number {
  const keyOf = (manager: Manager): string =>
    [manager.operation, manager.time ?? "", manager.name, manager.apiVersion, manager.subresource].join("\0");
  return keyOf(left) < keyOf(right) ? -1 : 1;
}

function capped(managers: readonly Manager[]): readonly Manager[] {
  const updates = managers.filter((manager) => manager.operation === "Update").sort(byPlace);
  const excess = updates.slice(0, Math.max(0, updates.length - UPDATE_MANAGERS_MAX));
  if (excess.length === 0) return managers;
  const merged: Manager[] = [];
  for (const manager of excess) {
    const at = merged.findIndex((other) => other.apiVersion === manager.apiVersion);
    const other = merged[at];
    if (other === undefined) merged.push({ ...manager, name: ANCIENT, subresource: "" });
    else merged[at] = { ...other, fields: union(other.fields, manager.fields) };
  }
  return [...managers.filter((manager) => !excess.includes(manager)), ...merged];
}

/** Returns whether both are the same manager. */
export function isSameManager(left: ManagerIdentity, right: ManagerIdentity): boolean {
  return (
    left.name === right.name &&
    left.operation === right.operation &&
    left.apiVersion === right.apiVersion &&
    left.subresource === right.subresource
  );
}

/** The fields of the manager, or none when it is not among `managers`. */
export function fieldsOf(managers: readonly Manager[], identity: ManagerIdentity): FieldSet {
  return managers.find((manager) => isSameManager(manager, identity))?.fields ?? NO_FIELDS;
}

/** Returns `managers` with the fields of one set, and its time when `nowMs` is given. */
export function withManager(
  managers: readonly Manager[],
  identity: ManagerIdentity,
  fields: FieldSet,
  nowMs: number | undefined,
): readonly Manager[] {
  const before = managers.find((manager) => isSameManager(manager, identity));
  const time = nowMs === undefined ? before?.time : rfc3339(nowMs);
  const entry: Manager = { ...identity, time, fields };
  return before === undefined
    ? [...managers, entry]
    : managers.map((manager) => (manager === before ? entry : manager));
}
