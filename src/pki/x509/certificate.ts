import { decodePem } from "../../ground/pem.ts";
import type { OtherName } from "./alternative-names.ts";
import { type DerValue, childrenOf, expectTag, malformed, readDer, readTime, TAG } from "./der.ts";
import { decodeExtensions, type ExtensionFacts } from "./extensions.ts";
import { canonicalIp } from "./ip-address.ts";
import { decodeName, type NameAttributes } from "./name.ts";
import { sha256Hex } from "./sha256.ts";

/** What a certificate says (RFC 5280), in the words the rest of Lintel uses. */
export interface CertificateFacts {
  /** The first one; "" when there is none. */
  readonly commonName: string;
  readonly dnsNames: readonly string[];
  /** Canonical text, IPv6 as in RFC 5952. */
  readonly ipAddresses: readonly string[];
  readonly uris: readonly string[];
  readonly emailAddresses: readonly string[];
  readonly otherNames?: readonly OtherName[] | undefined;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Lower case, an even number of digits, without the sign's leading zeros. */
  readonly serialHex: string;
  readonly issuerCommonName: string;
  readonly isCa: boolean;
  /** SHA-256 of the DER SubjectPublicKeyInfo, hexadecimal. */
  readonly spkiSha256: string;
  /** SHA-256 of the DER certificate, hexadecimal. */
  readonly fingerprintSha256: string;
  readonly subjectKeyIdHex: string | undefined;
  readonly authorityKeyIdHex: string | undefined;
  /** cert-manager's words: "digital signature", "server auth" …; a usage without a word is its dotted object identifier. */
  readonly usages: readonly string[];
  readonly subject: NameAttributes;
  /** Whether subject and issuer are the same name: a root, or a certificate signed by its own key. */
  readonly selfIssued: boolean;
}

/** The parts of a certificate as they were written, for those who build on it: signing below it, checking a signature. */
export interface CertificateParts {
  readonly facts: CertificateFacts;
  readonly extensions: ExtensionFacts;
  readonly der: Uint8Array;
  readonly subjectDer: Uint8Array;
  /** DER SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  /** The serial number's INTEGER content, sign octet included. */
  readonly serial: Uint8Array;
  readonly signed: Uint8Array;
  readonly algorithm: DerValue;
  readonly signature: DerValue;
}

/** Most certificates that are read from one file; public chains have two to four. */
const CHAIN_CERTIFICATES_MAX = 100;

/** Returns what the first certificate in `pem` says. Throws BadPem when there is none or it is malformed. */
export function parseCertificate(pem: string): CertificateFacts {
  return certificateParts(firstCertificate(pem)).facts;
}

/** Returns what each certificate in `pem` says, in order (at most 100). Throws BadPem when there is none or one is malformed. */
export function parseChain(pem: string): readonly CertificateFacts[] {
  return certificateBlocks(pem).map((der) => certificateParts(der).facts);
}

/** Returns the DER of each certificate in `pem`, in order. Throws BadPem when there is none, or more than 100. */
export function certificateBlocks(pem: string): readonly Uint8Array[] {
  const blocks = decodePem(pem).filter((block) => block.label === "CERTIFICATE");
  if (blocks.length === 0) throw malformed("there is no CERTIFICATE block in it");
  if (blocks.length > CHAIN_CERTIFICATES_MAX)
    throw malformed(`it holds more than ${CHAIN_CERTIFICATES_MAX} certificates`);
  return blocks.map((block) => block.der);
}

/** Returns the parts of a DER certificate. Throws BadPem when it is malformed. */
export function certificateParts(der: Uint8Array): CertificateParts {
  const [signed, algorithm, signature] = childrenOf(expectTag(readDer(der), TAG.sequence, "the certificate"));
  const fields = childrenOf(expectTag(signed, TAG.sequence, "the certificate's body"));
  // Version 1 certificates have no version field; every other field keeps its order (RFC 5280 section 4.1).
  const [serial, , issuer, validity, subject, publicKey, ...optional] =
    fields[0]?.tag === 0xa0 ? fields.slice(1) : fields;
  const [notBefore, notAfter] = childrenOf(expectTag(validity, TAG.sequence, "the validity"));
  const extensions = decodeExtensions(optional.filter((field) => field.tag === 0xa3).flatMap(childrenOf)[0]);
  const subjectName = expectTag(subject, TAG.sequence, "the subject");
  const issuerName = expectTag(issuer, TAG.sequence, "the issuer");
  const subjectAttributes = decodeName(subjectName);
  const key = expectTag(publicKey, TAG.sequence, "the public key");
  const serialNumber = expectTag(serial, TAG.integer, "the serial number");
  if (notBefore === undefined || notAfter === undefined) throw malformed("the validity is incomplete");
  return {
    facts: {
      commonName: subjectAttributes["commonName"]?.[0] ?? "",
      ...extensions.names,
      notBeforeMs: readTime(notBefore),
      notAfterMs: readTime(notAfter),
      serialHex: serialText(serialNumber.content),
      issuerCommonName: decodeName(issuerName)["commonName"]?.[0] ?? "",
      isCa: extensions.isCa,
      spkiSha256: sha256Hex(key.raw),
      fingerprintSha256: sha256Hex(der),
      subjectKeyIdHex: extensions.subjectKeyIdHex,
      authorityKeyIdHex: extensions.authorityKeyIdHex,
      usages: extensions.usages,
      subject: subjectAttributes,
      selfIssued: Buffer.compare(subjectName.raw, issuerName.raw) === 0,
    },
    extensions,
    der,
    subjectDer: subjectName.raw,
    publicKey: key.raw,
    serial: serialNumber.content,
    signed: expectTag(signed, TAG.sequence, "the certificate's body").raw,
    algorithm: expectTag(algorithm, TAG.sequence, "the signature algorithm"),
    signature: expectTag(signature, TAG.bitString, "the signature"),
  };
}

/**
 * Returns whether the certificate is good for `host`: an IP address must be among its addresses, a name among its DNS
 * names, where `*.` stands for exactly one label (RFC 6125 section 6.4.3). Letter case and a final dot do not matter.
 * The common name counts only when there are no alternative names at all, and never as a wildcard.
 */
export function coversHost(facts: CertificateFacts, host: string): boolean {
  // Only what looks like an address can be one; there are many names, and this is asked for each of them often.
  const isLikely = host.includes(":") || /\d$/.test(host);
  const address = isLikely ? canonicalIp(host.replace(/^\[(.*)\]$/, "$1")) : undefined;
  if (address !== undefined) return facts.ipAddresses.includes(address);
  const name = plainName(host);
  const wildcard = name.replace(/^[^.]+/, "*");
  const covers = (pattern: string): boolean => plainName(pattern) === name || plainName(pattern) === wildcard;
  const hasNames =
    facts.dnsNames.length + facts.ipAddresses.length + facts.uris.length + facts.emailAddresses.length > 0;
  return hasNames ? facts.dnsNames.some(covers) : facts.commonName !== "" && plainName(facts.commonName) === name;
}

function plainName(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}

function serialText(content: Uint8Array): string {
  const digits = Buffer.from(content).toString("hex");
  return digits.replace(/^(00)+(?=.)/, "");
}

function firstCertificate(pem: string): Uint8Array {
  const [first] = certificateBlocks(pem);
  if (first === undefined) throw malformed("there is no CERTIFICATE block in it");
  return first;
}
