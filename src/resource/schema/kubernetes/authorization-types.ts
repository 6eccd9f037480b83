/** The fields of the authorization types of Kubernetes, as built-in-types.ts reads them. Written by tools/read-kubernetes-types.ts. */
export const AUTHORIZATION_TYPES: Readonly<Record<string, string>> = {
  "authorization.FieldSelectorAttributes":
    "rawSelector 1 string; requirements 2 []meta.FieldSelectorRequirement/list:atomic",
  "authorization.LabelSelectorAttributes":
    "rawSelector 1 string; requirements 2 []meta.LabelSelectorRequirement/list:atomic",
  "authorization.LocalSubjectAccessReview":
    "metadata 1 meta.ObjectMeta; spec 2! authorization.SubjectAccessReviewSpec; status 3 authorization.SubjectAccessReviewStatus",
  "authorization.NonResourceAttributes": "path 1 string; verb 2 string",
  "authorization.NonResourceRule": "verbs 1! []string/list:atomic; nonResourceURLs 2 []string/list:atomic",
  "authorization.ResourceAttributes":
    "namespace 1 string; verb 2 string; group 3 string; version 4 string; resource 5 string; subresource 6 string; name 7 string; fieldSelector 8* authorization.FieldSelectorAttributes; labelSelector 9* authorization.LabelSelectorAttributes",
  "authorization.ResourceRule":
    "verbs 1! []string/list:atomic; apiGroups 2 []string/list:atomic; resources 3 []string/list:atomic; resourceNames 4 []string/list:atomic",
  "authorization.SelfSubjectAccessReview":
    "metadata 1 meta.ObjectMeta; spec 2! authorization.SelfSubjectAccessReviewSpec; status 3 authorization.SubjectAccessReviewStatus",
  "authorization.SelfSubjectAccessReviewSpec":
    "resourceAttributes 1* authorization.ResourceAttributes; nonResourceAttributes 2* authorization.NonResourceAttributes",
  "authorization.SelfSubjectRulesReview":
    "metadata 1 meta.ObjectMeta; spec 2! authorization.SelfSubjectRulesReviewSpec; status 3 authorization.SubjectRulesReviewStatus",
  "authorization.SelfSubjectRulesReviewSpec": "namespace 1 string",
  "authorization.SubjectAccessReview":
    "metadata 1 meta.ObjectMeta; spec 2! authorization.SubjectAccessReviewSpec; status 3 authorization.SubjectAccessReviewStatus",
  "authorization.SubjectAccessReviewSpec":
    "resourceAttributes 1* authorization.ResourceAttributes; nonResourceAttributes 2* authorization.NonResourceAttributes; user 3 string; groups 4 []string/list:atomic; extra 5 {}[]string; uid 6 string",
  "authorization.SubjectAccessReviewStatus":
    "allowed 1! bool; denied 4 bool; reason 2 string; evaluationError 3 string",
  "authorization.SubjectRulesReviewStatus":
    "resourceRules 1! []authorization.ResourceRule/list:atomic; nonResourceRules 2! []authorization.NonResourceRule/list:atomic; incomplete 3! bool; evaluationError 4 string",
};
