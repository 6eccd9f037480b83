import type { ClusterIngresses } from "../app/cluster-ingresses.ts";
import type { Output } from "../ground/host.ts";
import { table } from "./terminal.ts";

/** Rows that a terminal shows; `-o json` has them all. */
const ROWS_MAX = 50;

/** Returns an empty line, how many Ingresses are served, and what is wrong with which. */
export function clusterIngressesText(output: Output, ingresses: ClusterIngresses): string {
  const { served, withAddress, diagnostics, unknown } = ingresses;
  if (unknown !== "") return `\nWhat Ingresses lead to is not known: ${unknown}\n`;
  const head = `\n${String(served)} Ingresses, ${String(withAddress)} with an address\n`;
  const told = diagnostics.filter(({ severity }) => severity !== "info");
  if (told.length === 0) return head;
  const rows = told.slice(0, ROWS_MAX).map(({ object, severity, code, message }) => [object, severity, code, message]);
  const more = told.length - rows.length;
  const rest = more === 0 ? "" : `and ${String(more)} more: "lintel status -o json" has them all\n`;
  return `${head}${table(output, ["OBJECT", "SEVERITY", "REASON", "MESSAGE"], rows)}${rest}`;
}
