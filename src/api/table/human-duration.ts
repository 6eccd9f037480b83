const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

/** From `fromMs` on, a duration is told in `unit`, with what is left over in `rest` unless that is nothing. */
interface Step {
  readonly belowMs: number;
  readonly unit: readonly [ms: number, letter: string];
  readonly rest?: readonly [ms: number, letter: string];
}

const STEPS: readonly Step[] = [
  { belowMs: 2 * MINUTE, unit: [SECOND, "s"] },
  { belowMs: 10 * MINUTE, unit: [MINUTE, "m"], rest: [SECOND, "s"] },
  { belowMs: 3 * HOUR, unit: [MINUTE, "m"] },
  { belowMs: 8 * HOUR, unit: [HOUR, "h"], rest: [MINUTE, "m"] },
  { belowMs: 2 * DAY, unit: [HOUR, "h"] },
  { belowMs: 8 * DAY, unit: [DAY, "d"], rest: [HOUR, "h"] },
  { belowMs: 2 * YEAR, unit: [DAY, "d"] },
  { belowMs: 8 * YEAR, unit: [YEAR, "y"], rest: [DAY, "d"] },
  { belowMs: Number.POSITIVE_INFINITY, unit: [YEAR, "y"] },
];

/** Returns a duration the way `kubectl` prints ages: two or three figures, such as `45s`, `3m20s`, `7h`, `2d4h`. */
export function humanDuration(ms: number): string {
  // Clocks differ: an object made a moment from now is new, one made later has a wrong date.
  if (ms <= -2 * SECOND) return "<invalid>";
  const positive = Math.max(0, ms);
  const step = STEPS.find((candidate) => positive < candidate.belowMs) ?? STEPS[0];
  if (step === undefined) return "0s";
  const [unitMs, letter] = step.unit;
  const whole = `${String(Math.floor(positive / unitMs))}${letter}`;
  if (step.rest === undefined) return whole;
  const [restMs, restLetter] = step.rest;
  const rest = Math.floor((positive % unitMs) / restMs);
  return rest === 0 ? whole : `${whole}${String(rest)}${restLetter}`;
}

/** Returns how long ago an RFC 3339 time was, or `<unknown>` when there is none. */
export function age(timestamp: string | undefined, nowMs: number): string {
  const ms = timestamp === undefined ? Number.NaN : Date.parse(timestamp);
  return Number.isNaN(ms) ? "<unknown>" : humanDuration(nowMs - ms);
}
