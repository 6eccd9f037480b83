import { childrenOf, readDer } from "../../pki/x509/der.ts";
import { canonicalIp } from "../../pki/x509/ip-address.ts";
import { publicKeyFacts } from "../../pki/x509/public-key.ts";
import { type RequestFacts, type RequestParts, requestParts } from "../../pki/x509/request.ts";
import { sha256Hex } from "../../pki/x509/sha256.ts";
import type { AcmeIdentifier } from "../wire.ts";
import { keyWeakness } from "./key-policy.ts";
import { ServerProblem } from "./server-problem.ts";

/** Longest common name that fits (RFC 5280 appendix A.1, ub-common-name). */
const COMMON_NAME_CHARACTERS_MAX = 64;

/** A request that may be signed. */
export interface AcceptedRequest {
  /** The request's common name, when it is one of the identifiers and not too long. */
  readonly commonName: string | undefined;
  readonly keyType: "RSA" | "ECDSA" | "Ed25519" | "other";
}

/**
 * Returns what of the request goes into the certificate. Throws badCSR when it is malformed, its signature is not its
 * key's, its key is weak or the account's own, or its names are not exactly the order's (RFC 8555 section 7.4).
 */
export async function acceptRequest(
  der: Uint8Array,
  order: { readonly identifiers: readonly AcmeIdentifier[]; readonly accountKey: Uint8Array },
): Promise<AcceptedRequest> {
  const request = parsed(der);
  const { facts } = request;
  const key = publicKeyFacts(request.publicKey);
  const weakness = keyWeakness(key);
  if (weakness !== undefined) throw refusal(`its key is not accepted: ${weakness}`);
  if (facts.spkiSha256 === sha256Hex(order.accountKey))
    throw refusal("its key is the account's own: make one for the certificate");
  if (!(await facts.signatureValid)) throw refusal("its signature is not valid for its key, or uses SHA-1");
  if (facts.isCa) throw refusal("it asks for a CA certificate");
  if (request.nameConstraintsDer !== undefined) throw refusal("it asks for name constraints");
  checkKinds(request);
  checkNames(facts, order.identifiers);
  const commonName = facts.commonName.toLowerCase();
  const fits = commonName !== "" && commonName.length <= COMMON_NAME_CHARACTERS_MAX;
  return { commonName: fits ? commonName : undefined, keyType: key.type };
}

function parsed(der: Uint8Array): RequestParts {
  try {
    return requestParts(der);
  } catch (cause) {
    throw refusal(cause instanceof Error ? cause.message : "it is malformed");
  }
}

function checkKinds({ facts, namesDer }: RequestParts): void {
  const others =
    namesDer === undefined
      ? 0
      : childrenOf(readDer(namesDer)).length - facts.dnsNames.length - facts.ipAddresses.length;
  if (others > 0) throw refusal("it asks for names that are neither DNS names nor IP addresses");
}

function checkNames(facts: RequestFacts, identifiers: readonly AcmeIdentifier[]): void {
  const asked = new Set([...facts.dnsNames.map((name) => name.toLowerCase()), ...facts.ipAddresses]);
  if (facts.commonName !== "") asked.add(canonicalIp(facts.commonName) ?? facts.commonName.toLowerCase());
  const ordered = new Set(identifiers.map((identifier) => identifier.value));
  const extra = [...asked].filter((name) => !ordered.has(name));
  const missing = [...ordered].filter((name) => !asked.has(name));
  if (extra.length > 0) throw refusal(`it asks for ${quoted(extra)}, which the order does not have`);
  if (missing.length > 0) throw refusal(`it lacks ${quoted(missing)}, which the order has`);
}

function quoted(names: readonly string[]): string {
  const [first, second, third, ...more] = names.map((name) => `"${name.slice(0, 260)}"`);
  const shown = [first, second, third].filter((name) => name !== undefined).join(", ");
  return more.length === 0 ? shown : `${shown} and ${more.length} more`;
}

function refusal(why: string): ServerProblem {
  return new ServerProblem(400, "badCSR", `The certificate request is not accepted: ${why}`);
}
