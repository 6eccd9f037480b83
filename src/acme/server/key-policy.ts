import type { PublicKeyFacts } from "../../pki/x509/public-key.ts";

const RSA_BITS_MIN = 2048;
/** Larger keys only cost time to check. */
const RSA_BITS_MAX = 8192;
const RSA_EXPONENT_MIN = 65_537;

/** Returns why a public key is not accepted, for accounts and certificates alike, or undefined when it is. */
export function keyWeakness(facts: PublicKeyFacts): string | undefined {
  switch (facts.type) {
    case "ECDSA":
    case "Ed25519":
      return undefined;
    case "other":
      return "it is neither RSA, ECDSA on P-256, P-384 or P-521, nor Ed25519";
    case "RSA":
      break;
    default:
      return facts.type satisfies never;
  }
  if (facts.bits < RSA_BITS_MIN) return `it has ${facts.bits} bits, and RSA keys need at least ${RSA_BITS_MIN}`;
  if (facts.bits > RSA_BITS_MAX) return `it has ${facts.bits} bits, and RSA keys may have at most ${RSA_BITS_MAX}`;
  const oddEnough = facts.publicExponent >= RSA_EXPONENT_MIN && facts.publicExponent % 2 === 1;
  return oddEnough ? undefined : `its public exponent is not an odd number of at least ${RSA_EXPONENT_MIN}`;
}
