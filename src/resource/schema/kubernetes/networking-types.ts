/** The fields of the networking types of Kubernetes, as built-in-types.ts reads them. Written by tools/read-kubernetes-types.ts. */
export const NETWORKING_TYPES: Readonly<Record<string, string>> = {
  "networking.HTTPIngressPath": "path 1 string; pathType 3*! string(v1.PathType); backend 2! networking.IngressBackend",
  "networking.HTTPIngressRuleValue": "paths 1! []networking.HTTPIngressPath/list:atomic",
  "networking.IPAddress": "metadata 1 meta.ObjectMeta; spec 2 networking.IPAddressSpec",
  "networking.IPAddressSpec": "parentRef 1* networking.ParentReference",
  "networking.IPBlock": "cidr 1! string; except 2 []string/list:atomic",
  "networking.Ingress": "metadata 1 meta.ObjectMeta; spec 2 networking.IngressSpec; status 3 networking.IngressStatus",
  "networking.IngressBackend":
    "service 4* networking.IngressServiceBackend; resource 3* core.TypedLocalObjectReference",
  "networking.IngressClass": "metadata 1 meta.ObjectMeta; spec 2 networking.IngressClassSpec",
  "networking.IngressClassParametersReference":
    "apiGroup 1* string; kind 2! string; name 3! string; scope 4*? string; namespace 5* string",
  "networking.IngressClassSpec": "controller 1 string; parameters 2* networking.IngressClassParametersReference",
  "networking.IngressLoadBalancerIngress":
    "ip 1 string; hostname 2 string; ports 4 []networking.IngressPortStatus/list:atomic",
  "networking.IngressLoadBalancerStatus": "ingress 1 []networking.IngressLoadBalancerIngress/list:atomic",
  "networking.IngressPortStatus": "port 1! int32; protocol 2! string(v1.Protocol); error 3* string",
  "networking.IngressRule": "host 1 string; _IngressRuleValue 2^ networking.IngressRuleValue",
  "networking.IngressRuleValue": "http 1* networking.HTTPIngressRuleValue",
  "networking.IngressServiceBackend": "name 1! string; port 2 networking.ServiceBackendPort",
  "networking.IngressSpec":
    "ingressClassName 4* string; defaultBackend 1* networking.IngressBackend; tls 2 []networking.IngressTLS/list:atomic; rules 3 []networking.IngressRule/list:atomic",
  "networking.IngressStatus": "loadBalancer 1 networking.IngressLoadBalancerStatus",
  "networking.IngressTLS": "hosts 1 []string/list:atomic; secretName 2 string",
  "networking.NetworkPolicy": "metadata 1 meta.ObjectMeta; spec 2 networking.NetworkPolicySpec",
  "networking.NetworkPolicyEgressRule":
    "ports 1 []networking.NetworkPolicyPort/list:atomic; to 2 []networking.NetworkPolicyPeer/list:atomic",
  "networking.NetworkPolicyIngressRule":
    "ports 1 []networking.NetworkPolicyPort/list:atomic; from 2 []networking.NetworkPolicyPeer/list:atomic",
  "networking.NetworkPolicyPeer":
    "podSelector 1* meta.LabelSelector; namespaceSelector 2* meta.LabelSelector; ipBlock 3* networking.IPBlock",
  "networking.NetworkPolicyPort": "protocol 1* string(v1.Protocol); port 2* intOrString; endPort 3* int32",
  "networking.NetworkPolicySpec":
    "podSelector 1? meta.LabelSelector; ingress 2 []networking.NetworkPolicyIngressRule/list:atomic; egress 3 []networking.NetworkPolicyEgressRule/list:atomic; policyTypes 4 []string(v1.PolicyType)/list:atomic",
  "networking.ParentReference": "group 1 string; resource 2 string; namespace 3 string; name 4 string",
  "networking.ServiceBackendPort": "@atomic; name 1 string; number 2 int32",
  "networking.ServiceCIDR":
    "metadata 1 meta.ObjectMeta; spec 2 networking.ServiceCIDRSpec; status 3 networking.ServiceCIDRStatus",
  "networking.ServiceCIDRSpec": "cidrs 1 []string/list:atomic",
  "networking.ServiceCIDRStatus": "conditions 1 []meta.Condition/list:map(type)/patch:merge(type)",
};
