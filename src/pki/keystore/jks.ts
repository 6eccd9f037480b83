import { createHash, randomBytes, type KeyObject } from "node:crypto";
import { encodeDer, oid, sequence, TAG } from "../x509/der.ts";
import type { TrustedEntry } from "./pkcs12.ts";

/** A private key with its chain. */
export interface JksKeyEntry {
  /** Java compares aliases in small letters, so that is how it is written. */
  readonly alias: string;
  readonly key: KeyObject;
  /** DER, the certificate of the key first. */
  readonly certificates: readonly Uint8Array[];
}

const MAGIC = 0xfeedfeed;
const VERSION = 2;
const KEY_ENTRY = 1;
const TRUSTED_ENTRY = 2;
/** The algorithm by which Sun's keystore hides keys; never published as a standard, unchanged since 1998. */
const KEY_PROTECTOR_OID = "1.3.6.1.4.1.42.2.17.1.1";
/** Goes into the digest at the end of each file, so that it is not the hash of the content alone. */
const WHITENER = "Mighty Aphrodite";
const DIGEST_BYTES = 20;

/**
 * Returns a file in Java's own keystore format (JKS) with a key, if there is one, and certificates to rely on. `atMs` becomes
 * the date of its entries. The format hides keys by SHA-1 alone: it is for programs that take no other.
 */
export function encodeJks(options: {
  readonly keyEntry: JksKeyEntry | undefined;
  readonly trusted: readonly TrustedEntry[];
  readonly password: string;
  readonly atMs: number;
}): Uint8Array {
  const { keyEntry, trusted, atMs } = options;
  const password = bigEndian(options.password);
  const entries: Uint8Array[] = trusted.map(({ certificate, name }) =>
    Buffer.concat([int32(TRUSTED_ENTRY), text(name.toLowerCase()), int64(atMs), certificateOf(certificate)]),
  );
  if (keyEntry !== undefined) entries.unshift(encodeKeyEntry(keyEntry, password, atMs));
  const body = Buffer.concat([int32(MAGIC), int32(VERSION), int32(entries.length), ...entries]);
  return Buffer.concat([body, createHash("sha1").update(password).update(WHITENER).update(body).digest()]);
}

function encodeKeyEntry(entry: JksKeyEntry, password: Uint8Array, atMs: number): Buffer {
  const hidden = hideKey(entry.key.export({ type: "pkcs8", format: "der" }), password);
  const algorithm = sequence(oid(KEY_PROTECTOR_OID), encodeDer(TAG.nothing));
  const info = sequence(algorithm, encodeDer(TAG.octetString, hidden));
  return Buffer.concat([
    int32(KEY_ENTRY),
    text(entry.alias.toLowerCase()),
    int64(atMs),
    int32(info.length),
    info,
    int32(entry.certificates.length),
    ...entry.certificates.map(certificateOf),
  ]);
}

/** The key under a stream of chained digests, between its salt and a digest that tells whether the password was right. */
function hideKey(key: Uint8Array, password: Uint8Array): Buffer {
  const salt = randomBytes(DIGEST_BYTES);
  const hidden = Buffer.alloc(key.length);
  let stream: Uint8Array = salt;
  for (let at = 0; at < key.length; at++) {
    if (at % DIGEST_BYTES === 0) stream = createHash("sha1").update(password).update(stream).digest();
    hidden[at] = (key[at] ?? 0) ^ (stream[at % DIGEST_BYTES] ?? 0);
  }
  return Buffer.concat([salt, hidden, createHash("sha1").update(password).update(key).digest()]);
}

function certificateOf(der: Uint8Array): Buffer {
  return Buffer.concat([text("X.509"), int32(der.length), der]);
}

/** Java's modified UTF-8; in names without NUL and without characters beyond the basic plane it is UTF-8. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value.replaceAll(/[\0\ud800-\udfff]/g, "?"), "utf8");
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function bigEndian(password: string): Uint8Array {
  return Buffer.from(password, "utf16le").swap16();
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function int64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(Math.floor(value)));
  return bytes;
}
