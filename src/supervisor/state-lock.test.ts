import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { isLintelError } from "../ground/errors.ts";
import { acquireStateLock, currentHolder } from "./state-lock.ts";

const SINCE_MS = Date.UTC(2026, 4, 1, 10);

test("acquireStateLock() throws StateHeld naming process, moment and next step when another holds the folder", (t) => {
  const directory = folder(t);
  const lock = acquireStateLock({ directory, holder: { pid: 4711, sinceMs: SINCE_MS, command: "lintel up" } });
  assert.throws(
    () => acquireStateLock({ directory, holder: { pid: 4712, sinceMs: 0, command: "lintel up" } }),
    (error) =>
      isLintelError(error, "StateHeld") &&
      error.message.includes("process 4711 since 2026-05-01T10:00:00Z") &&
      (error.hint ?? "").includes('"kill 4711"'),
  );
  lock.release();
});

test("acquireStateLock() succeeds when the last holder released it", (t) => {
  const directory = folder(t);
  acquireStateLock({ directory, holder: { pid: 1, sinceMs: 0, command: "" } }).release();
  acquireStateLock({ directory, holder: { pid: 2, sinceMs: 0, command: "" } }).release();
});

test("acquireStateLock() succeeds at once when the last holder was killed", async (t) => {
  const directory = folder(t);
  const source = `import { acquireStateLock } from ${JSON.stringify(join(import.meta.dirname, "state-lock.ts"))};
    globalThis.held = acquireStateLock({ directory: ${JSON.stringify(directory)}, holder: { pid: process.pid, sinceMs: 0, command: "" } });
    console.log("held"); setInterval(() => {}, 1000);`;
  const other = spawn(process.execPath, ["--input-type=module", "--eval", source], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => other.kill("SIGKILL"));
  await once(other.stdout, "data");
  assert.equal(currentHolder(directory)?.pid, other.pid);
  other.kill("SIGKILL");
  await once(other, "exit");
  assert.equal(currentHolder(directory), undefined);
  acquireStateLock({ directory, holder: { pid: 2, sinceMs: 0, command: "" } }).release();
});

test("currentHolder() is undefined when there is no such folder", () => {
  assert.equal(currentHolder("/nowhere/at/all"), undefined);
});

function folder(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "lintel-lock-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}
