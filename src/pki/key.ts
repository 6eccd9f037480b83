import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import { LintelError } from "../ground/errors.ts";
import { sha256Hex } from "./x509/sha256.ts";

/** The kinds of private keys that certificates may have; sizes in bits. */
export type KeySpec =
  | { readonly algorithm: "RSA"; readonly size: 2048 | 3072 | 4096 | 8192 }
  | { readonly algorithm: "ECDSA"; readonly size: 256 | 384 | 521 }
  | { readonly algorithm: "Ed25519" };

const CURVES: Readonly<Record<256 | 384 | 521, string>> = { 256: "prime256v1", 384: "secp384r1", 521: "secp521r1" };

const generate = promisify(generateKeyPair);

/** Returns a new private key. Runs on the thread pool: RSA takes 40 ms (2048 bits) to many seconds (8192 bits). */
export async function generateKey(spec: KeySpec): Promise<KeyObject> {
  switch (spec.algorithm) {
    case "RSA":
      return (await generate("rsa", { modulusLength: spec.size })).privateKey;
    case "ECDSA":
      return (await generate("ec", { namedCurve: CURVES[spec.size] })).privateKey;
    case "Ed25519":
      return (await generate("ed25519", {})).privateKey;
    default:
      return spec satisfies never;
  }
}

/** Returns the private key as PEM. PKCS1 is the old form: PKCS#1 for RSA, SEC1 for ECDSA; Ed25519 has none and is always PKCS#8. */
export function encodeKey(key: KeyObject, encoding: "PKCS1" | "PKCS8"): string {
  const type =
    encoding === "PKCS8"
      ? "pkcs8"
      : key.asymmetricKeyType === "rsa"
        ? "pkcs1"
        : key.asymmetricKeyType === "ec"
          ? "sec1"
          : "pkcs8";
  return key.export({ type, format: "pem" });
}

/** Returns the first private key in `pem` (PKCS#8, PKCS#1 or SEC1, not encrypted). Throws BadPem, without a word of the key, when there is none. */
export function parseKey(pem: string): KeyObject {
  // OpenSSL may write "EC PARAMETERS" before the key: only the key's own block is handed on.
  const block = /-----BEGIN ((?:RSA |EC )?PRIVATE KEY)-----[A-Za-z0-9+/=\s]+-----END \1-----/.exec(pem)?.[0];
  try {
    if (block !== undefined) return createPrivateKey(block);
  } catch (cause) {
    throw new LintelError("Cannot read private key: its bytes are damaged or of an unknown type", {
      ...BAD_KEY,
      cause,
    });
  }
  const encrypted = pem.includes("BEGIN ENCRYPTED PRIVATE KEY") || pem.includes("Proc-Type: 4,ENCRYPTED");
  throw new LintelError(
    encrypted
      ? "Cannot read private key: it is encrypted"
      : "Cannot read private key: there is no PRIVATE KEY block in it",
    BAD_KEY,
  );
}

const BAD_KEY = {
  code: "BadPem",
  fault: "user",
  hint: 'Check it with "openssl pkey -in FILE -noout"; remove a passphrase with "openssl pkey -in FILE -out NEW"',
} as const;

/** Returns whether `key` is of the algorithm and size that `spec` asks for. */
export function keyMatchesSpec(key: KeyObject, spec: KeySpec): boolean {
  switch (spec.algorithm) {
    case "RSA":
      return key.asymmetricKeyType === "rsa" && key.asymmetricKeyDetails?.modulusLength === spec.size;
    case "ECDSA":
      return key.asymmetricKeyType === "ec" && key.asymmetricKeyDetails?.namedCurve === CURVES[spec.size];
    case "Ed25519":
      return key.asymmetricKeyType === "ed25519";
    default:
      return spec satisfies never;
  }
}

/** Returns the SHA-256 of the DER SubjectPublicKeyInfo of the key's public half, hexadecimal: equal to `spkiSha256` of its certificate. */
export function spkiFingerprint(key: KeyObject): string {
  const publicKey = key.type === "private" ? createPublicKey(key) : key;
  return sha256Hex(publicKey.export({ type: "spki", format: "der" }));
}
