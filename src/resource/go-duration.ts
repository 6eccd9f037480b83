const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/gy;

/**
 * Returns the milliseconds of a duration as Kubernetes manifests write it (`2160h`, `1h30m`, `1.5h`, `0`), or undefined
 * when `text` is anything else. There is no unit for days.
 */
export function parseGoDuration(text: string): number | undefined {
  const sign = text.startsWith("-") ? -1 : 1;
  const body = text.replace(/^[+-]/, "");
  if (body === "0") return 0;
  let totalMs = 0;
  let end = 0;
  for (const match of body.matchAll(PART)) {
    totalMs += Number(match[1]) * (UNIT_MS[match[2] ?? ""] ?? Number.NaN);
    end = match.index + match[0].length;
  }
  return end === body.length && end > 0 && Number.isFinite(totalMs) ? sign * totalMs : undefined;
}

/** Returns `ms` in whole seconds the way Kubernetes writes durations: `2160h0m0s`, `1m30s`, `0s`. */
export function formatGoDuration(ms: number): string {
  const seconds = Math.trunc(Math.abs(ms) / 1000);
  const sign = ms < 0 && seconds > 0 ? "-" : "";
  const hours = Math.trunc(seconds / 3600);
  const minutes = Math.trunc((seconds % 3600) / 60);
  if (hours > 0) return `${sign}${String(hours)}h${String(minutes)}m${String(seconds % 60)}s`;
  return minutes > 0 ? `${sign}${String(minutes)}m${String(seconds % 60)}s` : `${sign}${String(seconds)}s`;
}
