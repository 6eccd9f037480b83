/** Manifests that the tests with kubectl share. */

export const INGRESS = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: shop
  annotations: {nginx.ingress.kubernetes.io/proxy-body-size: 8m}
spec:
  ingressClassName: nginx
  tls: [{hosts: [shop.test], secretName: shop-tls}]
  rules:
  - host: shop.test
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}
`;

export const CERTIFICATE = `
apiVersion: cert-manager.io/v1
kind: Issuer
metadata: {name: own}
spec: {selfSigned: {}}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: shop}
spec:
  secretName: shop-tls
  dnsNames: [shop.test]
  issuerRef: {name: own}
`;

export const WORKLOAD = `
apiVersion: v1
kind: Service
metadata: {name: web, labels: {tier: front}}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: "registry.test/web:1", ports: [{containerPort: 8080}]}]}
`;

/** What the install manifest of a certificate controller is made of, in small. */
export const CONTROLLER = `
apiVersion: v1
kind: Namespace
metadata: {name: cert-manager}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: certificates.cert-manager.io}
spec:
  group: cert-manager.io
  scope: Namespaced
  names: {kind: Certificate, plural: certificates}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
---
apiVersion: v1
kind: ServiceAccount
automountServiceAccountToken: false
metadata: {name: cert-manager, namespace: cert-manager, labels: {app.kubernetes.io/instance: cert-manager}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: cert-manager-view, labels: {app.kubernetes.io/instance: cert-manager}}
rules: [{apiGroups: [cert-manager.io], resources: [certificates], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: "cert-manager:leaderelection", namespace: kube-system, labels: {app.kubernetes.io/instance: cert-manager}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: "cert-manager:leaderelection"}
subjects: [{kind: ServiceAccount, name: cert-manager, namespace: cert-manager}]
---
apiVersion: v1
kind: Service
metadata: {name: cert-manager, namespace: cert-manager, labels: {app.kubernetes.io/instance: cert-manager}}
spec: {ports: [{port: 9402}], selector: {app: cert-manager}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cert-manager, namespace: cert-manager, labels: {app.kubernetes.io/instance: cert-manager}}
spec:
  replicas: 1
  selector: {matchLabels: {app: cert-manager}}
  template:
    metadata: {labels: {app: cert-manager}}
    spec: {containers: [{name: controller, image: "registry.test/controller:1"}]}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: cert-manager-webhook, labels: {app.kubernetes.io/instance: cert-manager}}
webhooks:
- name: webhook.cert-manager.io
  admissionReviewVersions: [v1]
  sideEffects: None
  clientConfig: {service: {name: cert-manager-webhook, namespace: cert-manager}}
`;
