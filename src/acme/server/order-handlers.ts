import { randomBytes } from "node:crypto";
import { decodeBase64url } from "../../ground/base64url.ts";
import { isRecord, stringAt } from "../../ground/json.ts";
import { encodePem } from "../../ground/pem.ts";
import { BACKDATE_MS } from "../../pki/local-ca.ts";
import { signRequest } from "../../pki/sign.ts";
import { parseCertificate } from "../../pki/x509/certificate.ts";
import { certificateId } from "../certificate-id.ts";
import type { AcmeIdentifier } from "../wire.ts";
import type { AccountCall, Reply, ServerParts } from "./call.ts";
import { acceptRequest } from "./certificate-request.ts";
import { parseIdentifiers } from "./identifiers.ts";
import { ORDERS_OF_ACCOUNT_MAX } from "./ledger.ts";
import { profileOf } from "./profiles.ts";
import {
  type AuthorizationRecord,
  authorizationStatus,
  type CertificateRecord,
  type ChallengeRecord,
  type OrderRecord,
  orderStatus,
  type ServerChallengeType,
} from "./records.ts";
import { revocationListPath } from "./revocation-lists.ts";
import { ServerProblem } from "./server-problem.ts";

/** How long an order may take from first to last, and how long its authorizations are good. */
const ORDER_DURATION_MS = 86_400_000;
/** How long the answer to a challenge waits for the outcome. */
const ANSWER_WAIT_MS = 500;
const CSR_BYTES_MAX = 65_536;
const TOKEN_BYTES = 32;

/** Makes an order with one authorization for each identifier (RFC 8555 section 7.4). */
export function newOrder(parts: ServerParts, call: AccountCall): Reply {
  const nowMs = parts.clock.nowMs();
  parts.ledger.sweep(nowMs);
  if (parts.ledger.countOrdersOf(call.account.id) >= ORDERS_OF_ACCOUNT_MAX) {
    const detail = `The account has ${ORDERS_OF_ACCOUNT_MAX} orders that have not expired; they do after a day`;
    throw new ServerProblem(429, "rateLimited", detail, { headers: { "Retry-After": "3600" } });
  }
  const { name: profile, profile: terms } = profileOf(call.payload);
  const identifiers = parseIdentifiers(call.payload);
  const replaces = checkReplaces(parts, call, identifiers);
  const authorizations = identifiers.map((identifier) => newAuthorization(call.account.id, identifier, nowMs));
  const order: OrderRecord = {
    id: newId(),
    accountId: call.account.id,
    identifiers,
    authorizationIds: authorizations.map((authorization) => authorization.id),
    expiresMs: nowMs + ORDER_DURATION_MS,
    ...checkTimes(call.payload, nowMs, terms.durationMs),
    replaces,
    profile,
  };
  parts.ledger.addOrder(order, authorizations);
  return { status: 201, headers: { Location: parts.url(`order/${order.id}`) }, body: renderOrder(parts, order) };
}

/** Reads an order (RFC 8555 section 7.4). */
export function readOrder(parts: ServerParts, call: AccountCall, id: string): Reply {
  const order = ownOrder(parts, call, id);
  return { status: 200, headers: { Location: parts.url(`order/${id}`) }, body: renderOrder(parts, order) };
}

/** Issues the certificate of a ready order (RFC 8555 section 7.4). A second call for the same order finds it valid. */
export async function finalizeOrder(parts: ServerParts, call: AccountCall, id: string): Promise<Reply> {
  const order = ownOrder(parts, call, id);
  checkReady(parts, order);
  const text = stringAt(call.payload, "csr");
  const der = text === undefined ? undefined : decodeBase64url(text);
  if (der === undefined || der.length === 0)
    throw new ServerProblem(400, "badCSR", "The csr is not base64url of a DER certificate request");
  if (der.length > CSR_BYTES_MAX)
    throw new ServerProblem(400, "badCSR", `The csr is longer than ${CSR_BYTES_MAX} bytes`);
  const accepted = await acceptRequest(der, { identifiers: order.identifiers, accountKey: call.key.spki });
  const certificate = await issue(parts, order, der, accepted);
  // While the certificate was made, another call may have finalized the order or the account given up an authorization.
  const finished = { ...ownOrder(parts, call, id), certificateId: certificate.id };
  checkReady(parts, ownOrder(parts, call, id));
  parts.ledger.putCertificate(certificate);
  parts.ledger.putOrder(finished);
  markReplaced(parts, finished);
  const names = order.identifiers.map((identifier) => identifier.value);
  parts.log.info("Certificate issued", { names, serial: certificate.id, account: order.accountId });
  return { status: 200, headers: { Location: parts.url(`order/${id}`) }, body: renderOrder(parts, finished) };
}

