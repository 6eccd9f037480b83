import type { KeyObject } from "node:crypto";
import { type FlattenedJWS, FlattenedSign, type JWSHeaderParameters } from "jose";
import { encodePublicKey } from "../../pki/x509/public-key.ts";

/** Returns `payload` as JSON, or nothing at all when it is undefined (POST-as-GET), signed in flattened form (RFC 8555 section 6.2). */
export async function signJws(
  payload: unknown,
  header: JWSHeaderParameters,
  key: KeyObject | Uint8Array,
): Promise<FlattenedJWS> {
  const bytes = Buffer.from(payload === undefined ? "" : JSON.stringify(payload));
  return new FlattenedSign(bytes).setProtectedHeader(header).sign(key);
}

/** Returns the public half of a private key as a JWK, with no member that is not needed. */
export function publicJwk(key: KeyObject): Readonly<Record<string, string>> {
  const { kty = "", crv, n, e, x, y } = key.export({ format: "jwk" });
  return Object.fromEntries(
    Object.entries({ kty, crv, n, e, x, y }).flatMap(([name, text]) => (text === undefined ? [] : [[name, text]])),
  );
}

/** Returns how a key signs (RFC 7518 section 3.1, RFC 8037). Throws BadPem when it is neither RSA, ECDSA on a NIST curve nor Ed25519. */
export function algorithmOf(key: KeyObject): string {
  const jwk = key.export({ format: "jwk" });
  // Throws for other types, so that what is left below is one of these.
  encodePublicKey(jwk);
  if (jwk.kty === "RSA") return "RS256";
  if (jwk.kty === "OKP") return "EdDSA";
  return jwk.crv === "P-384" ? "ES384" : jwk.crv === "P-521" ? "ES512" : "ES256";
}
