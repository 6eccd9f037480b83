import { rewriteTarget } from "../../routing/phases/rewrite.ts";
import type { RoutePolicy } from "../../routing/snapshot.ts";
import { messageBuffers, takeBuffer } from "../buffer-pool.ts";
import type { Exchange } from "../exchange.ts";
import type { ForwardedHeaders } from "../forwarded-headers.ts";
import { isRequestId } from "../request-ids.ts";
import { REQUEST_ID } from "./header-names.ts";
import {
  KEPT_BESIDE_CERTIFICATE,
  KEPT_OF_REQUEST,
  KEPT_OF_TRUSTED_REQUEST,
  type KeptKinds,
  putBytes,
  putHeaders,
  putText,
} from "./put-head.ts";
import type { RequestParser } from "./request-parser.ts";
import type { RequestTarget } from "./request-target.ts";

/** What composing adds to a request beside the parts that are counted: version, Host, request id, framing and upgrade lines. */
const FIXED_BYTES = 224;

/** Bytes of a body that have arrived together with its head. */
export interface EarlyBody {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/**
 * Writes the request's head for the endpoint into `exchange.request`, with what has already arrived of the body when it
 * fits, so that both leave in one write. Returns whether the body's bytes are in.
 */
export function composeRequest(
  exchange: Exchange,
  parser: RequestParser,
  target: RequestTarget,
  forwarded: ForwardedHeaders,
  early: EarlyBody,
): boolean {
  const { bytes, headers } = parser;
  const text = targetText(exchange.policy, parser, target);
  const host = exchange.policy?.upstreamHost ?? target.authority;
  const block = forwarded.block();
  const certificate = exchange.certificateLines;
  const addedBytes = block.length + (certificate?.length ?? 0) + FIXED_BYTES;
  const headBytes = headers.position - parser.methodStart + (text?.length ?? 0) + host.length + addedBytes;
  const earlyBytes = early.end - early.start;
  const takesEarly = earlyBytes > 0 && headBytes + earlyBytes <= messageBuffers.bytes;
  const out = takeBuffer(takesEarly ? headBytes + earlyBytes : headBytes);

  let at = putBytes(out, 0, bytes, parser.methodStart, parser.methodEnd + 1);
  at = text === undefined ? putBytes(out, at, bytes, parser.targetStart, parser.targetEnd) : putText(out, at, text);
  at = putText(out, at, " HTTP/1.1\r\nHost: ");
  at = putText(out, at, host);
  at = putText(out, at, "\r\n");
  at = putHeaders(out, at, bytes, headers, keptOf(forwarded.trusted, certificate));
  at = putBytes(out, at, block, 0, block.length);
  if (certificate !== undefined) at = putBytes(out, at, certificate, 0, certificate.length);
  at = putRequestId(out, at, exchange, parser);
  // Both in one spelling, whatever the client's: tabs and leading zeros are read differently elsewhere.
  if (parser.chunked) at = putText(out, at, "Transfer-Encoding: chunked\r\n");
  else if (parser.contentLength >= 0) at = putText(out, at, `Content-Length: ${parser.contentLength}\r\n`);
  if (exchange.wantsUpgrade) {
    at = putText(out, at, "Connection: upgrade\r\nUpgrade: ");
    at = putBytes(out, at, bytes, headers.valueStart(parser.upgradeIndex), headers.valueEnd(parser.upgradeIndex));
    at = putText(out, at, "\r\n");
  }
  at = putText(out, at, "\r\n");
  if (takesEarly) at = putBytes(out, at, early.bytes, early.start, early.end);
  exchange.request = out;
  exchange.requestLength = at;
  exchange.requestHasBody = takesEarly;
  return takesEarly;
}

function keptOf(trusted: boolean, certificate: Buffer | undefined): KeptKinds {
  if (!trusted) return KEPT_OF_REQUEST;
  return certificate === undefined ? KEPT_OF_TRUSTED_REQUEST : KEPT_BESIDE_CERTIFICATE;
}

/** Writes the id that the log has, or the client's, or one of our own; a client's header is never longer than its line. */
function putRequestId(out: Buffer, from: number, exchange: Exchange, parser: RequestParser): number {
  const at = putText(out, from, "X-Request-ID: ");
  const id = exchange.requestId === "" ? claimedId(parser) : exchange.requestId;
  const end = id === undefined ? exchange.plane.requestIds.put(out, at) : putText(out, at, id);
  return putText(out, end, "\r\n");
}

function claimedId({ bytes, headers }: RequestParser): string | undefined {
  for (let index = 0; index < headers.count; index++) {
    if (headers.kind(index) !== REQUEST_ID) continue;
    const id = headers.value(bytes, index);
    return isRequestId(id) ? id : undefined;
  }
  return undefined;
}

/** Returns the query with its `?`, or empty. */
export function queryOf(parser: RequestParser): string {
  return parser.queryStart < 0 ? "" : parser.bytes.toString("latin1", parser.queryStart, parser.targetEnd);
}

/** Returns the target when it is not sent on as the bytes it came in. */
function targetText(policy: RoutePolicy | undefined, parser: RequestParser, target: RequestTarget): string | undefined {
  if (policy?.rewrite !== undefined) {
    return escapeTarget(rewriteTarget(policy.rewrite, target.forwardPath, queryOf(parser).slice(1)));
  }
  return target.asItCame ? undefined : target.forwardPath + queryOf(parser);
}

/** What a rewrite made of a path must not end the request line. */
function escapeTarget(target: string): string {
  return target.replaceAll(/[^!-~]/g, (letter) => encodeURIComponent(letter));
}
