import { X509Certificate } from "node:crypto";
import { connect, isIP, Socket } from "node:net";
import {
  checkServerIdentity,
  type ConnectionOptions,
  connect as connectTls,
  createSecureContext,
  type PeerCertificate,
  type SecureContext,
} from "node:tls";
import { decodePem } from "../ground/pem.ts";
import type { Endpoint, UpstreamTls, UpstreamVerification } from "../routing/snapshot.ts";
import type { OnRead } from "./channel.ts";
import type { EndpointPool } from "./endpoint-pools.ts";
import type { UpstreamFailure } from "./rescue.ts";

/** How a connection failed; `detail` is the end of a sentence about the endpoint, where there is more to say. */
export interface ConnectionFailure {
  readonly failure: UpstreamFailure;
  readonly detail: string;
}

/** What TLS 1.3 needs beside a list of ciphers, which is about TLS 1.2 alone: without it Node would give up TLS 1.3. */
const TLS13_CIPHERS = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

/** Alternative names of a certificate that a message shows. */
const NAMES_SHOWN = 3;

/** Contexts are kept as long as the policy they were made from. */
const contexts = new WeakMap<UpstreamTls, SecureContext>();
const authorities = new WeakMap<UpstreamVerification, ReadonlySet<string>>();

/**
 * Opens a connection to an endpoint; `protocol` is what to agree on in the TLS handshake, undefined for no TLS. Where
 * `tls` says whom to trust, the connection fails before a byte of a request has left unless the endpoint has proved who
 * it is. Without it, as with nginx, any certificate will do: encrypted, not authenticated.
 */
export function openSocket(
  endpoint: Endpoint,
  protocol: "http/1.1" | "h2" | undefined,
  tls: UpstreamTls | undefined,
  onread: OnRead | undefined,
): Socket {
  const { address: host, port } = endpoint;
  const options = { host, port, noDelay: true, ...(onread === undefined ? {} : { onread }) };
  if (protocol === undefined) return connect(options);
  try {
    const made = tls === undefined ? anyCertificate(host) : optionsOf(tls);
    return connectTls({ ...options, ...made, ALPNProtocols: [protocol] });
  } catch (error) {
    // Keys or ciphers that OpenSSL does not take. What it says of them may be a part of them.
    const why = new Error("The TLS settings for this endpoint cannot be used", { cause: error });
    return new Socket().destroy(Object.assign(why, { code: UNUSABLE }));
  }
}

const UNUSABLE = "LINTEL_TLS_SETTINGS";
const UNTRUSTED = "LINTEL_UNTRUSTED";

function anyCertificate(host: string): ConnectionOptions {
  return { ...(isIP(host) === 0 ? { servername: host } : {}), rejectUnauthorized: false };
}

function optionsOf(tls: UpstreamTls): ConnectionOptions {
  const { verify, serverName } = tls;
  const common = { secureContext: contextOf(tls), ...(serverName === undefined ? {} : { servername: serverName }) };
  if (verify === undefined) return { ...common, rejectUnauthorized: false };
  return {
    ...common,
    rejectUnauthorized: true,
    checkServerIdentity: (_host, certificate) => identityFault(verify, certificate),
  };
}

function contextOf(tls: UpstreamTls): SecureContext {
  const known = contexts.get(tls);
  if (known !== undefined) return known;
  const { verify, certificate, ciphers, minVersion, maxVersion } = tls;
  const made = createSecureContext({
    minVersion,
    maxVersion,
    // Whoever writes an intermediate authority into the Secret trusts it, whether its root is there too or not.
    ...(verify === undefined ? {} : { ca: verify.authorities, allowPartialTrustChain: true }),
    ...(certificate === undefined ? {} : { cert: certificate.chain, key: certificate.key }),
    ...(ciphers === undefined ? {} : { ciphers: ciphers.includes("TLS_") ? ciphers : `${TLS13_CIPHERS}:${ciphers}` }),
  });
  contexts.set(tls, made);
  return made;
}

/** Called once the chain leads to an authority: whether it is short enough, and the certificate the one of `name`. */
function identityFault(verify: UpstreamVerification, certificate: PeerCertificate): Error | undefined {
  const between = intermediatesOf(verify, certificate);
  if (between > verify.intermediatesMax) {
    const most = verify.intermediatesMax === 1 ? "1 is" : `${verify.intermediatesMax} are`;
    return untrusted(`there are ${between} intermediate authorities above its certificate where ${most} allowed`);
  }
  if (checkServerIdentity(verify.name, certificate) === undefined) return undefined;
  const names = (certificate.subjectaltname ?? `DNS:${[certificate.subject.CN ?? ""].flat().join(" ")}`).split(", ");
  const shown = names.slice(0, NAMES_SHOWN).map((name) => `"${name.replace(/^[^:]*:/, "").slice(0, 100)}"`);
  return untrusted(`its certificate is for ${shown.join(", ")}${names.length > NAMES_SHOWN ? " and others" : ""}`);
}

