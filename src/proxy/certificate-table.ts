import { constants, createHash, createPrivateKey, X509Certificate } from "node:crypto";
import {
  createSecureContext,
  createServer,
  DEFAULT_CIPHERS,
  type Server,
  type TlsOptions,
  type TLSSocket,
} from "node:tls";
import { messageOf } from "../ground/errors.ts";
import type { Logger } from "../ground/log.ts";
import { lookupHost } from "../routing/match.ts";
import type { ChallengeCertificate, ServedCertificate, Snapshot, TlsHost } from "../routing/snapshot.ts";
import type { ClientAuthTable, HostAuth } from "./client-auth/client-auth-table.ts";
import type { ProxyLimits } from "./limits.ts";

/** The protocol of TLS-ALPN-01 (RFC 8737 section 6.2). */
export const ACME_TLS = "acme-tls/1";

/** The suite of TLS 1.3 to agree on with whoever offers it. */
const FIRST_SUITE = "TLS_AES_128_GCM_SHA256";

/**
 * All that Node offers, in its order but for the first: it costs less than AES-256, in the handshake above all (SHA-256 is in
 * the processor, SHA-384 is not), is as strong as the curves beside it, and comes first in Node's own list for TLS 1.2 too.
 */
const CIPHERS = [FIRST_SUITE, ...DEFAULT_CIPHERS.split(":").filter((suite) => suite !== FIRST_SUITE)].join(":");

/** The suites of TLS 1.3, which a list for TLS 1.2 need not name. */
const SUITES = CIPHERS.split(":")
  .filter((suite) => suite.startsWith("TLS_"))
  .join(":");

/** What of a snapshot the table serves. */
type TableSnapshot = Pick<Snapshot, "tls" | "certificates"> & Partial<Pick<Snapshot, "challenges">>;

/** A name that TLS is answered for: makes sockets secure with its certificates. */
export interface TlsProfile {
  readonly host: TlsHost;
  readonly server: Server;
}

/** What a certificate table needs, and whom it tells about handshakes. */
export interface CertificateTableOptions {
  readonly log: Logger;
  readonly limits: Pick<ProxyLimits, "tlsProfilesMax" | "handshakeTimeoutMs" | "certificateChecksMax">;
  /** 48 bytes, the same in all workers, so that a session of one is resumed at another. */
  readonly ticketKeys: Buffer;
  /** `terms`: what the name asks of its clients; undefined: nothing. */
  readonly onSecure: (socket: TLSSocket, terms: HostAuth | undefined) => void;
  readonly onFailed: (socket: TLSSocket, error: Error) => void;
}

interface Entry extends TlsProfile {
  readonly certificates: readonly ServedCertificate[];
  readonly terms: HostAuth | undefined;
  /** What it costs, in servers without anything special. */
  readonly weight: number;
}

/** Authorities of client certificates that cost about as much memory as a TLS server does by itself: 5 KiB each. */
const AUTHORITIES_PER_SERVER = 10;

/**
 * The certificates of the snapshot, by name. A `tls.Server` is made when a name is first asked for and kept while the
 * name is in use; with the snapshot it is swapped at once, and one whose certificates did not change stays.
 *
 * Each name has a server of its own, to which the listener hands connections: a callback for SNI serves only one of an ECDSA
 * and an RSA certificate and ignores `minVersion`, and a bare TLSSocket does not verify clients.
 */
export class CertificateTable {
  readonly #options: CertificateTableOptions;
  #ticketKeys: Buffer;
  #snapshot: TableSnapshot | undefined;
  #clientAuth: ClientAuthTable | undefined;
  #challenges: ChallengeTable | undefined;
  /** The least recently used first. */
  readonly #entries = new Map<string, Entry>();
  readonly #failed = new WeakSet<TlsHost>();
  readonly #checked = new WeakMap<ServedCertificate, string>();

  constructor(options: CertificateTableOptions) {
    this.#options = options;
    this.#ticketKeys = options.ticketKeys;
  }