/** Gives the certificate with its intermediate (RFC 8555 section 7.4.2). */
export function readCertificate(parts: ServerParts, call: AccountCall, id: string): Reply {
  const certificate = parts.ledger.certificate(id);
  if (certificate === undefined || certificate.accountId !== call.account.id) throw notFound("certificate");
  return { status: 200, body: certificate.chain, contentType: "application/pem-certificate-chain" };
}

/** Reads an authorization or, with status deactivated, gives it up (RFC 8555 sections 7.5 and 7.5.2). */
export function readAuthorization(parts: ServerParts, call: AccountCall, id: string): Reply {
  let authorization = ownAuthorization(parts, call, id);
  if (isRecord(call.payload)) {
    if (call.payload["status"] !== "deactivated") {
      throw new ServerProblem(
        400,
        "malformed",
        'An authorization can be changed only by setting its status to "deactivated"',
      );
    }
    authorization = { ...authorization, deactivated: true };
    parts.ledger.putAuthorization(authorization);
  }
  const underway = authorization.challenges.find((challenge) => challenge.state === "processing");
  return { status: 200, headers: patience(underway), body: renderAuthorization(parts, authorization) };
}

/**
 * Reads a challenge or, with an object as payload, has it validated (RFC 8555 section 7.5.1). Asking twice does no harm.
 * The answer waits a moment for the outcome: most validations take milliseconds, and clients poll in seconds.
 */
export async function answerChallenge(
  parts: ServerParts,
  call: AccountCall,
  authorizationId: string,
  challengeId: string,
): Promise<Reply> {
  const authorization = ownAuthorization(parts, call, authorizationId);
  const challenge = challengeOf(authorization, challengeId);
  const isOpen = challenge.state === "pending" && authorizationStatus(authorization, parts.clock.nowMs()) === "pending";
  if (isOpen && call.payload !== undefined) {
    if (parts.validationsFull()) {
      throw new ServerProblem(503, "rateLimited", "Too many validations are under way", {
        headers: { "Retry-After": "5" },
      });
    }
    const underway = withChallenge(authorization, { ...challenge, state: "processing" });
    parts.ledger.putAuthorization(underway);
    await Promise.race([parts.startValidation(underway), parts.clock.sleep(ANSWER_WAIT_MS)]);
  }
  const shown = challengeOf(ownAuthorization(parts, call, authorizationId), challengeId);
  const up = `<${parts.url(`authorization/${authorizationId}`)}>;rel="up"`;
  const body = renderChallenge(parts, authorizationId, shown);
  return { status: 200, headers: patience(shown), body, links: [up] };
}

function challengeOf(authorization: AuthorizationRecord, challengeId: string): ChallengeRecord {
  const challenge = authorization.challenges.find((entry) => entry.id === challengeId);
  if (challenge === undefined) throw notFound("challenge");
  return challenge;
}

/** While a validation runs the next second may bring its end (RFC 8555 section 7.5.1). */
function patience(challenge: ChallengeRecord | undefined): Readonly<Record<string, string>> {
  return challenge?.state === "processing" ? { "Retry-After": "1" } : {};
}

/** Returns the authorization with `challenge` in the place of the one with its id. */
export function withChallenge(authorization: AuthorizationRecord, challenge: ChallengeRecord): AuthorizationRecord {
  const challenges = authorization.challenges.map((entry) => (entry.id === challenge.id ? challenge : entry));
  return { ...authorization, challenges };
}

