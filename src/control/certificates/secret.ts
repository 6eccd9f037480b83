import type { KeyObject } from "node:crypto";
import { recordAt } from "../../ground/json.ts";
import { decodePem } from "../../ground/pem.ts";
import { encodeKey } from "../../pki/key.ts";
import type { CertificateFacts } from "../../pki/x509/certificate.ts";
import { toBase64 } from "../../resource/certificate-request.ts";
import type { Certificate, IssuerReference } from "../../resource/certificate.ts";
import { apiVersionOf, SECRET } from "../../resource/kind.ts";
import { controllerReference, type KubeObject } from "../../resource/object.ts";
import { secretText } from "../../resource/secret.ts";
import { FOLLOWED_LABEL, withManagedMetadata } from "./secret-metadata.ts";

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
  const base = before ?? emptySecret(certificate, certificate.spec.secretName, "kubernetes.io/tls");
  // The authority of the certificate before says nothing about this one.
  const { "ca.crt": _, ...data } = recordAt(base, "data");
  const secret = {
    ...withManagedMetadata(base, certificate, issued.leaf, issued.signer),
    data: {
      ...data,
      "tls.crt": toBase64(issued.certificatePem),
      "tls.key": toBase64(encodeKey(issued.key, certificate.spec.privateKey.encoding)),
      ...(issued.caPem === "" ? {} : { "ca.crt": toBase64(issued.caPem) }),
    },
  };
  return withOutputFormats(secret, certificate);
}

/** Returns `secret` with the further forms of its key and certificate that the spec asks for, and without those it does not. */
export function withOutputFormats(secret: KubeObject, certificate: Certificate): KubeObject {
  const { "tls-combined.pem": _, "key.der": __, ...data } = recordAt(secret, "data");
  const formats: Record<string, string> = {};
  for (const format of certificate.spec.additionalOutputFormats) {
    const keyPem = secretText(secret, "tls.key") ?? "";
    const certificatePem = secretText(secret, "tls.crt") ?? "";
    if (format === "CombinedPEM") formats["tls-combined.pem"] = toBase64(`${keyPem}\n${certificatePem}`);
    if (format === "DER") formats["key.der"] = Buffer.from(decodePem(keyPem)[0]?.der ?? []).toString("base64");
  }
  return { ...secret, data: { ...data, ...formats } };
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
