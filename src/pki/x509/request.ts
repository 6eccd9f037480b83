import { decodePem, encodePem } from "../../ground/pem.ts";
import { type AlternativeNames, encodeAlternativeNames, type OtherName } from "./alternative-names.ts";
import {
  bitString,
  childrenOf,
  type DerValue,
  encodeDer,
  expectTag,
  integer,
  malformed,
  oid,
  readDer,
  readOid,
  sequence,
  TAG,
} from "./der.ts";
import { decodeExtensions, encodeExtensions } from "./extensions.ts";
import { encodeNameConstraints, type NameConstraints } from "./name-constraints.ts";
import {
  decodeName,
  decodeRelativeNames,
  encodeName,
  encodeRelativeNames,
  type NameAttributes,
  type RelativeNames,
} from "./name.ts";
import { sha256Hex } from "./sha256.ts";
import { type PrivateKey, signatureWord, signerFor, verifySignature } from "./signature.ts";

/** What a request asks to have certified. Lists default to empty. */
export interface RequestSubject {
  readonly commonName?: string | undefined;
  readonly dnsNames?: readonly string[] | undefined;
  readonly ipAddresses?: readonly string[] | undefined;
  readonly uris?: readonly string[] | undefined;
  readonly emailAddresses?: readonly string[] | undefined;
  readonly otherNames?: readonly OtherName[] | undefined;
  /** The whole subject part by part, in place of `commonName` and `subject`. */
  readonly relativeNames?: RelativeNames | undefined;
  /** Further attributes under cert-manager's names: organizations, countries, organizationalUnits, localities, provinces, streetAddresses, postalCodes, serialNumber. */
  readonly subject?: Readonly<Record<string, readonly string[]>> | undefined;
  /** cert-manager's words; none: the request names no usages, not even that a CA signs. */
  readonly usages?: readonly string[] | undefined;
  readonly isCa?: boolean | undefined;
  readonly nameConstraints?: NameConstraints | undefined;
  /** cert-manager's word, such as `SHA384WithRSA`. @default the usual one of the key */
  readonly signatureAlgorithm?: string | undefined;
}

/** What a request says (RFC 2986). Nothing in it is proven but the key, and that only when the signature is valid. */
export interface RequestFacts extends AlternativeNames {
  /** The first one; "" when there is none. */
  readonly commonName: string;
  readonly subject: NameAttributes;
  /** The subject in full, in order. */
  readonly relativeNames: RelativeNames;
  readonly nameConstraints: NameConstraints | undefined;
  /** cert-manager's word; undefined for an algorithm that is not made here. */
  readonly signatureAlgorithm: string | undefined;
  /** SHA-256 of the DER SubjectPublicKeyInfo, hexadecimal. */
  readonly spkiSha256: string;
  readonly usages: readonly string[];
  readonly isCa: boolean;
  /** Whether the request says at all if it is for a CA. */
  readonly statesCa: boolean;
  /** Whether the request was signed by the key it is for; false also for algorithms that are too weak. Never rejects. */
  readonly signatureValid: Promise<boolean>;
}

