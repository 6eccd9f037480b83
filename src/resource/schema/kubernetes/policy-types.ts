/** The fields of the policy types of Kubernetes, as built-in-types.ts reads them. Written by tools/read-kubernetes-types.ts. */
export const POLICY_TYPES: Readonly<Record<string, string>> = {
  "policy.Eviction": "metadata 1 meta.ObjectMeta; deleteOptions 2* meta.DeleteOptions",
  "policy.PodDisruptionBudget":
    "metadata 1 meta.ObjectMeta; spec 2 policy.PodDisruptionBudgetSpec; status 3 policy.PodDisruptionBudgetStatus",
  "policy.PodDisruptionBudgetSpec":
    "minAvailable 1* intOrString; selector 2* meta.LabelSelector/patch:replace; maxUnavailable 3* intOrString; unhealthyPodEvictionPolicy 4* string(v1.UnhealthyPodEvictionPolicyType)",
  "policy.PodDisruptionBudgetStatus":
    "observedGeneration 1 int64; disruptedPods 2 {}time; disruptionsAllowed 3! int32; currentHealthy 4! int32; desiredHealthy 5! int32; expectedPods 6! int32; conditions 7 []meta.Condition/list:map(type)/patch:merge(type)",
};
