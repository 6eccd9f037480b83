import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import type { ApiResponse } from "./api-response.ts";
import { bodyTooLarge } from "./status.ts";

/** The longest body that is read, as on a real API server. */
const BODY_BYTES_MAX = 3 * 1024 * 1024;

/** What handlers need of a request. */
export interface ApiRequest {
  readonly method: string;
  /** Without the query, still percent-encoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Returns the header by its lower-case name; repeated ones are joined by commas. */
  readonly header: (name: string) => string | undefined;
  /** Reads the whole body. Throws RequestEntityTooLarge beyond three MiB. */
  readonly body: () => Promise<Buffer>;
  /** Aborts when there is nobody to answer any more: the answer is complete, or the client has gone. */
  readonly over: AbortSignal;
}

/** A request of HTTP/1.1 or of HTTP/2. */
export type ApiIncoming = IncomingMessage | Http2ServerRequest;

/** Returns the request that came in on a connection. */
export function readRequest(incoming: ApiIncoming, response: ApiResponse): ApiRequest {
  const url = incoming.url ?? "/";
  const mark = url.indexOf("?");
  const over = new AbortController();
  response.once("close", () => over.abort());
  return {
    method: incoming.method ?? "GET",
    path: mark < 0 ? url : url.slice(0, mark),
    query: new URLSearchParams(mark < 0 ? "" : url.slice(mark + 1)),
    header: (name) => {
      // HTTP/2 has a field of another name for the host (RFC 9113 section 8.3.1).
      const value = incoming.headers[name] ?? (name === "host" ? incoming.headers[":authority"] : undefined);
      return Array.isArray(value) ? value.join(", ") : value;
    },
    body: () => readBody(incoming),
    over: over.signal,
  };
}

async function readBody(incoming: ApiIncoming): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  // The request is not destroyed when reading stops early: its sender is owed an answer.
  for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    length += bytes.length;
    if (length > BODY_BYTES_MAX) throw bodyTooLarge(BODY_BYTES_MAX);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks, length);
}

/** Returns whether a query parameter is there and says yes. */
export function isTrue(query: URLSearchParams, name: string): boolean {
  const value = query.get(name);
  return value === "true" || value === "1" || value === "";
}
