import type { KubeObject } from "../resource/object.ts";
import { labels, type InstallOptions } from "./install-options.ts";

/** A rule of RBAC. */
export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

const READ = ["get", "list", "watch"] as const;
const FOLLOW = ["list", "watch"] as const;

/**
 * What Lintel does all over the cluster, and nothing else. Secrets are read wherever Ingresses and issuers may name them,
 * and written where Certificates are: Kubernetes cannot narrow that to names that are not known yet.
 */
export const CLUSTER_RULES: readonly Rule[] = [
  { apiGroups: ["networking.k8s.io"], resources: ["ingresses"], verbs: READ },
  { apiGroups: ["networking.k8s.io"], resources: ["ingressclasses"], verbs: FOLLOW },
  { apiGroups: ["networking.k8s.io"], resources: ["ingresses/status"], verbs: ["patch"] },
  { apiGroups: [""], resources: ["services", "endpoints"], verbs: FOLLOW },
  { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: FOLLOW },
  { apiGroups: [""], resources: ["secrets"], verbs: [...READ, "create", "update", "delete"] },
  { apiGroups: [""], resources: ["events"], verbs: ["get", "create", "update"] },
  {
    apiGroups: ["cert-manager.io"],
    resources: ["certificates"],
    verbs: [...READ, "create", "update", "delete"],
  },
  {
    apiGroups: ["cert-manager.io"],
    resources: ["certificaterequests"],
    verbs: [...READ, "create", "update", "delete"],
  },
  { apiGroups: ["cert-manager.io"], resources: ["issuers", "clusterissuers"], verbs: [...READ, "update"] },
  {
    apiGroups: ["cert-manager.io"],
    resources: ["certificates/status", "certificaterequests/status", "issuers/status", "clusterissuers/status"],
    verbs: ["patch"],
  },
  { apiGroups: ["acme.cert-manager.io"], resources: ["orders"], verbs: [...READ, "create", "update"] },
  {
    apiGroups: ["acme.cert-manager.io"],
    resources: ["challenges"],
    verbs: [...READ, "create", "update", "delete"],
  },
  { apiGroups: ["acme.cert-manager.io"], resources: ["orders/status", "challenges/status"], verbs: ["patch"] },
  // Whether cert-manager runs here is seen by the Lease its controller holds.
  {
    apiGroups: ["coordination.k8s.io"],
    resources: ["leases"],
    verbs: ["get"],
    resourceNames: ["cert-manager-controller"],
  },
];

/** What owners with `blockOwnerDeletion` need where the admission plugin OwnerReferencesPermissionEnforcement is on. */
export const OWNER_RULES: readonly Rule[] = [
  { apiGroups: ["networking.k8s.io"], resources: ["ingresses/finalizers"], verbs: ["update"] },
  {
    apiGroups: ["cert-manager.io"],
    resources: ["certificates/finalizers", "certificaterequests/finalizers"],
    verbs: ["update"],
  },
  { apiGroups: ["acme.cert-manager.io"], resources: ["orders/finalizers"], verbs: ["update"] },
];

/** What Lintel does in its own namespace: who leads, and who is there. */
export const NAMESPACE_RULES: readonly Rule[] = [
  { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["get", "list", "create", "update", "delete"] },
];

/** What the admission webhook called `name` needs: the API server must be told what certificate to trust. */
export function webhookRules(name: string): readonly Rule[] {
  return [
    {
      apiGroups: ["admissionregistration.k8s.io"],
      resources: ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"],
      verbs: ["get", "update"],
      resourceNames: [name],
    },
  ];
}

/** Returns the ServiceAccount with the roles it needs. */
export function accessObjects(options: InstallOptions): readonly KubeObject[] {
  const { name, namespace } = options;
  const subjects = [{ kind: "ServiceAccount", name, namespace }];
  const metadata = { name, labels: labels(options) };
  const inside = { ...metadata, namespace };
  const api = "rbac.authorization.k8s.io";
  const rules = [...CLUSTER_RULES, ...OWNER_RULES, ...(options.webhook ? webhookRules(name) : [])];
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: inside },
    { apiVersion: `${api}/v1`, kind: "ClusterRole", metadata, rules },
    {
      apiVersion: `${api}/v1`,
      kind: "ClusterRoleBinding",
      metadata,
      roleRef: { apiGroup: api, kind: "ClusterRole", name },
      subjects,
    },
    { apiVersion: `${api}/v1`, kind: "Role", metadata: inside, rules: NAMESPACE_RULES },
    {
      apiVersion: `${api}/v1`,
      kind: "RoleBinding",
      metadata: inside,
      roleRef: { apiGroup: api, kind: "Role", name },
      subjects,
    },
  ];
}
