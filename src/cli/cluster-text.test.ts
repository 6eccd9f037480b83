import assert from "node:assert/strict";
import { it } from "node:test";
import { clusterSummary, parseClusterSummary } from "../app/cluster-summary.ts";
import { LEADER_LEASE, reportLeases } from "../control/leadership/lease-report.ts";
import type { KubeObject } from "../resource/object.ts";
import { clusterText } from "./cluster-text.ts";

const NOW = Date.UTC(2026, 5, 1);

function lease(
  name: string,
  holderIdentity: string,
  silentMs: number,
  more: Partial<KubeObject["metadata"]> = {},
): KubeObject {
  const renewTime = new Date(NOW - silentMs).toISOString();
  return {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name, namespace: "lintel", ...more },
    spec: { holderIdentity, renewTime, leaseDurationSeconds: 10 },
  };
}

function replica(identity: string, silentMs: number, http: string): KubeObject {
  const annotations = { "lintel.dev/http-address": http };
  return lease(`lintel-replica-${identity}`, identity, silentMs, {
    labels: { "lintel.dev/replica": "true" },
    annotations,
  });
}

it("clusterText() says who leads, since when that is known, who runs, and what does not work", () => {
  const leases = [
    replica("b", 4_000, "10.0.0.2:8080"),
    lease(LEADER_LEASE, "a", 1_000),
    replica("a", 2_000, "10.0.0.1:8080"),
  ];
  const facts = {
    server: "https://10.0.0.9:6443",
    version: "v1.34.0",
    identity: "b",
    problems: ["Cannot follow secrets: no"],
  };
  const summary = parseClusterSummary(JSON.parse(JSON.stringify(clusterSummary(reportLeases(leases, NOW), facts))));
  assert.ok(summary !== undefined);
  let written = "";
  const output = { isTerminal: false, write: (text: string) => void (written += text) };
  written += clusterText(output, summary, 12.4);
  assert.equal(
    written,
    [
      "API server https://10.0.0.9:6443 (v1.34.0) answers in 12 ms",
      "Leader a, its Lease renewed 1 s ago",
      "Cannot follow secrets: no",
      "",
      "REPLICA    ROLE     SEEN     HTTP           EDGE",
      "a          leads    2 s ago  10.0.0.1:8080  -",
      "b (asked)  follows  4 s ago  10.0.0.2:8080  -",
      "",
    ].join("\n"),
  );
});

it("clusterText() says that nobody leads", () => {
  const facts = { server: "https://10.0.0.9:6443", version: "", identity: "", problems: [] };
  const output = { isTerminal: false, write: () => undefined };
  assert.equal(
    clusterText(output, clusterSummary(undefined, facts)),
    "API server https://10.0.0.9:6443\nNobody leads: nothing is written\n\n",
  );
});
