import { arrayAt, isRecord, recordAt, stringAt, numberAt, booleanAt } from "../ground/json.ts";

/** What every ACME error type begins with (RFC 8555 section 6.7). */
export const ERROR_PREFIX = "urn:ietf:params:acme:error:";

/** A problem document (RFC 9457) of an ACME server. */
export interface AcmeProblem {
  /** `urn:ietf:params:acme:error:rateLimited` and the like; "about:blank" when the server sent no problem document. */
  readonly type: string;
  /** A sentence for people. */
  readonly detail: string;
  /** The HTTP status; 0 when it came inside another document. */
  readonly status: number;
  /** A page for people about this very occurrence (RFC 8555 section 6.7, userActionRequired). */
  readonly instance?: string;
  /** The name it is about; in subproblems only (RFC 8555 section 6.7.1). */
  readonly identifier?: AcmeIdentifier;
  readonly subproblems?: readonly AcmeProblem[];
  /** How long the server asks to wait before the next attempt. */
  readonly retryAfterMs?: number;
}

/** A name or address to certify (RFC 8555 section 9.7.7, RFC 8738). */
export interface AcmeIdentifier {
  readonly type: "dns" | "ip";
  readonly value: string;
}

/** An order as its server tells it (RFC 8555 section 7.1.3). */
export interface AcmeOrderResource {
  readonly url: string;
  /** pending, ready, processing, valid or invalid; compare, do not assume. */
  readonly status: string;
  readonly finalize: string;
  readonly authorizations: readonly string[];
  /** What it is for; empty when the server does not say. */
  readonly identifiers: readonly AcmeIdentifier[];
  readonly certificate?: string;
  readonly error?: AcmeProblem;
  /** RFC 3339. */
  readonly expires?: string;
  readonly retryAfterMs?: number;
}

/** An authorization as its server tells it (RFC 8555 section 7.1.4). */
export interface AcmeAuthorization {
  readonly url: string;
  /** pending, valid, invalid, deactivated, expired or revoked. */
  readonly status: string;
  readonly identifier: { readonly type: string; readonly value: string };
  readonly wildcard: boolean;
  readonly challenges: readonly AcmeChallenge[];
  readonly retryAfterMs?: number;
}

/** One way to prove an identifier (RFC 8555 section 8). */
export interface AcmeChallenge {
  readonly url: string;
  /** `http-01`, `dns-01`, `tls-alpn-01` … */
  readonly type: string;
  /** "" for types that have none. */
  readonly token: string;
  /** pending, processing, valid or invalid. */
  readonly status: string;
  readonly error?: AcmeProblem;
  /** Of dns-persist-01: how the CA calls itself in the record. */
  readonly issuerDomainNames?: readonly string[];
  /** Of dns-persist-01: the account as the record names it. */
  readonly accountUri?: string;
}

/** Most challenges, authorizations and subproblems that are read from one document. */
const LIST_ITEMS_MAX = 1000;
/** Names by which a CA calls itself in one challenge: the draft of dns-persist-01 allows ten. */
const ISSUER_NAMES_MAX = 10;
/** Longest sentence of a server that is kept: it ends up in conditions and logs. */
const DETAIL_CHARACTERS_MAX = 2000;

