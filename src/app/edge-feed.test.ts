import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { systemClock } from "../ground/system-clock.ts";
import { MemoryLog } from "../ground/testing.ts";
import { EMPTY_SNAPSHOT, type Snapshot } from "../routing/snapshot.ts";
import { EdgeFeed } from "./edge-feed.ts";
import { FeedClient } from "./feed-client.ts";
import { keepSnapshot, readKeptSnapshot, type KeptSnapshot } from "./last-snapshot.ts";

const WAIT = { signal: AbortSignal.timeout(20_000) };

test("EdgeFeed.served() resolves when every live worker has acknowledged the generation", async (t) => {
  const place = folder(t);
  const feed = await openFeed(place, "one");
  const seen: Snapshot[] = [];
  feed.setLiveWorkers([1, 2]);
  startWorker(place, 1, { serve: (snapshot) => seen.push(snapshot) });
  const generation = feed.publish(challenge("a"));
  let served = false;
  const wait = feed.served(generation, WAIT).then(() => (served = true));
  await once(await greeted(place), "close").catch(() => undefined);
  assert.equal(served, false, "the second worker is alive and has not said so");
  startWorker(place, 2, {});
  await wait;
  assert.equal(seen.at(-1)?.challenges.has("a"), true);
});

test("EdgeFeed.served() no longer waits for a worker when it is dead", async (t) => {
  const place = folder(t);
  const feed = await openFeed(place, "one");
  feed.setLiveWorkers([1, 2]);
  startWorker(place, 1, {});
  const wait = feed.served(feed.publish(challenge("a")), WAIT);
  feed.setLiveWorkers([1]);
  await wait;
});

test("EdgeFeed.served() rejects with the reason when its signal aborts", async (t) => {
  const feed = await openFeed(folder(t), "one");
  const stop = new AbortController();
  const wait = feed.served(feed.publish(challenge("a")), { signal: stop.signal });
  stop.abort(new Error("enough"));
  await assert.rejects(wait, /enough/);
});

test("EdgeFeed.publish() keeps the generation when nothing changed", async (t) => {
  const feed = await openFeed(folder(t), "one");
  assert.equal(feed.publish(challenge("a")), 1);
  assert.equal(feed.publish(challenge("a")), 1);
  assert.equal(feed.publish(challenge("b")), 2);
});

test("EdgeFeed keeps the last served snapshot in a file of mode 0600", async (t) => {
  const place = folder(t);
  const feed = await openFeed(place, "one");
  startWorker(place, 1, {});
  feed.setLiveWorkers([1]);
  await feed.served(feed.publish(challenge("a")), WAIT);
  const kept = await keptSoon(place);
  assert.deepEqual(kept.version, { epoch: "one", generation: 1 });
  assert.ok(kept.snapshot.challenges.has("a"));
  assert.equal(statSync(place.snapshotPath).mode & 0o777, 0o600);
});

test("a worker follows the next life of control, whatever the last one left unsaid", async (t) => {
  const place = folder(t);
  const first = await openFeed(place, "one");
  const seen: Snapshot[] = [];
  startWorker(place, 1, { serve: (snapshot) => seen.push(snapshot) });
  first.setLiveWorkers([1]);
  await first.served(first.publish(challenge("a")), WAIT);
  await first.served(first.publish(challenge("ghost")), WAIT);
  await first.close();

  const second = await openFeed(place, "two", {
    version: { epoch: "one", generation: 1 },
    snapshot: { ...challenge("a"), generation: 1 },
  });
  second.setLiveWorkers([1]);
  const generation = second.publish(challenge("b"));
  assert.equal(generation, 2, "the number the ghost had");
  await second.served(generation, WAIT);
  assert.deepEqual([...(seen.at(-1)?.challenges.keys() ?? [])], ["b"]);
});

test("a worker is not moved back when the next life of control knows only an older snapshot", async (t) => {
  const place = folder(t);
  const first = await openFeed(place, "one");
  const seen: Snapshot[] = [];
  startWorker(place, 1, { serve: (snapshot) => seen.push(snapshot) });
  first.setLiveWorkers([1]);
  await first.served(first.publish(challenge("old")), WAIT);
  await first.served(first.publish(challenge("new")), WAIT);
  await first.close();

  const older = { version: { epoch: "one", generation: 1 }, snapshot: { ...challenge("old"), generation: 1 } };
  const second = await openFeed(place, "two", older);
  second.setLiveWorkers([1]);
  while (second.workers().length === 0) await systemClock.sleep(5);
  await second.served(second.publish(challenge("new")), WAIT);
  assert.deepEqual(
    seen.map((snapshot) => [...snapshot.challenges.keys()]),
    [["old"], ["new"], ["new"]],
  );
});

