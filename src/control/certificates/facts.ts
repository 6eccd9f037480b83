import type { CertificateFacts } from "../../pki/x509/certificate.ts";
import type { RequestFacts } from "../../pki/x509/request.ts";
import type { CertificateRequest } from "../../resource/certificate-request.ts";
import type { Certificate, IssuerReference } from "../../resource/certificate.ts";

/** What decisions about one Certificate rest on: the world as it was read at `nowMs`. */
export interface Facts {
  readonly nowMs: number;
  readonly certificate: Certificate;
  /** Who would sign now: the issuer of the spec, or the embedded CA in its place while offline. */
  readonly signer: IssuerReference;
  /** The Secret of the spec; undefined when there is none. */
  readonly secret: StoredSecret | undefined;
  /** Another Certificate that exists, names the same Secret, and is the one whose certificate is in it. */
  readonly otherOwner: string | undefined;
  /** The key for the issuance under way; undefined when there is none that can be read. */
  readonly nextKey: KeyFacts | undefined;
  /** The request that the stored certificate came from; undefined when it is gone. */
  readonly currentRequest: KnownRequest | undefined;
  /** The request of the next revision. */
  readonly nextRequest: KnownRequest | undefined;
}

/** What decisions need to know of a private key; never the key itself. */
export interface KeyFacts {
  readonly spkiSha256: string;
  /** Whether algorithm and size are what the spec asks for. */
  readonly matchesWish: boolean;
}

/** What is in the Secret that a Certificate names. */
export interface StoredSecret {
  readonly annotations: Readonly<Record<string, string>>;
  readonly hasKey: boolean;
  readonly hasCertificate: boolean;
  /** Undefined: missing or unreadable. */
  readonly key: KeyFacts | undefined;
  /** The leaf. Undefined: missing or unreadable. */
  readonly certificate: CertificateFacts | undefined;
  readonly keystores: KeystoreState;
}

/** Whether the keystores in a Secret are those that the spec asks for. */
export type KeystoreState =
  | { readonly kind: "current" }
  /** They are missing, made from something else, or not wanted: they can be made. */
  | { readonly kind: "stale" }
  /** `message` says what a person must do. */
  | { readonly kind: "blocked"; readonly message: string };

/** A CertificateRequest and what its PKCS#10 says. */
export interface KnownRequest {
  readonly request: CertificateRequest;
  /** Undefined when its PKCS#10 can't be read. */
  readonly csr: RequestFacts | undefined;
}

/**
 * On a CertificateRequest: `kind/name` of the issuer that answers in place of the one it names, because Lintel is
 * offline. A request whose annotation is not what holds now is made anew.
 */
export const ANSWERED_BY_ANNOTATION = "lintel.dev/answered-by";

/** Returns the value {@link ANSWERED_BY_ANNOTATION} must have now; undefined: none. */
export function answeredBy(facts: Pick<Facts, "certificate" | "signer">): string | undefined {
  const { signer } = facts;
  const asked = facts.certificate.spec.issuerRef;
  const same = signer.name === asked.name && signer.kind === asked.kind && signer.group === asked.group;
  return same ? undefined : `${signer.kind}/${signer.name}`;
}
