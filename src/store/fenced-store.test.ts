import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LintelError } from "../ground/errors.ts";
import { ManualClock } from "../ground/testing.ts";
import { NAMESPACE } from "../resource/kind.ts";
import { fencedStore } from "./fenced-store.ts";
import { MemoryStore } from "./memory.ts";
import { objectOf } from "./testing.ts";

describe("fencedStore()", () => {
  it("reads always, and writes only while the fence does not throw", async () => {
    let open = true;
    const inner = new MemoryStore({ clock: new ManualClock() });
    const store = fencedStore(inner, () => {
      if (!open) throw new LintelError("Not now", { code: "Aborted" });
    });
    const made = await store.create(NAMESPACE, objectOf(NAMESPACE, "demo"));
    open = false;
    for (const write of [
      () => store.create(NAMESPACE, objectOf(NAMESPACE, "other")),
      () => store.update(NAMESPACE, made),
      () => store.updateStatus(NAMESPACE, made),
      () => store.delete(NAMESPACE, "", "demo"),
    ]) {
      await assert.rejects(write(), /Not now/);
    }
    assert.equal((await store.get(NAMESPACE, "", "demo"))?.metadata.uid, made.metadata.uid);
    assert.equal((await store.list(NAMESPACE)).items.length, 1);
  });
});
