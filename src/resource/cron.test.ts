import assert from "node:assert/strict";
import { test } from "node:test";
import { isTimeZone, nextCronMs, parseCron } from "./cron.ts";

function next(cron: string, timeZone: string, after: string): string | undefined {
  const parsed = parseCron(cron);
  assert.ok(parsed.kind === "schedule", JSON.stringify(parsed));
  const ms = nextCronMs(parsed.schedule, timeZone, Date.parse(after));
  return ms === undefined ? undefined : new Date(ms).toISOString();
}

for (const [what, cron, zone, after, expected] of [
  ["each minute", "* * * * *", "UTC", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00.000Z"],
  ["the middle of a minute", "* * * * *", "UTC", "2026-01-01T00:00:30Z", "2026-01-01T00:01:00.000Z"],
  ["a step", "*/20 3 * * *", "UTC", "2026-01-01T03:20:00Z", "2026-01-01T03:40:00.000Z"],
  ["a list and a range", "5,10 8-9 * * *", "UTC", "2026-01-01T09:05:00Z", "2026-01-01T09:10:00.000Z"],
  ["a schedule with a name", "@weekly", "UTC", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00.000Z"],
  ["names", "0 4 * feb MON", "UTC", "2026-01-01T00:00:00Z", "2026-02-02T04:00:00.000Z"],
  ["either day when both are given", "0 0 13 * fri", "UTC", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00.000Z"],
  ["a leap day", "0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00.000Z"],
  ["a day that never comes", "0 0 30 2 *", "UTC", "2026-01-01T00:00:00Z", undefined],
  ["a zone east of here", "30 0 * * *", "Asia/Kolkata", "2026-01-01T00:00:00Z", "2026-01-01T19:00:00.000Z"],
  ["a zone west of here", "0 22 * * sun", "America/Denver", "2026-01-05T00:00:00Z", "2026-01-05T05:00:00.000Z"],
  ["summer time", "0 3 * * *", "Europe/Berlin", "2026-07-01T00:30:00Z", "2026-07-01T01:00:00.000Z"],
  ["an hour that is left out", "30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-30T00:30:00.000Z"],
  ["an hour that comes twice", "30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00.000Z"],
] as const) {
  test(`nextCronMs() finds ${what}`, () => assert.equal(next(cron, zone, after), expected));
}

for (const [cron, why] of [
  ["", "expected exactly 5 fields, found 0: []"],
  ["* * * *", "expected exactly 5 fields, found 4: [* * * *]"],
  ["60 * * * *", "end of range (60) above maximum (59): 60"],
  ["* * 0 * *", "beginning of range (0) below minimum (1): 0"],
  ["* 5-3 * * *", "beginning of range (5) beyond end of range (3): 5-3"],
  ["*/0 * * * *", "step of range should be a positive number: */0"],
  ["* * * foo *", 'failed to parse int from foo: strconv.Atoi: parsing "foo": invalid syntax'],
  ["1-2-3 * * * *", "too many hyphens: 1-2-3"],
  ["*/2/3 * * * *", "too many slashes: */2/3"],
  ["@every 1h", "unrecognized descriptor: @every 1h"],
] as const) {
  test(`parseCron() says why "${cron}" is none`, () => assert.deepEqual(parseCron(cron), { kind: "malformed", why }));
}

test("isTimeZone() knows the names of the IANA database and nothing else", () => {
  for (const zone of ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"])
    assert.ok(isTimeZone(zone));
  for (const zone of ["", "+01:00", "Europe/Atlantis", "Berlin", "../etc/passwd"]) assert.ok(!isTimeZone(zone), zone);
});
