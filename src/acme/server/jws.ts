import { createPublicKey, type KeyObject } from "node:crypto";
import { flattenedVerify } from "jose";
import { decodeBase64url } from "../../ground/base64url.ts";
import { isRecord, recordAt, stringAt } from "../../ground/json.ts";
import { encodePublicKey, publicKeyFacts } from "../../pki/x509/public-key.ts";
import { jwkThumbprint } from "../key-authorization.ts";
import { keyWeakness } from "./key-policy.ts";
import { ServerProblem } from "./server-problem.ts";

/** The signature algorithms that are taken (RFC 7518, RFC 8037). */
const ALGORITHMS: readonly string[] = ["ES256", "ES384", "ES512", "RS256", "EdDSA", "Ed25519"];

/** A public key that came with a request, or that an account has. */
export interface VerificationKey {
  readonly jwk: Readonly<Record<string, string>>;
  /** RFC 7638. */
  readonly thumbprint: string;
  readonly key: KeyObject;
  /** DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
}

/** A request taken apart, not yet verified. */
export interface OpenJws {
  readonly protected: string;
  readonly payload: string;
  readonly signature: string;
  readonly algorithm: string;
  /** undefined: there is none. */
  readonly nonce: string | undefined;
  readonly url: string | undefined;
  /** Exactly one of the two is there (RFC 8555 section 6.2). */
  readonly signer: { readonly by: "jwk"; readonly jwk: unknown } | { readonly by: "kid"; readonly kid: string };
}

/** Takes a flattened JWS apart (RFC 8555 section 6.2). Throws malformed or badSignatureAlgorithm. Nothing in it may be believed yet. */
export function openJws(value: unknown): OpenJws {
  const protectedText = stringAt(value, "protected");
  const payload = stringAt(value, "payload");
  const signature = stringAt(value, "signature");
  if (protectedText === undefined || payload === undefined || signature === undefined) {
    throw malformed(
      "The request is not a JWS in flattened JSON form: it needs the texts protected, payload and signature",
    );
  }
  if (isRecord(value) && ("header" in value || "signatures" in value)) {
    throw malformed("The JWS has an unprotected header or several signatures, which RFC 8555 section 6.2 forbids");
  }
  const header = parseHeader(protectedText);
  const algorithm = stringAt(header, "alg") ?? "";
  if (!ALGORITHMS.includes(algorithm)) {
    const detail = `The JWS is signed with "${algorithm.slice(0, 50)}"; this CA takes ${ALGORITHMS.join(", ")}`;
    throw new ServerProblem(400, "badSignatureAlgorithm", detail, { algorithms: ALGORITHMS });
  }
  const kid = stringAt(header, "kid");
  const hasJwk = "jwk" in header;
  if (hasJwk === "kid" in header) throw malformed("The JWS must have either a jwk or a kid in its protected header");
  if (!hasJwk && kid === undefined) throw malformed("The kid in the protected header of the JWS is not a text");
  return {
    protected: protectedText,
    payload,
    signature,
    algorithm,
    nonce: stringAt(header, "nonce"),
    url: stringAt(header, "url"),
    signer: kid === undefined ? { by: "jwk", jwk: header["jwk"] } : { by: "kid", kid },
  };
}

/** Returns the public key in a JWK. Throws badPublicKey when it is none, is private, or is too weak. */
export function verificationKey(value: unknown): VerificationKey {
  const members = ["kty", "crv", "n", "e", "x", "y"].flatMap((name) => {
    const text = stringAt(value, name);
    return text === undefined ? [] : [[name, text] as const];
  });
  const jwk: Readonly<Record<string, string>> = Object.fromEntries(members);
  if (isRecord(value) && "d" in value)
    throw badKey("it is a private key: make a new one, and send only its public half");
  try {
    const spki = encodePublicKey(jwk);
    const weakness = keyWeakness(publicKeyFacts(spki));
    if (weakness !== undefined) throw badKey(weakness);
    return { jwk, spki, thumbprint: jwkThumbprint(jwk), key: createPublicKey({ key: jwk, format: "jwk" }) };
  } catch (error) {
    if (error instanceof ServerProblem) throw error;
    throw badKey("it is not a public key of type RSA, EC or OKP (Ed25519)");
  }
}

/** Returns the payload, verified with `key`: undefined when it is empty (POST-as-GET), else parsed JSON. Throws malformed when the signature is wrong. */
export async function verifiedPayload(jws: OpenJws, key: VerificationKey): Promise<unknown> {
  let bytes: Uint8Array;
  try {
    const { protected: protectedText, payload, signature } = jws;
    const options = { algorithms: [jws.algorithm] };
    bytes = (await flattenedVerify({ protected: protectedText, payload, signature }, key.key, options)).payload;
  } catch {
    throw malformed("The signature of the JWS is not valid for its key and algorithm");
  }
  if (bytes.length === 0) return undefined;
  const payload = parseJson(Buffer.from(bytes).toString("utf8"));
  if (!isRecord(payload)) throw malformed("The payload of the JWS is neither empty nor a JSON object");
  return payload;
}

/** Returns the JSON in `text`, or undefined when there is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function parseHeader(text: string): Readonly<Record<string, unknown>> {
  const bytes = decodeBase64url(text);
  const header = bytes === undefined ? undefined : parseJson(Buffer.from(bytes).toString("utf8"));
  if (!isRecord(header)) throw malformed("The protected header of the JWS is not base64url of a JSON object");
  return recordAt({ header }, "header");
}

function malformed(detail: string): ServerProblem {
  return new ServerProblem(400, "malformed", detail);
}

function badKey(why: string): ServerProblem {
  return new ServerProblem(400, "badPublicKey", `The public key is not accepted: ${why}`);
}
