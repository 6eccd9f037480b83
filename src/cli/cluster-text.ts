import type { ClusterSummary, ReplicaSummary } from "../app/cluster-summary.ts";
import type { Output } from "../ground/host.ts";
import { table } from "./terminal.ts";

/** Rows that a terminal shows; `-o json` has them all. */
const REPLICAS_MAX = 50;

/** Returns how it stands with a cluster: its API server, who leads, who runs, and what does not work. */
export function clusterText(output: Output, cluster: ClusterSummary, answerMs?: number): string {
  const version = cluster.version === "" ? "" : ` (${cluster.version})`;
  const answered = answerMs === undefined ? "" : ` answers in ${Math.round(answerMs)} ms`;
  const age = cluster.leaseAgeMs === undefined ? "" : `, its Lease renewed ${seconds(cluster.leaseAgeMs)} ago`;
  const leader = cluster.leader === "" ? "Nobody leads: nothing is written" : `Leader ${cluster.leader}${age}`;
  const rows = cluster.replicas.slice(0, REPLICAS_MAX).map((replica) => replicaRow(replica, cluster.identity));
  const replicas = rows.length === 0 ? "" : table(output, ["REPLICA", "ROLE", "SEEN", "HTTP", "EDGE"], rows);
  const problems = cluster.problems.map((problem) => `${problem}\n`).join("");
  return `API server ${cluster.server}${version}${answered}\n${leader}\n${problems}\n${replicas}`;
}

function replicaRow(replica: ReplicaSummary, asked: string): readonly string[] {
  const { identity, leads, ageMs, http, edgeAddress } = replica;
  const name = identity === asked ? `${identity} (asked)` : identity;
  return [name, leads ? "leads" : "follows", `${seconds(ageMs)} ago`, http, edgeAddress === "" ? "-" : edgeAddress];
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`;
}
