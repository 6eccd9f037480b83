import { arrayAt, booleanAt, stringAt, stringsAt } from "../ground/json.ts";
import { base64At } from "./certificate-request.ts";
import { momentAt, readIssuerReference, type IssuerReference } from "./certificate.ts";
import { parseGoDuration } from "./go-duration.ts";
import type { KubeObject } from "./object.ts";

/** The states of Orders and Challenges (RFC 8555 section 7.1.6, and `errored` for what the CA refused outright). API. */
export const ACME_STATES = ["valid", "ready", "pending", "processing", "invalid", "expired", "errored"] as const;
/** One of {@link ACME_STATES}. */
export type AcmeState = (typeof ACME_STATES)[number];

/** One authorization of an order as its status keeps it. */
export interface OrderAuthorization {
  readonly url: string;
  /** The name without `*.`. */
  readonly identifier: string;
  readonly wildcard: boolean;
  /** What it was when the order was made; `valid` needs no challenge. */
  readonly initialState: AcmeState | undefined;
  readonly challenges: readonly OrderChallenge[];
}

/** One way to prove a name, as the CA offered it. */
export interface OrderChallenge {
  readonly url: string;
  readonly token: string;
  readonly type: string;
}

/** An Order object with types. */
export interface Order {
  readonly object: KubeObject;
  readonly namespace: string;
  readonly name: string;
  readonly spec: {
    readonly requestPem: string;
    readonly issuerRef: IssuerReference;
    readonly commonName: string;
    readonly dnsNames: readonly string[];
    readonly ipAddresses: readonly string[];
    readonly durationMs: number | undefined;
    readonly profile: string | undefined;
    readonly replaces: string | undefined;
  };
  readonly status: {
    /** The order's address at the CA; undefined until it was made there. */
    readonly url: string | undefined;
    readonly finalizeUrl: string | undefined;
    readonly authorizations: readonly OrderAuthorization[];
    /** PEM; present with state `valid`. */
    readonly certificatePem: string | undefined;
    readonly state: AcmeState | undefined;
    readonly reason: string;
    readonly failureTimeMs: number | undefined;
  };
}

/** Returns the typed view of an Order object. Total. */
export function readOrder(object: KubeObject): Order {
  const { spec, status } = { spec: object["spec"], status: object["status"] };
  return {
    object,
    namespace: object.metadata.namespace ?? "",
    name: object.metadata.name,
    spec: {
      requestPem: base64At(spec, "request") ?? "",
      issuerRef: readIssuerReference(spec),
      commonName: stringAt(spec, "commonName") ?? "",
      dnsNames: stringsAt(spec, "dnsNames"),
      ipAddresses: stringsAt(spec, "ipAddresses"),
      durationMs: parseGoDuration(stringAt(spec, "duration") ?? ""),
      profile: stringAt(spec, "profile"),
      replaces: stringAt(spec, "replaces"),
    },
    status: {
      url: stringAt(status, "url"),
      finalizeUrl: stringAt(status, "finalizeURL"),
      authorizations: arrayAt(status, "authorizations").map(readAuthorization),
      certificatePem: base64At(status, "certificate"),
      state: acmeStateAt(status, "state"),
      reason: stringAt(status, "reason") ?? "",
      failureTimeMs: momentAt(status, "failureTime"),
    },
  };
}

/** Returns whether an order or challenge in `state` will never change again. */
export function isFinalState(state: AcmeState | undefined): boolean {
  return state === "valid" || state === "invalid" || state === "expired" || state === "errored";
}

/** Returns whether `state` is the end without success. */
export function isFailedState(state: AcmeState | undefined): boolean {
  return isFinalState(state) && state !== "valid";
}

/** Returns the state at `key`, or undefined when it is empty or none of ours. */
export function acmeStateAt(value: unknown, key: string): AcmeState | undefined {
  const text = stringAt(value, key);
  return ACME_STATES.find((state) => state === text);
}

function readAuthorization(value: unknown): OrderAuthorization {
  return {
    url: stringAt(value, "url") ?? "",
    identifier: stringAt(value, "identifier") ?? "",
    wildcard: booleanAt(value, "wildcard") ?? false,
    initialState: acmeStateAt(value, "initialState"),
    challenges: arrayAt(value, "challenges").map((challenge) => ({
      url: stringAt(challenge, "url") ?? "",
      token: stringAt(challenge, "token") ?? "",
      type: stringAt(challenge, "type") ?? "",
    })),
  };
}
