import type { CustomKind } from "./definition/custom-kind.ts";

/** What the API and the store must know of a kind: its names and where it lives. */
export interface Kind {
  /** Empty for the core group. */
  readonly group: string;
  /** The version that is stored; other served versions convert to it. */
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  /** Whether `status` is a subresource: writes to the main resource leave it alone and the reverse. */
  readonly hasStatus: boolean;
  /** Whether `metadata.generation` counts changes of everything but metadata and status. */
  readonly hasGeneration: boolean;
  /** Of a kind that a user's CustomResourceDefinition made: all that it says beside the names. */
  readonly custom?: CustomKind;
}

/** `plural.group` (`ingresses.networking.k8s.io`), or the bare plural in the core group: names a resource in the store. */
export type ResourceName = string;

/** Returns the name of the resource in the store and in messages. */
export function resourceName(kind: Pick<Kind, "group" | "plural">): ResourceName {
  return kind.group === "" ? kind.plural : `${kind.plural}.${kind.group}`;
}

/** Returns whether both are the same resource; a kind's own name may be used in several groups. */
export function isSameResource(left: Pick<Kind, "group" | "plural">, right: Pick<Kind, "group" | "plural">): boolean {
  return left.group === right.group && left.plural === right.plural;
}

/** Returns the kind of a list of the kind's objects. */
export function listKindOf(kind: Kind): string {
  return kind.custom?.listKind ?? `${kind.kind}List`;
}

/** `v1` or `networking.k8s.io/v1`. */
export function apiVersionOf(kind: Pick<Kind, "group" | "version">): string {
  return kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
}

function define(
  apiVersion: string,
  kind: string,
  plural: string,
  options: {
    readonly shortNames?: readonly string[];
    readonly categories?: readonly string[];
    readonly cluster?: boolean;
    readonly status?: boolean;
    readonly generation?: boolean;
  } = {},
): Kind {
  const slash = apiVersion.indexOf("/");
  return {
    group: slash < 0 ? "" : apiVersion.slice(0, slash),
    version: apiVersion.slice(slash + 1),
    kind,
    plural,
    singular: kind.toLowerCase(),
    shortNames: options.shortNames ?? [],
    categories: options.categories ?? [],
    namespaced: options.cluster !== true,
    hasStatus: options.status === true,
    hasGeneration: options.generation === true,
  };
}

const CM = { status: true, generation: true, categories: ["cert-manager"] } as const;

export const NAMESPACE: Kind = define("v1", "Namespace", "namespaces", {
  shortNames: ["ns"],
  cluster: true,
  status: true,
});
export const SERVICE: Kind = define("v1", "Service", "services", {
  shortNames: ["svc"],
  categories: ["all"],
  status: true,
});
export const ENDPOINTS: Kind = define("v1", "Endpoints", "endpoints", { shortNames: ["ep"] });
export const CONFIG_MAP: Kind = define("v1", "ConfigMap", "configmaps", { shortNames: ["cm"] });
export const SECRET: Kind = define("v1", "Secret", "secrets");
export const EVENT: Kind = define("v1", "Event", "events", { shortNames: ["ev"] });
export const ENDPOINT_SLICE: Kind = define("discovery.k8s.io/v1", "EndpointSlice", "endpointslices", {
  generation: true,
});
export const LEASE: Kind = define("coordination.k8s.io/v1", "Lease", "leases");
export const INGRESS_CLASS: Kind = define("networking.k8s.io/v1", "IngressClass", "ingressclasses", {
  cluster: true,
  generation: true,
});
export const INGRESS: Kind = define("networking.k8s.io/v1", "Ingress", "ingresses", {
  shortNames: ["ing"],
  status: true,
  generation: true,
});
export const ISSUER: Kind = define("cert-manager.io/v1", "Issuer", "issuers", { ...CM, shortNames: ["iss"] });
export const CLUSTER_ISSUER: Kind = define("cert-manager.io/v1", "ClusterIssuer", "clusterissuers", {
  ...CM,
  shortNames: ["ciss"],
  cluster: true,
});
export const CERTIFICATE: Kind = define("cert-manager.io/v1", "Certificate", "certificates", {
  ...CM,
  shortNames: ["cert", "certs"],
});
export const CERTIFICATE_REQUEST: Kind = define("cert-manager.io/v1", "CertificateRequest", "certificaterequests", {
  ...CM,
  shortNames: ["cr", "crs"],
});
export const ORDER: Kind = define("acme.cert-manager.io/v1", "Order", "orders", {
  ...CM,
  categories: ["cert-manager", "cert-manager-acme"],
});
export const CHALLENGE: Kind = define("acme.cert-manager.io/v1", "Challenge", "challenges", {
  ...CM,
  categories: ["cert-manager", "cert-manager-acme"],
});

