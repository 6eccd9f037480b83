import { CERTIFICATE_ANNOTATIONS, ISSUER_GROUP, type IssuerReference } from "../../resource/certificate.ts";

type Annotations = Readonly<Record<string, string>>;

/** The prefix of these annotations before 2019: Secrets of that time are still around. */
const OLD_PREFIX = "certmanager.k8s.io/";

/**
 * Returns who issued the certificate of a Secret with these annotations, as whoever stored it wrote down: cert-manager, in
 * any version, Lintel, or a person. The name is empty when nothing is written down. An empty kind or group is the default.
 */
export function recordedIssuer(annotations: Annotations): IssuerReference {
  return {
    name: recorded(annotations, CERTIFICATE_ANNOTATIONS.issuerName) ?? "",
    kind: recorded(annotations, CERTIFICATE_ANNOTATIONS.issuerKind) ?? "Issuer",
    group: recorded(annotations, CERTIFICATE_ANNOTATIONS.issuerGroup) ?? ISSUER_GROUP,
  };
}

/** Returns the name of the Certificate that the Secret was stored for, when it is written down. */
export function recordedCertificate(annotations: Annotations): string | undefined {
  return recorded(annotations, CERTIFICATE_ANNOTATIONS.certificateName);
}

function recorded(annotations: Annotations, name: string): string | undefined {
  const value = annotations[name] ?? annotations[name.replace(/^[^/]+\//, OLD_PREFIX)];
  return value === "" ? undefined : value;
}
