import { stringify } from "yaml";
import type { OutputForm } from "./accept.ts";
import type { ApiStatusError } from "./status.ts";

/** A whole response, ready to be sent. */
export interface Answer {
  readonly httpStatus: number;
  readonly contentType: string;
  /** Parts are made while the ones before them are sent. */
  readonly body: string | Uint8Array | Iterable<string>;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
}

/** Returns `value` in the encoding the client accepts. */
export function encoded(
  httpStatus: number,
  value: unknown,
  encoding: OutputForm["encoding"] = "json",
  headers: Answer["headers"] = {},
): Answer {
  // What is no object of a kind is JSON to clients that want protobuf: they tell by the content type.
  return encoding === "yaml"
    ? { httpStatus, contentType: "application/yaml", body: stringify(value), headers }
    : { httpStatus, contentType: "application/json", body: `${JSON.stringify(value)}\n`, headers };
}

/** Returns the answer to a request that was refused. */
export function refused(error: ApiStatusError, headers: Answer["headers"] = {}): Answer {
  return encoded(error.httpStatus, error.status, "json", {
    ...(error.httpStatus === 413 ? { Connection: "close" } : {}),
    ...(error.httpStatus === 429 ? { "Retry-After": "1" } : {}),
    ...(error.httpStatus === 401 ? { "WWW-Authenticate": 'Bearer realm="lintel"' } : {}),
    ...headers,
  });
}

/** Warning texts longer than this are cut: clients print them on one line. */
const WARNING_LENGTH_MAX = 1_024;
/** More warnings than this are left out of the headers. */
const WARNINGS_MAX = 32;

/** Returns the `Warning` headers (RFC 7234 section 5.5, code 299) that `kubectl` prints. */
export function warningHeaders(warnings: readonly string[]): Readonly<Record<string, readonly string[]>> {
  if (warnings.length === 0) return {};
  const unique = [...new Set(warnings)].slice(0, WARNINGS_MAX);
  return { Warning: unique.map((text) => `299 - "${quoted(text.slice(0, WARNING_LENGTH_MAX))}"`) };
}

/** A quoted-string holds printable ASCII; anything else in a header could start a new one. */
function quoted(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "?").replaceAll(/["\\]/g, String.raw`\$&`);
}
