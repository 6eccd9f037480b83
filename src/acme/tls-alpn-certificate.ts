import { randomBytes } from "node:crypto";
import { encodePem } from "../ground/pem.ts";
import { encodeKey, generateKey } from "../pki/key.ts";
import { bitString, encodeDer, integer, oid, sequence, TAG, time } from "../pki/x509/der.ts";
import { encodeName } from "../pki/x509/name.ts";
import { parseIp } from "../pki/x509/ip-address.ts";
import { sha256 } from "../pki/x509/sha256.ts";
import { signerFor } from "../pki/x509/signature.ts";

/** RFC 8737 section 6.1. */
export const ACME_IDENTIFIER_OID = "1.3.6.1.5.5.7.1.31";

/** Context tags of GeneralName (RFC 5280 section 4.2.1.6). */
const SAN_DNS = 0x82;
const SAN_IP = 0x87;
const SUBJECT_ALTERNATIVE_NAME_OID = "2.5.29.17";
/** CAs do not look at the lifetime; it is longer than any order. */
const LIFETIME_MS: number = 8 * 86_400_000;
const BACKDATE_MS = 3_600_000;

/**
 * Returns the self-signed certificate that proves `name` by TLS-ALPN-01 (RFC 8737 section 3): one alternative name, and the
 * digest of the key authorization in a critical extension. `serverName` is what the CA sends as SNI.
 */
export async function tlsAlpnCertificate(
  name: string,
  keyAuthorization: string,
  nowMs: number,
): Promise<{ readonly serverName: string; readonly chain: string; readonly key: string }> {
  const key = await generateKey({ algorithm: "ECDSA", size: 256 });
  const signer = signerFor(key);
  const address = parseIp(name);
  const names = sequence(
    address === undefined ? encodeDer(SAN_DNS, Buffer.from(name, "latin1")) : encodeDer(SAN_IP, address),
  );
  const subject = encodeName({ commonName: ["ACME challenge"] });
  const extensions = sequence(
    extension(SUBJECT_ALTERNATIVE_NAME_OID, names, false),
    extension(ACME_IDENTIFIER_OID, encodeDer(TAG.octetString, sha256(Buffer.from(keyAuthorization))), true),
  );
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  const signed = sequence(
    encodeDer(0xa0, integer(2)),
    integer(serial),
    signer.algorithm,
    subject,
    sequence(time(nowMs - BACKDATE_MS), time(nowMs + LIFETIME_MS)),
    subject,
    signer.publicKey,
    encodeDer(0xa3, extensions),
  );
  const certificate = sequence(signed, signer.algorithm, bitString(await signer.sign(signed)));
  return {
    serverName: challengeServerName(name),
    chain: encodePem("CERTIFICATE", certificate),
    key: encodeKey(key, "PKCS8"),
  };
}

/** Returns the SNI of TLS-ALPN-01: the name itself, or the reverse DNS name of an address (RFC 8738 section 6). */
export function challengeServerName(name: string): string {
  const address = parseIp(name);
  if (address === undefined) return name;
  if (address.length === 4) return `${[...address].toReversed().join(".")}.in-addr.arpa`;
  const nibbles = [...address].flatMap((byte) => [byte >> 4, byte & 15]);
  return `${nibbles
    .toReversed()
    .map((nibble) => nibble.toString(16))
    .join(".")}.ip6.arpa`;
}

function extension(id: string, value: Uint8Array, critical: boolean): Uint8Array {
  const mark = critical ? [encodeDer(TAG.boolean, Uint8Array.of(0xff))] : [];
  return sequence(oid(id), ...mark, encodeDer(TAG.octetString, value));
}
