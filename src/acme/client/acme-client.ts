import type { KeyObject } from "node:crypto";
import type { FlattenedJWS } from "jose";
import { decodeBase64url, encodeBase64url } from "../../ground/base64url.ts";
import type { Clock } from "../../ground/clock.ts";
import { LintelError } from "../../ground/errors.ts";
import { arrayAt, recordAt, stringAt } from "../../ground/json.ts";
import { certificateBlocks, parseChain } from "../../pki/x509/certificate.ts";
import { requestBlock } from "../../pki/x509/request.ts";
import { certificateId } from "../certificate-id.ts";
import { jwkThumbprint } from "../key-authorization.ts";
import {
  type AcmeAuthorization,
  type AcmeIdentifier,
  type AcmeOrderResource,
  type AcmeProblem,
  parseAuthorization,
  parseOrder,
  parseProblem,
  shortType,
} from "../wire.ts";
import { AcmeError } from "./acme-error.ts";
import { CHAIN_TYPE, chainOf, jsonOf, linkedLocation, locationOf, mediaTypeOf, parseJson, unusable } from "./answer.ts";
import { algorithmOf, publicJwk, signJws } from "./jws.ts";
import { linksOf } from "./links.ts";
import { parseRetryAfter } from "./retry-after.ts";
import type { AcmeRequestSample } from "./request-sample.ts";
import { Transport, type TransportResponse } from "./transport.ts";

export { AcmeError } from "./acme-error.ts";
export type { AcmeAuthorization, AcmeOrderResource, AcmeProblem } from "../wire.ts";

/** What a CA offers (RFC 8555 section 7.1.1). */
export interface AcmeDirectory {
  readonly newNonce: string;
  readonly newAccount: string;
  readonly newOrder: string;
  readonly revokeCert: string;
  readonly keyChange: string;
  /** RFC 9773; undefined when the CA gives no renewal information. */
  readonly renewalInfo: string | undefined;
  readonly termsOfService: string | undefined;
  readonly externalAccountRequired: boolean;
  /** How the CA calls itself in CAA records. */
  readonly caaIdentities: readonly string[];
  /** Names of the profiles it offers. */
  readonly profiles: readonly string[];
}

/** When a CA would like a certificate to be renewed (RFC 9773 section 4.2). */
export interface RenewalInfo {
  readonly startMs: number;
  readonly endMs: number;
  readonly explanationUrl?: string;
  /** When to ask again. */
  readonly retryAfterMs?: number;
}

/** A badNonce is answered with a fresh nonce this often; Pebble refuses one in twenty at random. */
const NONCE_RETRIES_MAX = 10;
/** Nonces kept for later requests; more are dropped, the oldest first, since servers forget them too. */
const NONCES_MAX = 16;
/** Alternate chains that are looked at for the preferred one. */
const ALTERNATES_MAX = 10;
/** Pages of an account's list of orders that are read, and orders of it that are looked at. */
const ORDER_PAGES_MAX = 20;
const ORDERS_MAX = 20;

type Signature = "jwk" | "kid";

/**
 * A client of one ACME account (RFC 8555). Every call is one request to the CA, or a few: a nonce or the directory when
 * they are missing, a badNonce tried again. Nothing else is retried: an AcmeError carries the CA's problem document with
 * the wait it asks for, a LintelError with code Unreachable means that there was no answer. Calls may run at once.
 */
export class AcmeClient {
  readonly #directoryUrl: string;
  readonly #key: KeyObject;
  readonly #clock: Clock;
  readonly #transport: Transport;
  readonly #nonces: string[] = [];
  #accountUrl: string | undefined;
  #directory: Promise<AcmeDirectory> | undefined;

