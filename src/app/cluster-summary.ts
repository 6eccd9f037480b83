import type { LeaseReport } from "../control/leadership/lease-report.ts";
import { arrayAt, booleanAt, isRecord, numberAt, stringAt } from "../ground/json.ts";

/** How a replica or a cluster of them stands with its API server. */
export interface ClusterSummary {
  /** Its URL. */
  readonly server: string;
  /** What it says of its version; empty where that was not asked. */
  readonly version: string;
  /** Who is asked; empty: nobody, the Leases were read from outside. */
  readonly identity: string;
  /** Empty: nobody leads, or nobody could be asked. */
  readonly leader: string;
  /** Since the leader renewed its Lease; undefined where that is not known. */
  readonly leaseAgeMs?: number | undefined;
  readonly replicas: readonly ReplicaSummary[];
  /** What cannot be read, followed or written now, one sentence each. */
  readonly problems: readonly string[];
}

/** One replica by its Lease. */
export interface ReplicaSummary {
  readonly identity: string;
  readonly leads: boolean;
  /** Since it renewed its Lease. */
  readonly ageMs: number;
  /** Where others reach it. */
  readonly http: string;
  /** Where clients do; may be empty. */
  readonly edgeAddress: string;
}

/** Returns the summary of what the Leases say; without a report nobody could be asked. */
export function clusterSummary(
  report: LeaseReport | undefined,
  facts: Pick<ClusterSummary, "server" | "version" | "identity" | "problems">,
): ClusterSummary {
  const { leader = "", leaseAgeMs, replicas = [] } = report ?? {};
  return {
    ...facts,
    leader,
    leaseAgeMs,
    replicas: replicas.map(({ identity, leads, ageMs, http, edgeAddress }) => {
      return { identity, leads, ageMs, http, edgeAddress };
    }),
  };
}

/** Reads what another process of this program wrote; undefined for one that is on no cluster. */
export function parseClusterSummary(value: unknown): ClusterSummary | undefined {
  if (!isRecord(value)) return undefined;
  const text = (key: string): string => stringAt(value, key) ?? "";
  return {
    server: text("server"),
    version: text("version"),
    identity: text("identity"),
    leader: text("leader"),
    leaseAgeMs: numberAt(value, "leaseAgeMs"),
    replicas: arrayAt(value, "replicas").map((entry) => ({
      identity: stringAt(entry, "identity") ?? "",
      leads: booleanAt(entry, "leads") ?? false,
      ageMs: numberAt(entry, "ageMs") ?? 0,
      http: stringAt(entry, "http") ?? "",
      edgeAddress: stringAt(entry, "edgeAddress") ?? "",
    })),
    problems: arrayAt(value, "problems").filter((entry) => typeof entry === "string"),
  };
}
