import { ManualClock } from "../ground/testing.ts";
import { NAMESPACE } from "../resource/kind.ts";
import { MemoryStore } from "./memory.ts";
import { describeStore, objectOf } from "./testing.ts";

describeStore("memory", async () => {
  const store = new MemoryStore({ clock: new ManualClock() });
  await store.create(NAMESPACE, objectOf(NAMESPACE, "demo"));
  return store;
});
