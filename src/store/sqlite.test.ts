import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { isLintelError } from "../ground/errors.ts";
import { systemClock } from "../ground/system-clock.ts";
import { CONFIG_MAP, INGRESS, NAMESPACE, SECRET } from "../resource/kind.ts";
import { controllerReference } from "../resource/object.ts";
import { SqliteStore } from "./sqlite.ts";
import { describeStore, objectOf, take } from "./testing.ts";

const folder = mkdtempSync(join(tmpdir(), "lintel-sqlite-"));
let files = 0;
const nextPath = (): string => join(folder, `store-${files++}.db`);
after(() => rmSync(folder, { recursive: true }));

describeStore("sqlite", async () => {
  const store = await SqliteStore.open({ path: nextPath(), clock: systemClock });
  await store.create(NAMESPACE, objectOf(NAMESPACE, "demo"));
  return store;
});

describe("SqliteStore", () => {
  it("open() finds what an earlier run wrote, and goes on with its versions", async () => {
    const path = nextPath();
    const first = await SqliteStore.open({ path, clock: systemClock });
    await first.create(NAMESPACE, objectOf(NAMESPACE, "demo"));
    const owner = await first.create(INGRESS, objectOf(INGRESS, "web", { spec: { a: 1 } }));
    await first.create(SECRET, objectOf(SECRET, "tls", {}, { ownerReferences: [controllerReference(owner)] }));
    first.close();

    const second = await SqliteStore.open({ path, clock: systemClock });
    assert.deepEqual(await second.get(INGRESS, "demo", "web"), owner);
    const next = await second.create(SECRET, objectOf(SECRET, "new"));
    assert.ok(Number(next.metadata.resourceVersion) > Number(owner.metadata.resourceVersion));
    await second.delete(INGRESS, "demo", "web");
    assert.equal(await second.get(SECRET, "demo", "tls"), undefined, "dependants are known after a restart");
    second.close();
  });

  it("update() of a stale object fails once what it lost to can be read", async () => {
    const store = await SqliteStore.open({ path: nextPath(), clock: systemClock });
    await store.create(NAMESPACE, objectOf(NAMESPACE, "demo"));
    const first = await store.create(CONFIG_MAP, objectOf(CONFIG_MAP, "a", { data: { n: "0" } }));
    const winner = store.update(CONFIG_MAP, { ...first, data: { n: "1" } });
    await assert.rejects(store.update(CONFIG_MAP, { ...first, data: { n: "2" } }), (error) =>
      isLintelError(error, "Conflict"),
    );
    assert.deepEqual((await store.get(CONFIG_MAP, "demo", "a"))?.["data"], { n: "1" });
    const second = store.create(CONFIG_MAP, objectOf(CONFIG_MAP, "b"));
    await assert.rejects(store.create(CONFIG_MAP, objectOf(CONFIG_MAP, "b")), (error) =>
      isLintelError(error, "AlreadyExists"),
    );
    assert.notEqual(await store.get(CONFIG_MAP, "demo", "b"), undefined);
    await Promise.all([winner, second]);
    store.close();
  });

  it("open() keeps the file to its owner", async () => {
    const path = nextPath();
    const store = await SqliteStore.open({ path, clock: systemClock });
    assert.equal(statSync(path).mode & 0o777, 0o600);
    store.close();
  });

  it("open() says which file is damaged and what to do", async () => {
    const path = nextPath();
    writeFileSync(path, "this is not a database, and long enough to be looked at as one ".repeat(20));
    await assert.rejects(
      async () => SqliteStore.open({ path, clock: systemClock }),
      (error) => isLintelError(error, "StateUnreadable") && error.message.includes(path) && error.hint !== undefined,
    );
  });

  it("watch() from a version of an earlier run says Gone rather than miss a change", async () => {
    const path = nextPath();
    const first = await SqliteStore.open({ path, clock: systemClock });
    const { resourceVersion } = await first.list(CONFIG_MAP);
    await first.create(NAMESPACE, objectOf(NAMESPACE, "demo"));
    await first.create(CONFIG_MAP, objectOf(CONFIG_MAP, "app"));
    first.close();
    const second = await SqliteStore.open({ path, clock: systemClock });
    const { signal } = new AbortController();
    await assert.rejects(
      async () => take(second.watch(CONFIG_MAP, { resourceVersion, signal }), 1),
      (error) => isLintelError(error, "Gone"),
    );
    second.close();
  });

  it("create() that resolved survives kill -9 of the process", async () => {
    const path = nextPath();
    const child = spawn(process.execPath, [join(import.meta.dirname, "sqlite-writer.fixture.ts"), path], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    await new Promise<void>((resolve) => {
      child.stdout.on("data", (chunk: Buffer) => {
        text += chunk.toString();
        if (text.split("\n").length > 40) child.kill("SIGKILL");
      });
      child.on("exit", () => resolve());
    });
    const acknowledged = text.split("\n").slice(0, -1);
    const store = await SqliteStore.open({ path, clock: systemClock });
    const stored = new Set((await store.list(CONFIG_MAP)).items.map((item) => item.metadata.name));
    for (const name of acknowledged) assert.ok(stored.has(name), `${name} was acknowledged`);
    assert.ok(acknowledged.length >= 40);
    store.close();
  });
});
