import { systemClock } from "../../src/ground/system-clock.ts";
import { MemoryLog, seededRandom } from "../../src/ground/testing.ts";
import type { AccessLine } from "../../src/proxy/access-line.ts";
import { DataPlane } from "../../src/proxy/data-plane.ts";
import { shopSnapshot } from "../../src/proxy/testing.ts";
import type { Snapshot } from "../../src/routing/snapshot.ts";

/** Opens a data plane that passes every host on to one endpoint, so that only framing decides, and collects its log. */
export async function openFuzzedEdge(
  endpointPort: number,
  lines: AccessLine[],
  readTimeoutMs = 2000,
): Promise<DataPlane> {
  return await DataPlane.open({
    http: [{ host: "127.0.0.1", port: 0 }],
    https: [],
    clock: systemClock,
    log: new MemoryLog(),
    random: seededRandom(1),
    accessLog: (line) => lines.push(line),
    // An endpoint that says less than it announced is given up soon, and none is avoided for it.
    limits: { ejectionFailures: Infinity, deadlineSweepMs: 5 },
    snapshot: anyHostSnapshot(endpointPort, readTimeoutMs),
  });
}

function anyHostSnapshot(port: number, readTimeoutMs: number): Snapshot {
  const snapshot = shopSnapshot([port], { policy: { readTimeoutMs } });
  const host = snapshot.hosts.get("shop.example");
  return host === undefined ? snapshot : { ...snapshot, hosts: new Map([["*", { ...host, host: "*" }]]) };
}
