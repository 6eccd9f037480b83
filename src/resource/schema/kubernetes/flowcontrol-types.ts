/** The fields of the flowcontrol types of Kubernetes, as built-in-types.ts reads them. Written by tools/read-kubernetes-types.ts. */
export const FLOWCONTROL_TYPES: Readonly<Record<string, string>> = {
  "flowcontrol.ExemptPriorityLevelConfiguration": "nominalConcurrencyShares 1* int32; lendablePercent 2* int32",
  "flowcontrol.FlowDistinguisherMethod": "type 1! string(v1.FlowDistinguisherMethodType)",
  "flowcontrol.FlowSchema":
    "metadata 1 meta.ObjectMeta; spec 2 flowcontrol.FlowSchemaSpec; status 3 flowcontrol.FlowSchemaStatus",
  "flowcontrol.FlowSchemaCondition":
    "type 1 string(v1.FlowSchemaConditionType); status 2 string(v1.ConditionStatus); lastTransitionTime 3 time; reason 4 string; message 5 string",
  "flowcontrol.FlowSchemaSpec":
    "priorityLevelConfiguration 1! flowcontrol.PriorityLevelConfigurationReference; matchingPrecedence 2? int32; distinguisherMethod 3* flowcontrol.FlowDistinguisherMethod; rules 4 []flowcontrol.PolicyRulesWithSubjects/list:atomic",
  "flowcontrol.FlowSchemaStatus": "conditions 1 []flowcontrol.FlowSchemaCondition/list:map(type)/patch:merge(type)",
  "flowcontrol.GroupSubject": "name 1! string",
  "flowcontrol.LimitResponse": "type 1! string(v1.LimitResponseType); queuing 2* flowcontrol.QueuingConfiguration",
  "flowcontrol.LimitedPriorityLevelConfiguration":
    "nominalConcurrencyShares 1*? int32; limitResponse 2 flowcontrol.LimitResponse; lendablePercent 3* int32; borrowingLimitPercent 4* int32",
  "flowcontrol.NonResourcePolicyRule": "verbs 1! []string/list:set; nonResourceURLs 6! []string/list:set",
  "flowcontrol.PolicyRulesWithSubjects":
    "subjects 1! []flowcontrol.Subject/list:atomic; resourceRules 2 []flowcontrol.ResourcePolicyRule/list:atomic; nonResourceRules 3 []flowcontrol.NonResourcePolicyRule/list:atomic",
  "flowcontrol.PriorityLevelConfiguration":
    "metadata 1 meta.ObjectMeta; spec 2 flowcontrol.PriorityLevelConfigurationSpec; status 3 flowcontrol.PriorityLevelConfigurationStatus",
  "flowcontrol.PriorityLevelConfigurationCondition":
    "type 1 string(v1.PriorityLevelConfigurationConditionType); status 2 string(v1.ConditionStatus); lastTransitionTime 3 time; reason 4 string; message 5 string",
  "flowcontrol.PriorityLevelConfigurationReference": "name 1! string",
  "flowcontrol.PriorityLevelConfigurationSpec":
    "type 1! string(v1.PriorityLevelEnablement); limited 2* flowcontrol.LimitedPriorityLevelConfiguration; exempt 3* flowcontrol.ExemptPriorityLevelConfiguration",
  "flowcontrol.PriorityLevelConfigurationStatus":
    "conditions 1 []flowcontrol.PriorityLevelConfigurationCondition/list:map(type)/patch:merge(type)",
  "flowcontrol.QueuingConfiguration": "queues 1? int32; handSize 2? int32; queueLengthLimit 3? int32",
  "flowcontrol.ResourcePolicyRule":
    "verbs 1! []string/list:set; apiGroups 2! []string/list:set; resources 3! []string/list:set; clusterScope 4 bool; namespaces 5? []string/list:set",
  "flowcontrol.ServiceAccountSubject": "namespace 1! string; name 2! string",
  "flowcontrol.Subject":
    "kind 1! string(v1.SubjectKind); user 2* flowcontrol.UserSubject; group 3* flowcontrol.GroupSubject; serviceAccount 4* flowcontrol.ServiceAccountSubject",
  "flowcontrol.UserSubject": "name 1! string",
};
