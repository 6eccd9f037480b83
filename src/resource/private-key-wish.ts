import { numberAt, stringAt } from "../ground/json.ts";

/** What the private key of a Certificate shall be. */
export interface PrivateKeyWish {
  readonly algorithm: "RSA" | "ECDSA" | "Ed25519";
  /** Bits; RSA 2048 and ECDSA 256 unless asked otherwise; 0 for Ed25519. */
  readonly size: number;
  readonly encoding: "PKCS1" | "PKCS8";
  /** `Always` makes a new key with each issuance. @default "Always" */
  readonly rotationPolicy: "Always" | "Never";
}

const KEY_SIZES = { RSA: [2048, 3072, 4096, 8192], ECDSA: [256, 384, 521], Ed25519: [0] } as const;

/** The signature algorithms that each kind of key can be asked for, in cert-manager's words. */
export const SIGNATURE_ALGORITHMS: Readonly<Record<PrivateKeyWish["algorithm"], readonly string[]>> = {
  RSA: ["SHA256WithRSA", "SHA384WithRSA", "SHA512WithRSA"],
  ECDSA: ["ECDSAWithSHA256", "ECDSAWithSHA384", "ECDSAWithSHA512"],
  Ed25519: ["PureEd25519"],
};

/** Reads `spec.privateKey`; what can't be read gets its default and a sentence in `problems`. */
export function readPrivateKey(wish: unknown, problems: string[]): PrivateKeyWish {
  const asked = nonEmpty(stringAt(wish, "algorithm")) ?? "RSA";
  const algorithm = asked === "ECDSA" || asked === "Ed25519" ? asked : "RSA";
  if (asked !== algorithm) problems.push(`spec.privateKey.algorithm "${asked}" is none of RSA, ECDSA, Ed25519`);
  const sizes: readonly number[] = KEY_SIZES[algorithm];
  const fallback = sizes[0] ?? 0;
  const written = numberAt(wish, "size") ?? 0;
  const askedSize = algorithm === "Ed25519" || written === 0 ? fallback : written;
  if (!sizes.includes(askedSize)) {
    problems.push(`spec.privateKey.size ${String(askedSize)} is none of ${sizes.join(", ")} for ${algorithm}`);
  }
  return {
    algorithm,
    size: sizes.includes(askedSize) ? askedSize : fallback,
    encoding: stringAt(wish, "encoding") === "PKCS8" ? "PKCS8" : "PKCS1",
    rotationPolicy: stringAt(wish, "rotationPolicy") === "Never" ? "Never" : "Always",
  };
}

/** Reads `spec.signatureAlgorithm`; undefined when it is left to the key, or is not for a key of that algorithm, which is a problem. */
export function readSignatureAlgorithm(
  spec: unknown,
  algorithm: PrivateKeyWish["algorithm"],
  problems: string[],
): string | undefined {
  const asked = nonEmpty(stringAt(spec, "signatureAlgorithm"));
  const allowed = SIGNATURE_ALGORITHMS[algorithm];
  if (asked === undefined || allowed.includes(asked)) return asked;
  problems.push(
    `spec.signatureAlgorithm "${asked}" is not for ${algorithm} keys, which sign by one of ${allowed.join(", ")}`,
  );
  return undefined;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
