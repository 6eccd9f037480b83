import type { KubeObject } from "../resource/object.ts";

/** Where the account keys of ClusterIssuers live. */
export const CLUSTER_RESOURCE_NAMESPACE = "lintel-system";

/** The ClusterIssuer that the embedded CA answers, there from the first start. */
export const LOCAL_ISSUER = "lintel-local";

/** The classes served in one-machine mode: Lintel's own, and the one most manifests name. */
export const CLASSES: readonly string[] = ["lintel", "nginx"];

/** The path of the embedded CA's ACME directory. */
export const ACME_DIRECTORY_PATH = "/acme/local/directory";

/**
 * Returns whether an issuer's `server` means the embedded CA: its directory's path on a loopback name, at whatever port, so
 * that a manifest need not know the port of this start. The same path on another host is another Lintel.
 */
export function isEmbeddedDirectory(server: string): boolean {
  const url = URL.parse(server);
  return url !== null && LOOPBACK_NAMES.has(url.hostname) && url.pathname === ACME_DIRECTORY_PATH;
}

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

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
