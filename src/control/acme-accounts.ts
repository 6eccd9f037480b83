import type { KeyObject } from "node:crypto";
import type { AcmeClient } from "../acme/client/acme-client.ts";
import type { Clock } from "../ground/clock.ts";
import { issuerKey } from "./caches.ts";
import type { IssuerReference } from "../resource/certificate.ts";
import type { Issuer } from "../resource/issuer.ts";

/** What controllers ask of an ACME client. */
export type AcmeCaller = Pick<
  AcmeClient,
  | "directory"
  | "register"
  | "newOrder"
  | "findOrder"
  | "order"
  | "authorization"
  | "accept"
  | "finalize"
  | "certificate"
  | "renewalInfo"
  | "thumbprint"
  | "changeKey"
  | "deactivate"
  | "close"
>;

/** What an ACME client for one account is made from. */
export interface AcmeCallerOptions {
  readonly directoryUrl: string;
  readonly accountKey: KeyObject;
  readonly accountUrl?: string;
  /** PEM of the CAs to trust instead of the system's. */
  readonly caBundle?: string;
  readonly skipTlsVerify?: boolean;
  readonly clock: Clock;
  readonly userAgent: string;
}

/** Where an ACME server really is: see `ControlPlaneOptions.acmeDirectory`. */
export type AcmeDirectory = (server: string) => {
  readonly url: string;
  readonly caBundle?: string;
  /** The CA's root in PEM, for `ca.crt` of Secrets; known of the embedded CA alone. */
  readonly root?: string;
  /** What accounts of issuers that name no external account are bound with; of the embedded CA alone. */
  readonly externalAccount?: { readonly kid: string; readonly hmacKey: string };
  readonly offline: boolean;
};

const USER_AGENT = "lintel";

/**
 * The ACME accounts that are ready for use, one for each issuer. The issuers controller puts them here; orders and
 * challenges take them, and are told when one appears. As many as there are issuers.
 */
export class AcmeAccounts {
  readonly #clock: Clock;
  readonly #directory: AcmeDirectory;
  readonly #openCaller: (options: AcmeCallerOptions) => AcmeCaller;
  readonly #callers = new Map<string, { readonly caller: AcmeCaller; readonly place: string }>();
  readonly #lost = new Set<string>();
  readonly #listeners = new Set<(issuerKey: string) => void>();
  readonly #lossListeners = new Set<(reference: IssuerReference, namespace: string) => void>();

  constructor(options: {
    readonly clock: Clock;
    readonly directory: AcmeDirectory;
    readonly openCaller: (options: AcmeCallerOptions) => AcmeCaller;
  }) {
    this.#clock = options.clock;
    this.#directory = options.directory;
    this.#openCaller = options.openCaller;
  }

  /** Whether the embedded CA answers for `server` because Lintel is offline. */
  isOffline(server: string): boolean {
    return this.#directory(server).offline;
  }

  /** The root, in PEM, of the CA that answers `issuer`; "" where it is not known. */
  rootOf(issuer: Issuer): string {
    return issuer.spec.kind === "acme" ? (this.#directory(issuer.spec.server).root ?? "") : "";
  }

  /** What an account for `server` is bound with when its issuer names no external account, or its own CA is not asked. */
  ownExternalAccount(server: string): { readonly kid: string; readonly hmacKey: string } | undefined {
    return this.#directory(server).externalAccount;
  }

  /** The directory that is really asked for `server`. */
  directoryUrl(server: string): string {
    return this.#directory(server).url;
  }

  /** Makes a caller for the account of `issuer`; nothing is sent yet. Undefined for issuers that are not ACME. */
  open(issuer: Issuer, accountKey: KeyObject, accountUrl: string | undefined): AcmeCaller | undefined {
    const place = this.#placeOf(issuer);
    if (place === undefined) return undefined;
    return this.#openCaller({
      ...place,
      accountKey,
      ...(accountUrl === undefined ? {} : { accountUrl }),
      clock: this.#clock,
      userAgent: USER_AGENT,
    });
  }

  #placeOf(issuer: Issuer): Pick<AcmeCallerOptions, "directoryUrl" | "caBundle" | "skipTlsVerify"> | undefined {
    if (issuer.spec.kind !== "acme") return undefined;
    const { url, caBundle = issuer.spec.caBundle } = this.#directory(issuer.spec.server);
    const { skipTlsVerify } = issuer.spec;
    return { directoryUrl: url, skipTlsVerify, ...(caBundle === undefined ? {} : { caBundle }) };
  }

  /** Makes `caller` the one for orders of `issuer`, and tells who waits. */
  put(issuer: Issuer, caller: AcmeCaller): void {
    const key = keyOf(issuer);
    this.#callers.get(key)?.caller.close();
    this.#callers.set(key, { caller, place: JSON.stringify(this.#placeOf(issuer)) });
    this.#lost.delete(key);
    for (const listener of this.#listeners) listener(key);
  }

  remove(kind: string, namespace: string, name: string): void {
    const key = issuerKey({ kind, name, group: "" }, namespace);
    this.#callers.get(key)?.caller.close();
    this.#callers.delete(key);
    this.#lost.delete(key);
  }

  /** Notes that the CA does not know the account any more, and tells who registers it anew. */
  reportLost(reference: IssuerReference, namespace: string): void {
    this.#lost.add(issuerKey(reference, namespace));
    for (const listener of this.#lossListeners) listener(reference, namespace);
  }

  /** Whether the account was reported lost and not registered since. */
  isLost(issuer: Issuer): boolean {
    return this.#lost.has(keyOf(issuer));
  }

  /** Calls `listener` with each issuer whose account is lost. */
  subscribeLosses(listener: (reference: IssuerReference, namespace: string) => void): void {
    this.#lossListeners.add(listener);
  }

  /** Closes the connections to all CAs. */
  close(): void {
    for (const { caller } of this.#callers.values()) caller.close();
    this.#callers.clear();
  }

  /** Whether there is a caller for `issuer` that asks the server the way its spec says now. */
  has(issuer: Issuer): boolean {
    return this.#callers.get(keyOf(issuer))?.place === JSON.stringify(this.#placeOf(issuer));
  }

  /** The caller for what an object in `namespace` names as its issuer; undefined until its account is ready. */
  get(reference: IssuerReference, namespace: string): AcmeCaller | undefined {
    return this.#callers.get(issuerKey(reference, namespace))?.caller;
  }

  /** Calls `listener` with the {@link issuerKey} of each account that becomes ready. */
  subscribe(listener: (issuerKey: string) => void): void {
    this.#listeners.add(listener);
  }
}

function keyOf(issuer: Issuer): string {
  return issuerKey({ kind: issuer.kind, name: issuer.name, group: "" }, issuer.namespace);
}