/** Returns the problem in a JSON value; missing parts are filled in, so that there is always a sentence to show. */
export function parseProblem(value: unknown, status: number, retryAfterMs?: number): AcmeProblem {
  const identifier = parseIdentifier(recordAt(value, "identifier"));
  const instance = pageAt(value, "instance");
  const subproblems = arrayAt(value, "subproblems")
    .slice(0, LIST_ITEMS_MAX)
    .map((entry) => parseProblem(entry, 0));
  return {
    type: stringAt(value, "type") ?? "about:blank",
    detail: oneLine(stringAt(value, "detail") ?? stringAt(value, "title") ?? "the server gave no reason"),
    status: numberAt(value, "status") ?? status,
    ...(instance === undefined ? {} : { instance }),
    ...(identifier === undefined ? {} : { identifier }),
    ...(subproblems.length === 0 ? {} : { subproblems }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** Returns the order in a JSON value, or undefined when a part that RFC 8555 demands is missing. */
export function parseOrder(value: unknown, url: string, retryAfterMs?: number): AcmeOrderResource | undefined {
  const status = stringAt(value, "status");
  const finalize = stringAt(value, "finalize");
  if (status === undefined || finalize === undefined) return undefined;
  const certificate = stringAt(value, "certificate");
  const expires = stringAt(value, "expires");
  const error = isRecord(value) && isRecord(value["error"]) ? parseProblem(value["error"], 0) : undefined;
  return {
    url,
    status,
    finalize,
    identifiers: arrayAt(value, "identifiers")
      .slice(0, LIST_ITEMS_MAX)
      .flatMap((entry) => parseIdentifier(entry) ?? []),
    authorizations: arrayAt(value, "authorizations")
      .slice(0, LIST_ITEMS_MAX)
      .filter((entry) => typeof entry === "string"),
    ...(certificate === undefined ? {} : { certificate }),
    ...(error === undefined ? {} : { error }),
    ...(expires === undefined ? {} : { expires }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** Returns the authorization in a JSON value, or undefined when a part that RFC 8555 demands is missing. */
export function parseAuthorization(value: unknown, url: string, retryAfterMs?: number): AcmeAuthorization | undefined {
  const status = stringAt(value, "status");
  const identifier = recordAt(value, "identifier");
  const type = stringAt(identifier, "type");
  const name = stringAt(identifier, "value");
  if (status === undefined || type === undefined || name === undefined) return undefined;
  return {
    url,
    status,
    identifier: { type, value: name },
    wildcard: booleanAt(value, "wildcard") ?? false,
    challenges: arrayAt(value, "challenges")
      .slice(0, LIST_ITEMS_MAX)
      .flatMap((entry) => parseChallenge(entry) ?? []),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** Returns the challenge in a JSON value, or undefined when it has no URL, type or status. */
function parseChallenge(value: unknown): AcmeChallenge | undefined {
  const url = stringAt(value, "url");
  const type = stringAt(value, "type");
  const status = stringAt(value, "status");
  if (url === undefined || type === undefined || status === undefined) return undefined;
  const error = isRecord(value) && isRecord(value["error"]) ? parseProblem(value["error"], 0) : undefined;
  const issuers = arrayAt(value, "issuer-domain-names").filter((entry) => typeof entry === "string");
  const accountUri = stringAt(value, "accounturi");
  return {
    url,
    type,
    status,
    token: stringAt(value, "token") ?? "",
    ...(issuers.length === 0 ? {} : { issuerDomainNames: issuers.slice(0, ISSUER_NAMES_MAX) }),
    ...(accountUri === undefined ? {} : { accountUri }),
    ...(error === undefined ? {} : { error }),
  };
}

/** Returns the identifier in a JSON value, or undefined when it is of another type than dns and ip. */
export function parseIdentifier(value: unknown): AcmeIdentifier | undefined {
  const type = stringAt(value, "type");
  const text = stringAt(value, "value");
  return text === undefined || (type !== "dns" && type !== "ip") ? undefined : { type, value: text };
}

/** Returns the last part of an error type, `rateLimited`, for sentences and comparisons. */
export function shortType(problem: AcmeProblem): string {
  return problem.type.startsWith(ERROR_PREFIX) ? problem.type.slice(ERROR_PREFIX.length) : problem.type;
}

/** Returns the problem as one sentence: its detail, what each name met, and the type for those who search for it. */
export function describeProblem(problem: AcmeProblem): string {
  const details = (problem.subproblems ?? []).map((part) => `${part.identifier?.value ?? "name"}: ${part.detail}`);
  const parts = details.length === 0 ? "" : ` [${details.join("; ")}]`;
  const type = problem.type === "about:blank" ? "" : ` (${shortType(problem)})`;
  return `${problem.detail.replace(/\.$/, "")}${parts}${type}`;
}

/** A person is to open it, so it must be a page of the web and nothing else. */
function pageAt(value: unknown, key: string): string | undefined {
  const url = URL.parse(oneLine(stringAt(value, key) ?? ""));
  return url === null || !/^https?:$/.test(url.protocol) ? undefined : url.href;
}

function oneLine(text: string): string {
  // Control characters of a hostile server must not reach a terminal.
  return text
    .replaceAll(/\p{Cc}+/gu, " ")
    .trim()
    .slice(0, DETAIL_CHARACTERS_MAX);
}
