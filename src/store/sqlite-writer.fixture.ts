// Writes objects for ever and prints the name of each one that was acknowledged: the test kills it in the middle.
import { systemClock } from "../ground/system-clock.ts";
import { CONFIG_MAP, NAMESPACE } from "../resource/kind.ts";
import { SqliteStore } from "./sqlite.ts";
import { objectOf } from "./testing.ts";

const store = await SqliteStore.open({ path: process.argv[2] ?? "", clock: systemClock });
await store.create(NAMESPACE, objectOf(NAMESPACE, "demo"));
for (let index = 0; index < 100_000; index++) {
  const name = `app-${index}`;
  await store.create(CONFIG_MAP, objectOf(CONFIG_MAP, name, { data: { index: String(index) } }));
  process.stdout.write(`${name}\n`);
}
