import { apiVersionOf, CLUSTER_ROLE, CLUSTER_ROLE_BINDING, type Kind } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import { AUTHENTICATED, MASTERS } from "./access/identity.ts";

const LABELS = { "kubernetes.io/bootstrapping": "rbac-defaults" } as const;
const READ = ["get", "list", "watch"] as const;
const WRITE = ["create", "delete", "deletecollection", "patch", "update"] as const;
const RBAC_GROUP = "rbac.authorization.k8s.io";

/** What people may be bound to in a namespace, without the parts that decide who may do what. */
const CONTENT: readonly { readonly apiGroups: readonly string[]; readonly resources: readonly string[] }[] = [
  {
    apiGroups: [""],
    resources: [
      "configmaps",
      "endpoints",
      "events",
      "persistentvolumeclaims",
      "pods",
      "replicationcontrollers",
      "replicationcontrollers/scale",
      "serviceaccounts",
      "services",
    ],
  },
  {
    apiGroups: ["apps"],
    resources: [
      "daemonsets",
      "deployments",
      "deployments/scale",
      "replicasets",
      "replicasets/scale",
      "statefulsets",
      "statefulsets/scale",
    ],
  },
  { apiGroups: ["autoscaling"], resources: ["horizontalpodautoscalers"] },
  { apiGroups: ["batch"], resources: ["cronjobs", "jobs"] },
  { apiGroups: ["policy"], resources: ["poddisruptionbudgets"] },
  { apiGroups: ["networking.k8s.io", "extensions"], resources: ["ingresses", "networkpolicies"] },
  { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"] },
  { apiGroups: ["cert-manager.io"], resources: ["certificates", "certificaterequests", "issuers"] },
  { apiGroups: ["acme.cert-manager.io"], resources: ["challenges", "orders"] },
];

const VIEW = [
  ...CONTENT.map((rule) => ({ ...rule, verbs: READ })),
  { apiGroups: [""], resources: ["limitranges", "namespaces", "resourcequotas"], verbs: READ },
];
const EDIT = [
  ...VIEW,
  ...CONTENT.map((rule) => ({ ...rule, verbs: WRITE })),
  { apiGroups: [""], resources: ["secrets"], verbs: [...READ, ...WRITE] },
];
const ADMIN = [
  ...EDIT,
  { apiGroups: [RBAC_GROUP], resources: ["roles", "rolebindings"], verbs: [...READ, ...WRITE] },
  { apiGroups: [""], resources: ["serviceaccounts/token"], verbs: ["create"] },
  { apiGroups: ["authorization.k8s.io"], resources: ["localsubjectaccessreviews"], verbs: ["create"] },
];

const DISCOVERY = [
  "/api",
  "/api/*",
  "/apis",
  "/apis/*",
  "/healthz",
  "/livez",
  "/openapi",
  "/openapi/*",
  "/readyz",
  "/version",
];
const SELF = [
  {
    apiGroups: ["authorization.k8s.io"],
    resources: ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
    verbs: ["create"],
  },
  { apiGroups: ["authentication.k8s.io"], resources: ["selfsubjectreviews"], verbs: ["create"] },
];

/** The roles that every cluster has, and to whom they are bound. `admin`, `edit` and `view` are for RoleBindings. */
export const BOOTSTRAP_ROLES: readonly (readonly [Kind, KubeObject])[] = [
  role("cluster-admin", [
    { apiGroups: ["*"], resources: ["*"], verbs: ["*"] },
    { nonResourceURLs: ["*"], verbs: ["*"] },
  ]),
  role("admin", ADMIN),
  role("edit", EDIT),
  role("view", VIEW),
  role("system:discovery", [{ nonResourceURLs: DISCOVERY, verbs: ["get"] }]),
  role("system:basic-user", SELF),
  binding("cluster-admin", MASTERS),
  binding("system:discovery", AUTHENTICATED),
  binding("system:basic-user", AUTHENTICATED),
];

function role(name: string, rules: readonly object[]): readonly [Kind, KubeObject] {
  const { kind } = CLUSTER_ROLE;
  return [CLUSTER_ROLE, { apiVersion: apiVersionOf(CLUSTER_ROLE), kind, metadata: metadataOf(name), rules }];
}

function binding(name: string, group: string): readonly [Kind, KubeObject] {
  const { kind } = CLUSTER_ROLE_BINDING;
  const object = {
    apiVersion: apiVersionOf(CLUSTER_ROLE_BINDING),
    kind,
    metadata: metadataOf(name),
    roleRef: { apiGroup: RBAC_GROUP, kind: CLUSTER_ROLE.kind, name },
    subjects: [{ apiGroup: RBAC_GROUP, kind: "Group", name: group }],
  };
  return [CLUSTER_ROLE_BINDING, object];
}

function metadataOf(name: string): KubeObject["metadata"] {
  return { name, labels: LABELS };
}
