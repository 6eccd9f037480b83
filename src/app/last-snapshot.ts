import { open, readFile, rename } from "node:fs/promises";
import { isRecord } from "../ground/json.ts";
import { applyDelta, diffSnapshots } from "../routing/delta.ts";
import { EMPTY_SNAPSHOT, type Snapshot } from "../routing/snapshot.ts";
import { isSnapshotDelta, parseVersion, type SnapshotVersion } from "./feed-wire.ts";

/** A snapshot that at least one worker has served, and which one it is. */
export interface KeptSnapshot {
  readonly version: SnapshotVersion;
  readonly snapshot: Snapshot;
}

/**
 * Replaces the file at `path` with the snapshot, mode 0600 because it holds the keys that are served. The name is
 * switched in one step: a reader sees, and a kill at any moment leaves, the old or the new one. It is not forced to
 * the disk: after a loss of power control is there before any worker needs it.
 */
export async function keepSnapshot(path: string, kept: KeptSnapshot): Promise<void> {
  const file = await open(`${path}.new`, "w", 0o600);
  try {
    const delta = diffSnapshots(undefined, kept.snapshot);
    await file.writeFile(JSON.stringify({ version: kept.version, delta }));
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}

/** Returns the kept snapshot, or undefined when there is none that this version can read. */
export async function readKeptSnapshot(path: string): Promise<KeptSnapshot | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path, "utf8"));
    const delta = isRecord(value) ? value["delta"] : undefined;
    if (!isRecord(value) || !isSnapshotDelta(delta)) return undefined;
    const snapshot = applyDelta(EMPTY_SNAPSHOT, delta);
    return snapshot === undefined ? undefined : { version: parseVersion(value["version"]), snapshot };
  } catch {
    // Missing on the first start; unreadable after a change of format. Control will send the whole.
    return undefined;
  }
}
