import { recordAt, stringAt } from "../ground/json.ts";
import { CERTIFICATE_ANNOTATIONS, readIssuerReference, type IssuerReference } from "../resource/certificate.ts";
import * as kinds from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import { readVaultSpec, vaultSecretNames } from "../resource/vault-spec.ts";
import { Informer, type InformerOptions } from "./informer.ts";

/** One informer for each kind that a controller follows. */
export interface Caches {
  readonly ingresses: Informer;
  readonly ingressClasses: Informer;
  readonly services: Informer;
  readonly endpointSlices: Informer;
  readonly endpoints: Informer;
  readonly secrets: Informer;
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

/** Opens the caches; each follows the store at once. `clusterResourceNamespace` is where ClusterIssuers keep Secrets. */
export function openCaches(
  options: Omit<InformerOptions, "kind" | "indexes">,
  clusterResourceNamespace: string,
): Caches {
  const open = (kind: kinds.Kind, indexes: InformerOptions["indexes"] = {}): Informer =>
    new Informer({ ...options, kind, indexes });
  const secretsOfIssuer = (object: KubeObject): readonly string[] => issuerSecrets(object, clusterResourceNamespace);
  return {
    ingresses: open(kinds.INGRESS),
    ingressClasses: open(kinds.INGRESS_CLASS),
    services: open(kinds.SERVICE),
    endpointSlices: open(kinds.ENDPOINT_SLICE),
    endpoints: open(kinds.ENDPOINTS),
    secrets: open(kinds.SECRET, { [BY_OWNER]: ownerUids }),
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
export function allInformers(caches: Caches): readonly Informer[] {
  return [...servedInformers(caches), ...certificateInformers(caches)];
}

/** The informers without which nothing can be served. */
export function servedInformers(caches: Caches): readonly Informer[] {
  const { ingresses, ingressClasses, services, endpointSlices, endpoints, secrets } = caches;
  return [ingresses, ingressClasses, services, endpointSlices, endpoints, secrets];
}

/** The informers of the kinds that a cluster has by definitions only. */
export function certificateInformers(caches: Caches): readonly Informer[] {
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