async function issue(
  parts: ServerParts,
  order: OrderRecord,
  der: Uint8Array,
  accepted: Awaited<ReturnType<typeof acceptRequest>>,
): Promise<CertificateRecord> {
  const nowMs = parts.clock.nowMs();
  const notBeforeMs = order.notBeforeMs ?? nowMs - BACKDATE_MS;
  const { profile } = profileOf(order);
  const notAfterMs = order.notAfterMs ?? nowMs + profile.durationMs;
  const authority = await parts.ca.authority();
  const keyIdHex = parseCertificate(authority.chain).subjectKeyIdHex;
  const keyUsages = [
    "digital signature",
    ...(accepted.keyType === "RSA" && profile.keyEncipherment ? ["key encipherment"] : []),
  ];
  const { chain } = await signRequest({
    csr: encodePem("CERTIFICATE REQUEST", der),
    authority,
    notBeforeMs,
    durationMs: notAfterMs - notBeforeMs,
    isCa: false,
    usages: [...keyUsages, "server auth"],
    revocationListUrls: keyIdHex === undefined ? [] : [parts.url(revocationListPath(keyIdHex))],
    certified: {
      commonName: profile.commonName ? accepted.commonName : undefined,
      dnsNames: valuesOf(order.identifiers, "dns"),
      ipAddresses: valuesOf(order.identifiers, "ip"),
    },
  });
  const facts = parseCertificate(chain);
  return {
    id: facts.serialHex,
    accountId: order.accountId,
    identifiers: order.identifiers,
    chain,
    notBeforeMs: facts.notBeforeMs,
    notAfterMs: facts.notAfterMs,
    renewalId: certificateId(chain) ?? facts.serialHex,
  };
}

function checkReady(parts: ServerParts, order: OrderRecord): void {
  const status = statusOf(parts, order);
  if (status === "ready") return;
  const why = status === "pending" ? "not every authorization is valid yet" : `it is ${status}`;
  throw new ServerProblem(403, "orderNotReady", `The order cannot be finalized: ${why}`);
}

/** RFC 9773 section 5: the certificate to be replaced is the account's own, shares a name, and was not replaced before. */
function checkReplaces(
  parts: ServerParts,
  call: AccountCall,
  identifiers: readonly AcmeIdentifier[],
): string | undefined {
  const replaces = stringAt(call.payload, "replaces");
  if (replaces === undefined) return undefined;
  const certificate = parts.ledger.certificateByRenewalId(replaces);
  if (certificate === undefined || certificate.accountId !== call.account.id) {
    throw new ServerProblem(404, "malformed", "The order replaces a certificate that this account does not have here");
  }
  const names = new Set(certificate.identifiers.map((identifier) => identifier.value));
  if (!identifiers.some((identifier) => names.has(identifier.value))) {
    throw new ServerProblem(400, "malformed", "The order has no name in common with the certificate it replaces");
  }
  if (certificate.replacedBy !== undefined)
    throw new ServerProblem(409, "alreadyReplaced", "The certificate has been replaced already");
  return replaces;
}

function markReplaced(parts: ServerParts, order: OrderRecord): void {
  const replaced = order.replaces === undefined ? undefined : parts.ledger.certificateByRenewalId(order.replaces);
  if (replaced !== undefined) parts.ledger.putCertificate({ ...replaced, replacedBy: order.id });
}

/** What cannot be kept exactly must be refused (RFC 8555 section 7.4). */
function checkTimes(
  payload: unknown,
  nowMs: number,
  durationMs: number,
): { notBeforeMs?: number; notAfterMs?: number } {
  const read = (key: string): number | undefined => {
    const text = stringAt(payload, key);
    if (text === undefined) return undefined;
    const ms = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN;
    if (Number.isNaN(ms))
      throw new ServerProblem(400, "malformed", `The ${key} of the order is not a time as in RFC 3339`);
    return Math.floor(ms / 1000) * 1000;
  };
  const notBeforeMs = read("notBefore");
  const notAfterMs = read("notAfter");
  const latestMs = nowMs + durationMs;
  if (notAfterMs !== undefined && (notAfterMs > latestMs || notAfterMs <= Math.max(nowMs, notBeforeMs ?? 0))) {
    throw new ServerProblem(
      400,
      "malformed",
      `The notAfter of the order must lie between now and ${new Date(latestMs).toISOString()}`,
    );
  }
  if (notBeforeMs !== undefined && (notBeforeMs < nowMs - BACKDATE_MS || notBeforeMs >= latestMs)) {
    throw new ServerProblem(
      400,
      "malformed",
      "The notBefore of the order must lie between an hour ago and the end of the certificate",
    );
  }
  return { ...(notBeforeMs === undefined ? {} : { notBeforeMs }), ...(notAfterMs === undefined ? {} : { notAfterMs }) };
}

