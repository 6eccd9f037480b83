import { X509Certificate } from "node:crypto";
import { createSecureContext, type TlsOptions } from "node:tls";
import { messageOf } from "../../ground/errors.ts";
import { lookupHost } from "../../routing/match.ts";
import type { ClientAuth, ClientCa, Snapshot } from "../../routing/snapshot.ts";

/** What of a snapshot tells who must show a certificate. */
type AuthSnapshot = Pick<Snapshot, "tls" | "clientCas">;

/**
 * What one or several hosts ask of their clients. Hosts that ask for the same share one, and it stays the same across
 * snapshots until the authorities or what is asked for change: so `===` tells whether a connection was made under the
 * terms that hold now.
 */
export class HostAuth {
  readonly auth: ClientAuth;
  readonly ca: ClientCa | undefined;
  readonly pattern: RegExp | undefined;
  #authorities: readonly X509Certificate[] | undefined;
  #problem: string | undefined;

  constructor(auth: ClientAuth, ca: ClientCa | undefined) {
    this.auth = auth;
    this.ca = ca;
    this.pattern = auth.subjectPattern === undefined ? undefined : new RegExp(`^(?:${auth.subjectPattern})`);
  }

  /** Whether clients are asked for a certificate in the handshake. */
  get asks(): boolean {
    return this.auth.verify !== "off" && this.problem === undefined;
  }

  /** Why nobody can be let in, which `on` and the others then mean; undefined when the authorities can be used. */
  get problem(): string | undefined {
    if (this.auth.verify === "off") return undefined;
    this.#problem ??= this.#findProblem();
    return this.#problem === "" ? undefined : this.#problem;
  }

  get authorities(): readonly X509Certificate[] {
    this.#authorities ??= blocksOf(this.ca?.certificates ?? "").map((pem) => new X509Certificate(pem));
    return this.#authorities;
  }

  /**
   * What makes a server ask for certificates. It lets every client shake hands, and the answer to each request says what
   * is wrong with the certificate; a client that is cut off in the handshake learns nothing.
   */
  tlsOptions(): TlsOptions {
    return { requestCert: true, rejectUnauthorized: false, ...this.#trust() };
  }

  #trust(): Pick<TlsOptions, "ca" | "crl"> {
    const crl = blocksOf(this.ca?.revocations ?? "");
    return { ca: blocksOf(this.ca?.certificates ?? ""), ...(crl.length === 0 ? {} : { crl }) };
  }

  #findProblem(): string {
    if (this.ca === undefined) return `The authorities "${this.auth.ca}" for client certificates are missing`;
    try {
      createSecureContext(this.#trust());
      return this.authorities.length === 0 ? `"${this.ca.id}" has no authorities for client certificates` : "";
    } catch (error) {
      return `The authorities "${this.ca.id}" for client certificates cannot be used: ${messageOf(error)}`;
    }
  }
}

/** Who asks for client certificates in one snapshot. */
export class ClientAuthTable {
  readonly #byHost: ReadonlyMap<string, HostAuth | typeof OPEN>;
  readonly #byTerms: ReadonlyMap<string, HostAuth>;

  private constructor(byHost: ReadonlyMap<string, HostAuth | typeof OPEN>, byTerms: ReadonlyMap<string, HostAuth>) {
    this.#byHost = byHost;
    this.#byTerms = byTerms;
  }

  /** Returns the table of a snapshot; undefined when nobody asks, which is what requests then pay for it. */
  static of(snapshot: AuthSnapshot, before: ClientAuthTable | undefined): ClientAuthTable | undefined {
    const byHost = new Map<string, HostAuth | typeof OPEN>();
    const byTerms = new Map<string, HostAuth>();
    const known = before === undefined ? NO_TERMS : before.#byTerms;
    for (const [key, { clientAuth }] of snapshot.tls) {
      byHost.set(key, clientAuth === undefined ? OPEN : share(clientAuth, snapshot, byTerms, known));
    }
    return byTerms.size === 0 ? undefined : new ClientAuthTable(byHost, byTerms);
  }

  /** Returns what a host, or a host key, asks of its clients; undefined when that is nothing. */
  of(host: string): HostAuth | undefined {
    const found = lookupHost(this.#byHost, host);
    return found === OPEN ? undefined : found;
  }
}

/** An entry that asks for nothing, which ends the search as any other does. */
const OPEN = "open";
const NO_TERMS: ReadonlyMap<string, HostAuth> = new Map();

function share(
  auth: ClientAuth,
  snapshot: AuthSnapshot,
  byTerms: Map<string, HostAuth>,
  before: ReadonlyMap<string, HostAuth>,
): HostAuth {
  const terms = JSON.stringify([
    auth.ca,
    auth.verify,
    auth.intermediatesMax,
    auth.subjectPattern ?? null,
    auth.errorPage ?? null,
    auth.passCertificate,
  ]);
  const shared = byTerms.get(terms);
  if (shared !== undefined) return shared;
  const ca = snapshot.clientCas.get(auth.ca);
  const known = before.get(terms);
  const made = known !== undefined && known.ca === ca ? known : new HostAuth(auth, ca);
  byTerms.set(terms, made);
  return made;
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----/g;

/** Each block by itself: Node reads no more than the first revocation list of a text. */
function blocksOf(pem: string): string[] {
  return [...pem.matchAll(BLOCK)].map(([block]) => `${block}\n`);
}