  /** Serves what the snapshot says from now on, `clientAuth` being its own. Returns what is wrong with certificates that changed; those are not served. */
  adopt(snapshot: TableSnapshot, clientAuth?: ClientAuthTable): readonly string[] {
    const before = this.#snapshot;
    const sameClientAuth = this.#clientAuth === clientAuth;
    this.#clientAuth = clientAuth;
    this.#snapshot = snapshot;
    if (before?.challenges !== snapshot.challenges) this.#challenges = undefined;
    const sameTls = before?.tls === snapshot.tls && before.certificates === snapshot.certificates;
    if (sameTls && sameClientAuth) return [];
    for (const [name, entry] of this.#entries) {
      if (!this.#isCurrent(entry)) this.#entries.delete(name);
    }
    const problems: string[] = [];
    let left = this.#options.limits.certificateChecksMax;
    for (const [id, certificate] of snapshot.certificates) {
      if (left === 0) break;
      if (before?.certificates.get(id) === certificate) continue;
      left--;
      const problem = this.#problemOf(certificate);
      if (problem !== undefined) problems.push(problem);
    }
    return problems;
  }

  /** Makes tickets with `keys` from now on. Node forgets the ones before at once: their sessions need a full handshake. */
  changeTicketKeys(keys: Buffer): void {
    this.#ticketKeys = keys;
    for (const { server } of this.#entries.values()) server.setTicketKeys(keys);
  }

  /** Returns how to answer a client that asks for `name` (empty for none); undefined when nothing is served for it. */
  profile(name: string): TlsProfile | undefined {
    const snapshot = this.#snapshot;
    const host = snapshot === undefined ? undefined : lookupHost(snapshot.tls, name);
    if (host === undefined) return undefined;
    const known = this.#entries.get(host.host);
    if (known !== undefined) {
      this.#entries.delete(host.host);
      this.#entries.set(host.host, known);
      return known;
    }
    return this.#build(host);
  }

  /**
   * Returns how to answer a CA that validates `name` by TLS-ALPN-01 (RFC 8737): undefined when no such challenge is open. The
   * handshake is all there is to it: the connection ends after it.
   */
  challengeProfile(name: string): Pick<TlsProfile, "server"> | undefined {
    this.#challenges ??= new ChallengeTable(this.#snapshot?.challenges, this.#options);
    return this.#challenges.profile(name);
  }

  #build(host: TlsHost): TlsProfile | undefined {
    const { limits, onSecure, onFailed } = this.#options;
    const terms = this.#clientAuth?.of(host.host);
    const opened = this.#open(host, terms);
    if (opened === undefined) return undefined;
    const { server } = opened;
    server.on("secureConnection", (socket) => onSecure(socket, terms));
    server.on("tlsClientError", (error, socket) => onFailed(socket, error));
    const weight = 1 + (terms?.asks === true ? terms.authorities.length / AUTHORITIES_PER_SERVER : 0);
    const entry = { host, server, certificates: opened.certificates, terms, weight };
    this.#entries.set(host.host, entry);
    this.#shrink(limits.tlsProfilesMax);
    return entry;
  }

  /** Forgets the least recently used until the rest weighs no more than `most`, or is one. */
  #shrink(most: number): void {
    let weight = 0;
    for (const entry of this.#entries.values()) weight += entry.weight;
    for (const [name, entry] of this.#entries) {
      if (weight <= most || this.#entries.size === 1) return;
      this.#entries.delete(name);
      weight -= entry.weight;
    }
  }

  /** A certificate that OpenSSL does not take is left out: what one user has made must not keep others from being served. */
  #open(host: TlsHost, terms: HostAuth | undefined): Pick<Entry, "server" | "certificates"> | undefined {
    const certificates = this.#usable(host);
    if (certificates.length === 0) return undefined;
    try {
      return { server: createServer(this.#optionsOf(host, certificates, terms)), certificates };
    } catch (error) {
      const good = certificates.filter((certificate) => this.#isTaken(certificate));
      if (good.length < certificates.length) return this.#open(host, terms);
      // Once, and not for every client that tries.
      if (!this.#failed.has(host))
        this.#options.log.error("Cannot answer TLS", { host: host.host, error: messageOf(error) });
      this.#failed.add(host);
      return undefined;
    }
  }

  #optionsOf(host: TlsHost, certificates: readonly ServedCertificate[], terms: HostAuth | undefined): TlsOptions {
    const asks = terms?.asks === true;
    return {
      ...(asks ? terms.tlsOptions() : {}),
      cert: certificates.map(({ chain }) => chain),
      key: certificates.map(({ key }) => key),
      minVersion: host.minVersion,
      ciphers: this.#ciphersOf(host),
      honorCipherOrder: host.ownCipherOrder ?? true,
      // A client could make TLS 1.2 shake hands again and again, at our cost. Where clients must prove who they are, each
      // connection does so anew: what a ticket remembers may have ended or been revoked since.
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION | (asks ? constants.SSL_OP_NO_TICKET : 0),
      ALPNProtocols: ["h2", "http/1.1"],
      allowHalfOpen: true,
      handshakeTimeout: this.#options.limits.handshakeTimeoutMs,
      ticketKeys: this.#ticketKeys,
      // A session may only be resumed for the name it was made for.
      sessionIdContext: createHash("sha256").update(host.host).digest("hex").slice(0, 32),
    };
  }

  #ciphersOf({ host, ciphers }: TlsHost): string {
    if (ciphers === undefined) return CIPHERS;
    const wanted = ciphers.includes("TLS_") ? ciphers : `${SUITES}:${ciphers}`;
    try {
      createSecureContext({ ciphers: wanted });
      return wanted;
    } catch (error) {
      this.#options.log.warn("Cannot use the ciphers of a host", { host, ciphers, error: messageOf(error) });
      return CIPHERS;
    }
  }

  /** Tries a certificate by itself; one that fails is not served from now on. */
  #isTaken(certificate: ServedCertificate): boolean {
    try {
      createSecureContext({ cert: certificate.chain, key: certificate.key });
      return true;
    } catch (error) {
      this.#reject(certificate, `Cannot serve certificate "${certificate.id}": ${messageOf(error)}`);
      return false;
    }
  }

  #reject(certificate: ServedCertificate, problem: string): void {
    this.#checked.set(certificate, problem);
    this.#options.log.warn("Cannot serve certificate", { certificate: certificate.id, problem });
  }

  #usable(host: TlsHost): readonly ServedCertificate[] {
    return host.certificates
      .map((id) => this.#snapshot?.certificates.get(id))
      .filter((certificate) => certificate !== undefined)
      .filter((certificate) => this.#problemOf(certificate) === undefined);
  }

  #isCurrent(entry: Entry): boolean {
    const { host } = entry.host;
    if (this.#snapshot?.tls.get(host) !== entry.host || this.#clientAuth?.of(host) !== entry.terms) return false;
    const now = this.#usable(entry.host);
    return now.length === entry.certificates.length && now.every((each, index) => each === entry.certificates[index]);
  }

  /** Checks a certificate once, and says so once when it cannot be served. */
  #problemOf(certificate: ServedCertificate): string | undefined {
    let problem = this.#checked.get(certificate);
    if (problem === undefined) {
      problem = check(certificate);
      if (problem === "") this.#checked.set(certificate, problem);
      else this.#reject(certificate, problem);
    }
    return problem === "" ? undefined : problem;
  }
}

/** The servers for the challenges of one snapshot: few, and made when they are first asked for. */
class ChallengeTable {
  readonly #certificates = new Map<string, ChallengeCertificate>();
  readonly #servers = new Map<string, Server>();
  readonly #options: CertificateTableOptions;

