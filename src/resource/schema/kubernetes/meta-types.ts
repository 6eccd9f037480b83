/** The fields of the meta types of Kubernetes, as built-in-types.ts reads them. Written by tools/read-kubernetes-types.ts. */
export const META_TYPES: Readonly<Record<string, string>> = {
  "meta.Condition":
    "type 1! string; status 2! string(v1.ConditionStatus); observedGeneration 3 int64; lastTransitionTime 4! time; reason 5! string; message 6! string",
  "meta.DeleteOptions":
    "gracePeriodSeconds 1* int64; preconditions 2* meta.Preconditions; orphanDependents 3* bool; propagationPolicy 4* string(v1.DeletionPropagation); dryRun 5 []string/list:atomic; ignoreStoreReadErrorWithClusterBreakingPotential 6* bool",
  "meta.FieldSelectorRequirement":
    "key 1! string; operator 2! string(v1.FieldSelectorOperator); values 3 []string/list:atomic",
  "meta.LabelSelector":
    "@atomic; matchLabels 1 {}string; matchExpressions 2 []meta.LabelSelectorRequirement/list:atomic",
  "meta.LabelSelectorRequirement":
    "key 1! string; operator 2! string(v1.LabelSelectorOperator); values 3 []string/list:atomic",
  "meta.ListMeta": "selfLink 1 string; resourceVersion 2 string; continue 3 string; remainingItemCount 4* int64",
  "meta.ManagedFieldsEntry":
    "manager 1 string; operation 2 string(v1.ManagedFieldsOperationType); apiVersion 3 string; time 4* time; fieldsType 6 string; fieldsV1 7* raw; subresource 8 string",
  "meta.ObjectMeta":
    "name 1 string; generateName 2 string; namespace 3 string; selfLink 4 string; uid 5 string(types.UID); resourceVersion 6 string; generation 7 int64; creationTimestamp 8 time; deletionTimestamp 9* time; deletionGracePeriodSeconds 10* int64; labels 11 {}string; annotations 12 {}string; ownerReferences 13 []meta.OwnerReference/list:map(uid)/patch:merge(uid); finalizers 14 []string/list:set/patch:merge; managedFields 17 []meta.ManagedFieldsEntry/list:atomic",
  "meta.OwnerReference":
    "@atomic; apiVersion 5! string; kind 1! string; name 3! string; uid 4! string(types.UID); controller 6* bool; blockOwnerDeletion 7* bool",
  "meta.Preconditions": "uid 1* string(types.UID); resourceVersion 2* string",
  "meta.Status":
    "metadata 1 meta.ListMeta; status 2 string; message 3 string; reason 4 string(v1.StatusReason); details 5* meta.StatusDetails/list:atomic; code 6 int32",
  "meta.StatusCause": "reason 1 string(v1.CauseType); message 2 string; field 3 string",
  "meta.StatusDetails":
    "name 1 string; group 2 string; kind 3 string; uid 6 string(types.UID); causes 4 []meta.StatusCause/list:atomic; retryAfterSeconds 5 int32",
};
