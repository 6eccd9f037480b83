import type { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import type { HostAuth } from "./client-auth-table.ts";
import { distinguishedName } from "./distinguished-name.ts";
import { reachesRoot } from "./reaches-root.ts";

/** Longest lines that tell an endpoint about a certificate: more would not fit its head, and is no honest certificate. */
const LINES_BYTES_MAX = 24 * 1024;

/** Certificates of a chain that a client sent, looked at. */
const CHAIN_MAX = 10;

/** Who a client is, as far as its handshake proved it. */
export interface ClientIdentity {
  /** What the handshake was made under. */
  readonly terms: HostAuth;
  /** `unknown-ca`: in order, but for who signed it. `refused`: anything else that is wrong with it. */
  readonly verdict: "none" | "trusted" | "unknown-ca" | "refused";
  /** What is wrong, as the end of a sentence; empty when nothing is. */
  readonly fault: string;
  /** As nginx writes it; empty without a certificate. */
  readonly subject: string;
  /** When the certificate ends; infinite without one. */
  readonly notAfterMs: number;
  /** Header lines for the endpoint. */
  readonly lines: Buffer;
}

/** What is wrong in words of OpenSSL (which endpoints are told, as nginx does) by Node's names: only these are about the authority. */
const UNKNOWN_CA: ReadonlyMap<string, string> = new Map([
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed certificate"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "self-signed certificate in certificate chain"],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "unable to get local issuer certificate"],
  ["CERT_UNTRUSTED", "certificate not trusted"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "unable to verify the first certificate"],
]);

const UNKNOWN_CA_FAULT = "no authority that is trusted here has signed it";

/** What else can be wrong, in words for the one who holds the certificate. */
const FAULTS: ReadonlyMap<string, string> = new Map([
  ["CERT_HAS_EXPIRED", "it, or one above it, has expired"],
  ["CERT_NOT_YET_VALID", "it, or one above it, is not valid yet"],
  ["CERT_REVOKED", "it, or one above it, has been revoked"],
  ["UNABLE_TO_GET_CRL", "an authority of its chain has no revocation list here"],
  ["CRL_HAS_EXPIRED", "the revocation list of its authority is out of date"],
  ["CRL_NOT_YET_VALID", "the revocation list of its authority is not valid yet"],
  ["INVALID_PURPOSE", "it is not for clients"],
  ["CERT_CHAIN_TOO_LONG", "its chain is too long"],
]);

/** Returns who the client of a connection is that was made secure under `terms`. To be asked once, when it is. */
export function identify(socket: TLSSocket, terms: HostAuth): ClientIdentity {
  const leaf = terms.asks ? socket.getPeerX509Certificate() : undefined;
  // `authorized` alone proves nothing: it is also true for a session of TLS 1.3 that goes on without a certificate.
  if (leaf === undefined) return nobody(terms);
  const code = socket.authorized ? "" : String(socket.authorizationError);
  const { verdict, fault, told } = judge(code, leaf, terms);
  const subject = distinguishedName(leaf.subject ?? "");
  const lines = linesOf(verdict, told, subject, leaf, terms.auth.passCertificate);
  const notAfterMs = leaf.validToDate.getTime();
  if (lines.length <= LINES_BYTES_MAX) return { terms, verdict, fault, subject, notAfterMs, lines };
  return { terms, verdict: "refused", fault: "it is too large to be passed on", subject, notAfterMs, lines: NO_LINES };
}

const NO_LINES = Buffer.alloc(0);
const NONE_LINES = Buffer.from("ssl-client-verify: NONE\r\n");

/** Returns the identity of a client that has shown no certificate. */
export function nobody(terms: HostAuth): ClientIdentity {
  return { terms, verdict: "none", fault: "", subject: "", notAfterMs: Infinity, lines: NONE_LINES };
}

interface Judgement extends Pick<ClientIdentity, "verdict" | "fault"> {
  /** The fault as OpenSSL puts it. */
  readonly told: string;
}

function judge(code: string, leaf: X509Certificate, terms: HostAuth): Judgement {
  const leads = (intermediatesMax: number): boolean =>
    reachesRoot(leaf, sentAfter(leaf), terms.authorities, intermediatesMax);
  if (code === "") {
    const { intermediatesMax } = terms.auth;
    if (leads(intermediatesMax)) return { verdict: "trusted", fault: "", told: "" };
    // What is further up counts as missing, as with OpenSSL's own limit.
    const fault = `more than ${intermediatesMax} certificates are between it and its root`;
    return { verdict: "unknown-ca", fault, told: UNKNOWN_CA.get("UNABLE_TO_GET_ISSUER_CERT_LOCALLY") ?? "" };
  }
  const told = UNKNOWN_CA.get(code);
  if (told !== undefined) return { verdict: "unknown-ca", fault: UNKNOWN_CA_FAULT, told };
  // OpenSSL tells the last thing that is wrong, and an authority that nobody knows has no list either.
  const nobodys = code === "UNABLE_TO_GET_CRL" && !leads(CHAIN_MAX);
  const fault = nobodys ? UNKNOWN_CA_FAULT : (FAULTS.get(code) ?? `it cannot be verified (${code})`);
  return { verdict: "refused", fault, told: code };
}

/** What else the client sent, in its order. */
function sentAfter(leaf: X509Certificate): readonly X509Certificate[] {
  const sent: X509Certificate[] = [];
  for (
    let next = leaf.issuerCertificate;
    next !== undefined && sent.length < CHAIN_MAX;
    next = next.issuerCertificate
  ) {
    sent.push(next);
  }
  return sent;
}

function linesOf(
  verdict: ClientIdentity["verdict"],
  told: string,
  subject: string,
  leaf: X509Certificate,
  passCertificate: boolean,
): Buffer {
  const certificate = passCertificate ? `ssl-client-cert: ${encodeURIComponent(leaf.toString())}\r\n` : "";
  const verified = verdict === "trusted" ? "SUCCESS" : `FAILED:${told}`;
  const issuer = distinguishedName(leaf.issuer ?? "");
  return Buffer.from(
    `${certificate}ssl-client-verify: ${verified}\r\n${nameLine("subject", subject)}${nameLine("issuer", issuer)}`,
    "latin1",
  );
}

function nameLine(which: "subject" | "issuer", name: string): string {
  return name === "" ? "" : `ssl-client-${which}-dn: ${name}\r\n`;
}