/** The kinds that Lintel's controllers act on, all served by the embedded API. */
export const KINDS: readonly Kind[] = [
  NAMESPACE,
  SERVICE,
  ENDPOINTS,
  CONFIG_MAP,
  SECRET,
  EVENT,
  ENDPOINT_SLICE,
  LEASE,
  INGRESS_CLASS,
  INGRESS,
  ISSUER,
  CLUSTER_ISSUER,
  CERTIFICATE,
  CERTIFICATE_REQUEST,
  ORDER,
  CHALLENGE,
];

const WORKLOAD = { status: true, generation: true, categories: ["all"] } as const;
const CLUSTER = { cluster: true } as const;

/** Its version `v1` describes a kind that somebody adds to an API; Lintel serves the ones it knows anyway. */
export const CUSTOM_RESOURCE_DEFINITION: Kind = define(
  "apiextensions.k8s.io/v1",
  "CustomResourceDefinition",
  "customresourcedefinitions",
  { shortNames: ["crd", "crds"], categories: ["api-extensions"], cluster: true, status: true, generation: true },
);
export const POD: Kind = define("v1", "Pod", "pods", { shortNames: ["po"], categories: ["all"], status: true });
export const DEPLOYMENT: Kind = define("apps/v1", "Deployment", "deployments", {
  ...WORKLOAD,
  shortNames: ["deploy"],
});
export const REPLICA_SET: Kind = define("apps/v1", "ReplicaSet", "replicasets", { ...WORKLOAD, shortNames: ["rs"] });
export const STATEFUL_SET: Kind = define("apps/v1", "StatefulSet", "statefulsets", {
  ...WORKLOAD,
  shortNames: ["sts"],
});
export const DAEMON_SET: Kind = define("apps/v1", "DaemonSet", "daemonsets", { ...WORKLOAD, shortNames: ["ds"] });
export const JOB: Kind = define("batch/v1", "Job", "jobs", WORKLOAD);
export const CRON_JOB: Kind = define("batch/v1", "CronJob", "cronjobs", { ...WORKLOAD, shortNames: ["cj"] });

export const NODE: Kind = define("v1", "Node", "nodes", { shortNames: ["no"], cluster: true, status: true });
const WEBHOOKS = { cluster: true, generation: true, categories: ["api-extensions"] } as const;

/** Which webhooks the API server asks to change new objects. */
export const MUTATING_WEBHOOKS: Kind = define(
  "admissionregistration.k8s.io/v1",
  "MutatingWebhookConfiguration",
  "mutatingwebhookconfigurations",
  WEBHOOKS,
);
/** Which webhooks the API server asks whether an object may be stored. */
export const VALIDATING_WEBHOOKS: Kind = define(
  "admissionregistration.k8s.io/v1",
  "ValidatingWebhookConfiguration",
  "validatingwebhookconfigurations",
  WEBHOOKS,
);

