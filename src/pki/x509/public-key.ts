import {
  bitStringBytes,
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

/** What a public key is, as far as signing and policy care. */
export interface PublicKeyFacts {
  readonly type: "RSA" | "ECDSA" | "Ed25519" | "other";
  /** Of the RSA modulus, or of the curve; 0 for other types. */
  readonly bits: number;
  /** Of RSA keys; 0 for other types and for exponents beyond 2^53. */
  readonly publicExponent: number;
}

interface Curve {
  readonly jwk: string;
  readonly oid: string;
  readonly bits: number;
}

const RSA_OID = "1.2.840.113549.1.1.1";
const EC_OID = "1.2.840.10045.2.1";
const ED25519_OID = "1.3.101.112";
const CURVES: readonly Curve[] = [
  { jwk: "P-256", oid: "1.2.840.10045.3.1.7", bits: 256 },
  { jwk: "P-384", oid: "1.3.132.0.34", bits: 384 },
  { jwk: "P-521", oid: "1.3.132.0.35", bits: 521 },
];

/** Returns the DER SubjectPublicKeyInfo of a JSON Web Key, public or private (RFC 7518 section 6). Throws BadPem for key types other than RSA, the NIST curves and Ed25519. */
export function encodePublicKey(jwk: JsonWebKeyLike): Uint8Array {
  if (jwk.kty === "RSA") {
    const algorithm = sequence(oid(RSA_OID), encodeDer(TAG.nothing));
    return sequence(algorithm, bitString(sequence(integer(bytesOf(jwk.n)), integer(bytesOf(jwk.e)))));
  }
  if (jwk.kty === "OKP" && jwk.crv === "Ed25519")
    return sequence(sequence(oid(ED25519_OID)), bitString(bytesOf(jwk.x)));
  const curve = CURVES.find((entry) => entry.jwk === jwk.crv);
  if (jwk.kty !== "EC" || curve === undefined)
    throw malformed("the key is neither RSA, ECDSA (P-256, P-384, P-521) nor Ed25519");
  const point = Buffer.concat([Uint8Array.of(4), bytesOf(jwk.x), bytesOf(jwk.y)]);
  return sequence(sequence(oid(EC_OID), oid(curve.oid)), bitString(point));
}

/** The members of a JSON Web Key that make up a public key. */
export interface JsonWebKeyLike {
  readonly kty?: string | undefined;
  readonly crv?: string | undefined;
  readonly n?: string | undefined;
  readonly e?: string | undefined;
  readonly x?: string | undefined;
  readonly y?: string | undefined;
}

/** Returns what the key in a DER SubjectPublicKeyInfo is. Throws BadPem when it is malformed. */
export function publicKeyFacts(spki: Uint8Array): PublicKeyFacts {
  const [algorithm, key] = childrenOf(readDer(spki));
  const [type, parameters] = childrenOf(expectTag(algorithm, TAG.sequence, "the key's algorithm"));
  const dotted = readOid(expectTag(type, TAG.oid, "the key's algorithm"));
  if (dotted === ED25519_OID) return { type: "Ed25519", bits: 256, publicExponent: 0 };
  if (dotted === EC_OID) {
    const named = parameters?.tag === TAG.oid ? readOid(parameters) : "";
    const curve = CURVES.find((entry) => entry.oid === named);
    return { type: curve === undefined ? "other" : "ECDSA", bits: curve?.bits ?? 0, publicExponent: 0 };
  }
  if (dotted !== RSA_OID) return { type: "other", bits: 0, publicExponent: 0 };
  return rsaFacts(bitStringBytes(expectTag(key, TAG.bitString, "the key")));
}

/** Returns the name Web Cryptography uses for the curve of an ECDSA key of `bits` bits. */
export function curveName(bits: number): string {
  return CURVES.find((curve) => curve.bits === bits)?.jwk ?? "";
}

function rsaFacts(key: Uint8Array): PublicKeyFacts {
  const [modulus, exponent] = childrenOf(readDer(key)).map((value) => magnitude(value));
  if (modulus === undefined || exponent === undefined) throw malformed("the RSA key has no modulus or exponent");
  const bits = modulus.length === 0 ? 0 : modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
  const publicExponent = exponent.length > 6 ? 0 : exponent.reduce((sum, byte) => sum * 256 + byte, 0);
  return { type: "RSA", bits, publicExponent };
}

function magnitude(value: DerValue): Uint8Array {
  const { content } = expectTag(value, TAG.integer, "an RSA number");
  const start = content.findIndex((byte) => byte !== 0);
  return start < 0 ? new Uint8Array() : content.subarray(start);
}

function bytesOf(base64url: string | undefined): Uint8Array {
  return Buffer.from(base64url ?? "", "base64url");
}
