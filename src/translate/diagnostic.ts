import type { ObjectReference } from "../routing/snapshot.ts";

/** Something a person should know about one of their objects. The same sentence becomes the Event, the condition and `explain`'s line. */
export interface Diagnostic {
  readonly object: ObjectReference;
  /** `error`: something the user asked for is not served. `warning`: it is served otherwise than written. `info`: good to know. */
  readonly severity: "error" | "warning" | "info";
  /** The reason of the Event. API. */
  readonly code: DiagnosticCode;
  /** A sentence without a full stop. */
  readonly message: string;
  /** What to do next, as an imperative. */
  readonly hint?: string;
}

/** Every code translation gives, with what it means; users script against the names. */
export const DIAGNOSTIC_CODES = {
  AccessListInvalid: "A list of client addresses cannot be read in full; the paths answer 503",
  AnnotationInvalid: "The value of an annotation cannot be read; its default applies",
  AnnotationNotNeeded: "An annotation asks for what Lintel always does, or for tuning that it has no use for",
  AnnotationUnknown: "No annotation of this name exists",
  AnnotationUnsupported: "An annotation is known but has no effect here",
  AnnotationsPassedBy: "TLS passes through to the endpoints; annotations about what is inside have no effect",
  BackendProtocolUnsupported: "The endpoints speak a protocol that cannot be forwarded to; the paths answer 503",
  BackendUnsupported: "A backend is not a Service; its paths answer 503",
  CanaryUnsupported: "A canary Ingress is left out; all requests go to the main one",
  CertificateExpired: "The certificate in the Secret is past its time",
  CertificateNotForHost: "The certificate in the Secret does not name the host",
  CertificateNotYetValid: "The certificate in the Secret is not valid yet",
  CertificateUnreadable: "The Secret's tls.crt is not a certificate",
  CertificateWithoutNames: "The certificate names its host only as common name, which current clients ignore",
  ClientAuthConflict: "A host asks for client certificates otherwise than this Ingress; its paths answer 503",
  ClientAuthInvalid: "What is asked of clients' certificates cannot be read; the hosts answer 503",
  ClientCaUnusable:
    "The Secret with the authorities of client certificates is missing or cannot be read; the hosts answer 503",
  EndpointsNotFound: "Nothing says where the Service's endpoints are; its paths answer 503",
  EndpointsNotReady: "No endpoint of the Service is ready; its paths answer 503",
  ExternalNameInvalid: "The Service's external name cannot be used; its paths answer 503",
  HostWithoutTls: "A host of the rules is in no TLS entry and no certificate of the object covers it",
  IngressClassNotFound: "The Ingress names a class that does not exist; it is not served",
  KeyMismatch: "The Secret's tls.key does not belong to its tls.crt",
  KeyTooShort: "The RSA key of the certificate in the Secret is shorter than TLS takes",
  KeyUnreadable: "The Secret's tls.key is not an unencrypted private key",
  PathConflict: "An older Ingress has the same host, path and path type; it keeps serving",
  PathRegexUnsupported: "A path cannot be used as regular expression; it is left out",
  PathsAreRegex: "Paths are compared as regular expressions because another Ingress of the host asks for it",
  RuleInvalid: "A part of the object cannot be read and is left out; the rest is served",
  SecretIncomplete: "The Secret has no tls.crt or no tls.key",
  SecretNotFound: "The Secret of a TLS entry does not exist",
  SecretNotNamed: "A TLS entry names no Secret",
  SecurityAnnotationUnsupported: "An annotation that restricts access cannot be enforced; the paths answer 503",
  ServiceNotFound: "The Service of a path does not exist; the path answers 503",
  ServicePortNotFound: "The Service has no such port; the path answers 503",
  ServicePortByTarget: "A path names a container port instead of a Service port",
  TlsConflict: "An older Ingress has another certificate for the same host, or other ciphers; they keep being served",
  UpstreamSecretUnusable: "The Secret for TLS to endpoints is missing or cannot be used; the paths answer 503",
  UpstreamTlsInvalid: "Annotations about TLS to endpoints cannot be honoured as they are written; the paths answer 503",
} as const;

/** One of {@link DIAGNOSTIC_CODES}. */
export type DiagnosticCode = keyof typeof DIAGNOSTIC_CODES;

/** `Ingress "shop/web"`: how messages name an object. */
export function describeObject(object: ObjectReference): string {
  return `${object.kind} "${object.namespace === "" ? "" : `${object.namespace}/`}${object.name}"`;
}
