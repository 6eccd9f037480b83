import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, it } from "node:test";
import { ManualClock } from "../ground/testing.ts";
import { DEPLOYMENT, NAMESPACE } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import { MemoryStore } from "../store/memory.ts";
import { SqliteStore } from "../store/sqlite.ts";
import { ensureDefaults } from "./bootstrap.ts";

describe("ensureDefaults()", () => {
  it("creates the namespaces of every cluster, once", async () => {
    const store = new MemoryStore({ clock: new ManualClock() });
    await ensureDefaults(store);
    const before = await store.list(NAMESPACE);
    assert.deepEqual(
      before.items.map((item) => item.metadata.name),
      ["default", "kube-node-lease", "kube-public", "kube-system"],
    );
    await ensureDefaults(store);
    assert.deepEqual(await store.list(NAMESPACE), before);
  });

  it("lets a namespace take along what an earlier run left in it, whoever asks for that kind or not", async () => {
    const directory = await mkdtemp(path.join(tmpdir(), "lintel-bootstrap-"));
    const options = { path: path.join(directory, "state.db"), clock: new ManualClock() };
    const first = await SqliteStore.open(options);
    const namespace: KubeObject = { apiVersion: "v1", kind: "Namespace", metadata: { name: "demo" } };
    await first.create(NAMESPACE, namespace);
    const metadata = { name: "web", namespace: "demo" };
    await first.create(DEPLOYMENT, { apiVersion: "apps/v1", kind: "Deployment", metadata, spec: {} });
    first.close();
    const second = await SqliteStore.open(options);
    await ensureDefaults(second);
    await second.delete(NAMESPACE, "", "demo");
    assert.deepEqual((await second.list(DEPLOYMENT)).items, []);
    second.close();
    await rm(directory, { recursive: true });
  });
});