/** The parts of a request as they were written, for the authority that signs it. */
export interface RequestParts {
  readonly facts: RequestFacts;
  readonly subjectDer: Uint8Array;
  readonly subjectEmpty: boolean;
  /** DER GeneralNames; undefined without any. */
  readonly namesDer: Uint8Array | undefined;
  /** DER of the wanted NameConstraints; undefined without any. */
  readonly nameConstraintsDer: Uint8Array | undefined;
  /** DER SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
}

/** The attribute that carries wanted extensions (RFC 2985 section 5.4.2). */
const EXTENSION_REQUEST_OID = "1.2.840.113549.1.9.14";
const LABELS: readonly string[] = ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"];

/**
 * Returns a PKCS#10 request in PEM, signed by `key`. A common name that is a DNS name is not added to the DNS names:
 * list it there too. Throws BadConfig for a name that cannot be written, BadPem for a key that cannot sign.
 */
export async function createRequest(key: PrivateKey, subject: RequestSubject): Promise<string> {
  const signer = signerFor(key, subject.signatureAlgorithm);
  const attributes: NameAttributes = {
    ...subject.subject,
    ...(subject.commonName === undefined ? {} : { commonName: [subject.commonName] }),
  };
  const { relativeNames, usages = [] } = subject;
  const constraints = encodeNameConstraints(subject.nameConstraints);
  const critical = subject.nameConstraints?.critical === true;
  const name = relativeNames === undefined ? encodeName(attributes) : encodeRelativeNames(relativeNames);
  const extensions = encodeExtensions({
    namesDer: encodeAlternativeNames({
      dnsNames: subject.dnsNames ?? [],
      ipAddresses: subject.ipAddresses ?? [],
      uris: subject.uris ?? [],
      emailAddresses: subject.emailAddresses ?? [],
      otherNames: subject.otherNames,
    }),
    subjectEmpty: childrenOf(readDer(name)).length === 0,
    isCa: subject.isCa === true,
    nameConstraints: constraints === undefined ? undefined : { der: constraints, critical },
    usages: usages.length > 0 && subject.isCa === true ? [...usages, "cert sign"] : usages,
  });
  const wanted = sequence(oid(EXTENSION_REQUEST_OID), encodeDer(TAG.set, extensions));
  const body = sequence(integer(0), name, signer.publicKey, encodeDer(0xa0, wanted));
  return encodePem("CERTIFICATE REQUEST", sequence(body, signer.algorithm, bitString(await signer.sign(body))));
}

/** Returns what the first request in `pem` says. Throws BadPem when there is none or it is malformed. */
export function parseRequest(pem: string): RequestFacts {
  return requestParts(requestBlock(pem)).facts;
}

/** Returns the DER of the first request in `pem`. Throws BadPem when there is none. */
export function requestBlock(pem: string): Uint8Array {
  const block = decodePem(pem).find((entry) => LABELS.includes(entry.label));
  if (block === undefined) throw malformed("there is no CERTIFICATE REQUEST block in it");
  return block.der;
}

/** Returns the parts of a DER request. Throws BadPem when it is malformed. */
export function requestParts(der: Uint8Array): RequestParts {
  const [body, algorithm, signature] = childrenOf(expectTag(readDer(der), TAG.sequence, "the request"));
  const signed = expectTag(body, TAG.sequence, "the request's body");
  const [version, subject, publicKey, attributes] = childrenOf(signed);
  expectTag(version, TAG.integer, "the version");
  const subjectName = expectTag(subject, TAG.sequence, "the subject");
  const key = expectTag(publicKey, TAG.sequence, "the public key").raw;
  const extensions = decodeExtensions(wantedExtensions(attributes));
  const names = decodeName(subjectName);
  const signatureAlgorithm = expectTag(algorithm, TAG.sequence, "the signature algorithm");
  return {
    facts: {
      commonName: names["commonName"]?.[0] ?? "",
      subject: names,
      relativeNames: decodeRelativeNames(subjectName),
      nameConstraints: extensions.nameConstraints,
      signatureAlgorithm: signatureWord(signatureAlgorithm),
      ...extensions.names,
      spkiSha256: sha256Hex(key),
      usages: extensions.usages,
      isCa: extensions.isCa,
      statesCa: extensions.statesCa,
      signatureValid: verifySignature({
        signed: signed.raw,
        algorithm: signatureAlgorithm,
        signature: expectTag(signature, TAG.bitString, "the signature"),
        publicKey: key,
      }),
    },
    subjectDer: subjectName.raw,
    subjectEmpty: subjectName.content.length === 0,
    namesDer: extensions.namesDer,
    nameConstraintsDer: extensions.nameConstraintsDer,
    publicKey: key,
  };
}

function wantedExtensions(attributes: DerValue | undefined): DerValue | undefined {
  if (attributes === undefined) return undefined;
  for (const attribute of childrenOf(expectTag(attributes, 0xa0, "the attributes"))) {
    const [type, values] = childrenOf(attribute);
    if (readOid(expectTag(type, TAG.oid, "the type of an attribute")) !== EXTENSION_REQUEST_OID) continue;
    return childrenOf(expectTag(values, TAG.set, "the wanted extensions"))[0];
  }
  return undefined;
}
