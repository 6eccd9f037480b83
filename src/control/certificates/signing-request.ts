import type { KeyObject } from "node:crypto";
import { createRequest } from "../../pki/x509/request.ts";
import { usagesOrDefault, type CertificateSpec } from "../../resource/certificate.ts";

/** Returns the PKCS#10 request in PEM for what `spec` asks for, signed by `key`. Throws BadConfig for names that no request can hold. */
export function signingRequest(key: KeyObject, spec: CertificateSpec): Promise<string> {
  return createRequest(key, {
    ...(spec.commonName === "" ? {} : { commonName: spec.commonName }),
    subject: spec.subject,
    relativeNames: spec.literalSubject,
    dnsNames: spec.dnsNames,
    ipAddresses: spec.ipAddresses,
    uris: spec.uris,
    emailAddresses: spec.emailAddresses,
    otherNames: spec.otherNames,
    usages: spec.encodeUsagesInRequest ? usagesOrDefault(spec.usages) : [],
    isCa: spec.isCa,
    nameConstraints: spec.nameConstraints,
    signatureAlgorithm: spec.signatureAlgorithm,
  });
}
