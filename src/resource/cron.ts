/** The moments that a cron expression names, by their fields in some time zone. */
export interface CronSchedule {
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly daysOfMonth: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  /** 0 is Sunday. */
  readonly daysOfWeek: ReadonlySet<number>;
  /** A day must be in both day fields; false: both were restricted, so one of them is enough, as cron has always done. */
  readonly bothDays: boolean;
}

/** A schedule, or why the text is none. */
export type ParsedCron =
  { readonly kind: "schedule"; readonly schedule: CronSchedule } | { readonly kind: "malformed"; readonly why: string };

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names: readonly string[];
}

const FIELDS: readonly Bounds[] = [
  { min: 0, max: 59, names: [] },
  { min: 0, max: 23, names: [] },
  { min: 1, max: 31, names: [] },
  { min: 1, max: 12, names: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"] },
  { min: 0, max: 6, names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] },
];

/** The next moment is looked for in this many days; some schedules (30 February) have none. */
const DAYS_MAX: number = 5 * 366;
const DAY_MS = 86_400_000;

/** Names for schedules that many want. There is no `@every`: it says how often, not when. */
const DESCRIPTORS: ReadonlyMap<string, string> = new Map([
  ["@yearly", "0 0 1 1 *"],
  ["@annually", "0 0 1 1 *"],
  ["@monthly", "0 0 1 * *"],
  ["@weekly", "0 0 * * 0"],
  ["@daily", "0 0 * * *"],
  ["@midnight", "0 0 * * *"],
  ["@hourly", "0 * * * *"],
]);

/**
 * Reads a cron expression of five fields: minute, hour, day of month, month, day of week, with lists, ranges, steps, `*`,
 * `?` and English names; or one of `@yearly`, `@monthly`, `@weekly`, `@daily`, `@hourly`. Total.
 */
export function parseCron(text: string): ParsedCron {
  const written = text.trim();
  const expression = DESCRIPTORS.get(written) ?? written;
  if (expression.startsWith("@")) return malformed(`unrecognized descriptor: ${written}`);
  const fields = expression === "" ? [] : expression.split(/\s+/);
  if (fields.length !== FIELDS.length) {
    return malformed(`expected exactly 5 fields, found ${String(fields.length)}: [${fields.join(" ")}]`);
  }
  const sets: ReadonlySet<number>[] = [];
  for (const [at, bounds] of FIELDS.entries()) {
    const found = parseField(fields[at] ?? "", bounds);
    if (typeof found === "string") return malformed(found);
    sets.push(found);
  }
  const [minutes = NONE, hours = NONE, daysOfMonth = NONE, months = NONE, daysOfWeek = NONE] = sets;
  const bothDays = isUnrestricted(fields[2]) || isUnrestricted(fields[4]);
  return { kind: "schedule", schedule: { minutes, hours, daysOfMonth, months, daysOfWeek, bothDays } };
}