export const SERVICE_ACCOUNT: Kind = define("v1", "ServiceAccount", "serviceaccounts", { shortNames: ["sa"] });
export const CLUSTER_ROLE_BINDING: Kind = define(
  "rbac.authorization.k8s.io/v1",
  "ClusterRoleBinding",
  "clusterrolebindings",
  CLUSTER,
);
export const CLUSTER_ROLE: Kind = define("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", CLUSTER);
export const ROLE_BINDING: Kind = define("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings");
export const ROLE: Kind = define("rbac.authorization.k8s.io/v1", "Role", "roles");
export const SIGNING_REQUEST: Kind = define(
  "certificates.k8s.io/v1",
  "CertificateSigningRequest",
  "certificatesigningrequests",
  { ...CLUSTER, shortNames: ["csr"], status: true },
);

export const AUTOSCALER: Kind = define("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", {
  shortNames: ["hpa"],
  categories: ["all"],
  status: true,
});

export const COMPONENT_STATUS: Kind = define("v1", "ComponentStatus", "componentstatuses", {
  ...CLUSTER,
  shortNames: ["cs"],
});

/**
 * Kinds that are stored and served as they come, so that the manifests people have end well, and that no controller of
 * Lintel acts on. Whoever creates one is told so in one sentence.
 */
export const ACCEPTED_KINDS: readonly Kind[] = [
  COMPONENT_STATUS,
  define("v1", "LimitRange", "limitranges", { shortNames: ["limits"] }),
  NODE,
  define("v1", "PersistentVolumeClaim", "persistentvolumeclaims", { shortNames: ["pvc"], status: true }),
  define("v1", "PersistentVolume", "persistentvolumes", { shortNames: ["pv"], cluster: true, status: true }),
  POD,
  define("v1", "PodTemplate", "podtemplates"),
  define("v1", "ReplicationController", "replicationcontrollers", { ...WORKLOAD, shortNames: ["rc"] }),
  define("v1", "ResourceQuota", "resourcequotas", { shortNames: ["quota"], status: true }),
  SERVICE_ACCOUNT,
  define("apps/v1", "ControllerRevision", "controllerrevisions"),
  DAEMON_SET,
  DEPLOYMENT,
  REPLICA_SET,
  STATEFUL_SET,
  AUTOSCALER,
  CRON_JOB,
  JOB,
  define("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", { shortNames: ["netpol"], generation: true }),
  define("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", {
    shortNames: ["pdb"],
    status: true,
    generation: true,
  }),
  CLUSTER_ROLE_BINDING,
  CLUSTER_ROLE,
  ROLE_BINDING,
  ROLE,
  define("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", {
    ...CLUSTER,
    shortNames: ["pc"],
    generation: true,
  }),
  define("storage.k8s.io/v1", "StorageClass", "storageclasses", { ...CLUSTER, shortNames: ["sc"] }),
  MUTATING_WEBHOOKS,
  VALIDATING_WEBHOOKS,
  define("storage.k8s.io/v1", "CSIDriver", "csidrivers", CLUSTER),
  define("storage.k8s.io/v1", "CSINode", "csinodes", CLUSTER),
  define("storage.k8s.io/v1", "CSIStorageCapacity", "csistoragecapacities"),
  define("storage.k8s.io/v1", "VolumeAttachment", "volumeattachments", { ...CLUSTER, status: true }),
  define("node.k8s.io/v1", "RuntimeClass", "runtimeclasses", CLUSTER),
  define("flowcontrol.apiserver.k8s.io/v1", "FlowSchema", "flowschemas", { ...CLUSTER, status: true }),
  define("flowcontrol.apiserver.k8s.io/v1", "PriorityLevelConfiguration", "prioritylevelconfigurations", {
    ...CLUSTER,
    status: true,
  }),
  define("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies", {
    ...CLUSTER,
    status: true,
    generation: true,
    categories: ["api-extensions"],
  }),
  define("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", {
    ...CLUSTER,
    generation: true,
    categories: ["api-extensions"],
  }),
  SIGNING_REQUEST,
  CUSTOM_RESOURCE_DEFINITION,
  define("apiregistration.k8s.io/v1", "APIService", "apiservices", {
    cluster: true,
    status: true,
    categories: ["api-extensions"],
  }),
];
