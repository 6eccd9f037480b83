/** The fields of the apiregistration types of Kubernetes, as built-in-types.ts reads them. Written by tools/read-kubernetes-types.ts. */
export const APIREGISTRATION_TYPES: Readonly<Record<string, string>> = {
  "apiregistration.APIService":
    "metadata 1 meta.ObjectMeta; spec 2 apiregistration.APIServiceSpec; status 3 apiregistration.APIServiceStatus",
  "apiregistration.APIServiceCondition":
    "type 1! string(v1.APIServiceConditionType); status 2! string(v1.ConditionStatus); lastTransitionTime 3 time; reason 4 string; message 5 string",
  "apiregistration.APIServiceSpec":
    "service 1* apiregistration.ServiceReference; group 2 string; version 3 string; insecureSkipTLSVerify 4 bool; caBundle 5 bytes/list:atomic; groupPriorityMinimum 7! int32; versionPriority 8! int32",
  "apiregistration.APIServiceStatus":
    "conditions 1 []apiregistration.APIServiceCondition/list:map(type)/patch:merge(type)",
  "apiregistration.ServiceReference": "namespace 1 string; name 2 string; port 3* int32",
};
