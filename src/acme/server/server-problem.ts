import { type AcmeIdentifier, ERROR_PREFIX } from "../wire.ts";

/** The error types this server answers with (RFC 8555 section 6.7, RFC 9773 section 7.4, the profiles draft). */
export type ProblemType =
  | "accountDoesNotExist"
  | "alreadyReplaced"
  | "alreadyRevoked"
  | "badCSR"
  | "badNonce"
  | "badPublicKey"
  | "badRevocationReason"
  | "badSignatureAlgorithm"
  | "connection"
  | "dns"
  | "externalAccountRequired"
  | "invalidContact"
  | "invalidProfile"
  | "malformed"
  | "orderNotReady"
  | "rateLimited"
  | "rejectedIdentifier"
  | "serverInternal"
  | "tls"
  | "unauthorized"
  | "unsupportedContact"
  | "unsupportedIdentifier";

/** A problem as it is kept and sent: JSON values only (RFC 9457). */
export interface ProblemDocument {
  readonly type: string;
  readonly detail: string;
  readonly status: number;
  readonly identifier?: AcmeIdentifier;
  readonly subproblems?: readonly ProblemDocument[];
  /** Of badSignatureAlgorithm: the algorithms that would do (RFC 8555 section 6.2). */
  readonly algorithms?: readonly string[];
}

/** What of a problem is not in every one. */
export type ProblemExtras = Pick<ProblemDocument, "identifier" | "subproblems" | "algorithms">;

/** Returns a problem document; `detail` is one sentence that says what was wrong and, where it helps, what would be right. */
export function problemDocument(
  status: number,
  type: ProblemType,
  detail: string,
  extras: ProblemExtras = {},
): ProblemDocument {
  return { type: `${ERROR_PREFIX}${type}`, detail, status, ...extras };
}

/** Thrown by whatever handles a request; becomes the answer in one place. */
export class ServerProblem extends Error {
  readonly document: ProblemDocument;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    type: ProblemType,
    detail: string,
    extras: ProblemExtras & { readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(detail);
    this.name = "ServerProblem";
    const { headers = {}, ...rest } = extras;
    this.document = problemDocument(status, type, detail, rest);
    this.headers = headers;
  }
}
