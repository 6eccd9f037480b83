import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isLintelError } from "../ground/errors.ts";
import { ManualClock } from "../ground/testing.ts";
import { CONFIG_MAP, NAMESPACE } from "../resource/kind.ts";
import type { ObjectList } from "./contract.ts";
import { MemoryStore } from "./memory.ts";
import { objectOf } from "./testing.ts";

async function openStore(): Promise<MemoryStore> {
  const store = new MemoryStore({ clock: new ManualClock() });
  await store.create(NAMESPACE, objectOf(NAMESPACE, "demo"));
  return store;
}

describe("EmbeddedStore", () => {
  it("listAt() gives what list() gave at that version, whatever was written since", async () => {
    const step = fc.record({ name: fc.constantFrom("a", "b", "c"), value: fc.nat(3), isDeleted: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const store = await openStore();
        const lists: ObjectList[] = [await store.list(CONFIG_MAP)];
        for (const { name, value, isDeleted } of steps) {
          const exists = (await store.get(CONFIG_MAP, "demo", name)) !== undefined;
          const next = objectOf(CONFIG_MAP, name, { data: { value: String(value) } });
          if (!exists) await store.create(CONFIG_MAP, next);
          else if (isDeleted) await store.delete(CONFIG_MAP, "demo", name);
          else await store.update(CONFIG_MAP, next);
          lists.push(await store.list(CONFIG_MAP));
        }
        for (const list of lists) assert.deepEqual(await store.listAt(CONFIG_MAP, list.resourceVersion), list);
      }),
      { numRuns: 40 },
    );
  });

  it("listAt() says Gone for a version that is not yet", async () => {
    const store = await openStore();
    await assert.rejects(store.listAt(CONFIG_MAP, "99"), (error) => isLintelError(error, "Gone"));
  });
});
