import { isLintelError } from "../../ground/errors.ts";
import { parseCertificate, type CertificateFacts } from "../../pki/x509/certificate.ts";
import { parseRequest, type RequestFacts } from "../../pki/x509/request.ts";
import { base64At, readCertificateRequest } from "../../resource/certificate-request.ts";
import { readCertificate, type Certificate } from "../../resource/certificate.ts";
import { CERTIFICATE, CERTIFICATE_REQUEST, SECRET } from "../../resource/kind.ts";
import type { KubeObject } from "../../resource/object.ts";
import { signerOf, type SignerWorld } from "../signer.ts";
import type { World } from "../world.ts";
import type { Facts, KnownRequest, StoredSecret } from "./facts.ts";
import { readKeystoreState } from "./keystores.ts";
import { recordedCertificate } from "./recorded.ts";
import { keyFacts, readKey } from "./private-key.ts";

/** What reading the facts of a Certificate needs. */
export interface FactsWorld extends SignerWorld {
  readonly store: Pick<World["store"], "get">;
  readonly clock: World["clock"];
}

/** Reads everything that decisions about `certificate` rest on, from the store itself. */
export async function readFacts(world: FactsWorld, certificate: Certificate): Promise<Facts> {
  const { store } = world;
  const { namespace, spec, status } = certificate;
  const nextName = status.nextPrivateKeySecretName;
  const [secret, nextSecret, currentRequest, nextRequest] = await Promise.all([
    store.get(SECRET, namespace, spec.secretName),
    nextName === undefined ? undefined : store.get(SECRET, namespace, nextName),
    status.revision === 0 ? undefined : readRequest(world, certificate, status.revision),
    readRequest(world, certificate, status.revision + 1),
  ]);
  return {
    nowMs: world.clock.nowMs(),
    certificate,
    signer: signerOf(world, spec.issuerRef, namespace),
    secret: secret === undefined ? undefined : await readStoredSecret(world, secret, certificate),
    otherOwner: secret === undefined ? undefined : await otherOwnerOf(world, secret, certificate),
    nextKey: nextSecret === undefined ? undefined : keyFacts(readKey(keyPemOf(nextSecret)), spec.privateKey),
    currentRequest,
    nextRequest,
  };
}

/** The name of the request of one revision: the same for everyone, so that it can't be made twice. */
export function requestName(certificate: Certificate, revision: number): string {
  return `${certificate.name}-${String(revision)}`;
}

/** The private key text of a TLS Secret, or undefined. */
export function keyPemOf(secret: KubeObject): string | undefined {
  return base64At(secret["data"], "tls.key");
}

async function readRequest(
  world: FactsWorld,
  certificate: Certificate,
  revision: number,
): Promise<KnownRequest | undefined> {
  const name = requestName(certificate, revision);
  const found = await world.store.get(CERTIFICATE_REQUEST, certificate.namespace, name);
  if (found === undefined || found.metadata.deletionTimestamp !== undefined) return undefined;
  const request = readCertificateRequest(found);
  return { request, csr: readCsr(request.spec.requestPem) };
}

async function readStoredSecret(
  world: FactsWorld,
  secret: KubeObject,
  certificate: Certificate,
): Promise<StoredSecret> {
  const keyPem = keyPemOf(secret);
  const certificatePem = base64At(secret["data"], "tls.crt");
  return {
    annotations: secret.metadata.annotations ?? {},
    hasKey: keyPem !== undefined,
    hasCertificate: certificatePem !== undefined,
    key: keyFacts(readKey(keyPem), certificate.spec.privateKey),
    certificate: certificatePem === undefined ? undefined : readLeaf(certificatePem),
    keystores: await readKeystoreState(world, certificate, secret),
  };
}

async function otherOwnerOf(
  world: FactsWorld,
  secret: KubeObject,
  certificate: Certificate,
): Promise<string | undefined> {
  const owner = recordedCertificate(secret.metadata.annotations ?? {});
  if (owner === undefined || owner === "" || owner === certificate.name) return undefined;
  const other = await world.store.get(CERTIFICATE, certificate.namespace, owner);
  if (other === undefined || other.metadata.deletionTimestamp !== undefined) return undefined;
  return readCertificate(other).spec.secretName === secret.metadata.name ? owner : undefined;
}

/** Returns the leaf of `pem`, or undefined when it can't be read. */
export function readLeaf(pem: string): CertificateFacts | undefined {
  return orUndefined(() => parseCertificate(pem));
}

function readCsr(pem: string): RequestFacts | undefined {
  return orUndefined(() => parseRequest(pem));
}

function orUndefined<Value>(parse: () => Value): Value | undefined {
  try {
    return parse();
  } catch (error) {
    if (isLintelError(error)) return undefined;
    throw error;
  }
}
