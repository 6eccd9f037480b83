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
}

/** `plural.group` (`ingresses.networking.k8s.io`), or the bare plural in the core group: names a resource in the store. */
export type ResourceName = string;

export function resourceName(kind: Pick<Kind, "group" | "plural">): ResourceName {
  return kind.group === "" ? kind.plural : `${kind.plural}.${kind.group}`;
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
