import { arrayAt, booleanAt, isRecord, numberAt, recordAt, stringAt, stringMapAt } from "../../ground/json.ts";
import { type AcmeIdentifier, parseIdentifier } from "../wire.ts";
import type { ProblemDocument } from "./server-problem.ts";

/** An account. */
export interface AccountRecord {
  readonly id: string;
  /** RFC 7638, of `jwk`. */
  readonly thumbprint: string;
  /** The public key. */
  readonly jwk: Readonly<Record<string, string>>;
  readonly contact: readonly string[];
  readonly deactivated: boolean;
  /** The external account key that it was registered with. */
  readonly externalAccountId?: string | undefined;
}

/** A key that lets a client register (RFC 8555 section 7.3.4). */
export interface ExternalAccountRecord {
  /** What clients call kid. */
  readonly id: string;
  /** Of HMAC-SHA256, base64url. */
  readonly hmacKey: string;
  /** For people: whom it was given to. */
  readonly note: string;
  readonly createdMs: number;
  /** Whether any number of accounts may be registered with it, not one. */
  readonly reusable: boolean;
  /** The accounts that were, the last {@link EXTERNAL_ACCOUNT_IDS_MAX}. */
  readonly accountIds: readonly string[];
  readonly revokedMs?: number | undefined;
}

/** Accounts of a reusable key that are remembered. */
const EXTERNAL_ACCOUNT_IDS_MAX = 1000;

/** An order. Its status is not kept but follows from its parts, see {@link orderStatus}. */
export interface OrderRecord {
  readonly id: string;
  readonly accountId: string;
  readonly identifiers: readonly AcmeIdentifier[];
  readonly authorizationIds: readonly string[];
  readonly expiresMs: number;
  readonly notBeforeMs?: number | undefined;
  readonly notAfterMs?: number | undefined;
  /** The certificate it is to replace, as renewal information names it. */
  readonly replaces?: string | undefined;
  /** Name of the profile that was asked for. */
  readonly profile?: string | undefined;
  readonly certificateId?: string | undefined;
}

/** An authorization of one identifier; its status follows from its parts, see {@link authorizationStatus}. */
export interface AuthorizationRecord {
  readonly id: string;
  readonly accountId: string;
  readonly identifier: AcmeIdentifier;
  readonly expiresMs: number;
  readonly deactivated: boolean;
  /** Whether it is for all names one label below the identifier. */
  readonly wildcard?: boolean | undefined;
  readonly challenges: readonly ChallengeRecord[];
}

/** The challenges of this CA (RFC 8555 section 8, RFC 8737). */
export const SERVER_CHALLENGE_TYPES = ["http-01", "dns-01", "tls-alpn-01"] as const;
/** One of {@link SERVER_CHALLENGE_TYPES}. */
export type ServerChallengeType = (typeof SERVER_CHALLENGE_TYPES)[number];

/** One way to prove the identifier. */
export interface ChallengeRecord {
  readonly id: string;
  readonly type: ServerChallengeType;
  readonly token: string;
  readonly state: "pending" | "processing" | "valid" | "invalid";
  readonly validatedMs?: number | undefined;
  readonly problem?: ProblemDocument | undefined;
}

/** An issued certificate, by serial number in lower-case hexadecimal. */
export interface CertificateRecord {
  readonly id: string;
  readonly accountId: string;
  readonly identifiers: readonly AcmeIdentifier[];
  /** PEM, leaf first. */
  readonly chain: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** As renewal information names it. */
  readonly renewalId: string;
  readonly revokedMs?: number | undefined;
  /** RFC 5280 section 5.3.1. */
  readonly revocationReason?: number | undefined;
  /** The order that replaced it. */
  readonly replacedBy?: string | undefined;
}

/** RFC 8555 section 7.1.6. */
export type AuthorizationStatus = "pending" | "valid" | "invalid" | "deactivated" | "expired";
/** RFC 8555 section 7.1.6; issuing takes milliseconds and happens while the client waits, so no order is ever seen processing. */
export type OrderStatus = "pending" | "ready" | "valid" | "invalid";

/** Returns the status of an authorization at `nowMs`. */
export function authorizationStatus(authorization: AuthorizationRecord, nowMs: number): AuthorizationStatus {
  if (authorization.deactivated) return "deactivated";
  const { challenges } = authorization;
  if (challenges.some((challenge) => challenge.state === "invalid")) return "invalid";
  if (authorization.expiresMs <= nowMs) return "expired";
  return challenges.some((challenge) => challenge.state === "valid") ? "valid" : "pending";
}

/** Returns the status of an order at `nowMs`, given its authorizations; one that is missing counts as expired. */
export function orderStatus(
  order: OrderRecord,
  authorizations: readonly (AuthorizationRecord | undefined)[],
  nowMs: number,
): OrderStatus {
  if (order.certificateId !== undefined) return "valid";
  if (order.expiresMs <= nowMs) return "invalid";
  const statuses = authorizations.map((entry) => (entry === undefined ? "expired" : authorizationStatus(entry, nowMs)));
  if (statuses.every((status) => status === "valid")) return "ready";
  return statuses.every((status) => status === "valid" || status === "pending") ? "pending" : "invalid";
}

