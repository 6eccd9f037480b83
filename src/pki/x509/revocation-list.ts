import { bitString, encodeDer, integer, oid, sequence, TAG, time } from "./der.ts";
import type { Signer } from "./signature.ts";

/** A certificate that is not to be trusted any more. */
export interface RevokedCertificate {
  /** Hexadecimal, an even number of digits. */
  readonly serialHex: string;
  readonly revokedMs: number;
  /** RFC 5280 section 5.3.1; 0, unspecified, is left out of the list as that section asks. */
  readonly reason: number;
}

/** What a revocation list says, and who says it. */
export interface RevocationListTerms {
  /** DER Name of the authority whose certificates are listed: its certificate's subject. */
  readonly issuerDer: Uint8Array;
  /** The authority's subject key identifier. */
  readonly authorityKeyId: Uint8Array;
  readonly signer: Signer;
  /** Larger than in every list before; up to 2^53. */
  readonly number: number;
  readonly thisUpdateMs: number;
  /** When clients must have fetched the next list. */
  readonly nextUpdateMs: number;
  readonly revoked: readonly RevokedCertificate[];
}

const EXTENSION = { crlNumber: "2.5.29.20", reasonCode: "2.5.29.21", authorityKeyId: "2.5.29.35" } as const;
const ENUMERATED = 0x0a;

/** Returns a signed certificate revocation list, version 2, in DER (RFC 5280 section 5). */
export async function encodeRevocationList(terms: RevocationListTerms): Promise<Uint8Array> {
  const { signer, revoked } = terms;
  const body = sequence(
    integer(1),
    signer.algorithm,
    terms.issuerDer,
    time(terms.thisUpdateMs),
    time(terms.nextUpdateMs),
    // RFC 5280 section 5.1.2.6: without entries the list of them is absent, not empty.
    ...(revoked.length === 0 ? [] : [sequence(...revoked.map(entry))]),
    encodeDer(
      0xa0,
      sequence(
        extension(EXTENSION.authorityKeyId, sequence(encodeDer(0x80, terms.authorityKeyId))),
        extension(EXTENSION.crlNumber, integer(bigEndian(terms.number))),
      ),
    ),
  );
  return sequence(body, signer.algorithm, bitString(await signer.sign(body)));
}

function entry({ serialHex, revokedMs, reason }: RevokedCertificate): Uint8Array {
  const reasons =
    reason === 0 ? [] : [sequence(extension(EXTENSION.reasonCode, encodeDer(ENUMERATED, Uint8Array.of(reason))))];
  return sequence(integer(Uint8Array.from(Buffer.from(serialHex, "hex"))), time(revokedMs), ...reasons);
}

function extension(identifier: string, value: Uint8Array): Uint8Array {
  return sequence(oid(identifier), encodeDer(TAG.octetString, value));
}

function bigEndian(value: number): Uint8Array {
  const text = value.toString(16);
  return Uint8Array.from(Buffer.from(text.padStart(text.length + (text.length % 2), "0"), "hex"));
}
