import { decodePem } from "../../ground/pem.ts";
import { bitStringBytes, childrenOf, expectTag, readDer, TAG, type DerValue } from "../../pki/x509/der.ts";

/**
 * Returns whether a private key belongs to a public one (DER SubjectPublicKeyInfo); `unknown` when the key does not
 * carry its public half (Ed25519, some ECDSA keys), so that only a computation could tell. Throws when the PEM holds no
 * unencrypted private key.
 */
export function privateKeyMatch(keyPem: string, publicKey: Uint8Array): "yes" | "no" | "unknown" {
  const block = decodePem(keyPem).find(({ label }) => label.endsWith("PRIVATE KEY"));
  if (block === undefined) throw new Error("there is no PRIVATE KEY block in it");
  if (block.label === "ENCRYPTED PRIVATE KEY") throw new Error("it is encrypted");
  const carried = publicHalf(block.label, readDer(block.der));
  if (carried === undefined) return "unknown";
  const spkiKey = childrenOf(readDer(publicKey))[1];
  const expected = bitStringBytes(expectTag(spkiKey, TAG.bitString, "the public key"));
  if (carried.kind === "point") return Buffer.compare(carried.bytes, expected) === 0 ? "yes" : "no";
  if (expected[0] !== TAG.sequence) return "no";
  const modulus = childrenOf(readDer(expected))[0];
  return modulus !== undefined && Buffer.compare(carried.bytes, modulus.content) === 0 ? "yes" : "no";
}

type PublicHalf = { readonly kind: "modulus" | "point"; readonly bytes: Uint8Array };

function publicHalf(label: string, value: DerValue): PublicHalf | undefined {
  const fields = childrenOf(value);
  if (label === "RSA PRIVATE KEY") return modulusOf(fields);
  if (label === "EC PRIVATE KEY") return pointOf(fields);
  if (label !== "PRIVATE KEY") throw new Error(`"${label}" is not a kind of key that can be served`);
  // PKCS#8 (RFC 5958): version, algorithm, and an octet string with the key in its own form.
  const inner = expectTag(fields[2], 0x04, "the private key").content;
  if (inner[0] !== TAG.sequence) return undefined;
  const innerFields = childrenOf(readDer(inner));
  return innerFields[1]?.tag === TAG.integer ? modulusOf(innerFields) : pointOf(innerFields);
}

/** RFC 8017 appendix A.1.2: version, modulus, and the rest. */
function modulusOf(fields: readonly DerValue[]): PublicHalf {
  return { kind: "modulus", bytes: expectTag(fields[1], TAG.integer, "the modulus").content };
}

/** RFC 5915 section 3: the public key is optional, in `[1]`. */
function pointOf(fields: readonly DerValue[]): PublicHalf | undefined {
  const tagged = fields.find((field) => field.tag === 0xa1);
  const bits = tagged === undefined ? undefined : childrenOf(tagged)[0];
  return bits === undefined ? undefined : { kind: "point", bytes: bitStringBytes(bits) };
}
