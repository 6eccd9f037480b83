import { arrayAt, isRecord, stringAt } from "../../ground/json.ts";
import type { KubeObject } from "../../resource/object.ts";
import { age } from "./human-duration.ts";

/** What a cell holds; null prints as nothing. */
export type Cell = string | number | boolean | null;

/** One column of a Table: what its header says, and how a cell is read from an object. */
export interface Column {
  readonly name: string;
  readonly type: "string" | "integer" | "boolean" | "date";
  /** `name` marks the column by which the object is called. */
  readonly format: string;
  readonly description: string;
  /** Columns of priority 1 are printed with `-o wide` only. */
  readonly priority: 0 | 1;
  readonly cell: (object: KubeObject, nowMs: number) => Cell;
}

/** Makes a column of text. */
export function column(
  name: string,
  description: string,
  cell: Column["cell"],
  options: { readonly type?: Column["type"]; readonly wide?: boolean } = {},
): Column {
  return {
    name,
    type: options.type ?? "string",
    format: "",
    description,
    priority: options.wide === true ? 1 : 0,
    cell,
  };
}

export const NAME: Column = {
  name: "Name",
  type: "string",
  format: "name",
  description: "The name of the object, unique among those of its kind in its namespace.",
  priority: 0,
  cell: (object) => object.metadata.name,
};

export const AGE: Column = column("Age", "How long ago the object was created.", (object, nowMs) =>
  age(object.metadata.creationTimestamp, nowMs),
);

/** The age column of custom resources, whose type is `date`. */
export const CUSTOM_AGE: Column = { ...AGE, type: "date" };

export const CREATED_AT: Column = column(
  "Created At",
  "When the object was created.",
  (object) => object.metadata.creationTimestamp ?? null,
);

/** Returns the value at `path`, or undefined where a step is missing. */
function valueAt(object: unknown, path: readonly string[]): unknown {
  let current = object;
  for (const key of path) current = isRecord(current) ? current[key] : undefined;
  return current;
}

/** Returns the value at `path` as a custom resource's column shows it: null when it is missing. */
export function customCell(object: unknown, path: readonly string[]): Cell {
  const value = valueAt(object, path);
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : null;
}

/** Returns `field` of the condition of `type`, or null when there is none. */
export function conditionCell(object: KubeObject, type: string, field: "status" | "message"): Cell {
  const found = arrayAt(object["status"], "conditions").find((entry) => stringAt(entry, "type") === type);
  return stringAt(found, field) ?? null;
}

/** Returns the first `max` entries joined by commas, and how many more there are. */
export function firstFew(entries: readonly string[], max: number, total: number = entries.length): string {
  const shown = entries.slice(0, max).join(",");
  return total > max ? `${shown} + ${String(total - max)} more...` : shown;
}

/** Returns labels as `a=b,c=d` in key order, or `<none>`. */
export function labelsText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).sort(([left], [right]) => (left < right ? -1 : 1));
  return pairs.length === 0 ? "<none>" : pairs.map(([key, value]) => `${key}=${value}`).join(",");
}
