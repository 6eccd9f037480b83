import type { KeyObject } from "node:crypto";
import { isLintelError } from "../../ground/errors.ts";
import { keyMatchesSpec, parseKey, spkiFingerprint, type KeySpec } from "../../pki/key.ts";
import type { PrivateKeyWish } from "../../resource/private-key-wish.ts";
import type { KeyFacts } from "./facts.ts";

/** Returns what `wish` means to the key maker. */
export function keySpecOf(wish: PrivateKeyWish): KeySpec {
  switch (wish.algorithm) {
    case "RSA":
      return { algorithm: "RSA", size: RSA_SIZES.find((size) => size === wish.size) ?? 2048 };
    case "ECDSA":
      return { algorithm: "ECDSA", size: ECDSA_SIZES.find((size) => size === wish.size) ?? 256 };
    case "Ed25519":
      return { algorithm: "Ed25519" };
    default:
      return wish.algorithm satisfies never;
  }
}

/** Returns the key in `pem`, or undefined when it can't be read. */
export function readKey(pem: string | undefined): KeyObject | undefined {
  if (pem === undefined) return undefined;
  try {
    return parseKey(pem);
  } catch (error) {
    if (isLintelError(error)) return undefined;
    throw error;
  }
}

/** Returns what decisions need to know of `key`. */
export function keyFacts(key: KeyObject | undefined, wish: PrivateKeyWish): KeyFacts | undefined {
  if (key === undefined) return undefined;
  return { spkiSha256: spkiFingerprint(key), matchesWish: keyMatchesSpec(key, keySpecOf(wish)) };
}

const RSA_SIZES = [2048, 3072, 4096, 8192] as const;
const ECDSA_SIZES = [256, 384, 521] as const;