/** Returns whether `timeZone` is the name of an IANA time zone. */
export function isTimeZone(timeZone: string): boolean {
  if (!/^[A-Za-z]/.test(timeZone)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

/**
 * Returns the first moment of `schedule` in `timeZone` after `afterMs`, or undefined when there is none in five years. A
 * time of day that a change of clocks leaves out does not come that day; one that comes twice counts the first time.
 */
export function nextCronMs(schedule: CronSchedule, timeZone: string, afterMs: number): number | undefined {
  const offsetMs = zoneOffset(timeZone);
  const firstDay = Math.floor((afterMs + offsetMs(afterMs)) / DAY_MS);
  for (let day = firstDay - 1; day <= firstDay + DAYS_MAX; day++) {
    if (!isDay(schedule, new Date(day * DAY_MS))) continue;
    for (const hour of ascending(schedule.hours)) {
      for (const minute of ascending(schedule.minutes)) {
        const ms = instantOf(day * DAY_MS + (hour * 60 + minute) * 60_000, offsetMs);
        if (ms !== undefined && ms > afterMs) return ms;
      }
    }
  }
  return undefined;
}

const NONE: ReadonlySet<number> = new Set();

function isDay(schedule: CronSchedule, date: Date): boolean {
  if (!schedule.months.has(date.getUTCMonth() + 1)) return false;
  const byMonth = schedule.daysOfMonth.has(date.getUTCDate());
  const byWeek = schedule.daysOfWeek.has(date.getUTCDay());
  return schedule.bothDays ? byMonth && byWeek : byMonth || byWeek;
}

/** Returns how far the wall clock of a zone is ahead of UTC at an instant. */
function zoneOffset(timeZone: string): (ms: number) => number {
  if (timeZone === "" || timeZone === "UTC") return () => 0;
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  return (ms) => {
    const parts = new Map(format.formatToParts(ms).map((part) => [part.type, Number(part.value)]));
    const at = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
    const wall = Date.UTC(at("year"), at("month") - 1, at("day"), at("hour"), at("minute"), at("second"));
    return wall - Math.floor(ms / 1000) * 1000;
  };
}

/** The instant at which the wall clock shows `wallMs`: around a change of clocks there are two offsets to try. */
function instantOf(wallMs: number, offsetMs: (ms: number) => number): number | undefined {
  const candidates = [wallMs - offsetMs(wallMs - DAY_MS), wallMs - offsetMs(wallMs + DAY_MS)];
  const real = candidates.filter((ms) => ms + offsetMs(ms) === wallMs);
  return real.length === 0 ? undefined : Math.min(...real);
}

function ascending(numbers: ReadonlySet<number>): readonly number[] {
  return [...numbers].sort((left, right) => left - right);
}

/** `*` and `?` leave a field open; with a step they restrict it. */
function isUnrestricted(field = ""): boolean {
  return field.split(",").some((range) => /^[*?](?:-\d+)?(?:\/1)?$/.test(range));
}

function parseField(field: string, bounds: Bounds): ReadonlySet<number> | string {
  const found = new Set<number>();
  for (const range of field.split(",").filter((part) => part !== "")) {
    const why = addRange(range, bounds, found);
    if (why !== undefined) return why;
  }
  return found.size === 0 ? `empty field: ${field}` : found;
}

/** Adds what one range names to `found`; returns why it can't be read. */
function addRange(range: string, bounds: Bounds, found: Set<number>): string | undefined {
  const [span = "", stepText, ...more] = range.split("/");
  const [low = "", high, ...others] = span.split("-");
  if (more.length > 0) return `too many slashes: ${range}`;
  if (others.length > 0) return `too many hyphens: ${range}`;
  const open = low === "*" || low === "?";
  const start = open ? bounds.min : numberOf(low, bounds);
  const last = stepText === undefined ? start : bounds.max;
  const end = open ? bounds.max : high === undefined ? last : numberOf(high, bounds);
  const step = stepText === undefined ? 1 : numberOf(stepText, { ...bounds, names: [] });
  if (start === undefined) return noNumber(low);
  if (end === undefined) return noNumber(high ?? "");
  if (step === undefined) return noNumber(stepText ?? "");
  if (start < bounds.min)
    return `beginning of range (${String(start)}) below minimum (${String(bounds.min)}): ${range}`;
  if (end > bounds.max) return `end of range (${String(end)}) above maximum (${String(bounds.max)}): ${range}`;
  if (start > end) return `beginning of range (${String(start)}) beyond end of range (${String(end)}): ${range}`;
  if (step === 0) return `step of range should be a positive number: ${range}`;
  for (let value = start; value <= end; value += step) found.add(value);
  return undefined;
}

function noNumber(text: string): string {
  return `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;
}

function numberOf(text: string, bounds: Bounds): number | undefined {
  const named = bounds.names.indexOf(text.toLowerCase());
  if (named >= 0) return named + bounds.min;
  return /^\d{1,4}$/.test(text) ? Number(text) : undefined;
}

function malformed(why: string): ParsedCron {
  return { kind: "malformed", why };
}