function untrusted(detail: string): Error {
  return Object.assign(new Error(detail), { code: UNTRUSTED });
}

/** The certificates between the endpoint's own and the first that is trusted, in the chain that was sent or completed. */
function intermediatesOf(verify: UpstreamVerification, certificate: PeerCertificate): number {
  let trusted = authorities.get(verify);
  if (trusted === undefined) {
    const blocks = decodePem(verify.authorities).filter((block) => block.label === "CERTIFICATE");
    trusted = new Set(blocks.map((block) => new X509Certificate(Buffer.from(block.der)).fingerprint256));
    authorities.set(verify, trusted);
  }
  let count = 0;
  let at: PeerCertificate = certificate;
  while (!trusted.has(at.fingerprint256)) {
    const issuer = issuerOf(at);
    if (issuer === undefined) return count;
    at = issuer;
    if (!trusted.has(at.fingerprint256)) count++;
  }
  return count;
}

/** A root is its own issuer. */
function issuerOf(certificate: PeerCertificate): PeerCertificate | undefined {
  const issuer = "issuerCertificate" in certificate ? certificate.issuerCertificate : undefined;
  return isPeerCertificate(issuer) && issuer !== certificate ? issuer : undefined;
}

function isPeerCertificate(value: unknown): value is PeerCertificate {
  return typeof value === "object" && value !== null && "fingerprint256" in value;
}

/** Returns how a connection failed that was closed before the response was complete. */
export function failureOf(
  error: Error | undefined,
  connected: boolean,
  pool: Pick<EndpointPool, "secure" | "tls">,
): ConnectionFailure {
  const code: unknown = error === undefined ? undefined : Reflect.get(error, "code");
  if (typeof code !== "string" || error === undefined) return { failure: "closed", detail: "" };
  const alert = /alert ([a-z ]+)/.exec(error.message)?.[1];
  // With TLS 1.3 an endpoint refuses our certificate after the handshake is over for us.
  if (connected) return alert === undefined ? { failure: "closed", detail: "" } : refusedUs(alert);
  if (code === "ECONNREFUSED") return { failure: "refused", detail: "" };
  if (code === "ETIMEDOUT") return { failure: "connect-timeout", detail: "" };
  if (code === UNUSABLE)
    return { failure: "tls", detail: "the settings for it cannot be used; check keys and ciphers" };
  // The system's own words, those of DNS included; but EPROTO is how it passes on what OpenSSL says.
  const isSystem = code !== "EPROTO" && typeof Reflect.get(error, "syscall") === "string";
  if (!pool.secure || isSystem || code === "ECONNRESET") return { failure: "unreachable", detail: "" };
  const { verify } = pool.tls ?? {};
  const distrust = verify === undefined ? undefined : distrustOf(code, error, verify);
  if (verify !== undefined && distrust !== undefined) {
    return { failure: "untrusted", detail: `is not trusted to be "${verify.name}": ${distrust}` };
  }
  return alert === undefined ? { failure: "tls", detail: "" } : refusedUs(alert);
}

function refusedUs(alert: string): ConnectionFailure {
  return { failure: "tls", detail: `it says "${alert.trim()}"` };
}

/** OpenSSL's words for chains that end nowhere. */
const UNKNOWN_AUTHORITY: ReadonlySet<string> = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/** Returns what is wrong with an endpoint's certificate; undefined when the failure was another. */
function distrustOf(code: string, error: Error, { secret }: UpstreamVerification): string | undefined {
  if (code === UNTRUSTED) return error.message;
  if (UNKNOWN_AUTHORITY.has(code)) return `no authority in Secret "${secret}" has signed its certificate`;
  if (code === "CERT_HAS_EXPIRED") return "its certificate has expired";
  if (code === "CERT_NOT_YET_VALID") return "its certificate is not valid yet";
  // The other verdicts on certificates: neither of Node nor of the protocol.
  return /^(?:ERR_|EPROTO$)/.test(code) ? undefined : `its certificate was refused (${code})`;
}
