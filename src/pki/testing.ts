import { access, constants, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { TestContext } from "node:test";

/** Returns false when `tool` is on the PATH, else the one line that says which Debian package brings it: for a test's `skip`. */
export async function skipWithout(tool: string, debianPackage: string = tool): Promise<string | false> {
  for (const directory of (process.env["PATH"] ?? "").split(delimiter)) {
    const found = await access(join(directory, tool), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return false;
  }
  return `install "${tool}" (Debian package "${debianPackage}") to run this`;
}

/** Returns a new empty folder that is removed when the test ends. */
export async function temporaryFolder(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "lintel-test-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}
