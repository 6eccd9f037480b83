import type { KubeObject } from "../../resource/object.ts";
import { age } from "./human-duration.ts";

/** What a cell holds; null prints as nothing. */
export type Cell = string | number | boolean | null;

/** One column of a Table: what its header says, and how a cell is read from an object. */
export interface Column {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  /** `name` marks the column by which the object is called. */
  readonly format: string;
  readonly description: string;
  /** Columns of a priority above 0 are printed with `-o wide` only. */
  readonly priority: number;
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

export const CREATED_AT: Column = column(
  "Created At",
  "When the object was created.",
  (object) => object.metadata.creationTimestamp ?? null,
);

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
