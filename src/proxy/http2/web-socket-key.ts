import { createHash } from "node:crypto";
import type { ResponseParser } from "../http1/response-parser.ts";

/** RFC 6455 section 1.3: appended to the key before it is hashed. */
const ACCEPT_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Returns whether a 101 response proves that the endpoint read the key that was sent (RFC 6455 section 4.1). */
export function provesWebSocketKey(head: ResponseParser, key: string): boolean {
  const wanted = webSocketAccept(key);
  const { headers, bytes } = head;
  for (let index = 0; index < headers.count; index++) {
    const name = bytes.toString("latin1", headers.lineStart(index), headers.nameEnd(index));
    if (name.toLowerCase() === "sec-websocket-accept") return headers.value(bytes, index) === wanted;
  }
  return false;
}

/** Returns what proves that `key` was read. */
export function webSocketAccept(key: string): string {
  return createHash("sha1")
    .update(key + ACCEPT_SUFFIX)
    .digest("base64");
}
