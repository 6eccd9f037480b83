import { ISSUER_GROUP, type IssuerReference } from "../resource/certificate.ts";
import { readIssuer, type Issuer } from "../resource/issuer.ts";
import { CLUSTER_ISSUER, ISSUER, type Kind } from "../resource/kind.ts";
import type { KubeObject } from "../resource/object.ts";
import type { World } from "./world.ts";

/** Where issuers are looked up. */
interface IssuerWorld {
  readonly caches: Readonly<
    Record<"issuers" | "clusterIssuers", { get(namespace: string, name: string): KubeObject | undefined }>
  >;
}

/** What telling the signer of a reference needs. */
export interface SignerWorld extends IssuerWorld {
  readonly accounts: { isOffline(server: string): boolean };
  readonly offlineIssuer: IssuerReference;
}

/** The kind a reference of our group names; undefined: it names something that we don't answer. */
export function issuerKindOf(reference: IssuerReference): Kind | undefined {
  if (reference.group !== ISSUER_GROUP) return undefined;
  if (reference.kind === ISSUER.kind) return ISSUER;
  return reference.kind === CLUSTER_ISSUER.kind ? CLUSTER_ISSUER : undefined;
}

/** Returns the issuer that an object in `namespace` names, as the cache has it. */
export function cachedIssuer(world: IssuerWorld, reference: IssuerReference, namespace: string): Issuer | undefined {
  const kind = issuerKindOf(reference);
  if (kind === undefined) return undefined;
  const { issuers, clusterIssuers } = world.caches;
  const found =
    kind === CLUSTER_ISSUER ? clusterIssuers.get("", reference.name) : issuers.get(namespace, reference.name);
  return found === undefined ? undefined : readIssuer(found);
}

/** Returns who would sign for `reference` now: itself, or the embedded CA for ACME issuers while offline. */
export function signerOf(world: SignerWorld, reference: IssuerReference, namespace: string): IssuerReference {
  const issuer = cachedIssuer(world, reference, namespace);
  return issuer?.spec.kind === "acme" && world.accounts.isOffline(issuer.spec.server) ? world.offlineIssuer : reference;
}

/** Where the Secrets of `issuer` live. */
export function secretNamespaceOf(world: World, issuer: Issuer): string {
  return issuer.kind === "ClusterIssuer" ? world.clusterResourceNamespace : issuer.namespace;
}
