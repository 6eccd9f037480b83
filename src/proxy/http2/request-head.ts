import { randomBytes } from "node:crypto";
import { putBytes, putText } from "../http1/put-head.ts";
import type { FieldBlock } from "./field-block.ts";

/** What composing adds beside the parts that are counted. */
const FIXED_BYTES = 200;

let scratch: Buffer = Buffer.allocUnsafeSlow(8 * 1024);

/** A request head in HTTP/1.1; good until the next is composed. */
export interface ComposedHead {
  bytes: Buffer;
  end: number;
  /** For a WebSocket, the key that the endpoint must prove to have read (RFC 6455 section 4.1); else empty. */
  webSocketKey: string;
}

const composed: ComposedHead = { bytes: scratch, end: 0, webSocketKey: "" };

/**
 * Writes a request as HTTP/1.1 would have sent it, so that everything behind reads requests of both protocols in one
 * way and by one set of rules. `hasBody`: the stream goes on after the head. An extended CONNECT for a WebSocket
 * (RFC 8441) becomes the upgrade that it stands for.
 */
export function composeHead(fields: FieldBlock, hasBody: boolean): ComposedHead {
  const { method, path, authority, bytes } = fields;
  const isWebSocket = fields.protocol === "websocket";
  const room = method.length + path.length + 2 * authority.length + fields.end + FIXED_BYTES;
  if (scratch.length < room) scratch = Buffer.allocUnsafeSlow(2 * room);
  const out = scratch;
  let at = putText(out, 0, isWebSocket ? "GET" : method);
  out[at++] = 0x20;
  at = putText(out, at, path === "" ? authority : path);
  at = putText(out, at, authority === "" ? " HTTP/1.1\r\n" : " HTTP/1.1\r\nhost: ");
  if (authority !== "") {
    at = putText(out, at, authority);
    at = putText(out, at, "\r\n");
  }
  at = putBytes(out, at, bytes, 0, fields.end);
  composed.webSocketKey = isWebSocket ? randomBytes(16).toString("base64") : "";
  if (isWebSocket) {
    at = putText(out, at, "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: ");
    at = putText(out, at, composed.webSocketKey);
    at = putText(out, at, "\r\n");
  } else if (hasBody && fields.contentLength < 0) at = putText(out, at, "transfer-encoding: chunked\r\n");
  at = putText(out, at, "\r\n");
  composed.bytes = out;
  composed.end = at;
  return composed;
}
