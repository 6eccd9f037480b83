/** The fields of the rbac types of Kubernetes, as built-in-types.ts reads them. Written by tools/read-kubernetes-types.ts. */
export const RBAC_TYPES: Readonly<Record<string, string>> = {
  "rbac.AggregationRule": "clusterRoleSelectors 1 []meta.LabelSelector/list:atomic",
  "rbac.ClusterRole":
    "metadata 1 meta.ObjectMeta; rules 2? []rbac.PolicyRule/list:atomic; aggregationRule 3* rbac.AggregationRule",
  "rbac.ClusterRoleBinding":
    "metadata 1 meta.ObjectMeta; subjects 2 []rbac.Subject/list:atomic; roleRef 3! rbac.RoleRef",
  "rbac.PolicyRule":
    "verbs 1! []string/list:atomic; apiGroups 2 []string/list:atomic; resources 3 []string/list:atomic; resourceNames 4 []string/list:atomic; nonResourceURLs 5 []string/list:atomic",
  "rbac.Role": "metadata 1 meta.ObjectMeta; rules 2? []rbac.PolicyRule/list:atomic",
  "rbac.RoleBinding": "metadata 1 meta.ObjectMeta; subjects 2 []rbac.Subject/list:atomic; roleRef 3! rbac.RoleRef",
  "rbac.RoleRef": "@atomic; apiGroup 1! string; kind 2! string; name 3! string",
  "rbac.Subject": "@atomic; kind 1! string; apiGroup 2 string; name 3! string; namespace 4 string",
};
