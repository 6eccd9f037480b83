import { open, readFile, rename, type FileHandle } from "node:fs/promises";
import { isRecord } from "../ground/json.ts";
import { applyDelta, diffSnapshots } from "../routing/delta.ts";
import { EMPTY_SNAPSHOT, type Snapshot } from "../routing/snapshot.ts";
import { isSnapshotDelta, parseVersion, type SnapshotVersion } from "./feed-wire.ts";

/** Written at a time: a few milliseconds of work. */
const PART_CHARS = 256 * 1024;

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
    await writeInParts(file, jsonParts(kept));
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}

/** Joined they are the JSON of the version and the delta from nothing; none of them takes long to make. */
function* jsonParts({ version, snapshot }: KeptSnapshot): Generator<string, void, undefined> {
  const { from: _, generation, settings, ...maps } = diffSnapshots(undefined, snapshot);
  yield `{"version":${JSON.stringify(version)},"delta":{"generation":${String(generation)}`;
  if (settings !== undefined) yield `,"settings":${JSON.stringify(settings)}`;
  for (const [name, { set }] of Object.entries(maps)) {
    yield `,${JSON.stringify(name)}:{"remove":[],"set":[`;
    let comma = "";
    for (const entry of set) {
      yield comma + JSON.stringify(entry);
      comma = ",";
    }
    yield "]}";
  }
  yield "}}";
}

/** Lets others have their turn after each part: making the JSON of a large snapshot in one go takes a quarter second. */
async function writeInParts(file: FileHandle, parts: Iterable<string>): Promise<void> {
  let text = "";
  for (const part of parts) {
    text += part;
    if (text.length < PART_CHARS) continue;
    await file.write(text);
    text = "";
  }
  await file.write(text);
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
