import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ManualClock, MemoryLog, settle } from "../ground/testing.ts";
import { RETRY_MS_MAX, WorkQueue, type Recheck } from "./work-queue.ts";

function open(
  reconcile: (key: string, signal: AbortSignal) => Promise<Recheck>,
  concurrency = 4,
): { queue: WorkQueue; clock: ManualClock; log: MemoryLog } {
  const clock = new ManualClock();
  const log = new MemoryLog();
  return { clock, log, queue: new WorkQueue({ name: "test", clock, random: () => 1, log, concurrency, reconcile }) };
}

describe("WorkQueue", () => {
  it("runs a key once for many additions in one turn", async () => {
    let runs = 0;
    const { queue } = open(async () => {
      runs += 1;
      return undefined;
    });
    for (let count = 0; count < 5; count++) queue.add("a");
    await settle();
    // The first addition starts at once; the others ask for one more run.
    assert.ok(runs <= 2, `${String(runs)} runs`);
  });

  it("never runs a key twice at a time, and runs it again when it changed meanwhile", async () => {
    const release: (() => void)[] = [];
    let running = 0;
    let most = 0;
    let runs = 0;
    const { queue } = open(async () => {
      runs += 1;
      running += 1;
      most = Math.max(most, running);
      await new Promise<void>((resolve) => release.push(resolve));
      running -= 1;
      return undefined;
    });
    queue.add("a");
    await settle();
    queue.add("a");
    queue.add("a");
    await settle();
    assert.equal(runs, 1);
    release.shift()?.();
    await settle();
    assert.equal(runs, 2);
    release.shift()?.();
    await settle();
    assert.equal(runs, 2);
    assert.equal(most, 1);
    assert.equal(queue.busy, false);
  });

  it("works on no more keys at a time than its concurrency", async () => {
    let running = 0;
    let most = 0;
    const { queue, clock } = open(async () => {
      running += 1;
      most = Math.max(most, running);
      await settle();
      running -= 1;
      return undefined;
    }, 3);
    for (let key = 0; key < 20; key++) queue.add(String(key));
    for (let turn = 0; turn < 20; turn++) await clock.advance(0);
    assert.equal(most, 3);
    assert.equal(queue.busy, false);
  });

  it("retries a failing key with a wait that doubles up to its limit", async () => {
    const at: number[] = [];
    const { queue, clock } = open(async () => {
      at.push(clock.nowMs());
      throw new Error("no");
    });
    queue.add("a");
    await clock.advance(1000);
    const waits = at.slice(1).map((moment, index) => moment - (at[index] ?? 0));
    assert.deepEqual(waits, [50, 100, 200, 400]);
    await clock.advance(3 * 3_600_000);
    assert.equal((at.at(-1) ?? 0) - (at.at(-2) ?? 0), RETRY_MS_MAX);
  });

  it("looks at a failing key at once when it is added", async () => {
    let runs = 0;
    const { queue, clock } = open(async () => {
      runs += 1;
      if (runs < 8) throw new Error("no");
      return undefined;
    });
    queue.add("a");
    await clock.advance(5000);
    const before = runs;
    queue.add("a");
    await settle();
    assert.equal(runs, before + 1);
  });

  it("comes back after the time the last run asked for, and only then", async () => {
    let runs = 0;
    const { queue, clock } = open(async () => {
      runs += 1;
      return runs === 1 ? { afterMs: 1000 } : undefined;
    });
    queue.add("a");
    await clock.advance(999);
    assert.equal(runs, 1);
    await clock.advance(1);
    assert.equal(runs, 2);
    await clock.advance(1_000_000);
    assert.equal(runs, 2);
  });

  it("forgets an old wait when a change brings a new one", async () => {
    const waits = [5000, 60_000];
    let runs = 0;
    const { queue, clock } = open(async () => {
      runs += 1;
      return { afterMs: waits.shift() ?? 1_000_000_000 };
    });
    queue.add("a");
    await settle();
    queue.add("a");
    await clock.advance(30_000);
    assert.equal(runs, 2);
    await clock.advance(30_000);
    assert.equal(runs, 3);
  });

  it("aborts what runs and takes no more keys when closed", async () => {
    let aborted = false;
    let runs = 0;
    const { queue } = open(async (_, signal) => {
      runs += 1;
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      aborted = true;
      return { afterMs: 0 };
    });
    queue.add("a");
    await settle();
    await queue.close();
    queue.add("b");
    await settle();
    assert.equal(aborted, true);
    assert.equal(runs, 1);
  });
});
