import { stringAt } from "../../ground/json.ts";
import type { KubeObject } from "../../resource/object.ts";
import { replicaOf, type Replica } from "./replicas.ts";

/** Name of the Lease that the writing replica holds. */
export const LEADER_LEASE = "lintel-leader";

/** What the Leases of a namespace say of who runs there. Ages are by the reader's clock, and never negative. */
export interface LeaseReport {
  /** Empty: nobody leads. */
  readonly leader: string;
  /** Since the leader's Lease was renewed; undefined when there is none. */
  readonly leaseAgeMs: number | undefined;
  readonly replicas: readonly SeenReplica[];
}

/** A replica by its own Lease. */
export interface SeenReplica extends Replica {
  readonly leads: boolean;
  /** Since it renewed its Lease. */
  readonly ageMs: number;
}

/** Returns what `leases` say, the replicas in the order of their names. */
export function reportLeases(leases: readonly KubeObject[], nowMs: number): LeaseReport {
  const held = leases.find(({ metadata }) => metadata.name === LEADER_LEASE);
  const leader = stringAt(held?.["spec"], "holderIdentity") ?? "";
  const replicas = leases.flatMap((lease) => {
    const replica = replicaOf(lease);
    return replica === undefined
      ? []
      : [{ ...replica, leads: replica.identity === leader, ageMs: ageOf(lease, nowMs) ?? 0 }];
  });
  return {
    leader,
    leaseAgeMs: held === undefined ? undefined : ageOf(held, nowMs),
    replicas: replicas.sort((one, other) => (one.identity < other.identity ? -1 : 1)),
  };
}

function ageOf(lease: KubeObject, nowMs: number): number | undefined {
  const atMs = Date.parse(stringAt(lease["spec"], "renewTime") ?? "");
  return Number.isNaN(atMs) ? undefined : Math.max(0, nowMs - atMs);
}
