import type { ProfileSummary } from "./profile.ts";
import { TRIED } from "./tried.ts";
import type { Workload } from "./workloads.ts";

/** The runs of one workload, by contender: one of each figure a round. */
export interface Row {
  readonly workload: Workload;
  readonly runs: ReadonlyMap<
    string,
    {
      /** CPU seconds an operation, and those of them that were spent in the kernel. */
      readonly cpu: readonly number[];
      readonly system: readonly number[];
      /** Operations a second. */
      readonly rate: readonly number[];
      readonly failure?: string;
    }
  >;
  /** Where Lintel's time went, when it fell short. */
  readonly profile?: ProfileSummary;
}

/** Everything a run measured. */
export interface Results {
  readonly rows: readonly Row[];
  readonly memory: readonly {
    readonly name: string;
    readonly baseBytes: number;
    readonly perConnectionBytes: number;
  }[];
  /** CPU seconds that Lintel uses for a connection, by key exchange, one a round. */
  readonly keyExchanges: readonly { readonly group: string; readonly cpu: readonly number[] }[];
  readonly machine: string;
  readonly versions: readonly string[];
  readonly rounds: number;
}

const BASELINE = "nginx";
const OURS = "lintel";

/** Whether Lintel used more CPU than nginx. */
export function fallsShort(row: Row): boolean {
  const ratio = cpuRatio(row, OURS);
  return ratio !== undefined && ratio < 1;
}

/** The tables, as Markdown. */
export function renderMarkdown(results: Results): string {
  const names = [...new Set(results.rows.flatMap((row) => [...row.runs.keys()]))];
  const lines = [
    "# Benchmark results",
    "",
    "Written by `npm run bench`. Each proxy has one worker on one core; the backends and the load have the other. Runs are",
    `interleaved after a warm-up; figures are medians of ${results.rounds} rounds. The CPU is user and system time of all`,
    "processes of a proxy. The certificate is the same for all, and so is the key exchange (X25519).",
    "",
    `Machine: ${results.machine}.`,
    "",
    ...results.versions.map((version) => `- ${version}`),
    "",
    "## CPU compared with nginx",
    "",
    "nginx's CPU per operation divided by the proxy's: above 1.00 is cheaper than nginx.",
    "",
    ...table(
      ["workload", ...names],
      results.rows.map((row) => [row.workload.title, ...names.map((name) => ratioText(row, name, cpuRatio))]),
    ),
    "",
    "## Throughput compared with nginx",
    "",
    "Above 1.00 is more per second than nginx. The load shares one core with the backends and is often the limit.",
    "",
    ...table(
      ["workload", ...names],
      results.rows.map((row) => [row.workload.title, ...names.map((name) => ratioText(row, name, rateRatio))]),
    ),
    "",
    "## CPU per operation",
    "",
    "Microseconds a request, connection or message; milliseconds a GiB. Lowest to highest of the rounds in brackets.",
    "",
    ...table(
      ["workload", ...names],
      results.rows.map((row) => [row.workload.title, ...names.map((name) => absoluteText(row, name))]),
    ),
  ];
  lines.push(...shortfalls(results.rows), ...keyExchanges(results));
  if (results.memory.length > 0) {
    lines.push("", "## Memory", "", "Proportional set size of all processes of a proxy.", "");
    lines.push(
      ...table(
        ["proxy", "without connections, MiB", "per idle TLS connection, KiB"],
        results.memory.map(({ name, baseBytes, perConnectionBytes }) => [
          name,
          (baseBytes / 1024 ** 2).toFixed(1),
          (perConnectionBytes / 1024).toFixed(1),
        ]),
      ),
    );
  }
  return `${lines.join("\n")}\n`;
}

/** Says of each row below 1.00 where the time went, by comparison and by profile, and what was tried. */
function shortfalls(rows: readonly Row[]): readonly string[] {
  const short = rows.filter(fallsShort);
  if (short.length === 0) return [];
  const lines = [
    "",
    "## Where Lintel uses more than nginx, and why",
    "",
    "For each such row: the time in the program and in the kernel beside nginx's, in the units above; and what V8's profiler",
    "saw in one more run of the worker, by own time. The kernel and OpenSSL count for whoever called them: `initRead` is the TLS",
    "handshake, `writeBuffer` encryption and the kernel's sending, `(program)` what happens before JavaScript is called.",
  ];
  for (const row of short) {
    const scale = scaleOf(row);
    lines.push("", `### ${row.workload.title}: ${ratioText(row, OURS, cpuRatio)}`, "");
    lines.push(
      ...table(
        ["", "in the program", "in the kernel"],
        [BASELINE, OURS].map((name) => {
          const run = row.runs.get(name);
          const system = median(run?.system ?? []) ?? 0;
          const total = median(run?.cpu ?? []) ?? 0;
          return [
            name,
            (scale.factor * (total - system)).toFixed(scale.digits),
            (scale.factor * system).toFixed(scale.digits),
          ];
        }),
      ),
    );
    if (row.profile !== undefined) lines.push("", ...profileText(row.profile));
    const tried = TRIED[row.workload.id];
    if (tried !== undefined) lines.push("", tried);
  }
  return lines;
}

