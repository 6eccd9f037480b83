import { randomBytes, type KeyObject } from "node:crypto";
import { LintelError } from "../ground/errors.ts";
import { encodePem } from "../ground/pem.ts";
import { spkiFingerprint } from "./key.ts";
import { decodeAlternativeNames, encodeAlternativeNames } from "./x509/alternative-names.ts";
import type { AuthorityAccess } from "./x509/authority-access.ts";
import { type CertificateParts, certificateBlocks, certificateParts } from "./x509/certificate.ts";
import { bitString, encodeDer, integer, malformed, readDer, sequence, time } from "./x509/der.ts";
import { nameOutside } from "./x509/name-constraints.ts";
import { encodeName } from "./x509/name.ts";
import { encodeExtensions, keyIdentifier } from "./x509/extensions.ts";
import { requestBlock, type RequestParts, requestParts } from "./x509/request.ts";
import { type Signer, signerFor } from "./x509/signature.ts";
import { usageSets } from "./x509/usages.ts";

/** Something that signs certificates: its certificate, what that hangs from, and its key. */
export interface SigningAuthority {
  /** PEM, the issuing certificate first; a root at its end is welcome. */
  readonly chain: string;
  readonly key: KeyObject;
  /** PEM of the root, when `chain` does not end with it. */
  readonly root?: string | undefined;
}

/** What was issued. */
export interface IssuedChain {
  /** PEM, leaf first, then the authorities between it and the root, without the root (unless the leaf is one). */
  readonly chain: string;
  /** PEM of the root, or of the topmost certificate known. */
  readonly ca: string;
}

/** Names that were proven. */
export interface CertifiedNames {
  /** @default an empty subject */
  readonly commonName?: string | undefined;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
}

/** What the new certificate says beyond the names and the key, which come from the request. */
export interface CertificateTerms {
  /** PKCS#10 in PEM. */
  readonly csr: string;
  readonly notBeforeMs: number;
  /** Counted from `notBeforeMs`; cut where an authority of the chain ends, since nothing is trusted beyond that. */
  readonly durationMs: number;
  readonly isCa: boolean;
  /** cert-manager's words; unknown ones are refused. */
  readonly usages: readonly string[];
  /** What to certify in place of the request's own subject and names: for authorities that proved the names themselves. */
  readonly certified?: CertifiedNames | undefined;
  /** Where clients find what belongs to the authority. @default nowhere */
  readonly authorityAccess?: AuthorityAccess | undefined;
  /** Of a CA: how many further authorities may follow below it. @default no limit */
  readonly pathLength?: number | undefined;
  /** Where the list of revoked certificates is found. @default nowhere */
  readonly revocationListUrls?: readonly string[] | undefined;
}

/** Bytes of a serial number: 127 random bits after the sign (the CA/Browser Forum asks for 64), and short enough for RFC 5280's 20. */
const SERIAL_BYTES = 16;

/**
 * Returns a certificate for the key, subject, alternative names and name constraints of `csr`, signed by `authority`. The
 * request's own wishes for usages and for being a CA are not followed: `usages` and `isCa` decide. Throws BadPem for a malformed
 * request or one whose signature is not its key's, and BadConfig when the authority cannot sign: not a CA, expired at
 * `notBeforeMs`, or a key that is not its certificate's.
 */
export async function signRequest(
  options: CertificateTerms & { readonly authority: SigningAuthority },
): Promise<IssuedChain> {
  const request = certifiedRequest(await provenRequest(options.csr), options.certified);
  const { authority } = options;
  const above = certificateBlocks(authority.chain).map(certificateParts);
  const root = authority.root === undefined ? [] : certificateBlocks(authority.root).map(certificateParts);
  const [issuer] = above;
  if (issuer === undefined) throw cannotSign("", "it has no certificate");
  checkIssuer(issuer, options);
  if (spkiFingerprint(authority.key) !== issuer.facts.spkiSha256) {
    throw cannotSign(issuer.facts.commonName, "its private key is not the one of its certificate");
  }
  checkConstraints([...above, ...root], request);
  const endMs = Math.min(...[...above, ...root].map((parts) => parts.facts.notAfterMs));
  const leaf = await issue(request, signerFor(authority.key), issuer, options, endMs);
  const between = above.filter((parts) => !parts.facts.selfIssued);
  return {
    chain: [leaf, ...between.map((parts) => parts.der)].map((der) => encodePem("CERTIFICATE", der)).join(""),
    ca: encodePem("CERTIFICATE", (root[0] ?? above.at(-1) ?? issuer).der),
  };
}

/**
 * Returns a certificate signed by its own `key`, which must be the request's. Chain and ca are the same certificate.
 * Throws BadPem like {@link signRequest}, and BadConfig when `key` is another key.
 */
export async function selfSign(options: CertificateTerms & { readonly key: KeyObject }): Promise<IssuedChain> {
  const request = await provenRequest(options.csr);
  if (spkiFingerprint(options.key) !== request.facts.spkiSha256) {
    throw cannotSign(request.facts.commonName, "the private key is not the one of the request");
  }
  const pem = encodePem("CERTIFICATE", await issue(request, signerFor(options.key), undefined, options, Infinity));
  return { chain: pem, ca: pem };
}

