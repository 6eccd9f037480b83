import type { X509Certificate } from "node:crypto";

/** Certificates of a client looked at beside its own; OpenSSL has verified a chain through some of them before. */
const SENT_MAX = 8;

/**
 * Returns whether a certificate leads to one of the roots with at most `intermediatesMax` certificates between. Signatures
 * decide and not names alone: a client could send a look-alike that makes its chain seem shorter. Node has no option for
 * it, and what it tells of a chain is put together by names.
 */
export function reachesRoot(
  leaf: X509Certificate,
  sent: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
  intermediatesMax: number,
): boolean {
  const roots = authorities.filter(isSelfIssued);
  if (roots.some((root) => root.fingerprint256 === leaf.fingerprint256)) return true;
  let left = [...sent.slice(0, SENT_MAX), ...authorities].filter((each) => each.ca && !isSelfIssued(each));
  let reached = [leaf];
  for (let between = 0; between <= intermediatesMax && reached.length > 0; between++) {
    const from = reached;
    if (from.some((each) => roots.some((root) => isIssuedBy(each, root)))) return true;
    reached = left.filter((issuer) => from.some((each) => isIssuedBy(each, issuer)));
    const seen = reached;
    left = left.filter((each) => !seen.includes(each));
  }
  return false;
}

function isSelfIssued(certificate: X509Certificate): boolean {
  return certificate.subject === certificate.issuer;
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}
