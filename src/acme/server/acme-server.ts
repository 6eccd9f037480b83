import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../../ground/clock.ts";
import { messageOf } from "../../ground/errors.ts";
import type { Logger } from "../../ground/log.ts";
import type { LocalCa } from "../../pki/local-ca.ts";
import { keyAuthorization } from "../key-authorization.ts";
import type { Reply, ServerParts } from "./call.ts";
import { readRenewalInfo } from "./certificate-handlers.ts";
import { makeExternalAccount } from "./external-account-keys.ts";
import type { Http01Dialer } from "./http01-dialer.ts";
import { Ledger } from "./ledger.ts";
import { Nonces } from "./nonces.ts";
import { withChallenge } from "./order-handlers.ts";
import type { AuthorizationRecord, ExternalAccountRecord } from "./records.ts";
import { profileDescriptions } from "./profiles.ts";
import { revocationListPath, RevocationLists } from "./revocation-lists.ts";
import { routeOf } from "./routes.ts";
import { problemDocument, type ProblemDocument, ServerProblem } from "./server-problem.ts";
import { readSignedCall } from "./signed-call.ts";
import type { TlsAlpnDialer } from "./tls-alpn-dialer.ts";
import { Validator } from "./validator.ts";

export type { Http01Dialer } from "./http01-dialer.ts";

/** Below what everything of this server lives. */
const BASE_PATH = "/acme/local";

/** Returns the path of the revocation list of the authority with this key identifier, for the URL in its certificates. */
export function revocationListUrlPath(keyIdHex: string): string {
  return `${BASE_PATH}/${revocationListPath(keyIdHex)}`;
}

/** How the server is opened. */
export interface AcmeServerOptions {
  /** Where clients reach it: scheme, host and port, without a slash at the end. Asked on every request. */
  readonly baseUrl: () => string;
  /**
   * Names and addresses, without port, by which clients may reach it as well: URLs in answers to them begin as they asked.
   * @default none
   */
  readonly otherHosts?: readonly string[];
  readonly ca: LocalCa;
  readonly clock: Clock;
  readonly log: Logger;
  /** Where accounts, orders and certificates are kept. */
  readonly directory: string;
  readonly dial: Http01Dialer;
  /** How TLS-ALPN-01 reaches names. @default over the network, on port 443 */
  readonly dialTls?: TlsAlpnDialer;
  /** The resolvers that DNS-01 asks, `host:port`. @default the system's */
  readonly nameservers?: readonly string[];
  /** Whether accounts are registered with an external account binding only. @default false */
  readonly requireExternalAccount?: boolean;
  /** Numbers in [0, 1): spreads the retries of validations. */
  readonly random: () => number;
}

/**
 * The local CA as an ACME server (RFC 8555) with renewal information (RFC 9773) and IP identifiers (RFC 8738), proven
 * by HTTP-01, DNS-01 or TLS-ALPN-01 (RFC 8737). The directory is at `/acme/local/directory`. Accounts survive a restart, validations that were under way
 * begin anew; nonces are forgotten, which clients are used to.
 */
export class AcmeServer {
  readonly #options: AcmeServerOptions;
  readonly #ledger: Ledger;
  readonly #nonces: Nonces = new Nonces();
  readonly #validator: Validator;
  readonly #parts: ServerParts;
  readonly #stop: AbortController = new AbortController();
  readonly #underway = new Set<Promise<void>>();
  readonly #revocationLists: RevocationLists;
  readonly #own: ExternalAccountRecord;

