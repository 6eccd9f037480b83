import { createCipheriv, createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import { encodeDer, integer, oid, sequence, TAG } from "../x509/der.ts";
import { encryptRc2Cbc } from "./rc2.ts";

/** How the parts of a PKCS#12 file are encrypted. */
export type ContentCipher = "RC2-40" | "3DES" | "AES-256";

/** How the whole of a PKCS#12 file is authenticated: RFC 7292 with a hash, or RFC 9579. */
export type FileMac = "SHA-1" | "SHA-256" | "PBMAC1";

/** Something encrypted by a password, and the DER AlgorithmIdentifier that says how. */
export interface PasswordEncrypted {
  readonly algorithm: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/** Rounds of key derivation: what such files have always had; more would not help a password that is stored beside the key. */
const ITERATIONS = 2048;
const OLD_SALT_BYTES = 8;
const SALT_BYTES = 16;

const OID = {
  rc2: "1.2.840.113549.1.12.1.6",
  tripleDes: "1.2.840.113549.1.12.1.3",
  pbes2: "1.2.840.113549.1.5.13",
  pbkdf2: "1.2.840.113549.1.5.12",
  pbmac1: "1.2.840.113549.1.5.14",
  hmacSha256: "1.2.840.113549.2.9",
  aes256: "2.16.840.1.101.3.4.1.42",
  sha1: "1.3.14.3.2.26",
  sha256: "2.16.840.1.101.3.4.2.1",
} as const;

/** What the derived bytes are for (RFC 7292 appendix B.3). */
const PURPOSE = { key: 1, iv: 2, mac: 3 } as const;

/** Returns `plain` encrypted under `password` with a salt of its own: RFC 7292 appendix B for the old ciphers, RFC 8018 for AES. */
export function encryptByPassword(cipher: ContentCipher, password: string, plain: Uint8Array): PasswordEncrypted {
  if (cipher === "AES-256") return encryptByPbes2(password, plain);
  const salt = randomBytes(OLD_SALT_BYTES);
  const iv = deriveKey("sha1", PURPOSE.iv, password, salt, ITERATIONS, 8);
  const key = deriveKey("sha1", PURPOSE.key, password, salt, ITERATIONS, cipher === "3DES" ? 24 : 5);
  const parameters = sequence(octets(salt), number(ITERATIONS));
  return cipher === "3DES"
    ? { algorithm: sequence(oid(OID.tripleDes), parameters), ciphertext: encryptCbc("des-ede3-cbc", key, iv, plain) }
    : { algorithm: sequence(oid(OID.rc2), parameters), ciphertext: encryptRc2Cbc(key, iv, plain) };
}

/** Returns the DER MacData (RFC 7292 section 4) over `content`. */
export function macByPassword(mac: FileMac, password: string, content: Uint8Array): Uint8Array {
  if (mac === "PBMAC1") {
    const salt = randomBytes(SALT_BYTES);
    const key = pbkdf2Sync(password, salt, ITERATIONS, 32, "sha256");
    const derivation = sequence(oid(OID.pbkdf2), pbkdf2Parameters(salt, [number(32)]));
    const algorithm = sequence(oid(OID.pbmac1), sequence(derivation, HMAC_SHA256));
    const digest = createHmac("sha256", key).update(content).digest();
    // Salt and rounds stand in the algorithm; those of MacData are ignored (RFC 9579 section 4).
    return sequence(sequence(algorithm, octets(digest)), octets(salt), number(ITERATIONS));
  }
  const hash = mac === "SHA-1" ? "sha1" : "sha256";
  // The old profiles derive the key of the MAC in one round, which is the default and therefore not written.
  const rounds = mac === "SHA-1" ? 1 : ITERATIONS;
  const salt = randomBytes(mac === "SHA-1" ? OLD_SALT_BYTES : SALT_BYTES);
  const key = deriveKey(hash, PURPOSE.mac, password, salt, rounds, hash === "sha1" ? 20 : 32);
  const digest = createHmac(hash, key).update(content).digest();
  const algorithm = sequence(oid(hash === "sha1" ? OID.sha1 : OID.sha256), encodeDer(TAG.nothing));
  return sequence(sequence(algorithm, octets(digest)), octets(salt), ...(rounds === 1 ? [] : [number(rounds)]));
}

const HMAC_SHA256: Uint8Array = sequence(oid(OID.hmacSha256), encodeDer(TAG.nothing));

function encryptByPbes2(password: string, plain: Uint8Array): PasswordEncrypted {
  const salt = randomBytes(SALT_BYTES);
  const iv = randomBytes(16);
  const key = pbkdf2Sync(password, salt, ITERATIONS, 32, "sha256");
  const derivation = sequence(oid(OID.pbkdf2), pbkdf2Parameters(salt, []));
  const scheme = sequence(oid(OID.aes256), octets(iv));
  return {
    algorithm: sequence(oid(OID.pbes2), sequence(derivation, scheme)),
    ciphertext: encryptCbc("aes-256-cbc", key, iv, plain),
  };
}

function pbkdf2Parameters(salt: Uint8Array, keyLength: readonly Uint8Array[]): Uint8Array {
  return sequence(octets(salt), number(ITERATIONS), ...keyLength, HMAC_SHA256);
}

/** RFC 7292 appendix B.2. Both hashes work on blocks of 64 bytes. */
function deriveKey(
  hash: "sha1" | "sha256",
  purpose: number,
  password: string,
  salt: Uint8Array,
  rounds: number,
  length: number,
): Uint8Array {
  const diversifier = new Uint8Array(64).fill(purpose);
  const input = Buffer.concat([repeated(salt), repeated(bigEndianPassword(password))]);
  const parts: Buffer[] = [];
  for (let made = 0; made < length; made += parts.at(-1)?.length ?? length) {
    let digest = createHash(hash).update(diversifier).update(input).digest();
    for (let round = 1; round < rounds; round++) digest = createHash(hash).update(digest).digest();
    parts.push(digest);
    const addend = Buffer.alloc(64, digest);
    for (let at = 0; at < input.length; at += 64) addOne(input.subarray(at, at + 64), addend);
  }
  return Buffer.concat(parts).subarray(0, length);
}

/** `block` becomes block + addend + 1, without what overflows. */
function addOne(block: Buffer, addend: Uint8Array): void {
  let carry = 1;
  for (let at = block.length - 1; at >= 0; at--) {
    carry += (block[at] ?? 0) + (addend[at] ?? 0);
    block[at] = carry & 0xff;
    carry >>= 8;
  }
}

function repeated(bytes: Uint8Array): Buffer {
  return Buffer.alloc(64 * Math.ceil(bytes.length / 64), bytes);
}

/** A BMPString with its terminator (RFC 7292 appendix B.1). */
function bigEndianPassword(password: string): Uint8Array {
  return Buffer.from(`${password}\0`, "utf16le").swap16();
}

function encryptCbc(name: string, key: Uint8Array, iv: Uint8Array, plain: Uint8Array): Uint8Array {
  const cipher = createCipheriv(name, key, iv);
  return Buffer.concat([cipher.update(plain), cipher.final()]);
}

function octets(bytes: Uint8Array): Uint8Array {
  return encodeDer(TAG.octetString, bytes);
}

function number(value: number): Uint8Array {
  return integer(Uint8Array.of(value >> 8, value & 0xff));
}
