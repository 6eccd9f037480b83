import { join } from "node:path";
import type { KubeObject } from "../resource/object.ts";
import { makeFolder, writeFileAtomically } from "./state-folder.ts";

/** One host and the server behind it. */
export interface ProxySite {
  /** A DNS name in lower case, or an IP literal without brackets. */
  readonly host: string;
  readonly isIp: boolean;
  readonly upstream: ProxyUpstream;
  readonly isLocal: boolean;
}

/** Where a site's requests go. */
export interface ProxyUpstream {
  readonly protocol: "http" | "https";
  /** A DNS name or an IP literal without brackets. */
  readonly host: string;
  readonly addressType: "FQDN" | "IPv4" | "IPv6";
  readonly port: number;
}

/** The public CA of a proxy's certificates. */
export interface ProxyCa {
  /** Its ACME directory. */
  readonly server: string;
  readonly email: string | undefined;
  /** What its own HTTPS is trusted by, in PEM; undefined: the system's roots. */
  readonly caBundle: string | undefined;
}

const NAMESPACE = "default";
const PUBLIC_ISSUER = "lintel-proxy";
const LOCAL_ISSUER = "lintel-local";

/**
 * Returns the Kubernetes objects that say the same as a `lintel proxy` command line: an Ingress with its Service for every
 * site, and the ClusterIssuer of the public CA if a site needs it.
 */
export function proxyObjects(sites: readonly ProxySite[], ca: ProxyCa): readonly KubeObject[] {
  const needsPublic = sites.some((site) => !site.isLocal);
  return [
    ...(needsPublic ? [issuerObject(ca)] : []),
    ...sites.flatMap((site, index) => siteObjects(site, `upstream-${index + 1}`)),
  ];
}

/** Writes the objects to a file in `directory`; returns its path. */
export function writeProxyManifests(directory: string, objects: readonly KubeObject[]): string {
  makeFolder(directory);
  const file = join(directory, "proxy.yaml");
  writeFileAtomically(file, objects.map((object) => `${JSON.stringify(object, undefined, 2)}\n`).join("---\n"), 0o600);
  return file;
}

function issuerObject(ca: ProxyCa): KubeObject {
  return {
    apiVersion: "cert-manager.io/v1",
    kind: "ClusterIssuer",
    metadata: { name: PUBLIC_ISSUER },
    spec: {
      acme: {
        server: ca.server,
        ...(ca.email === undefined ? {} : { email: ca.email }),
        ...(ca.caBundle === undefined ? {} : { caBundle: Buffer.from(ca.caBundle).toString("base64") }),
        privateKeySecretRef: { name: `${PUBLIC_ISSUER}-account` },
        solvers: [{ http01: { ingress: { ingressClassName: "lintel" } } }],
      },
    },
  };
}

function siteObjects(site: ProxySite, serviceName: string): readonly KubeObject[] {
  const { host, isIp, upstream } = site;
  const name = isIp ? `ip-${host.replaceAll(":", "-").replace(/^-+|-+$/g, "")}` : host;
  const issuer = site.isLocal ? LOCAL_ISSUER : PUBLIC_ISSUER;
  const secretName = `${name}-tls`;
  const rule = {
    http: {
      paths: [
        { path: "/", pathType: "Prefix", backend: { service: { name: serviceName, port: { number: upstream.port } } } },
      ],
    },
  };
  const ingress: KubeObject = {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: {
      name,
      namespace: NAMESPACE,
      annotations: {
        ...(isIp ? {} : { "cert-manager.io/cluster-issuer": issuer }),
        ...(upstream.protocol === "https" ? { "nginx.ingress.kubernetes.io/backend-protocol": "HTTPS" } : {}),
      },
    },
    spec: {
      ingressClassName: "lintel",
      // An Ingress cannot name an IP address: clients that dial one send no name, and get what has no host.
      tls: [isIp ? { secretName } : { hosts: [host], secretName }],
      rules: [isIp ? rule : { host, ...rule }],
    },
  };
  const certificate: KubeObject = {
    apiVersion: "cert-manager.io/v1",
    kind: "Certificate",
    metadata: { name: secretName, namespace: NAMESPACE },
    spec: { secretName, ipAddresses: [host], issuerRef: { kind: "ClusterIssuer", name: issuer } },
  };
  return [...backendObjects(serviceName, upstream), ...(isIp ? [certificate] : []), ingress];
}

function backendObjects(name: string, upstream: ProxyUpstream): readonly KubeObject[] {
  const { host, addressType, port } = upstream;
  const metadata = { name, namespace: NAMESPACE };
  const ports = [{ name: "upstream", port }];
  if (addressType === "FQDN") {
    return [{ apiVersion: "v1", kind: "Service", metadata, spec: { type: "ExternalName", externalName: host, ports } }];
  }
  return [
    { apiVersion: "v1", kind: "Service", metadata, spec: { ports } },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { ...metadata, labels: { "kubernetes.io/service-name": name } },
      addressType,
      ports,
      endpoints: [{ addresses: [host] }],
    },
  ];
}
