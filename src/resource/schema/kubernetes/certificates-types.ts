/** The fields of the certificates types of Kubernetes, as built-in-types.ts reads them. Written by tools/read-kubernetes-types.ts. */
export const CERTIFICATES_TYPES: Readonly<Record<string, string>> = {
  "certificates.CertificateSigningRequest":
    "metadata 1 meta.ObjectMeta; spec 2! certificates.CertificateSigningRequestSpec; status 3 certificates.CertificateSigningRequestStatus",
  "certificates.CertificateSigningRequestCondition":
    "type 1! string(v1.RequestConditionType); status 6! string(v1.ConditionStatus); reason 2 string; message 3 string; lastUpdateTime 4 time; lastTransitionTime 5 time",
  "certificates.CertificateSigningRequestSpec":
    "request 1! bytes/list:atomic; signerName 7! string; expirationSeconds 8* int32; usages 5 []string(v1.KeyUsage)/list:atomic; username 2 string; uid 3 string; groups 4 []string/list:atomic; extra 6 {}[]string",
  "certificates.CertificateSigningRequestStatus":
    "conditions 1 []certificates.CertificateSigningRequestCondition/list:map(type); certificate 2 bytes/list:atomic",
};
