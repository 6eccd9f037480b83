import { sha256 } from "../pki/x509/sha256.ts";
import { encodeBase64url } from "../ground/base64url.ts";
import type { JsonWebKeyLike } from "../pki/x509/public-key.ts";

/** Returns the RFC 7638 thumbprint of a public or private key of type RSA, EC or OKP: base64url of a SHA-256, 43 characters. */
export function jwkThumbprint(jwk: JsonWebKeyLike): string {
  // RFC 7638 section 3.2: exactly the required members, in lexicographic order, no white space.
  const members =
    jwk.kty === "RSA"
      ? { e: jwk.e, kty: jwk.kty, n: jwk.n }
      : { crv: jwk.crv, kty: jwk.kty, x: jwk.x, ...(jwk.kty === "EC" ? { y: jwk.y } : {}) };
  return encodeBase64url(sha256(Buffer.from(JSON.stringify(members))));
}

/** Returns what a challenge's resource must answer: token and account key bound together (RFC 8555 section 8.1). */
export function keyAuthorization(token: string, thumbprint: string): string {
  return `${token}.${thumbprint}`;
}

/** Where HTTP-01 answers are looked for, the token at its end (RFC 8555 section 8.3). */
export const HTTP01_PATH = "/.well-known/acme-challenge/";

/** Returns what the TXT record of DNS-01 must hold: the digest of the key authorization (RFC 8555 section 8.4). */
export function dns01Value(keyAuthorization: string): string {
  return encodeBase64url(sha256(Buffer.from(keyAuthorization)));
}
