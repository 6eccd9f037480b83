/** Five replicas: how leadership moves, and what `lintel status` shows of them. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { join } from "node:path";
import { parseClusterSummary, type ClusterSummary } from "../../src/app/cluster-summary.ts";
import { isRecord } from "../../src/ground/json.ts";
import { INGRESS_CLASS, NAMESPACE } from "../../src/resource/kind.ts";
import { objectOf } from "../../src/store/testing.ts";
import { eventually } from "../e2e/eventually.ts";
import { run } from "../e2e/instance.ts";
import { ApiServer } from "./api-server.ts";
import { findKubernetesBinaries } from "./kubernetes-binaries.ts";
import { Replica } from "./replica.ts";

const binaries = findKubernetesBinaries();
const LINTEL = join(import.meta.dirname, "../../bin/lintel");
const REPLICAS = 5;

async function status(...args: readonly string[]): Promise<ClusterSummary> {
  const { stdout } = await run(LINTEL, ["status", "-o", "json", ...args]);
  const parsed: unknown = JSON.parse(stdout);
  const cluster = parseClusterSummary(isRecord(parsed) ? parsed["cluster"] : undefined);
  if (cluster === undefined) throw new Error(`No cluster in ${stdout}`);
  return cluster;
}

describe("five replicas", { skip: typeof binaries === "string" ? binaries : false }, () => {
  let server: ApiServer;
  before(async () => {
    if (typeof binaries !== "string") server = await ApiServer.start(binaries);
  });
  after(async () => server.stop());

  it("have one leader, another within 15 s when it is killed, and at once when it stops; lintel status shows them", async (t) => {
    const store = await server.store();
    t.after(() => store.close());
    await store.create(NAMESPACE, objectOf(NAMESPACE, "lintel"));
    await store.create(INGRESS_CLASS, {
      ...objectOf(INGRESS_CLASS, "lintel"),
      spec: { controller: "lintel.dev/ingress" },
    });
    const replicas = Array.from({ length: REPLICAS }, () => Replica.start(t, server.kubeconfig));
    for (const replica of replicas) await replica.serving();
    const leaders = (): readonly Replica[] => replicas.filter(({ leads }) => leads);
    await eventually("one leader", () => (leaders().length === 1 ? true : undefined));

    const seen = await eventually("all replicas in the status", async () => {
      const found = await status("--kubeconfig", server.kubeconfig);
      return found.replicas.length === REPLICAS ? found : undefined;
    });
    assert.match(seen.version, /^v1\./);
    assert.ok((seen.leaseAgeMs ?? Number.POSITIVE_INFINITY) < 15_000);
    assert.deepEqual(
      seen.replicas.filter(({ leads }) => leads).map(({ identity }) => identity),
      [seen.leader],
    );
    const [first] = leaders();
    assert.ok(first !== undefined);
    // Definitions that were just added are not served at once by every part of an API server.
    const own = await eventually("the leader without trouble", async () => {
      const found = await status("--state", first.state);
      return found.problems.length === 0 ? found : undefined;
    });
    assert.deepEqual([own.identity, own.leader], [seen.leader, seen.leader]);

    const killedMs = performance.now();
    first.signalAll("SIGKILL");
    const rest = replicas.filter((replica) => replica !== first);
    const second = await eventually("another leader", () => rest.find(({ leads }) => leads));
    const movedMs = performance.now() - killedMs;
    t.diagnostic(`${Math.round(movedMs)} ms after kill -9`);
    assert.ok(movedMs < 15_000);
    assert.notEqual((await status("--kubeconfig", server.kubeconfig)).leader, seen.leader);

    await second.stop();
    const stoppedMs = performance.now();
    await eventually("the next leader", () => rest.find((replica) => replica !== second && replica.leads));
    t.diagnostic(`${Math.round(performance.now() - stoppedMs)} ms after a clean stop`);
    assert.ok(performance.now() - stoppedMs < 5_000);
    assert.equal(rest.filter((replica) => replica !== second && replica.leads).length, 1);
  });
});
