import { createHmac, timingSafeEqual } from "node:crypto";
import { decodeBase64url } from "../../ground/base64url.ts";
import { isRecord, jsonEqual, stringAt } from "../../ground/json.ts";
import type { SignedCall } from "./call.ts";
import { parseJson } from "./jws.ts";
import type { ExternalAccountRecord } from "./records.ts";
import { ServerProblem } from "./server-problem.ts";

/** MAC algorithms of RFC 7518 section 3.2, with Node's names. */
const HASHES: Readonly<Record<string, string>> = { HS256: "sha256", HS384: "sha384", HS512: "sha512" };

/**
 * Returns the external account key that a newAccount request proves to know, or undefined when it has no binding (RFC 8555
 * section 7.3.4): a JWS over the account's own public key, for this URL, with the MAC of that key. Throws malformed for one
 * that is not well-formed, and unauthorized when the key is unknown, revoked or another one (the same answer for these, or a
 * stranger could tell which keys exist), or used up.
 */
export function boundExternalAccount(
  call: SignedCall,
  find: (id: string) => ExternalAccountRecord | undefined,
): ExternalAccountRecord | undefined {
  if (!isRecord(call.payload) || !("externalAccountBinding" in call.payload)) return undefined;
  const binding = call.payload["externalAccountBinding"];
  const protectedText = stringAt(binding, "protected");
  const payload = stringAt(binding, "payload");
  const signature = decodeBase64url(stringAt(binding, "signature") ?? "");
  if (protectedText === undefined || payload === undefined || signature === undefined) {
    throw malformed("it is not a JWS in flattened JSON form");
  }
  const header = parseJson(decodedText(protectedText));
  const hash = HASHES[stringAt(header, "alg") ?? ""];
  if (hash === undefined) throw malformed(`its alg must be one of ${Object.keys(HASHES).join(", ")}`);
  if (isRecord(header) && "nonce" in header) throw malformed("it must have no nonce");
  if (stringAt(header, "url") !== call.url) throw malformed("its url is not the one of the request");
  if (!jsonEqual(keyMembers(parseJson(decodedText(payload))), call.key.jwk)) {
    throw malformed("its payload is not the public key of the account");
  }
  const key = find(stringAt(header, "kid") ?? "");
  const expected = createHmac(hash, decodeBase64url(key?.hmacKey ?? "") ?? "")
    .update(`${protectedText}.${payload}`)
    .digest();
  const proven = signature.length === expected.length && timingSafeEqual(signature, expected);
  if (key === undefined || !proven || key.revokedMs !== undefined) {
    throw refused("its key id is unknown or revoked, or its MAC key is not the one that belongs to it");
  }
  if (!key.reusable && key.accountIds.length > 0) throw refused("its key has registered an account already");
  return key;
}

function keyMembers(jwk: unknown): unknown {
  const members = ["kty", "crv", "n", "e", "x", "y"].flatMap((name) => {
    const text = stringAt(jwk, name);
    return text === undefined ? [] : [[name, text] as const];
  });
  return Object.fromEntries(members);
}

function decodedText(text: string): string {
  return Buffer.from(decodeBase64url(text) ?? []).toString("utf8");
}

function malformed(why: string): ServerProblem {
  return new ServerProblem(400, "malformed", `The external account binding is not accepted: ${why}`);
}

function refused(why: string): ServerProblem {
  return new ServerProblem(403, "unauthorized", `The external account binding is not accepted: ${why}`);
}
