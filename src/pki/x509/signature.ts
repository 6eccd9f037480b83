import {
  bitStringBytes,
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
import { curveName, encodePublicKey, type JsonWebKeyLike, publicKeyFacts, type PublicKeyFacts } from "./public-key.ts";

/** A private key that can sign; the `KeyObject` of Node's crypto module is one. Stated here because this folder knows no `node:` module. */
export interface PrivateKey {
  export(options: { format: "jwk" }): JsonWebKeyLike;
  toCryptoKey(algorithm: SigningAlgorithm, extractable: boolean, usages: ["sign"]): CryptoKey;
}

/** The Web Cryptography parameters that import a signing key. */
export interface SigningAlgorithm {
  readonly name: string;
  readonly hash?: string;
  readonly namedCurve?: string;
}

interface SignatureScheme {
  /** cert-manager's word. */
  readonly word: string;
  readonly oid: string;
  readonly type: PublicKeyFacts["type"];
  readonly hash: string;
}

/** Signature algorithms that are made and accepted (RFC 8017, RFC 5758, RFC 8410). No SHA-1, no MD5: both can be forged. */
const SCHEMES: readonly SignatureScheme[] = [
  { word: "SHA256WithRSA", oid: "1.2.840.113549.1.1.11", type: "RSA", hash: "SHA-256" },
  { word: "SHA384WithRSA", oid: "1.2.840.113549.1.1.12", type: "RSA", hash: "SHA-384" },
  { word: "SHA512WithRSA", oid: "1.2.840.113549.1.1.13", type: "RSA", hash: "SHA-512" },
  { word: "ECDSAWithSHA256", oid: "1.2.840.10045.4.3.2", type: "ECDSA", hash: "SHA-256" },
  { word: "ECDSAWithSHA384", oid: "1.2.840.10045.4.3.3", type: "ECDSA", hash: "SHA-384" },
  { word: "ECDSAWithSHA512", oid: "1.2.840.10045.4.3.4", type: "ECDSA", hash: "SHA-512" },
  { word: "PureEd25519", oid: "1.3.101.112", type: "Ed25519", hash: "" },
];

/** A signer made for one key: its public half and the algorithm identifier that certificates it signs carry. */
export interface Signer {
  /** DER SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  /** DER AlgorithmIdentifier. */
  readonly algorithm: Uint8Array;
  /** Returns the signature over `bytes` in the form certificates hold it. */
  readonly sign: (bytes: Uint8Array) => Promise<Uint8Array>;
}

/**
 * Returns a signer for `key`: RSA with SHA-256, ECDSA with the hash of the curve's strength, or Ed25519, unless `word`
 * names another algorithm (`SHA384WithRSA`). Throws BadPem for other key types and for an algorithm that is not the key's.
 */
export function signerFor(key: PrivateKey, word?: string): Signer {
  const publicKey = encodePublicKey(key.export({ format: "jwk" }));
  const facts = publicKeyFacts(publicKey);
  const hash = facts.type !== "ECDSA" || facts.bits === 256 ? "SHA-256" : facts.bits === 384 ? "SHA-384" : "SHA-512";
  const scheme = SCHEMES.find(
    (entry) =>
      entry.type === facts.type &&
      (word === undefined ? entry.hash === hash || entry.hash === "" : entry.word === word),
  );
  if (scheme === undefined) {
    throw malformed(word === undefined ? "the key cannot sign certificates" : `the key cannot sign by ${word}`);
  }
  const parameters = facts.type === "RSA" ? [encodeDer(TAG.nothing)] : [];
  return {
    publicKey,
    algorithm: sequence(oid(scheme.oid), ...parameters),
    sign: async (bytes) => {
      const signing = key.toCryptoKey(importAlgorithm(scheme, facts), false, ["sign"]);
      const signature = new Uint8Array(await crypto.subtle.sign(useAlgorithm(scheme), signing, Uint8Array.from(bytes)));
      return scheme.type === "ECDSA" ? derFromPair(signature) : signature;
    },
  };
}

/** Returns cert-manager's word for a DER AlgorithmIdentifier of a signature; undefined for algorithms that are not made here. */
export function signatureWord(algorithm: DerValue): string | undefined {
  const dotted = readOid(expectTag(childrenOf(algorithm)[0], TAG.oid, "the signature algorithm"));
  return SCHEMES.find((entry) => entry.oid === dotted)?.word;
}

/** What a signature was made over, and with. */
export interface SignedParts {
  /** DER of what is signed. */
  readonly signed: Uint8Array;
  readonly algorithm: DerValue;
  /** A BIT STRING. */
  readonly signature: DerValue;
  /** DER SubjectPublicKeyInfo of the key that is said to have signed. */
  readonly publicKey: Uint8Array;
}

/** Returns whether the signature is good. False, never a throw, for algorithms that are unknown or too weak and for anything malformed. */
export async function verifySignature(parts: SignedParts): Promise<boolean> {
  try {
    const dotted = readOid(expectTag(childrenOf(parts.algorithm)[0], TAG.oid, "the signature algorithm"));
    const facts = publicKeyFacts(parts.publicKey);
    const scheme = SCHEMES.find((entry) => entry.oid === dotted && entry.type === facts.type);
    if (scheme === undefined) return false;
    const spki = Uint8Array.from(parts.publicKey);
    const key = await crypto.subtle.importKey("spki", spki, importAlgorithm(scheme, facts), false, ["verify"]);
    const bytes = bitStringBytes(parts.signature);
    const signature = scheme.type === "ECDSA" ? pairFromDer(bytes, Math.ceil(facts.bits / 8)) : bytes;
    return await crypto.subtle.verify(
      useAlgorithm(scheme),
      key,
      Uint8Array.from(signature),
      Uint8Array.from(parts.signed),
    );
  } catch {
    return false;
  }
}

function importAlgorithm(scheme: SignatureScheme, facts: PublicKeyFacts): SigningAlgorithm {
  if (scheme.type === "RSA") return { name: "RSASSA-PKCS1-v1_5", hash: scheme.hash };
  return scheme.type === "ECDSA" ? { name: "ECDSA", namedCurve: curveName(facts.bits) } : { name: "Ed25519" };
}

function useAlgorithm(scheme: SignatureScheme): { name: string; hash?: string } {
  if (scheme.type === "RSA") return { name: "RSASSA-PKCS1-v1_5" };
  return scheme.type === "ECDSA" ? { name: "ECDSA", hash: scheme.hash } : { name: "Ed25519" };
}

/** Web Cryptography gives r and s side by side; certificates hold a SEQUENCE of both (RFC 3279 section 2.2.3). */
function derFromPair(pair: Uint8Array): Uint8Array {
  const half = pair.length / 2;
  return sequence(integer(pair.subarray(0, half)), integer(pair.subarray(half)));
}

function pairFromDer(bytes: Uint8Array, size: number): Uint8Array {
  const pair = new Uint8Array(size * 2);
  const numbers = childrenOf(readDer(bytes));
  if (numbers.length !== 2) throw malformed("an ECDSA signature is not a pair");
  for (const [at, value] of numbers.entries()) {
    const { content } = expectTag(value, TAG.integer, "a half of the signature");
    const trimmed = content[0] === 0 ? content.subarray(1) : content;
    if (trimmed.length > size) throw malformed("a half of the signature is too long");
    pair.set(trimmed, size * (at + 1) - trimmed.length);
  }
  return pair;
}
