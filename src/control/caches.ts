import { recordAt, stringAt } from "../ground/json.ts";
import { CERTIFICATE_ANNOTATIONS, readIssuerReference, type IssuerReference } from "../resource/certificate.ts";
import { SERVICE_NAME_LABEL } from "../resource/endpoint-slice.ts";
import * as kinds from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import type { Store } from "../store/contract.ts";
import { readVaultSpec, vaultSecretNames } from "../resource/vault-spec.ts";
import { Informer, type InformerOptions, type ObjectCache } from "./informer.ts";
import { keptFields } from "./kept-fields.ts";
import { SecretCache, type SecretSources } from "./secret-cache.ts";

/** One informer for each kind that a controller follows. */
export interface Caches {
  readonly ingresses: Informer;
  readonly ingressClasses: Informer;
  readonly services: Informer;
  readonly endpointSlices: Informer;
  readonly endpoints: Informer;
  readonly secrets: SecretCache;
  readonly issuers: Informer;
  readonly clusterIssuers: Informer;
  readonly certificates: Informer;
  readonly requests: Informer;
  readonly orders: Informer;
  readonly challenges: Informer;
}

/** Objects by the uid of their controller. */
export const BY_OWNER = "owner";
/** Objects by {@link issuerKey} of the issuer they name. */
export const BY_ISSUER = "issuer";
/** Certificates, requests and issuers by `namespace/name` of the Secrets they name. */
export const BY_SECRET = "secret";
/** EndpointSlices by `namespace/name` of their Service. */
export const BY_SERVICE = "service";

/**
 * Opens the caches; each follows the store at once. `clusterResourceNamespace` is where ClusterIssuers keep Secrets. With
 * `secretSources` the store is far away, and only what is read from caches is kept of its objects.
 */
export function openCaches(
  options: Omit<InformerOptions, "kind" | "indexes" | "store" | "keep"> & { readonly store: Store },
  clusterResourceNamespace: string,
  secretSources?: SecretSources,
): Caches {
  const open = (kind: kinds.Kind, indexes: InformerOptions["indexes"] = {}): Informer =>
    new Informer({ ...options, kind, indexes, keep: secretSources === undefined ? undefined : keptFields(kind) });
  const secretsOfIssuer = (object: KubeObject): readonly string[] => issuerSecrets(object, clusterResourceNamespace);
  return {
    ingresses: open(kinds.INGRESS),
    ingressClasses: open(kinds.INGRESS_CLASS),
    services: open(kinds.SERVICE),
    endpointSlices: open(kinds.ENDPOINT_SLICE, { [BY_SERVICE]: serviceKeys }),
    endpoints: open(kinds.ENDPOINTS),
    secrets: new SecretCache({ ...options, indexes: { [BY_OWNER]: ownerUids } }, secretSources),
    issuers: open(kinds.ISSUER, { [BY_SECRET]: secretsOfIssuer }),
    clusterIssuers: open(kinds.CLUSTER_ISSUER, { [BY_SECRET]: secretsOfIssuer }),
    certificates: open(kinds.CERTIFICATE, {
      [BY_OWNER]: ownerUids,
      [BY_ISSUER]: issuerKeys,
      [BY_SECRET]: certificateSecrets,
    }),
    requests: open(kinds.CERTIFICATE_REQUEST, {
      [BY_OWNER]: ownerUids,
      [BY_ISSUER]: issuerKeys,
      [BY_SECRET]: requestSecrets,
    }),
    orders: open(kinds.ORDER, { [BY_OWNER]: ownerUids, [BY_ISSUER]: issuerKeys }),
    challenges: open(kinds.CHALLENGE, { [BY_OWNER]: ownerUids }),
  };
}

/** Every informer of `caches`. */
export function allInformers(caches: Caches): readonly ObjectCache[] {
  return [...servedInformers(caches), ...certificateInformers(caches)];
}

/** The informers without which nothing can be served. */
export function servedInformers(caches: Caches): readonly ObjectCache[] {
  const { ingresses, ingressClasses, services, endpointSlices, endpoints, secrets } = caches;
  return [ingresses, ingressClasses, services, endpointSlices, endpoints, secrets];
}

/** The informers of the kinds that a cluster has by definitions only. */
export function certificateInformers(caches: Caches): readonly ObjectCache[] {
  const { issuers, clusterIssuers, certificates, requests, orders, challenges } = caches;
  return [issuers, clusterIssuers, certificates, requests, orders, challenges];
}

/** The key that an issuer and those who name it share: a ClusterIssuer's has no namespace. */
export function issuerKey(reference: IssuerReference, namespace: string): string {
  return `${reference.kind}/${reference.kind === "ClusterIssuer" ? "" : namespace}/${reference.name}`;
}

/** `controller` owner of `object`, of one kind; undefined when it has none. */
export function ownerName(object: KubeObject, kind: string): string | undefined {
  return (object.metadata.ownerReferences ?? []).find((owner) => owner.controller === true && owner.kind === kind)
    ?.name;
}

/** Returns `namespace/name` of the Service that an EndpointSlice belongs to; none when it belongs to none. */
export function serviceKeys(slice: KubeObject): readonly string[] {
  const name = slice.metadata.labels?.[SERVICE_NAME_LABEL] ?? "";
  return name === "" ? [] : [`${slice.metadata.namespace ?? ""}/${name}`];
}

function ownerUids(object: KubeObject): readonly string[] {
  return (object.metadata.ownerReferences ?? []).filter((owner) => owner.controller === true).map((owner) => owner.uid);
}

function issuerKeys(object: KubeObject): readonly string[] {
  return [issuerKey(readIssuerReference(object["spec"]), object.metadata.namespace ?? "")];
}

function certificateSecrets(object: KubeObject): readonly string[] {
  const keystores = recordAt(object["spec"], "keystores");
  const names = [
    stringAt(object["spec"], "secretName"),
    stringAt(object["status"], "nextPrivateKeySecretName"),
    ...["pkcs12", "jks"].map((kind) => stringAt(recordAt(recordAt(keystores, kind), "passwordSecretRef"), "name")),
  ];
  return names.flatMap((name) =>
    name === undefined || name === "" ? [] : [`${object.metadata.namespace ?? ""}/${name}`],
  );
}

function requestSecrets(object: KubeObject): readonly string[] {
  const name = object.metadata.annotations?.[CERTIFICATE_ANNOTATIONS.privateKeySecretName] ?? "";
  return name === "" ? [] : [`${object.metadata.namespace ?? ""}/${name}`];
}

function issuerSecrets(object: KubeObject, clusterResourceNamespace: string): readonly string[] {
  const namespace = object.kind === "ClusterIssuer" ? clusterResourceNamespace : (object.metadata.namespace ?? "");
  const acme = recordAt(object["spec"], "acme");
  const external = recordAt(recordAt(acme, "externalAccountBinding"), "keySecretRef");
  const names = [
    stringAt(recordAt(object["spec"], "ca"), "secretName"),
    stringAt(recordAt(acme, "privateKeySecretRef"), "name"),
    stringAt(external, "name"),
    ...vaultSecretNames(readVaultSpec(recordAt(object["spec"], "vault"))),
  ];
  return names.flatMap((name) => (name === undefined || name === "" ? [] : [`${namespace}/${name}`]));
}
