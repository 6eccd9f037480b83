import { createHash, type KeyObject } from "node:crypto";
import { encodeDer, integer, oid, sequence, TAG } from "../x509/der.ts";
import { encryptByPassword, macByPassword, type ContentCipher, type FileMac } from "./password-encryption.ts";

/** How a file is protected, by cert-manager's name. */
export interface Pkcs12Protection {
  readonly certificates: ContentCipher;
  readonly keys: ContentCipher;
  readonly mac: FileMac;
}

/** The protections there are: the oldest is what every program reads, and protects least. */
export const PKCS12_PROTECTIONS: Readonly<
  Record<"LegacyRC2" | "LegacyDES" | "Modern2023" | "Modern2026", Pkcs12Protection>
> = {
  LegacyRC2: { certificates: "RC2-40", keys: "3DES", mac: "SHA-1" },
  LegacyDES: { certificates: "3DES", keys: "3DES", mac: "SHA-1" },
  Modern2023: { certificates: "AES-256", keys: "AES-256", mac: "SHA-256" },
  Modern2026: { certificates: "AES-256", keys: "AES-256", mac: "PBMAC1" },
};

/** A certificate that others may rely on, and what it is called in the file. */
export interface TrustedEntry {
  /** DER. */
  readonly certificate: Uint8Array;
  readonly name: string;
}

const OID = {
  data: "1.2.840.113549.1.7.1",
  encryptedData: "1.2.840.113549.1.7.6",
  shroudedKeyBag: "1.2.840.113549.1.12.10.1.2",
  certificateBag: "1.2.840.113549.1.12.10.1.3",
  x509Certificate: "1.2.840.113549.1.9.22.1",
  friendlyName: "1.2.840.113549.1.9.20",
  localKeyId: "1.2.840.113549.1.9.21",
  /** Java's mark of a certificate to rely on; its value says for which usages. */
  trustedKeyUsage: "2.16.840.1.113894.746875.1.1",
  anyUsage: "2.5.29.37.0",
} as const;

/**
 * Returns a PKCS#12 file (RFC 7292) with `key`, the certificate of it (the first of `certificates`, DER) and the others as
 * its chain. `password` protects all of it, and must be known to read any of it.
 */
export function encodePkcs12(options: {
  readonly key: KeyObject;
  readonly certificates: readonly Uint8Array[];
  readonly password: string;
  readonly protection: Pkcs12Protection;
}): Uint8Array {
  const { key, certificates, password, protection } = options;
  const id = attribute(
    OID.localKeyId,
    octets(
      createHash("sha1")
        .update(certificates[0] ?? new Uint8Array())
        .digest(),
    ),
  );
  const bags = certificates.map((der, at) => certificateBag(der, at === 0 ? [id] : []));
  const pkcs8 = key.export({ type: "pkcs8", format: "der" });
  const { algorithm, ciphertext } = encryptByPassword(protection.keys, password, pkcs8);
  const keyBag = bag(OID.shroudedKeyBag, sequence(algorithm, octets(ciphertext)), [id]);
  return encodeFile([encryptedContents(bags, password, protection), plainContents(sequence(keyBag))], options);
}

/** Returns a PKCS#12 file with certificates that Java takes for trust anchors. */
export function encodePkcs12Truststore(options: {
  readonly entries: readonly TrustedEntry[];
  readonly password: string;
  readonly protection: Pkcs12Protection;
}): Uint8Array {
  const trusted = attribute(OID.trustedKeyUsage, oid(OID.anyUsage));
  const bags = options.entries.map(({ certificate, name }) =>
    certificateBag(certificate, [trusted, attribute(OID.friendlyName, bmpString(name))]),
  );
  return encodeFile([encryptedContents(bags, options.password, options.protection)], options);
}

function encodeFile(
  contents: readonly Uint8Array[],
  { password, protection }: { readonly password: string; readonly protection: Pkcs12Protection },
): Uint8Array {
  const safe = sequence(...contents);
  return sequence(integer(3), plainContents(safe), macByPassword(protection.mac, password, safe));
}

function plainContents(content: Uint8Array): Uint8Array {
  return sequence(oid(OID.data), encodeDer(0xa0, octets(content)));
}

function encryptedContents(bags: readonly Uint8Array[], password: string, protection: Pkcs12Protection): Uint8Array {
  const { algorithm, ciphertext } = encryptByPassword(protection.certificates, password, sequence(...bags));
  const content = sequence(oid(OID.data), algorithm, encodeDer(0x80, ciphertext));
  return sequence(oid(OID.encryptedData), encodeDer(0xa0, sequence(integer(0), content)));
}

function certificateBag(der: Uint8Array, attributes: readonly Uint8Array[]): Uint8Array {
  const value = sequence(oid(OID.x509Certificate), encodeDer(0xa0, octets(der)));
  return bag(OID.certificateBag, value, attributes);
}

function bag(type: string, value: Uint8Array, attributes: readonly Uint8Array[]): Uint8Array {
  // A SET is written in the order of its encodings (X.690 section 11.6).
  const set = [...attributes].sort((left, right) => Buffer.compare(left, right));
  return sequence(oid(type), encodeDer(0xa0, value), ...(set.length === 0 ? [] : [encodeDer(TAG.set, ...set)]));
}

function attribute(type: string, value: Uint8Array): Uint8Array {
  return sequence(oid(type), encodeDer(TAG.set, value));
}

function bmpString(text: string): Uint8Array {
  return encodeDer(TAG.bmpString, Buffer.from(text, "utf16le").swap16());
}

function octets(bytes: Uint8Array): Uint8Array {
  return encodeDer(TAG.octetString, bytes);
}
