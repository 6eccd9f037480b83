import { encodeBase64url } from "../ground/base64url.ts";
import { certificateBlocks, certificateParts } from "../pki/x509/certificate.ts";

/**
 * Returns how renewal information names the first certificate of `pem`: authority key identifier and serial number
 * (RFC 9773 section 4.1), or undefined when it has no authority key identifier. Throws BadPem when it is malformed.
 */
export function certificateId(pem: string): string | undefined {
  const [der] = certificateBlocks(pem);
  if (der === undefined) return undefined;
  const { facts, serial } = certificateParts(der);
  if (facts.authorityKeyIdHex === undefined) return undefined;
  return `${encodeBase64url(Buffer.from(facts.authorityKeyIdHex, "hex"))}.${encodeBase64url(serial)}`;
}