  constructor(challenges: Snapshot["challenges"] | undefined, options: CertificateTableOptions) {
    this.#options = options;
    for (const { tlsAlpn } of challenges?.values() ?? []) {
      if (tlsAlpn !== undefined) this.#certificates.set(tlsAlpn.serverName, tlsAlpn);
    }
  }

  profile(name: string): Pick<TlsProfile, "server"> | undefined {
    const certificate = this.#certificates.get(name);
    if (certificate === undefined) return undefined;
    const server = this.#servers.get(name) ?? this.#open(certificate);
    this.#servers.set(name, server);
    return { server };
  }

  #open(certificate: ChallengeCertificate): Server {
    const { limits, onFailed } = this.#options;
    const server = createServer({
      cert: certificate.chain,
      key: certificate.key,
      ALPNProtocols: [ACME_TLS],
      handshakeTimeout: limits.handshakeTimeoutMs,
    });
    server.on("secureConnection", (socket) => {
      socket.on("error", () => undefined);
      socket.end();
    });
    server.on("tlsClientError", (error, socket) => onFailed(socket, error));
    return server;
  }
}

/** Returns what is wrong, or an empty text. Never any of the key. */
function check(certificate: ServedCertificate): string {
  const act = `Cannot serve certificate "${certificate.id}"`;
  try {
    const leaf = new X509Certificate(certificate.chain);
    return leaf.checkPrivateKey(createPrivateKey(certificate.key)) ? "" : `${act}: private key does not match`;
  } catch (error) {
    return `${act}: ${messageOf(error)}`;
  }
}