/** Returns the account in a JSON value, or undefined when it is none. */
export function parseAccount(value: unknown): AccountRecord | undefined {
  const id = stringAt(value, "id");
  const thumbprint = stringAt(value, "thumbprint");
  if (id === undefined || thumbprint === undefined) return undefined;
  return {
    id,
    thumbprint,
    jwk: stringMapAt(value, "jwk"),
    contact: texts(value, "contact"),
    deactivated: booleanAt(value, "deactivated") ?? false,
    externalAccountId: stringAt(value, "externalAccountId"),
  };
}

/** Returns the external account key in a JSON value, or undefined when it is none. */
export function parseExternalAccount(value: unknown): ExternalAccountRecord | undefined {
  const id = stringAt(value, "id");
  const hmacKey = stringAt(value, "hmacKey");
  if (id === undefined || hmacKey === undefined) return undefined;
  return {
    id,
    hmacKey,
    note: stringAt(value, "note") ?? "",
    createdMs: numberAt(value, "createdMs") ?? 0,
    reusable: booleanAt(value, "reusable") ?? false,
    accountIds: texts(value, "accountIds"),
    revokedMs: numberAt(value, "revokedMs"),
  };
}

/** Returns `key` with `accountId` among its accounts. */
export function withAccount(key: ExternalAccountRecord, accountId: string): ExternalAccountRecord {
  return { ...key, accountIds: [...key.accountIds, accountId].slice(-EXTERNAL_ACCOUNT_IDS_MAX) };
}

/** Returns the order in a JSON value, or undefined when it is none. */
export function parseOrderRecord(value: unknown): OrderRecord | undefined {
  const id = stringAt(value, "id");
  const accountId = stringAt(value, "accountId");
  const expiresMs = numberAt(value, "expiresMs");
  if (id === undefined || accountId === undefined || expiresMs === undefined) return undefined;
  return {
    id,
    accountId,
    expiresMs,
    identifiers: identifiersAt(value),
    authorizationIds: texts(value, "authorizationIds"),
    notBeforeMs: numberAt(value, "notBeforeMs"),
    notAfterMs: numberAt(value, "notAfterMs"),
    replaces: stringAt(value, "replaces"),
    profile: stringAt(value, "profile"),
    certificateId: stringAt(value, "certificateId"),
  };
}

/** Returns the authorization in a JSON value, or undefined when it is none. */
export function parseAuthorizationRecord(value: unknown): AuthorizationRecord | undefined {
  const id = stringAt(value, "id");
  const accountId = stringAt(value, "accountId");
  const expiresMs = numberAt(value, "expiresMs");
  const identifier = parseIdentifier(recordAt(value, "identifier"));
  if (id === undefined || accountId === undefined || expiresMs === undefined || identifier === undefined)
    return undefined;
  const deactivated = booleanAt(value, "deactivated") ?? false;
  const challenges = arrayAt(value, "challenges").flatMap((entry) => parseChallengeRecord(entry) ?? []);
  const wildcard = booleanAt(value, "wildcard");
  return { id, accountId, expiresMs, identifier, deactivated, wildcard, challenges };
}

/** Returns the certificate in a JSON value, or undefined when it is none. */
export function parseCertificateRecord(value: unknown): CertificateRecord | undefined {
  const id = stringAt(value, "id");
  const accountId = stringAt(value, "accountId");
  const chain = stringAt(value, "chain");
  const renewalId = stringAt(value, "renewalId");
  const notBeforeMs = numberAt(value, "notBeforeMs");
  const notAfterMs = numberAt(value, "notAfterMs");
  if (id === undefined || accountId === undefined || chain === undefined || renewalId === undefined) return undefined;
  if (notBeforeMs === undefined || notAfterMs === undefined) return undefined;
  return {
    id,
    accountId,
    chain,
    renewalId,
    notBeforeMs,
    notAfterMs,
    identifiers: identifiersAt(value),
    revokedMs: numberAt(value, "revokedMs"),
    revocationReason: numberAt(value, "revocationReason"),
    replacedBy: stringAt(value, "replacedBy"),
  };
}

function parseChallengeRecord(value: unknown): ChallengeRecord | undefined {
  const id = stringAt(value, "id");
  const type = stringAt(value, "type");
  const token = stringAt(value, "token");
  const state = stringAt(value, "state");
  const known = SERVER_CHALLENGE_TYPES.find((entry) => entry === type);
  if (id === undefined || token === undefined || known === undefined) return undefined;
  if (state !== "pending" && state !== "processing" && state !== "valid" && state !== "invalid") return undefined;
  const problem = isRecord(value) ? value["problem"] : undefined;
  return {
    id,
    type: known,
    token,
    state,
    validatedMs: numberAt(value, "validatedMs"),
    problem: parseKeptProblem(problem),
  };
}

function parseKeptProblem(value: unknown): ProblemDocument | undefined {
  const type = stringAt(value, "type");
  const detail = stringAt(value, "detail");
  if (type === undefined || detail === undefined) return undefined;
  return { type, detail, status: numberAt(value, "status") ?? 400 };
}

function identifiersAt(value: unknown): readonly AcmeIdentifier[] {
  return arrayAt(value, "identifiers").flatMap((entry) => parseIdentifier(entry) ?? []);
}

function texts(value: unknown, key: string): readonly string[] {
  return arrayAt(value, key).filter((entry) => typeof entry === "string");
}
