import type { AcmeAuthorization } from "../../acme/wire.ts";
import { canonicalIp } from "../../pki/x509/ip-address.ts";
import { certificateBlocks, parseChain, type CertificateFacts } from "../../pki/x509/certificate.ts";
import { parseRequest } from "../../pki/x509/request.ts";
import { rfc3339 } from "../../resource/condition.ts";
import type { Order } from "../../resource/order.ts";
import { identifiersOf } from "./decide.ts";

/** A certificate that lives for less would be ordered again at once, and again. */
const LIFETIME_MS_MIN: number = 5 * 60_000;
/** Clocks of CAs may be ahead of ours by so much. */
const CLOCK_AHEAD_MS_MAX: number = 60 * 60_000;

/**
 * Returns what is wrong with a chain that a CA issued for `order`, as the end of a sentence, or undefined when it is what
 * was ordered: for its key and all of its names, good now and for a while.
 */
export function chainObjection(order: Order, chain: string, nowMs: number): string | undefined {
  const [leaf] = parseChain(chain);
  if (leaf === undefined || certificateBlocks(chain).length === 0) return "it holds no certificate";
  if (leaf.spkiSha256 !== parseRequest(order.spec.requestPem).spkiSha256) return "it is for another key";
  const missing = identifiersOf(order)
    .map(({ value }) => value)
    .filter((name) => !certifies(leaf, name));
  if (missing.length > 0) return `it is not for ${missing.map((name) => `"${name}"`).join(", ")}`;
  if (leaf.notAfterMs <= nowMs) return `it ended already, at ${rfc3339(leaf.notAfterMs)}`;
  if (leaf.notBeforeMs > nowMs + CLOCK_AHEAD_MS_MAX) {
    return `it begins only at ${rfc3339(leaf.notBeforeMs)}; check the clock of this machine`;
  }
  const lifetimeMs = leaf.notAfterMs - Math.max(leaf.notBeforeMs, nowMs);
  return lifetimeMs < LIFETIME_MS_MIN ? `it lives for less than ${LIFETIME_MS_MIN / 60_000} minutes` : undefined;
}

function certifies(leaf: CertificateFacts, name: string): boolean {
  const address = canonicalIp(name);
  if (address !== undefined) return leaf.ipAddresses.some((text) => canonicalIp(text) === address);
  // A wildcard beside it does not count: clients that were promised the name itself may not take it.
  return leaf.dnsNames.some((text) => text.toLowerCase() === name.toLowerCase());
}

/** Returns the name of the first authorization that is for nothing that was ordered: proving it could serve somebody else. */
export function foreignAuthorization(order: Order, authorizations: readonly AcmeAuthorization[]): string | undefined {
  const ordered = new Set(identifiersOf(order).map(({ value }) => canonicalIp(value) ?? value.replace(/^\*\./, "")));
  const names = authorizations.map(({ identifier }) => canonicalIp(identifier.value) ?? identifier.value.toLowerCase());
  return names.find((name) => !ordered.has(name));
}
