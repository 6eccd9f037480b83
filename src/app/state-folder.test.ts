import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isLintelError } from "../ground/errors.ts";
import { createStateFolder } from "./state-folder.ts";

test("createStateFolder() makes every missing folder, for its owner alone", (t) => {
  const place = mkdtempSync(join(tmpdir(), "lintel-state-"));
  t.after(() => rmSync(place, { recursive: true }));
  const folder = createStateFolder(join(place, "a", "b"));
  assert.equal(statSync(folder.run).mode & 0o777, 0o700);
  assert.equal(createStateFolder(join(place, "a", "b")).run, folder.run, "a second time changes nothing");
});

// Guards against a start that never ended there, and heard no signal.
test("createStateFolder() says at once that a place takes no folders", () => {
  assert.throws(
    () => createStateFolder("/proc/lintel-state"),
    (error) =>
      isLintelError(error, "StateUnreadable") &&
      error.message === 'Cannot write to state folder "/proc/lintel-state": nothing can be made there',
  );
});

test("createStateFolder() says that a file is in the way", (t) => {
  const place = mkdtempSync(join(tmpdir(), "lintel-state-"));
  t.after(() => rmSync(place, { recursive: true }));
  writeFileSync(join(place, "file"), "");
  assert.throws(() => createStateFolder(join(place, "file", "state")), /: a file is in the way$/);
});
