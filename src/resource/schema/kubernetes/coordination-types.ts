/** The fields of the coordination types of Kubernetes, as built-in-types.ts reads them. Written by tools/read-kubernetes-types.ts. */
export const COORDINATION_TYPES: Readonly<Record<string, string>> = {
  "coordination.Lease": "metadata 1 meta.ObjectMeta; spec 2 coordination.LeaseSpec",
  "coordination.LeaseSpec":
    "holderIdentity 1* string; leaseDurationSeconds 2* int32; acquireTime 3* microTime; renewTime 4* microTime; leaseTransitions 5* int32; strategy 6* string(v1.CoordinatedLeaseStrategy); preferredHolder 7* string",
};