  constructor(options: {
    readonly directoryUrl: string;
    /** RSA, ECDSA or Ed25519 private key. */
    readonly accountKey: KeyObject;
    /** Looked up with the key when it is left out. */
    readonly accountUrl?: string | undefined;
    /** PEM; trusted instead of the public roots. */
    readonly caBundle?: string | undefined;
    readonly skipTlsVerify?: boolean | undefined;
    readonly clock: Clock;
    /** Names the program and its version: CAs refuse requests without one. */
    readonly userAgent: string;
    /** Called after each request, for metrics. */
    readonly observe?: ((sample: AcmeRequestSample) => void) | undefined;
    /** Called right before a signed request leaves: when it throws, nothing is sent. */
    readonly fence?: (() => void) | undefined;
  }) {
    this.#directoryUrl = options.directoryUrl;
    this.#key = options.accountKey;
    this.#accountUrl = options.accountUrl;
    this.#clock = options.clock;
    this.#transport = new Transport(options);
  }

  /** Returns what the CA offers; asked once, and again after a failure. */
  directory(): Promise<AcmeDirectory> {
    this.#directory ??= this.#fetchDirectory().catch((error: unknown) => {
      this.#directory = undefined;
      throw error;
    });
    return this.#directory;
  }

  /**
   * Registers the key, or finds the account it has; the CA's terms are agreed to. Contacts are `mailto:` URLs; those of
   * an account that is found are brought up to date. With `onlyExisting` an unknown key is an AcmeError
   * accountDoesNotExist. `hmacKey` is base64url, as CAs hand it out.
   */
  async register(options: {
    readonly contact: readonly string[];
    readonly onlyExisting?: boolean | undefined;
    /** Whether no contact means that the account shall have none. @default false: it keeps those it has */
    readonly forgetContact?: boolean | undefined;
    readonly externalAccount?: { readonly kid: string; readonly hmacKey: string } | undefined;
  }): Promise<{ accountUrl: string; status: string }> {
    const act = "register an ACME account";
    const { newAccount } = await this.directory();
    const binding = options.externalAccount && (await this.#externalAccount(options.externalAccount, newAccount));
    const payload =
      options.onlyExisting === true
        ? { onlyReturnExisting: true }
        : {
            termsOfServiceAgreed: true,
            ...(options.contact.length === 0 ? {} : { contact: options.contact }),
            ...(binding === undefined ? {} : { externalAccountBinding: binding }),
          };
    const response = await this.#post(newAccount, payload, act, "jwk");
    const accountUrl = locationOf(response, newAccount, act);
    this.#accountUrl = accountUrl;
    const account = jsonOf(response, act);
    const stale =
      response.status === 200 &&
      (options.contact.length > 0 || options.forgetContact === true) &&
      !sameTexts(arrayAt(account, "contact"), options.contact);
    if (stale && options.onlyExisting !== true)
      await this.#post(accountUrl, { contact: options.contact }, "update the contact of the ACME account");
    return { accountUrl, status: stringAt(account, "status") ?? "valid" };
  }

  /** Makes an order. Notice that CAs may answer with an order they already have for the same names. */
  async newOrder(options: {
    readonly identifiers: readonly AcmeIdentifier[];
    readonly notAfterMs?: number | undefined;
    readonly replaces?: string | undefined;
    readonly profile?: string | undefined;
  }): Promise<AcmeOrderResource> {
    const act = `order a certificate for ${options.identifiers.map(({ value }) => `"${value}"`).join(", ")}`;
    const { newOrder } = await this.directory();
    const payload = {
      identifiers: options.identifiers,
      ...(options.notAfterMs === undefined ? {} : { notAfter: new Date(options.notAfterMs).toISOString() }),
      ...(options.replaces === undefined ? {} : { replaces: options.replaces }),
      ...(options.profile === undefined ? {} : { profile: options.profile }),
    };
    const response = await this.#post(newOrder, payload, act);
    // What is no JSON at all is said first: it tells more than a missing header.
    jsonOf(response, act);
    return this.#orderOf(response, locationOf(response, newOrder, act), act);
  }

  /**
   * Returns an order of this account that is for exactly `identifiers` and can still become a certificate, or undefined:
   * there is none, or the CA does not list orders (RFC 8555 section 7.1.2.1), as most do not. The newest ones are looked at.
   */
  async findOrder(identifiers: readonly AcmeIdentifier[]): Promise<AcmeOrderResource | undefined> {
    const act = "list the orders of the ACME account";
    const account = jsonOf(await this.#post(await this.#account(), undefined, act), act);
    const urls: string[] = [];
    let page = stringAt(account, "orders");
    for (let pages = 0; page !== undefined && pages < ORDER_PAGES_MAX; pages++) {
      const response = await this.#post(page, undefined, act);
      urls.push(...arrayAt(jsonOf(response, act), "orders").filter((entry) => typeof entry === "string"));
      page = linksOf(response.headers["link"], "next", page)[0];
    }
    const wanted = identifierKey(identifiers);
    for (const url of urls.slice(-ORDERS_MAX).toReversed()) {
      const order = await this.order(url);
      const isOpen = order.status === "pending" || order.status === "ready";
      if (isOpen && identifierKey(order.identifiers) === wanted) return order;
    }
    return undefined;
  }

  /** Returns the order at `url` as it is now. */
  async order(url: string): Promise<AcmeOrderResource> {
    const act = `read ACME order "${url}"`;
    return this.#orderOf(await this.#post(url, undefined, act), url, act);
  }

  /** Returns the authorization at `url` as it is now. */
  async authorization(url: string): Promise<AcmeAuthorization> {
    const act = `read ACME authorization "${url}"`;
    const response = await this.#post(url, undefined, act);
    return (
      parseAuthorization(jsonOf(response, act), url, this.#retryAfterMs(response)) ??
      unusable(act, response, "it is no authorization")
    );
  }

  /** Tells the CA to validate the challenge. Its answer must be served before. */
  async accept(challengeUrl: string): Promise<void> {
    await this.#post(challengeUrl, {}, `have the CA validate challenge "${challengeUrl}"`);
  }

  /** Gives up the authorization at `url`, so that the CA needs not wait for it. */
  async deactivateAuthorization(url: string): Promise<void> {
    await this.#post(url, { status: "deactivated" }, `give up ACME authorization "${url}"`);
  }

  /** Hands in the request of a ready order and returns the order, then processing or valid. */
  async finalize(finalizeUrl: string, csrPem: string): Promise<AcmeOrderResource> {
    const act = "have the certificate issued";
    const response = await this.#post(finalizeUrl, { csr: encodeBase64url(requestBlock(csrPem)) }, act);
    const url = linkedLocation(response) ?? finalizeUrl;
    return this.#orderOf(response, url, act);
  }

  /**
   * Returns the PEM chain at `url`, leaf first. With `preferredChain`, the first chain, the CA's default before its
   * alternates, whose topmost certificate was issued by that common name; the default when none was.
   */
  async certificate(url: string, options: { readonly preferredChain?: string | undefined } = {}): Promise<string> {
    const act = `download certificate "${url}"`;
    const response = await this.#post(url, undefined, act, "kid", CHAIN_TYPE);
    const chain = chainOf(response, act);
    if (options.preferredChain === undefined || issuedBy(chain, options.preferredChain)) return chain;
    for (const alternate of linksOf(response.headers["link"], "alternate", url).slice(0, ALTERNATES_MAX)) {
      const other = chainOf(await this.#post(alternate, undefined, act, "kid", CHAIN_TYPE), act);
      if (issuedBy(other, options.preferredChain)) return other;
    }
    return chain;
  }

  /** Revokes the first certificate of `certificatePem`, with the account's key or, when it is given, the certificate's own. Reasons: RFC 5280 section 5.3.1. */
  async revoke(certificatePem: string, reason?: number, certificateKey?: KeyObject): Promise<void> {
    const { revokeCert } = await this.directory();
    const [der] = certificateBlocks(certificatePem);
    const payload = {
      certificate: encodeBase64url(der ?? new Uint8Array()),
      ...(reason === undefined ? {} : { reason }),
    };
    await this.#post(
      revokeCert,
      payload,
      "revoke the certificate",
      certificateKey === undefined ? "kid" : "jwk",
      "*/*",
      certificateKey,
    );
  }

  /** Returns when the CA wants the certificate renewed, or undefined when it gives no such information. */
  async renewalInfo(certificatePem: string): Promise<RenewalInfo | undefined> {
    const act = "read renewal information";
    const { renewalInfo } = await this.directory();
    const id = certificateId(certificatePem);
    if (renewalInfo === undefined || id === undefined) return undefined;
    const response = await this.#transport.send({ url: `${renewalInfo.replace(/\/$/, "")}/${id}`, method: "GET", act });
    const window = recordAt(this.#checked(response, act), "suggestedWindow");
    const startMs = Date.parse(stringAt(window, "start") ?? "");
    const endMs = Date.parse(stringAt(window, "end") ?? "");
    if (Number.isNaN(startMs) || Number.isNaN(endMs) || endMs <= startMs)
      return unusable(act, response, "its window is empty");
    const explanationUrl = stringAt(jsonOf(response, act), "explanationURL");
    const retryAfterMs = this.#retryAfterMs(response);
    return {
      startMs,
      endMs,
      ...(explanationUrl === undefined ? {} : { explanationUrl }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    };
  }

  /** Closes the account for good; the CA refuses its key from then on. */
  async deactivate(): Promise<void> {
    await this.#post(await this.#account(), { status: "deactivated" }, "close the ACME account");
  }

  /** Makes `newKey` the account's key (RFC 8555 section 7.3.5). This client keeps the old one: make a new client. */
  async changeKey(newKey: KeyObject): Promise<void> {
    const { keyChange } = await this.directory();
    const account = await this.#account();
    const header = { alg: algorithmOf(newKey), jwk: publicJwk(newKey), url: keyChange };
    const inner = await signJws({ account, oldKey: publicJwk(this.#key) }, header, newKey);
    await this.#post(keyChange, inner, "change the key of the ACME account");
  }

  /** Returns the RFC 7638 thumbprint of the account key, the second half of every key authorization. */
  thumbprint(): string {
    return jwkThumbprint(this.#key.export({ format: "jwk" }));
  }

  /** Closes the connections that are kept. */
  close(): void {
    this.#transport.close();
  }

  async #fetchDirectory(): Promise<AcmeDirectory> {
    const act = `read ACME directory "${this.#directoryUrl}"`;
    const response = await this.#transport.send({
      url: this.#directoryUrl,
      method: "GET",
      accept: "application/json",
      act,
    });
    const body = this.#checked(response, act);
    const needed = (name: string): string => stringAt(body, name) ?? unusable(act, response, `it has no "${name}"`);
    const meta = recordAt(body, "meta");
    return {
      newNonce: needed("newNonce"),
      newAccount: needed("newAccount"),
      newOrder: needed("newOrder"),
      revokeCert: needed("revokeCert"),
      keyChange: needed("keyChange"),
      renewalInfo: stringAt(body, "renewalInfo"),
      termsOfService: stringAt(meta, "termsOfService"),
      externalAccountRequired: meta["externalAccountRequired"] === true,
      caaIdentities: arrayAt(meta, "caaIdentities").filter((entry) => typeof entry === "string"),
      profiles: Object.keys(recordAt(meta, "profiles")),
    };
  }

  /** RFC 8555 section 7.3.4: the account's public key, signed with the key the CA handed out by other ways. */
  async #externalAccount(
    account: { readonly kid: string; readonly hmacKey: string },
    url: string,
  ): Promise<FlattenedJWS> {
    const secret = decodeBase64url(account.hmacKey.trim().replace(/=+$/, ""));
    if (secret === undefined || secret.length === 0) {
      throw new LintelError(`Cannot bind external account "${account.kid}": its key is not base64url`, {
        code: "BadConfig",
        fault: "user",
        hint: "Store the HMAC key exactly as the CA gave it in the Secret of externalAccountBinding.keySecretRef",
      });
    }
    return signJws(publicJwk(this.#key), { alg: "HS256", kid: account.kid, url }, secret);
  }

  async #account(): Promise<string> {
    return this.#accountUrl ?? (await this.register({ contact: [], onlyExisting: true })).accountUrl;
  }

  async #post(
    url: string,
    payload: unknown,
    act: string,
    by: Signature = "kid",
    accept = "application/json",
    key: KeyObject = this.#key,
  ): Promise<TransportResponse> {
    const signer = by === "kid" ? { kid: await this.#account() } : { jwk: publicJwk(key) };
    for (let attempt = 0; ; attempt++) {
      const header = { alg: algorithmOf(key), nonce: await this.#nonce(), url, ...signer };
      const body = JSON.stringify(await signJws(payload, header, key));
      const response = await this.#transport.send({ url, method: "POST", accept, body, act });
      this.#keepNonce(response);
      if (response.status < 400) return response;
      const problem = this.#problemOf(response);
      if (shortType(problem) !== "badNonce" || attempt >= NONCE_RETRIES_MAX) throw new AcmeError(act, problem);
    }
  }

  async #nonce(): Promise<string> {
    const kept = this.#nonces.pop();
    if (kept !== undefined) return kept;
    const { newNonce } = await this.directory();
    const response = await this.#transport.send({ url: newNonce, method: "HEAD", act: "get a nonce" });
    if (response.status >= 400) throw new AcmeError("get a nonce from the CA", this.#problemOf(response));
    this.#keepNonce(response);
    return this.#nonces.pop() ?? unusable("get a nonce from the CA", response, "it has no Replay-Nonce");
  }

  #keepNonce(response: TransportResponse): void {
    const nonce = response.headers["replay-nonce"];
    // RFC 8555 section 6.5.1: anything but base64url must be ignored.
    if (typeof nonce !== "string" || !/^[A-Za-z0-9_-]+$/.test(nonce)) return;
    this.#nonces.push(nonce);
    if (this.#nonces.length > NONCES_MAX) this.#nonces.shift();
  }

  #orderOf(response: TransportResponse, url: string, act: string): AcmeOrderResource {
    return (
      parseOrder(jsonOf(response, act), url, this.#retryAfterMs(response)) ?? unusable(act, response, "it is no order")
    );
  }

  #checked(response: TransportResponse, act: string): unknown {
    if (response.status >= 400) throw new AcmeError(act, this.#problemOf(response));
    return jsonOf(response, act);
  }

  #problemOf(response: TransportResponse): AcmeProblem {
    const retryAfterMs = this.#retryAfterMs(response);
    const value = mediaTypeOf(response) === "application/problem+json" ? parseJson(response.body) : undefined;
    const fallback = { detail: `HTTP status ${response.status}: ${response.body.slice(0, 200)}` };
    return parseProblem(value ?? fallback, response.status, retryAfterMs);
  }

  #retryAfterMs(response: TransportResponse): number | undefined {
    return parseRetryAfter(response.headers["retry-after"], this.#clock.nowMs());
  }
}

function identifierKey(identifiers: readonly AcmeIdentifier[]): string {
  return identifiers
    .map(({ type, value }) => `${type} ${value.toLowerCase()}`)
    .sort()
    .join(",");
}

function issuedBy(chain: string, commonName: string): boolean {
  return parseChain(chain).at(-1)?.issuerCommonName === commonName;
}

function sameTexts(left: readonly unknown[], right: readonly string[]): boolean {
  return left.length === right.length && right.every((text) => left.includes(text));
}