test("a worker that failed to serve a generation gets the next one whole", async (t) => {
  const place = folder(t);
  const feed = await openFeed(place, "one");
  const seen: Snapshot[] = [];
  startWorker(place, 1, {
    serve: (snapshot) => {
      if (snapshot.challenges.has("bad")) throw new Error("no");
      seen.push(snapshot);
    },
  });
  feed.setLiveWorkers([1]);
  await feed.served(feed.publish(challenge("a")), WAIT);
  feed.publish(challenge("bad"));
  await feed.served(feed.publish(challenge("c")), WAIT);
  assert.deepEqual([...(seen.at(-1)?.challenges.keys() ?? [])], ["c"]);
});

test("EdgeFeed.stats() gathers the numbers of every worker that answers", async (t) => {
  const place = folder(t);
  const feed = await openFeed(place, "one");
  startWorker(place, 7, {});
  feed.setLiveWorkers([7]);
  await feed.served(feed.publish(challenge("a")), WAIT);
  assert.deepEqual(await feed.stats(5_000), [{ pid: 7, stats: { requests: 3 } }]);
});

test("EdgeFeed drops a worker that speaks another version", async (t) => {
  const place = folder(t);
  await openFeed(place, "one");
  const socket = connect(place.socketPath);
  socket.write(`${JSON.stringify({ type: "hello", version: 999, pid: 1, has: {} })}\n`);
  await once(socket, "close");
});

test("readKeptSnapshot() is undefined when the file is missing or not a snapshot", async (t) => {
  const place = folder(t);
  assert.equal(await readKeptSnapshot(place.snapshotPath), undefined);
  await keepSnapshot(place.snapshotPath, {
    version: { epoch: "e", generation: 3 },
    snapshot: { ...EMPTY_SNAPSHOT, generation: 3 },
  });
  assert.equal((await readKeptSnapshot(place.snapshotPath))?.snapshot.generation, 3);
});

interface Place {
  readonly socketPath: string;
  readonly snapshotPath: string;
  /** Run last first before the folder goes. */
  readonly closers: (() => unknown)[];
}

function folder(t: TestContext): Place {
  const directory = mkdtempSync(join(tmpdir(), "lintel-feed-"));
  const closers: (() => unknown)[] = [];
  t.after(async () => {
    for (const close of closers.toReversed()) await close();
    rmSync(directory, { recursive: true });
  });
  return { socketPath: join(directory, "edge.sock"), snapshotPath: join(directory, "snapshot.json"), closers };
}

async function openFeed(place: Place, epoch: string, kept?: KeptSnapshot): Promise<EdgeFeed> {
  const { socketPath, snapshotPath } = place;
  const feed = await EdgeFeed.open({ socketPath, snapshotPath, epoch, kept, clock: systemClock, log: new MemoryLog() });
  place.closers.push(() => feed.close());
  return feed;
}

function startWorker(place: Place, pid: number, options: { readonly serve?: (snapshot: Snapshot) => unknown }): void {
  const client = new FeedClient({
    socketPath: place.socketPath,
    pid,
    kept: undefined,
    clock: systemClock,
    log: new MemoryLog(),
    serve: (snapshot) => {
      options.serve?.(snapshot);
      return [];
    },
    stats: () => ({ requests: 3 }),
  });
  place.closers.push(() => client.close());
  client.open();
}

/** A connection that control has certainly seen, and that it closes. */
async function greeted(place: Place): Promise<NodeJS.EventEmitter> {
  const socket = connect(place.socketPath);
  await once(socket, "connect");
  socket.write(`${JSON.stringify({ type: "hello", version: 999, pid: 1, has: {} })}\n`);
  return socket;
}

async function keptSoon(place: Place): Promise<KeptSnapshot> {
  for (;;) {
    const kept = await readKeptSnapshot(place.snapshotPath);
    if (kept !== undefined) return kept;
    await systemClock.sleep(10);
  }
}

function challenge(token: string): Omit<Snapshot, "generation"> {
  const { generation: _, ...content } = EMPTY_SNAPSHOT;
  return { ...content, challenges: new Map([[token, { token, keyAuthorization: `${token}.x`, host: "a.example" }]]) };
}
