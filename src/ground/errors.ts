/** Who must act: the client that asked, the thing behind the edge, the CA or API beyond it, or Lintel itself. */
export type Fault = "downstream" | "upstream" | "user" | "internal";

/**
 * Every code an error may carry. The list is API: `docs/errors.md` explains exactly these, and a test keeps both equal.
 * Add a code here and its line there in the same change.
 */
export type ErrorCode = (typeof ERROR_CODES)[number];

export const ERROR_CODES = [
  "Aborted",
  "AcmeRefused",
  "AlreadyExists",
  "BadConfig",
  "BadManifest",
  "BadPem",
  "CannotBind",
  "Conflict",
  "Forbidden",
  "Gone",
  "Internal",
  "NotFound",
  "Refused",
  "StateHeld",
  "StateUnreadable",
  "Unreachable",
] as const;

/** What a {@link LintelError} carries beside its message. */
export interface LintelErrorOptions {
  readonly code: ErrorCode;
  /** @default "internal" */
  readonly fault?: Fault;
  /** What a person should do next, an imperative with the exact command where there is one. Never a secret. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/**
 * A failure that names the act and the culprit in its message (`Cannot reach "10.0.0.7:8080": connection refused`), and
 * carries who is at fault and the next step. Messages are sentence case without a full stop.
 */
export class LintelError extends Error {
  readonly code: ErrorCode;
  readonly fault: Fault;
  readonly hint: string | undefined;

  constructor(message: string, options: LintelErrorOptions) {
    super(message, { cause: options.cause });
    this.name = "LintelError";
    this.code = options.code;
    this.fault = options.fault ?? "internal";
    this.hint = options.hint;
  }
}

/** Returns whether `error` is a {@link LintelError}, of one of `codes` when any are given. */
export function isLintelError(error: unknown, ...codes: readonly ErrorCode[]): error is LintelError {
  return error instanceof LintelError && (codes.length === 0 || codes.includes(error.code));
}

/** What Node appends when a certificate is not trusted: a switch of the runtime, which who reads our messages can't set. */
const RUNTIME_ADVICE = "; if the root CA is installed locally, try running Node.js with --use-system-ca";

/** Returns the sentence of anything that was thrown, with its causes joined by ": " (at most four deep). */
export function messageOf(error: unknown): string {
  const parts: string[] = [];
  let current: unknown = error;
  for (let depth = 0; depth < 4 && current !== undefined && current !== null; depth++) {
    const said =
      current instanceof Error ? current.message : typeof current === "string" ? current : JSON.stringify(current);
    const text = said.replace(RUNTIME_ADVICE, "");
    // A message often ends with what its cause says.
    if (text !== "" && !parts.some((part) => part.includes(text))) parts.push(text);
    current = current instanceof Error ? current.cause : undefined;
  }
  return parts.join(": ");
}
