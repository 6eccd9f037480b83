import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { stringAt } from "../ground/json.ts";
import { ManualClock, MemoryLog, settle } from "../ground/testing.ts";
import { CLUSTER_ISSUER, CONFIG_MAP, EVENT, NAMESPACE } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import { MemoryStore } from "../store/memory.ts";
import { EventRecorder } from "./event-recorder.ts";
import { make } from "./testing.ts";

async function open(): Promise<{ clock: ManualClock; store: MemoryStore; recorder: EventRecorder; app: KubeObject }> {
  const clock = new ManualClock();
  const store = new MemoryStore({ clock });
  for (const name of ["default", "shop"]) await store.create(NAMESPACE, make(NAMESPACE, name));
  const app = await store.create(CONFIG_MAP, make(CONFIG_MAP, "app"));
  return { clock, store, app, recorder: new EventRecorder({ store, clock, log: new MemoryLog() }) };
}

async function eventsOf(store: MemoryStore): Promise<readonly KubeObject[]> {
  await settle();
  return (await store.list(EVENT)).items;
}

describe("EventRecorder", () => {
  it("writes a core/v1 Event that names its object", async () => {
    const { store, recorder, app } = await open();
    recorder.warning(app, "BadConfig", "Something is missing");
    const [event, ...others] = await eventsOf(store);
    assert.equal(others.length, 0);
    assert.match(event?.metadata.name ?? "", /^app\.[0-9a-f]{16}$/);
    assert.equal(event?.metadata.namespace, "shop");
    assert.equal(event?.["type"], "Warning");
    assert.equal(event?.["reason"], "BadConfig");
    assert.equal(event?.["reportingComponent"], "lintel");
    assert.equal(stringAt(event?.["involvedObject"], "uid"), app.metadata.uid);
    await recorder.close();
  });

  it("counts the same happening in one Event", async () => {
    const { clock, store, recorder, app } = await open();
    for (let times = 0; times < 3; times++) {
      recorder.normal(app, "Issuing", "Again");
      await clock.advance(1000);
    }
    const [event, ...others] = await eventsOf(store);
    assert.equal(others.length, 0);
    assert.equal(event?.["count"], 3);
    assert.notEqual(event?.["firstTimestamp"], event?.["lastTimestamp"]);
    await recorder.close();
  });

  it("puts Events of cluster-scoped objects into the namespace default", async () => {
    const { store, recorder } = await open();
    recorder.normal(await store.create(CLUSTER_ISSUER, make(CLUSTER_ISSUER, "ca")), "AnsweredOffline", "It works");
    const [event] = await eventsOf(store);
    assert.equal(event?.metadata.namespace, "default");
    await recorder.close();
  });

  it("lets one object cause no more than a burst, and one more every five minutes", async () => {
    const { clock, store, recorder, app } = await open();
    for (let number = 0; number < 40; number++) recorder.normal(app, "Generated", `Number ${String(number)}`);
    assert.equal((await eventsOf(store)).length, 25);
    await clock.advance(5 * 60_000);
    for (let number = 0; number < 40; number++) recorder.normal(app, "Generated", `Later ${String(number)}`);
    assert.equal((await eventsOf(store)).length, 26);
    await recorder.close();
  });

  it("removes its Events after an hour and leaves those of others", async () => {
    const { clock, store, recorder, app } = await open();
    await store.create(
      EVENT,
      make(EVENT, "foreign", { reportingComponent: "kubelet", lastTimestamp: "2020-01-01T00:00:00Z" }),
    );
    recorder.normal(app, "Issuing", "Soon forgotten");
    await clock.advance(50 * 60_000);
    assert.equal((await eventsOf(store)).length, 2);
    await clock.advance(30 * 60_000);
    assert.deepEqual(
      (await eventsOf(store)).map((event) => event.metadata.name),
      ["foreign"],
    );
    await recorder.close();
  });

  it("neither waits nor fails when the namespace is gone", async () => {
    const { store, recorder, app } = await open();
    recorder.normal({ ...app, metadata: { ...app.metadata, namespace: "nowhere" } }, "Issuing", "Lost");
    recorder.normal(app, "Issuing", "Kept");
    assert.equal((await eventsOf(store)).length, 1);
    await recorder.close();
  });
});