function newAuthorization(accountId: string, identifier: AcmeIdentifier, nowMs: number): AuthorizationRecord {
  const wildcard = identifier.value.startsWith("*.");
  return {
    id: newId(),
    accountId,
    // RFC 8555 section 7.1.4: without the star, which the flag tells.
    identifier: wildcard ? { type: "dns", value: identifier.value.slice(2) } : identifier,
    expiresMs: nowMs + ORDER_DURATION_MS,
    deactivated: false,
    ...(wildcard ? { wildcard } : {}),
    challenges: challengeTypes(identifier, wildcard).map((type) => ({
      id: newId(),
      type,
      token: randomBytes(TOKEN_BYTES).toString("base64url"),
      state: "pending",
    })),
  };
}

/** A wildcard is proven by DNS only (RFC 8555 section 8.3), an address never by it (RFC 8738 section 7). */
function challengeTypes(identifier: AcmeIdentifier, wildcard: boolean): readonly ServerChallengeType[] {
  if (wildcard) return ["dns-01"];
  return identifier.type === "ip" ? ["http-01", "tls-alpn-01"] : ["http-01", "dns-01", "tls-alpn-01"];
}

function newId(): string {
  return randomBytes(12).toString("base64url");
}

function ownOrder(parts: ServerParts, call: AccountCall, id: string): OrderRecord {
  const order = parts.ledger.order(id);
  // The same answer for both, or a caller could tell which ids other accounts have.
  if (order === undefined || order.accountId !== call.account.id) throw notFound("order");
  return order;
}

function ownAuthorization(parts: ServerParts, call: AccountCall, id: string): AuthorizationRecord {
  const authorization = parts.ledger.authorization(id);
  if (authorization === undefined || authorization.accountId !== call.account.id) throw notFound("authorization");
  return authorization;
}

function notFound(what: string): ServerProblem {
  return new ServerProblem(404, "malformed", `The account has no such ${what}; it may have expired`);
}

function statusOf(parts: ServerParts, order: OrderRecord): string {
  const authorizations = order.authorizationIds.map((id) => parts.ledger.authorization(id));
  return orderStatus(order, authorizations, parts.clock.nowMs());
}

function valuesOf(identifiers: readonly AcmeIdentifier[], type: "dns" | "ip"): readonly string[] {
  return identifiers.filter((identifier) => identifier.type === type).map((identifier) => identifier.value);
}

function renderOrder(parts: ServerParts, order: OrderRecord): unknown {
  const authorizations = order.authorizationIds.map((id) => parts.ledger.authorization(id));
  const status = orderStatus(order, authorizations, parts.clock.nowMs());
  const error = authorizations
    .flatMap((entry) => entry?.challenges ?? [])
    .find((challenge) => challenge.problem !== undefined);
  return {
    status,
    expires: rfc3339(order.expiresMs),
    identifiers: order.identifiers,
    notBefore: order.notBeforeMs === undefined ? undefined : rfc3339(order.notBeforeMs),
    notAfter: order.notAfterMs === undefined ? undefined : rfc3339(order.notAfterMs),
    authorizations: order.authorizationIds.map((id) => parts.url(`authorization/${id}`)),
    finalize: parts.url(`order/${order.id}/finalize`),
    certificate: order.certificateId === undefined ? undefined : parts.url(`certificate/${order.certificateId}`),
    replaces: order.replaces,
    profile: order.profile,
    error: status === "invalid" ? error?.problem : undefined,
  };
}

function renderAuthorization(parts: ServerParts, authorization: AuthorizationRecord): unknown {
  const status = authorizationStatus(authorization, parts.clock.nowMs());
  return {
    status,
    expires: rfc3339(authorization.expiresMs),
    identifier: authorization.identifier,
    ...(authorization.wildcard === true ? { wildcard: true } : {}),
    challenges: authorization.challenges.map((challenge) => renderChallenge(parts, authorization.id, challenge)),
  };
}

function renderChallenge(parts: ServerParts, authorizationId: string, challenge: ChallengeRecord): unknown {
  return {
    type: challenge.type,
    url: parts.url(`challenge/${authorizationId}/${challenge.id}`),
    token: challenge.token,
    status: challenge.state,
    validated: challenge.validatedMs === undefined ? undefined : rfc3339(challenge.validatedMs),
    error: challenge.problem,
  };
}

function rfc3339(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