  private constructor(options: AcmeServerOptions, ledger: Ledger) {
    const { ca, clock, log } = options;
    this.#options = options;
    this.#ledger = ledger;
    this.#validator = new Validator(options);
    this.#revocationLists = new RevocationLists({ ca, clock, ledger });
    const own = makeExternalAccount({ note: "", reusable: true, nowMs: clock.nowMs() });
    this.#own = own;
    this.#parts = {
      ca,
      clock,
      log,
      ledger,
      url: (path) => `${options.baseUrl()}${BASE_PATH}/${path}`,
      requiresExternalAccount: options.requireExternalAccount ?? false,
      externalAccount: (id) => (id === own.id ? own : ledger.externalAccount(id)),
      ownExternalAccountId: own.id,
      startValidation: (authorization) => this.#track(this.#validate(authorization)),
      validationsFull: () => this.#validator.isFull,
    };
  }

  /** Opens the server and takes up the validations that were under way. Throws StateUnreadable when its file is damaged. */
  static async open(options: AcmeServerOptions): Promise<AcmeServer> {
    const server = new AcmeServer(options, Ledger.open(options.directory));
    for (const authorization of server.#ledger.authorizationsUnderway()) {
      void server.#parts.startValidation(authorization);
    }
    return server;
  }

  /**
   * The external account that this instance binds its own accounts with, so that they are registered where a binding is
   * demanded of everyone. Another one at every start.
   */
  get ownExternalAccount(): { readonly kid: string; readonly hmacKey: string } {
    return { kid: this.#own.id, hmacKey: this.#own.hmacKey };
  }

  /** Answers one request: the listener of a server that others own. Paths outside `/acme/local/` get a 404. */
  readonly handle = (request: IncomingMessage, response: ServerResponse): void => {
    void this.#track(this.#respond(request, response));
  };

  /** Stops validations, waits for the requests under way, and closes the file. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#underway);
    this.#ledger.close();
  }

  #track(work: Promise<void>): Promise<void> {
    const done = work.finally(() => this.#underway.delete(done));
    this.#underway.add(done);
    return done;
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { log } = this.#options;
    const base = this.#baseFor(request);
    const parts: ServerParts = { ...this.#parts, url: (path) => `${base}${BASE_PATH}/${path}` };
    let reply: Reply;
    try {
      reply = await this.#answer(request, parts, base);
    } catch (error) {
      if (!(error instanceof ServerProblem))
        log.error("ACME request failed", { url: request.url, error: messageOf(error) });
      else log.debug("ACME request refused", { url: request.url, problem: error.document });
      reply = problemReply(error);
    }
    try {
      this.#write(request, response, reply, parts);
    } catch (error) {
      log.debug("ACME answer could not be sent", { url: request.url, error: messageOf(error) });
      response.destroy();
    }
  }

  /** What URLs begin with for this client. Only hosts that are known count: a Host header is what anybody writes. */
  #baseFor(request: IncomingMessage): string {
    const { baseUrl, otherHosts = [] } = this.#options;
    const own = baseUrl();
    const asked = URL.parse(`${new URL(own).protocol}//${request.headers.host ?? ""}`);
    const name = asked?.hostname.replace(/^\[(.*)\]$/, "$1") ?? "";
    return asked !== null && otherHosts.includes(name) ? asked.origin : own;
  }

  async #answer(request: IncomingMessage, parts: ServerParts, base: string): Promise<Reply> {
    const { pathname, searchParams } = new URL(request.url ?? "/", "https://acme.invalid");
    const path = pathname.startsWith(`${BASE_PATH}/`) ? pathname.slice(BASE_PATH.length + 1) : "";
    const unsigned = await this.#unsigned(request.method ?? "", path, parts);
    if (unsigned !== undefined) return unsigned;
    const route = routeOf(path);
    if (route === undefined) {
      const detail = `There is nothing at this path; the directory is at ${BASE_PATH}/directory`;
      throw new ServerProblem(404, "malformed", detail);
    }
    if (request.method !== "POST") {
      const detail = "This resource answers POST only; read it by POST-as-GET";
      throw new ServerProblem(405, "malformed", detail, { headers: { Allow: "POST" } });
    }
    const call = await readSignedCall(request, {
      url: `${base}${request.url ?? ""}`,
      accountPath: `${BASE_PATH}/account/`,
      ledger: this.#ledger,
      nonces: this.#nonces,
      clock: this.#options.clock,
      stop: this.#stop.signal,
    });
    return route.handler(parts, call, route.ids, searchParams);
  }

  async #unsigned(method: string, path: string, parts: ServerParts): Promise<Reply | undefined> {
    if (method !== "GET" && method !== "HEAD") return undefined;
    if (path === "directory") return { status: 200, body: directory(parts) };
    if (path === "new-nonce") return { status: method === "HEAD" ? 200 : 204 };
    const [, keyIdHex] = /^crl\/([0-9a-f]+)\.crl$/.exec(path) ?? [];
    if (keyIdHex !== undefined) return this.#revocationLists.read(keyIdHex);
    const [, renewalId] = /^renewal-info\/([^/]+)$/.exec(path) ?? [];
    return renewalId === undefined ? undefined : readRenewalInfo(parts, renewalId);
  }

  #write(request: IncomingMessage, response: ServerResponse, reply: Reply, parts: ServerParts): void {
    const content = bytesOf(reply.body);
    const links = [`<${parts.url("directory")}>;rel="index"`, ...(reply.links ?? [])];
    response.writeHead(reply.status, {
      "Replay-Nonce": this.#nonces.issue(),
      "Cache-Control": "no-store",
      Link: links,
      ...(reply.body === undefined ? {} : { "Content-Type": reply.contentType ?? "application/json" }),
      ...(reply.status === 204 ? {} : { "Content-Length": content.length }),
      // What is left of a request that was too long is not read: the connection cannot be used again.
      ...(request.complete || request.method !== "POST" ? {} : { Connection: "close" }),
      ...reply.headers,
    });
    response.end(request.method === "HEAD" ? undefined : content);
  }

  async #validate(authorization: AuthorizationRecord): Promise<void> {
    const challenge = authorization.challenges.find((entry) => entry.state === "processing");
    const account = this.#ledger.account(authorization.accountId);
    if (challenge === undefined || account === undefined) return;
    const proof = {
      type: challenge.type,
      host: authorization.identifier.value,
      token: challenge.token,
      keyAuthorization: keyAuthorization(challenge.token, account.thumbprint),
    };
    let problem: ProblemDocument | undefined;
    try {
      problem = await this.#validator.validate(proof, this.#stop.signal);
    } catch (error) {
      // Stopped: it stays processing and begins anew when the server is opened again.
      if (this.#stop.signal.aborted) return;
      this.#options.log.error("Validation failed by itself", { name: proof.host, error: messageOf(error) });
      problem = problemDocument(500, "serverInternal", "The validation could not be performed");
    }
    this.#settle(authorization.id, challenge.id, problem);
  }

  #settle(authorizationId: string, challengeId: string, problem: ProblemDocument | undefined): void {
    const now = this.#ledger.authorization(authorizationId);
    const challenge = now?.challenges.find((entry) => entry.id === challengeId);
    if (now === undefined || challenge === undefined) return;
    const settled =
      problem === undefined
        ? ({ state: "valid", validatedMs: this.#options.clock.nowMs() } as const)
        : ({ state: "invalid", problem } as const);
    this.#ledger.putAuthorization(withChallenge(now, { ...challenge, ...settled }));
    const fields = { name: now.identifier.value, type: challenge.type };
    if (problem === undefined) this.#options.log.info("Name proven", fields);
    else this.#options.log.warn("Name not proven", { ...fields, problem: problem.detail });
  }
}

function directory({ url, requiresExternalAccount }: ServerParts): unknown {
  return {
    newNonce: url("new-nonce"),
    newAccount: url("new-account"),
    newOrder: url("new-order"),
    revokeCert: url("revoke-certificate"),
    keyChange: url("key-change"),
    renewalInfo: url("renewal-info"),
    meta: {
      externalAccountRequired: requiresExternalAccount,
      profiles: profileDescriptions(),
    },
  };
}

function bytesOf(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body;
  return Buffer.from(typeof body === "string" ? body : body === undefined ? "" : JSON.stringify(body));
}

function problemReply(error: unknown): Reply {
  const known = error instanceof ServerProblem;
  // What went wrong inside is for the log: a stranger learns only that it did.
  const document = known
    ? error.document
    : problemDocument(500, "serverInternal", "The server failed to answer; its log says why");
  return {
    status: document.status,
    headers: known ? error.headers : {},
    body: document,
    contentType: "application/problem+json",
  };
}
