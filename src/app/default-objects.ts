import type { KubeObject } from "../resource/object.ts";

/** Where the account keys of ClusterIssuers live. */
export const CLUSTER_RESOURCE_NAMESPACE = "lintel-system";

/** The ClusterIssuer that the embedded CA answers, there from the first start. */
const LOCAL_ISSUER = "lintel-local";

/** The classes served in one-machine mode: Lintel's own, and the one most manifests name. */
export const CLASSES: readonly string[] = ["lintel", "nginx"];

/** The path of the embedded CA's ACME directory. */
export const ACME_DIRECTORY_PATH = "/acme/local/directory";

/**
 * Returns what a new cluster would have too, and what makes the first manifest work: namespaces, the two ingress
 * classes, and an issuer that needs no network. They are applied at each start, so one that was deleted comes back.
 */
export function defaultObjects(options: { readonly acmeDirectory: string }): readonly KubeObject[] {
  return [
    ...["default", "kube-system", CLUSTER_RESOURCE_NAMESPACE].map((name) => ({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name },
    })),
    {
      apiVersion: "networking.k8s.io/v1",
      kind: "IngressClass",
      metadata: { name: "lintel", annotations: { "ingressclass.kubernetes.io/is-default-class": "true" } },
      spec: { controller: "lintel.dev/ingress" },
    },
    {
      apiVersion: "networking.k8s.io/v1",
      kind: "IngressClass",
      metadata: { name: "nginx" },
      spec: { controller: "k8s.io/ingress-nginx" },
    },
    {
      apiVersion: "cert-manager.io/v1",
      kind: "ClusterIssuer",
      metadata: { name: LOCAL_ISSUER },
      spec: {
        acme: {
          server: options.acmeDirectory,
          privateKeySecretRef: { name: `${LOCAL_ISSUER}-account` },
          solvers: [{ http01: { ingress: {} } }],
        },
      },
    },
  ];
}
