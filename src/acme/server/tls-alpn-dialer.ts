import { connect } from "node:tls";
import { connect as connectTcp, isIP } from "node:net";
import { LintelError, messageOf } from "../../ground/errors.ts";
import { childrenOf, expectTag, readDer, readOid, TAG } from "../../pki/x509/der.ts";
import { certificateParts } from "../../pki/x509/certificate.ts";
import { ACME_IDENTIFIER_OID, challengeServerName } from "../tls-alpn-certificate.ts";

/** What a host showed to a client that speaks `acme-tls/1`. */
export interface TlsAlpnAnswer {
  /** Whether the protocol was agreed on. */
  readonly agreed: boolean;
  /** DER. */
  readonly certificate: Uint8Array;
}

/** How TLS-ALPN-01 reaches a name: a DNS name or an IP address. Rejects with any error when it does not answer. */
export type TlsAlpnDialer = (host: string, options: { readonly signal: AbortSignal }) => Promise<TlsAlpnAnswer>;

const PROTOCOL = "acme-tls/1";

/** Returns a dialer over the network; `place` says where a name is really asked, and what to say there ahead of TLS. @default the name's own port 443 */
export function createTlsAlpnDialer(
  place?: (host: string) => Promise<{ readonly host: string; readonly port: number; readonly greeting?: string }>,
): TlsAlpnDialer {
  return async (host, { signal }) => {
    const at = place === undefined ? { host, port: 443 } : await place(host);
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void =>
        reject(new LintelError(messageOf(error), { code: "Unreachable", fault: "upstream", cause: error }));
      const carrier = connectTcp({ host: at.host, port: at.port });
      carrier.on("error", fail);
      if ("greeting" in at) carrier.write(at.greeting);
      const socket = connect({
        socket: carrier,
        servername: challengeServerName(host),
        ALPNProtocols: [PROTOCOL],
        // RFC 8737 section 3: the certificate is self-signed, and what counts is inside it.
        rejectUnauthorized: false,
        minVersion: "TLSv1.2",
      });
      const onAbort = (): void => {
        socket.destroy(new Error("aborted"));
      };
      signal.addEventListener("abort", onAbort);
      socket.on("close", () => signal.removeEventListener("abort", onAbort));
      socket.on("error", fail);
      socket.on("secureConnect", () => {
        const certificate = socket.getPeerX509Certificate()?.raw;
        if (certificate === undefined) fail(new Error("it showed no certificate"));
        else resolve({ agreed: socket.alpnProtocol === PROTOCOL, certificate: Uint8Array.from(certificate) });
        socket.destroy();
      });
    });
  };
}

/**
 * Returns what is wrong with the answer for `host`, or undefined when it proves the name (RFC 8737 section 3): the protocol is
 * agreed on, the name is the only one, and the critical extension holds `digest`.
 */
export function tlsAlpnObjection(answer: TlsAlpnAnswer, host: string, digest: Uint8Array): string | undefined {
  if (!answer.agreed) return `it does not speak ${PROTOCOL}`;
  try {
    const { facts } = certificateParts(answer.certificate);
    const names = isIP(host) === 0 ? facts.dnsNames : facts.ipAddresses;
    const count = facts.dnsNames.length + facts.ipAddresses.length;
    if (count !== 1 || names[0]?.toLowerCase() !== host) return `its certificate is not for "${host}" alone`;
    const found = acmeIdentifier(answer.certificate);
    if (found === undefined) return "its certificate has no critical acmeIdentifier extension";
    return Buffer.compare(found, digest) === 0
      ? undefined
      : "its certificate has the digest of another key authorization";
  } catch (error) {
    return messageOf(error);
  }
}

function acmeIdentifier(certificate: Uint8Array): Uint8Array | undefined {
  const [signed] = childrenOf(readDer(certificate));
  const wrapped = signed === undefined ? undefined : childrenOf(signed).find((part) => part.tag === 0xa3);
  const [list] = wrapped === undefined ? [] : childrenOf(wrapped);
  for (const extension of list === undefined ? [] : childrenOf(list)) {
    const [id, critical, value] = childrenOf(extension);
    if (id === undefined || readOid(id) !== ACME_IDENTIFIER_OID) continue;
    if (critical?.tag !== TAG.boolean || critical.content[0] !== 0xff) return undefined;
    const octets = readDer(expectTag(value, TAG.octetString, "the acmeIdentifier").content);
    return expectTag(octets, TAG.octetString, "the digest").content;
  }
  return undefined;
}
