/** The fields of the admissionregistration types of Kubernetes, as built-in-types.ts reads them. Written by tools/read-kubernetes-types.ts. */
export const ADMISSIONREGISTRATION_TYPES: Readonly<Record<string, string>> = {
  "admissionregistration.AuditAnnotation": "key 1! string; valueExpression 2! string",
  "admissionregistration.ExpressionWarning": "fieldRef 2! string; warning 3! string",
  "admissionregistration.MatchCondition": "name 1! string; expression 2! string",
  "admissionregistration.MatchResources":
    "@atomic; namespaceSelector 1* meta.LabelSelector; objectSelector 2* meta.LabelSelector; resourceRules 3 []admissionregistration.NamedRuleWithOperations/list:atomic; excludeResourceRules 4 []admissionregistration.NamedRuleWithOperations/list:atomic; matchPolicy 7* string(v1.MatchPolicyType)",
  "admissionregistration.MutatingWebhook":
    "name 1! string; clientConfig 2! admissionregistration.WebhookClientConfig; rules 3 []admissionregistration.RuleWithOperations/list:atomic; failurePolicy 4* string(v1.FailurePolicyType); matchPolicy 9* string(v1.MatchPolicyType); namespaceSelector 5* meta.LabelSelector; objectSelector 11* meta.LabelSelector; sideEffects 6*! string(v1.SideEffectClass); timeoutSeconds 7* int32; admissionReviewVersions 8! []string/list:atomic; reinvocationPolicy 10* string(v1.ReinvocationPolicyType); matchConditions 12 []admissionregistration.MatchCondition/list:map(name)/patch:merge(name)",
  "admissionregistration.MutatingWebhookConfiguration":
    "metadata 1 meta.ObjectMeta; webhooks 2 []admissionregistration.MutatingWebhook/list:map(name)/patch:merge(name)",
  "admissionregistration.NamedRuleWithOperations":
    "@atomic; resourceNames 1 []string/list:atomic; _RuleWithOperations 2^ admissionregistration.RuleWithOperations",
  "admissionregistration.ParamKind": "@atomic; apiVersion 1 string; kind 2 string",
  "admissionregistration.ParamRef":
    "@atomic; name 1 string; namespace 2 string; selector 3* meta.LabelSelector; parameterNotFoundAction 4* string(v1.ParameterNotFoundActionType)",
  "admissionregistration.Rule":
    "apiGroups 1 []string/list:atomic; apiVersions 2 []string/list:atomic; resources 3 []string/list:atomic; scope 4* string(v1.ScopeType)",
  "admissionregistration.RuleWithOperations":
    "operations 1 []string(v1.OperationType)/list:atomic; _Rule 2^ admissionregistration.Rule",
  "admissionregistration.ServiceReference": "namespace 1! string; name 2! string; path 3* string; port 4* int32",
  "admissionregistration.TypeChecking": "expressionWarnings 1 []admissionregistration.ExpressionWarning/list:atomic",
  "admissionregistration.ValidatingAdmissionPolicy":
    "metadata 1 meta.ObjectMeta; spec 2 admissionregistration.ValidatingAdmissionPolicySpec; status 3 admissionregistration.ValidatingAdmissionPolicyStatus",
  "admissionregistration.ValidatingAdmissionPolicyBinding":
    "metadata 1 meta.ObjectMeta; spec 2 admissionregistration.ValidatingAdmissionPolicyBindingSpec",
  "admissionregistration.ValidatingAdmissionPolicyBindingSpec":
    "policyName 1 string; paramRef 2* admissionregistration.ParamRef; matchResources 3* admissionregistration.MatchResources; validationActions 4 []string(v1.ValidationAction)/list:set",
  "admissionregistration.ValidatingAdmissionPolicySpec":
    "paramKind 1* admissionregistration.ParamKind; matchConstraints 2* admissionregistration.MatchResources; validations 3 []admissionregistration.Validation/list:atomic; failurePolicy 4* string(v1.FailurePolicyType); auditAnnotations 5 []admissionregistration.AuditAnnotation/list:atomic; matchConditions 6 []admissionregistration.MatchCondition/list:map(name)/patch:merge(name); variables 7 []admissionregistration.Variable/list:map(name)/patch:merge(name)",
  "admissionregistration.ValidatingAdmissionPolicyStatus":
    "observedGeneration 1 int64; typeChecking 2* admissionregistration.TypeChecking; conditions 3 []meta.Condition/list:map(type)",
  "admissionregistration.ValidatingWebhook":
    "name 1! string; clientConfig 2! admissionregistration.WebhookClientConfig; rules 3 []admissionregistration.RuleWithOperations/list:atomic; failurePolicy 4* string(v1.FailurePolicyType); matchPolicy 9* string(v1.MatchPolicyType); namespaceSelector 5* meta.LabelSelector; objectSelector 10* meta.LabelSelector; sideEffects 6*! string(v1.SideEffectClass); timeoutSeconds 7* int32; admissionReviewVersions 8! []string/list:atomic; matchConditions 11 []admissionregistration.MatchCondition/list:map(name)/patch:merge(name)",
  "admissionregistration.ValidatingWebhookConfiguration":
    "metadata 1 meta.ObjectMeta; webhooks 2 []admissionregistration.ValidatingWebhook/list:map(name)/patch:merge(name)",
  "admissionregistration.Validation":
    "expression 1! string; message 2 string; reason 3* string(v1.StatusReason); messageExpression 4 string",
  "admissionregistration.Variable": "@atomic; name 1! string; expression 2! string",
  "admissionregistration.WebhookClientConfig":
    "url 3* string; service 1* admissionregistration.ServiceReference; caBundle 2 bytes",
};
