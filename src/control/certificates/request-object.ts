import { toBase64 } from "../../resource/certificate-request.ts";
import { CERTIFICATE_ANNOTATIONS, DEFAULT_DURATION_MS, type Certificate } from "../../resource/certificate.ts";
import { formatGoDuration } from "../../resource/go-duration.ts";
import { apiVersionOf, CERTIFICATE_REQUEST } from "../../resource/kind.ts";
import { controllerReference, type KubeObject } from "../../resource/object.ts";
import { ANSWERED_BY_ANNOTATION, answeredBy, type Facts } from "./facts.ts";

/** The annotation of `kubectl apply`: it would be wrong on a copy. */
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/** Who makes requests for Certificates: shown by kubectl as the requester. */
const REQUESTER = "system:serviceaccount:lintel-system:lintel";

/** Returns the CertificateRequest for the next revision, called `name`, for the PKCS#10 `csr` of the key in `keySecretName`. */
export function requestObject(facts: Facts, name: string, keySecretName: string, csr: string): KubeObject {
  const { certificate } = facts;
  const { metadata } = certificate.object;
  const { spec, status } = certificate;
  const { [LAST_APPLIED]: _, ...annotations } = metadata.annotations ?? {};
  const instead = answeredBy(facts);
  return {
    apiVersion: apiVersionOf(CERTIFICATE_REQUEST),
    kind: CERTIFICATE_REQUEST.kind,
    metadata: {
      name,
      namespace: certificate.namespace,
      ...(metadata.labels === undefined ? {} : { labels: metadata.labels }),
      annotations: {
        ...annotations,
        [CERTIFICATE_ANNOTATIONS.certificateName]: certificate.name,
        [CERTIFICATE_ANNOTATIONS.certificateRevision]: String(status.revision + 1),
        [CERTIFICATE_ANNOTATIONS.privateKeySecretName]: keySecretName,
        ...(instead === undefined ? {} : { [ANSWERED_BY_ANNOTATION]: instead }),
      },
      ownerReferences: [controllerReference(certificate.object)],
    },
    spec: {
      request: toBase64(csr),
      duration: formatGoDuration(spec.durationMs ?? DEFAULT_DURATION_MS),
      issuerRef: spec.issuerRef,
      ...(spec.isCa ? { isCA: true } : {}),
      // As written, for cert-manager compares both to the letter: it must find nothing to issue anew after us.
      ...(spec.usages.length === 0 ? {} : { usages: spec.usages }),
      username: REQUESTER,
    },
  };
}

/** Returns the names a certificate is for, as people speak of it. */
export function namesOf(certificate: Certificate): readonly string[] {
  const { commonName, dnsNames, ipAddresses } = certificate.spec;
  const names = [...dnsNames, ...ipAddresses];
  return names.length === 0 && commonName !== "" ? [commonName] : names;
}