function profileText({ functions, shares }: ProfileSummary): readonly string[] {
  return [
    `Profile: ${percent(shares.lintel)} in Lintel's code, ${percent(shares.node)} in Node's, ${percent(shares.native)} native.`,
    "",
    ...table(
      ["function", "own time"],
      functions.map(({ name, share }) => [`\`${name}\``, percent(share)]),
    ),
  ];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function keyExchanges({ keyExchanges }: Results): readonly string[] {
  if (keyExchanges.length === 0) return [];
  return [
    "",
    "## Key exchange",
    "",
    "Lintel's CPU for a new connection with one request, microseconds. Where a client offers it, Lintel agrees on the hybrid",
    "that also withstands quantum computers (X25519MLKEM768), at this price; the OpenSSL of Debian's nginx and HAProxy does not",
    "have it, so the rows above leave it out for all.",
    "",
    ...table(
      ["key exchange", "CPU a connection"],
      keyExchanges.map(({ group, cpu }) => [group, spread(cpu, 1_000_000, 1)]),
    ),
  ];
}

/** The CPU ratios of Lintel and its peers as grouped bars. */
export function renderSvg(results: Results): string {
  const names = ["haproxy", "caddy", "lintel"].filter((name) => results.rows.some((row) => row.runs.has(name)));
  const colours: Readonly<Record<string, string>> = { haproxy: "#9aa5b1", caddy: "#cbd2d9", lintel: "#2f6f4f" };
  const [left, barHeight, rowHeight, unit] = [310, 12, names.length * 12 + 16, 150];
  const height = results.rows.length * rowHeight + 60;
  const parts = results.rows.flatMap((row, index) => {
    const top = 40 + index * rowHeight;
    const label = `<text x="${left - 10}" y="${top + rowHeight / 2}" text-anchor="end">${escapeXml(row.workload.title)}</text>`;
    const bars = names.map((name, position) => {
      const ratio = cpuRatio(row, name);
      if (ratio === undefined) return "";
      const width = Math.min(ratio, 3) * unit;
      const y = top + position * barHeight;
      return `<rect x="${left}" y="${y}" width="${width.toFixed(1)}" height="${barHeight - 2}" fill="${colours[name] ?? ""}"><title>${name} ${ratio.toFixed(2)}</title></rect><text x="${left + width + 4}" y="${y + 9}" font-size="10">${ratio.toFixed(2)}</text>`;
    });
    return [label, ...bars];
  });
  const legend = names.map(
    (name, index) =>
      `<rect x="${left + index * 100}" y="10" width="12" height="12" fill="${colours[name] ?? ""}"/><text x="${left + 18 + index * 100}" y="20">${name}</text>`,
  );
  const line = `<line x1="${left + unit}" x2="${left + unit}" y1="30" y2="${height - 25}" stroke="#b44" stroke-dasharray="4 3"/><text x="${left + unit}" y="${height - 10}" text-anchor="middle" fill="#b44">nginx = 1.00; longer is cheaper</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${left + 3 * unit + 60} ${height}" font-family="sans-serif" font-size="12" fill="#222"><rect width="100%" height="100%" fill="#fff"/>${[...legend, ...parts, line].join("")}</svg>\n`;
}

function cpuRatio(row: Row, name: string): number | undefined {
  const base = median(row.runs.get(BASELINE)?.cpu ?? []);
  const own = median(row.runs.get(name)?.cpu ?? []);
  return base === undefined || own === undefined ? undefined : base / own;
}

function rateRatio(row: Row, name: string): number | undefined {
  const base = median(row.runs.get(BASELINE)?.rate ?? []);
  const own = median(row.runs.get(name)?.rate ?? []);
  return base === undefined || own === undefined ? undefined : own / base;
}

function ratioText(row: Row, name: string, ratio: (row: Row, name: string) => number | undefined): string {
  return ratio(row, name)?.toFixed(2) ?? (row.runs.get(name)?.failure === undefined ? "–" : "failed");
}

function absoluteText(row: Row, name: string): string {
  const cpu = row.runs.get(name)?.cpu ?? [];
  if (cpu.length === 0) return row.runs.get(name)?.failure === undefined ? "–" : "failed";
  const { factor, digits } = scaleOf(row);
  return spread(cpu, factor, digits);
}

/** Microseconds, but milliseconds for a GiB. */
function scaleOf({ workload }: Row): { readonly factor: number; readonly digits: number } {
  return workload.unit === "GiB" ? { factor: 1000, digits: 0 } : { factor: 1_000_000, digits: 1 };
}

/** The median, with the lowest and the highest. */
function spread(values: readonly number[], factor: number, digits: number): string {
  const [middle, low, high] = [median(values) ?? 0, Math.min(...values), Math.max(...values)];
  const text = (value: number): string => (value * factor).toFixed(digits);
  return `${text(middle)} (${text(low)}–${text(high)})`;
}

function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = head.map((cell, column) => Math.max(cell.length, 3, ...rows.map((row) => (row[column] ?? "").length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [line(head), `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...rows.map(line)];
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
