/** The fields of the scheduling types of Kubernetes, as built-in-types.ts reads them. Written by tools/read-kubernetes-types.ts. */
export const SCHEDULING_TYPES: Readonly<Record<string, string>> = {
  "scheduling.PriorityClass":
    "metadata 1 meta.ObjectMeta; value 2! int32; globalDefault 3 bool; description 4 string; preemptionPolicy 5* string(v1.PreemptionPolicy)",
};
