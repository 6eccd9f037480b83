import type { PrinterColumn } from "../../resource/definition/printer-columns.ts";
import { NAME } from "./column.ts";
import type { Cell, Column } from "./column.ts";
import { age } from "./human-duration.ts";
import { parseJsonPath } from "./json-path.ts";

/** Returns the columns that a CustomResourceDefinition declares, after the name, which comes by itself. */
export function declaredColumns(declared: readonly PrinterColumn[]): readonly Column[] {
  return [NAME, ...declared.map(columnOf)];
}

function columnOf(declared: PrinterColumn): Column {
  const path = parseJsonPath(declared.jsonPath);
  return {
    name: declared.name,
    type: declared.type,
    format: declared.format ?? "",
    description: declared.description ?? "",
    priority: declared.priority ?? 0,
    cell: (object, nowMs) => {
      const [value] = path?.(object) ?? [];
      return value === undefined ? null : cellOf(value, declared.type, nowMs);
    },
  };
}

/** A value that is not of the column's type is not shown; a column of text shows every value, structures as JSON. */
function cellOf(value: unknown, type: Column["type"], nowMs: number): Cell {
  switch (type) {
    case "string":
      if (value === null) return "<nil>";
      return typeof value === "string" ? value : JSON.stringify(value);
    case "integer":
      return typeof value === "number" ? Math.trunc(value) : null;
    case "number":
      return typeof value === "number" ? value : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    case "date":
      if (typeof value !== "string") return null;
      return Number.isNaN(Date.parse(value)) ? "<invalid>" : age(value, nowMs);
    default:
      return type satisfies never;
  }
}
