/** Returns the boolean as Go's `strconv.ParseBool` reads it, which is what ingress-nginx accepts; undefined for anything else. */
export function parseBool(text: string): boolean | undefined {
  if (/^(?:1|t|T|true|TRUE|True)$/.test(text)) return true;
  return /^(?:0|f|F|false|FALSE|False)$/.test(text) ? false : undefined;
}

/** Longest time an annotation may ask for: a year. */
const SECONDS_MAX = 31_536_000;

/** Returns milliseconds for whole seconds without a unit, 1 to a year; undefined for anything else. */
export function parseSeconds(text: string): number | undefined {
  const seconds = parseCount(text);
  return seconds === undefined || seconds < 1 || seconds > SECONDS_MAX ? undefined : seconds * 1000;
}

/** Returns a whole number of 0 or more; undefined for anything else. */
export function parseCount(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

const SIZE_UNITS: Readonly<Record<string, number>> = { "": 1, b: 1, k: 1024, m: 1_048_576, g: 1_073_741_824 };

/** Returns bytes for an nginx size (`8m`, `512K`, `1g`, a bare number of bytes); undefined for anything else. */
export function parseSize(text: string): number | undefined {
  const parts = /^(\d{1,9})([bkmg]?)$/i.exec(text);
  const unit = SIZE_UNITS[(parts?.[2] ?? "").toLowerCase()];
  return parts === null || unit === undefined ? undefined : Number(parts[1]) * unit;
}
