import { isIP, isIPv4, isIPv6 } from "node:net";
import { illegalBase64At } from "./decode-typed.ts";
import { parseGoDuration } from "../../resource/go-duration.ts";

const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
const MOMENT = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;
const HOSTNAME = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*\.?$/i;
const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

/** By format, whether text has it; other formats are only words. */
const FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  byte: (text) => illegalBase64At(text) === undefined,
  "date-time": (text) => MOMENT.test(text) && !Number.isNaN(Date.parse(text)),
  date: isDate,
  duration: isDuration,
  uri: (text) => /^[a-z][a-z0-9+.-]*:/i.test(text) && URL.canParse(text) && !/\s/.test(text),
  email: (text) => /^[^\s@"<>]+@[^\s@<>]+$/.test(text),
  hostname: (text) => HOSTNAME.test(text),
  ipv4: isIPv4,
  ipv6: isIPv6,
  cidr: isCidr,
  mac: (text) => /^[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}(?:(?:[:-][0-9a-f]{2}){2})?$/i.test(text),
  uuid: (text) => UUID.test(text),
  uuid3: (text) => UUID.test(text) && uuidVersion(text) === "3",
  uuid4: (text) => UUID.test(text) && uuidVersion(text) === "4",
  uuid5: (text) => UUID.test(text) && uuidVersion(text) === "5",
  hexcolor: (text) => /^#?(?:[0-9a-f]{3}|[0-9a-f]{6})$/i.test(text),
  bsonobjectid: (text) => /^[0-9a-f]{24}$/i.test(text),
};

/** Words that servers know as formats beside those that are checked. */
const KNOWN_WORDS: ReadonlySet<string> = new Set([
  ...Object.keys(FORMATS),
  "datetime",
  "creditcard",
  "isbn",
  "isbn10",
  "isbn13",
  "k8s-long-name",
  "k8s-short-name",
  "password",
  "rgbcolor",
  "ssn",
]);

/** Returns whether `text` has the OpenAPI format; text has every format that is not known. */
export function hasFormat(text: string, format: string): boolean {
  return !Object.hasOwn(FORMATS, format) || FORMATS[format]?.(text) !== false;
}

/** Returns whether a server knows the format; of others it warns. */
export function isKnownFormat(format: string): boolean {
  return KNOWN_WORDS.has(format);
}

function isDate(text: string): boolean {
  const match = DATE.exec(text);
  if (match === null) return false;
  const moment = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(moment.getTime()) && moment.getUTCDate() === Number(match[3]);
}

/** As Go writes durations, or a number and a word. */
function isDuration(text: string): boolean {
  if (parseGoDuration(text) !== undefined) return true;
  return /^\d+(?:\.\d+)?\s*(?:ns|nano|nanos?econds?|us|µs|micro|microseconds?|ms|milli|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)$/i.test(
    text.trim(),
  );
}

function isCidr(text: string): boolean {
  const [address = "", bits = "", ...rest] = text.split("/");
  const family = isIP(address);
  return rest.length === 0 && family !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
}

function uuidVersion(text: string): string | undefined {
  return text.replaceAll("-", "")[12];
}