async function provenRequest(csr: string): Promise<RequestParts> {
  const request = requestParts(requestBlock(csr));
  if (!(await request.facts.signatureValid)) {
    throw new LintelError("Cannot sign certificate request: its signature is not valid for its own key", {
      code: "BadPem",
      fault: "user",
      hint: 'Check it with "openssl req -in FILE -noout -verify"; SHA-1 signatures are refused',
    });
  }
  return request;
}

function certifiedRequest(request: RequestParts, certified: CertifiedNames | undefined): RequestParts {
  if (certified === undefined) return request;
  const { commonName, dnsNames, ipAddresses } = certified;
  return {
    ...request,
    subjectDer: encodeName(commonName === undefined ? {} : { commonName: [commonName] }),
    subjectEmpty: commonName === undefined,
    namesDer: encodeAlternativeNames({ dnsNames, ipAddresses, uris: [], emailAddresses: [] }),
  };
}

async function issue(
  request: RequestParts,
  signer: Signer,
  issuer: CertificateParts | undefined,
  terms: CertificateTerms,
  endMs: number,
): Promise<Uint8Array> {
  const nameConstraints = wantedConstraints(request, terms.isCa);
  const subjectKeyId = keyIdentifier(request.publicKey);
  const issuerKeyId = issuer?.facts.subjectKeyIdHex;
  const authorityKeyId = issuerKeyId === undefined ? keyIdentifier(signer.publicKey) : Buffer.from(issuerKeyId, "hex");
  const serial = randomBytes(SERIAL_BYTES);
  // The top bits make every serial number positive and of the same length.
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  const extensions = encodeExtensions({
    namesDer: request.namesDer,
    subjectEmpty: request.subjectEmpty,
    isCa: terms.isCa,
    pathLength: terms.pathLength,
    nameConstraints,
    usages: terms.isCa ? [...terms.usages, "cert sign"] : terms.usages,
    authorityAccess: terms.authorityAccess,
    subjectKeyId,
    authorityKeyId,
    revocationListUrls: terms.revocationListUrls,
  });
  const body = sequence(
    encodeDer(0xa0, integer(2)),
    integer(serial),
    signer.algorithm,
    issuer?.subjectDer ?? request.subjectDer,
    sequence(time(terms.notBeforeMs), time(Math.min(terms.notBeforeMs + terms.durationMs, endMs))),
    request.subjectDer,
    request.publicKey,
    encodeDer(0xa3, extensions),
  );
  return sequence(body, signer.algorithm, bitString(await signer.sign(body)));
}

function checkIssuer(issuer: CertificateParts, terms: CertificateTerms): void {
  const { facts } = issuer;
  if (!facts.isCa) throw cannotSign(facts.commonName, "its certificate is not one of a CA");
  const { bits } = usageSets(facts.usages);
  // Without a KeyUsage extension every use is allowed (RFC 5280 section 4.2.1.3); 5 is keyCertSign.
  if (bits.length > 0 && !bits.includes(5)) throw cannotSign(facts.commonName, "its certificate may not sign others");
  if (facts.notAfterMs <= terms.notBeforeMs) {
    throw cannotSign(facts.commonName, `its certificate expired on ${new Date(facts.notAfterMs).toISOString()}`);
  }
}

/** RFC 5280 section 4.2.1.10: the extension has a place in certificates of authorities only. */
function wantedConstraints(
  { nameConstraintsDer: der, facts }: RequestParts,
  isCa: boolean,
): { readonly der: Uint8Array; readonly critical: boolean } | undefined {
  if (der === undefined) return undefined;
  if (facts.nameConstraints === undefined) throw malformed("the name constraints are malformed");
  if (isCa) return { der, critical: facts.nameConstraints.critical };
  throw new LintelError("Cannot sign certificate request: it asks for name constraints and is not for a CA", {
    code: "BadConfig",
    fault: "user",
    hint: "Set isCA, or leave the name constraints out",
  });
}

/** Nobody would accept such a certificate, and only the one who tries finds out. */
function checkConstraints(authorities: readonly CertificateParts[], { namesDer }: RequestParts): void {
  if (namesDer === undefined) return;
  const names = decodeAlternativeNames(readDer(namesDer));
  for (const { facts, extensions } of authorities) {
    const outside = extensions.nameConstraints && nameOutside(extensions.nameConstraints, names);
    if (outside === undefined) continue;
    throw new LintelError(`Cannot sign with CA "${facts.commonName}": its name constraints do not allow "${outside}"`, {
      code: "BadConfig",
      fault: "user",
      hint: "Remove the name, or use an issuer whose CA may certify it",
    });
  }
}

function cannotSign(authority: string, why: string): LintelError {
  return new LintelError(`Cannot sign with CA "${authority}": ${why}`, {
    code: "BadConfig",
    fault: "user",
    hint: "Replace the Secret of this issuer with a CA certificate and its key",
  });
}
