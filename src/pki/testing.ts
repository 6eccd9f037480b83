import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

/** Returns a new empty folder that is removed when the test ends. */
export async function temporaryFolder(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "lintel-test-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}
