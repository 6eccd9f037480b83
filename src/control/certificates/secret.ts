import type { KeyObject } from "node:crypto";
import { decodePem } from "../../ground/pem.ts";
import { encodeKey } from "../../pki/key.ts";
import type { CertificateFacts } from "../../pki/x509/certificate.ts";
import { toBase64 } from "../../resource/certificate-request.ts";
import { CERTIFICATE_ANNOTATIONS, type Certificate, type IssuerReference } from "../../resource/certificate.ts";
import { apiVersionOf, SECRET } from "../../resource/kind.ts";
import { controllerReference, type KubeObject } from "../../resource/object.ts";

/** Marks Secrets that certificate controllers follow, as cert-manager does. */
const FOLLOWED_LABEL = "controller.cert-manager.io/fao";
/** Marks the Secret that keeps a key until its certificate is there. */
export const NEXT_PRIVATE_KEY_LABEL = "cert-manager.io/next-private-key";

/** A certificate on its way into a Secret. */
export interface Issued {
  readonly certificatePem: string;
  readonly caPem: string;
  readonly key: KeyObject;
  readonly leaf: CertificateFacts;
  /** Who really signed. */
  readonly signer: IssuerReference;
}

/**
 * Returns the Secret that gives `certificate` to the world. Data, labels and annotations that others put into `before`
 * stay, and so does its type, which can't be changed.
 */
export function certificateSecret(
  certificate: Certificate,
  issued: Issued,
  before: KubeObject | undefined,
): KubeObject {
  const keyPem = encodeKey(issued.key, certificate.spec.privateKey.encoding);
  const wanted = withManagedMetadata(
    before ?? emptySecret(certificate, certificate.spec.secretName, "kubernetes.io/tls"),
    certificate,
    issued.leaf,
    issued.signer,
  );
  return {
    ...wanted,
    data: {
      ...(typeof before?.["data"] === "object" ? before["data"] : {}),
      "tls.crt": toBase64(issued.certificatePem),
      "tls.key": toBase64(keyPem),
      ...(issued.caPem === "" ? {} : { "ca.crt": toBase64(issued.caPem) }),
      ...extraFormats(certificate, issued.certificatePem, keyPem),
    },
  };
}

/** Returns `secret` with the labels and annotations of the certificate in it; the user's template never wins over ours. */
export function withManagedMetadata(
  secret: KubeObject,
  certificate: Certificate,
  leaf: CertificateFacts,
  signer: IssuerReference,
): KubeObject {
  const { spec } = certificate;
  return {
    ...secret,
    metadata: {
      ...secret.metadata,
      labels: { ...secret.metadata.labels, ...spec.secretLabels, [FOLLOWED_LABEL]: "true" },
      annotations: {
        ...secret.metadata.annotations,
        ...spec.secretAnnotations,
        [CERTIFICATE_ANNOTATIONS.certificateName]: certificate.name,
        [CERTIFICATE_ANNOTATIONS.commonName]: leaf.commonName,
        [CERTIFICATE_ANNOTATIONS.altNames]: leaf.dnsNames.join(","),
        [CERTIFICATE_ANNOTATIONS.ipSans]: leaf.ipAddresses.join(","),
        [CERTIFICATE_ANNOTATIONS.uriSans]: leaf.uris.join(","),
        ...(leaf.emailAddresses.length === 0
          ? {}
          : { [CERTIFICATE_ANNOTATIONS.emailSans]: leaf.emailAddresses.join(",") }),
        [CERTIFICATE_ANNOTATIONS.issuerName]: signer.name,
        [CERTIFICATE_ANNOTATIONS.issuerKind]: signer.kind,
        [CERTIFICATE_ANNOTATIONS.issuerGroup]: signer.group,
      },
    },
  };
}

/** Returns the Secret that keeps `key` while its certificate is on the way. It goes with the Certificate. */
export function nextPrivateKeySecret(certificate: Certificate, name: string, key: KeyObject): KubeObject {
  const secret = emptySecret(certificate, name, "Opaque");
  return {
    ...secret,
    metadata: {
      ...secret.metadata,
      labels: { [NEXT_PRIVATE_KEY_LABEL]: "true", [FOLLOWED_LABEL]: "true" },
      ownerReferences: [controllerReference(certificate.object)],
    },
    data: { "tls.key": toBase64(encodeKey(key, certificate.spec.privateKey.encoding)) },
  };
}

function emptySecret(certificate: Certificate, name: string, type: string): KubeObject {
  return {
    apiVersion: apiVersionOf(SECRET),
    kind: SECRET.kind,
    metadata: { name, namespace: certificate.namespace },
    type,
    data: {},
  };
}

function extraFormats(
  certificate: Certificate,
  certificatePem: string,
  keyPem: string,
): Readonly<Record<string, string>> {
  const formats: Record<string, string> = {};
  for (const format of certificate.spec.additionalOutputFormats) {
    if (format === "CombinedPEM") formats["tls-combined.pem"] = toBase64(`${keyPem}${certificatePem}`);
    if (format === "DER") formats["key.der"] = Buffer.from(decodePem(keyPem)[0]?.der ?? []).toString("base64");
  }
  return formats;
}
