import { booleanAt, numberAt, stringAt } from "../ground/json.ts";
import { addressAt, textsAt, type Address } from "./role-settings.ts";

/** What `lintel controller` was asked for beside ports and processes. */
export interface ClusterWishes {
  /** A path; undefined: found as kubectl and Pods find theirs. */
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  /** Where the Leases are, and the Secrets of ClusterIssuers; empty: the namespace of the context or the Pod. */
  readonly namespace: string;
  /** Names of the IngressClasses to serve. */
  readonly classes: readonly string[];
  readonly serveClassless: boolean;
  /** Serves and writes nothing: for a look before taking over. */
  readonly shadow: boolean;
  /** Whether certificates are managed; `auto`: unless cert-manager runs. */
  readonly certificates: "auto" | "always" | "never";
  /** `namespace/name` of the Service whose addresses the status of Ingresses gets; empty: none. */
  readonly publishService: string;
  /** IP addresses and names that the status of Ingresses gets. */
  readonly publishAddresses: readonly string[];
  /** Where other replicas reach this one; an IP address. */
  readonly replicaAddress: string;
  /** Where clients reach this one, when neither a Service nor an address is published; empty: nobody says. */
  readonly edgeAddress: string;
  /** Name of the admission webhook's configurations; empty: there is no webhook. */
  readonly webhook: string;
  /** Where the webhook is served, on every address. */
  readonly webhookPort: number;
  /** Unlike any other replica. */
  readonly identity: string;
}

/** What the control process of a cluster is told at its start. */
export interface ClusterSettings extends ClusterWishes {
  readonly version: string;
  readonly stateDirectory: string;
  readonly nameservers: readonly string[];
  readonly trustedProxies: readonly string[];
  /** `auto`, `always` or `off`: whether names are looked at before a CA is asked. */
  readonly preflight: string;
  /** A URL; empty: nobody is told. */
  readonly alertWebhook: string;
  /** Whether every connection to the edge begins with a PROXY header, those of other replicas as well. */
  readonly proxyProtocol: boolean;
  readonly edgeHttp: Address;
  readonly edgeHttps: Address;
}

/** Returns the settings in a message of the supervisor, which is of this version. */
export function parseClusterSettings(value: unknown): ClusterSettings {
  const certificates = stringAt(value, "certificates");
  return {
    version: stringAt(value, "version") ?? "",
    stateDirectory: stringAt(value, "stateDirectory") ?? "",
    kubeconfig: stringAt(value, "kubeconfig"),
    context: stringAt(value, "context"),
    namespace: stringAt(value, "namespace") ?? "",
    classes: textsAt(value, "classes"),
    serveClassless: booleanAt(value, "serveClassless") ?? false,
    shadow: booleanAt(value, "shadow") ?? false,
    certificates: certificates === "always" || certificates === "never" ? certificates : "auto",
    publishService: stringAt(value, "publishService") ?? "",
    publishAddresses: textsAt(value, "publishAddresses"),
    replicaAddress: stringAt(value, "replicaAddress") ?? "",
    edgeAddress: stringAt(value, "edgeAddress") ?? "",
    webhook: stringAt(value, "webhook") ?? "",
    webhookPort: numberAt(value, "webhookPort") ?? 0,
    identity: stringAt(value, "identity") ?? "",
    nameservers: textsAt(value, "nameservers"),
    trustedProxies: textsAt(value, "trustedProxies"),
    preflight: stringAt(value, "preflight") ?? "auto",
    alertWebhook: stringAt(value, "alertWebhook") ?? "",
    proxyProtocol: booleanAt(value, "proxyProtocol") ?? false,
    edgeHttp: addressAt(value, "edgeHttp"),
    edgeHttps: addressAt(value, "edgeHttps"),
  };
}
