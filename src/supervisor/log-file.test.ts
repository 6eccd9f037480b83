import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ManualClock } from "../ground/testing.ts";
import { LogFile } from "./log-file.ts";

test("LogFile keeps one older file when it grows beyond its limit", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "lintel-log-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const clock = new ManualClock();
  const path = join(directory, "lintel.log");
  const file = LogFile.open({ path, clock, bytesMax: 10 });
  writeSync(file.fd, "0123456789ABC\n");
  await clock.advance(5_000);
  writeSync(file.fd, "after\n");
  assert.equal(readFileSync(`${path}.1`, "utf8"), "0123456789ABC\n");
  assert.equal(readFileSync(path, "utf8"), "after\n");
  file.close();
});

test("LogFile leaves a file alone when it is within its limit", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "lintel-log-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const clock = new ManualClock();
  const path = join(directory, "lintel.log");
  const file = LogFile.open({ path, clock, bytesMax: 100 });
  writeSync(file.fd, "short\n");
  await clock.advance(60_000);
  assert.equal(readFileSync(path, "utf8"), "short\n");
  file.close();
});
