import { styleText } from "node:util";
import type { Output } from "../ground/host.ts";

/** How text looks on a terminal; elsewhere it is plain. */
export type Look = "bold" | "dim" | "green" | "yellow" | "red" | "cyan";

/** Returns `text` as it looks on `output`. */
export function paint(output: Output, look: Look, text: string): string {
  return output.isTerminal ? styleText(look, text, { validateStream: false }) : text;
}

/** Returns rows under a heading, in columns as wide as their longest cell, two spaces apart, without trailing spaces. */
export function table(
  output: Output,
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  indent = "",
): string {
  const widths = heading.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return [paint(output, "dim", line(heading)), ...rows.map(line)].map((text) => `${indent}${text}\n`).join("");
}

/** Returns `text` as one word for a POSIX shell. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
