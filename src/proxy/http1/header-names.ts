/** What a header means to the edge. Anything without a meaning passes as it is. */
export type HeaderKind = number;

export const OTHER = 0;
/** Ends here: RFC 9110 section 7.6.1, and what must never pass for safety. */
export const HOP_BY_HOP = 1;
export const HOST = 2;
export const CONTENT_LENGTH = 3;
export const TRANSFER_ENCODING = 4;
export const CONNECTION = 5;
export const EXPECT = 6;
export const UPGRADE = 7;
/** Claims about where a request came from: worth nothing unless a trusted proxy makes them. */
export const FORWARDING = 8;
export const FORWARDED_FOR = 9;
export const FORWARDED_PROTO = 10;
export const FORWARDED_HOST = 11;
export const FORWARDED_PORT = 12;
/** Names a request in the logs of everyone on its way; written anew. */
export const REQUEST_ID = 13;
/** What ingress-nginx tells endpoints about a client's certificate. */
export const CLIENT_CERTIFICATE = 14;
/** One more than the last kind. */
export const KIND_COUNT = 15;

interface KnownHeader {
  readonly name: string;
  readonly kind: HeaderKind;
}

/** Every name the edge acts on, in lower case. */
export const KNOWN_HEADERS: readonly KnownHeader[] = [
  { name: "host", kind: HOST },
  { name: "content-length", kind: CONTENT_LENGTH },
  { name: "transfer-encoding", kind: TRANSFER_ENCODING },
  { name: "connection", kind: CONNECTION },
  { name: "expect", kind: EXPECT },
  { name: "upgrade", kind: UPGRADE },
  { name: "keep-alive", kind: HOP_BY_HOP },
  { name: "proxy-connection", kind: HOP_BY_HOP },
  { name: "proxy-authenticate", kind: HOP_BY_HOP },
  { name: "proxy-authorization", kind: HOP_BY_HOP },
  { name: "te", kind: HOP_BY_HOP },
  { name: "http2-settings", kind: HOP_BY_HOP },
  // CGI turns this one into HTTP_PROXY ("httpoxy").
  { name: "proxy", kind: HOP_BY_HOP },
  { name: "x-forwarded-for", kind: FORWARDED_FOR },
  { name: "x-forwarded-proto", kind: FORWARDED_PROTO },
  { name: "x-forwarded-host", kind: FORWARDED_HOST },
  { name: "x-forwarded-port", kind: FORWARDED_PORT },
  { name: "x-forwarded-scheme", kind: FORWARDING },
  { name: "x-forwarded-ssl", kind: FORWARDING },
  { name: "x-forwarded-server", kind: FORWARDING },
  { name: "x-forwarded-prefix", kind: FORWARDING },
  { name: "x-original-forwarded-for", kind: FORWARDING },
  { name: "x-request-id", kind: REQUEST_ID },
  { name: "x-real-ip", kind: FORWARDING },
  { name: "x-scheme", kind: FORWARDING },
  { name: "forwarded", kind: FORWARDING },
  { name: "ssl-client-verify", kind: CLIENT_CERTIFICATE },
  { name: "ssl-client-cert", kind: CLIENT_CERTIFICATE },
  { name: "ssl-client-subject-dn", kind: CLIENT_CERTIFICATE },
  { name: "ssl-client-issuer-dn", kind: CLIENT_CERTIFICATE },
];

const SLOTS = 1024;
/** By hash: an index into the list, or -1. The hash is the scanner's; no two of our names share a slot. */
const table = new Int8Array(SLOTS).fill(-1);
for (const [index, { name }] of KNOWN_HEADERS.entries()) {
  let hash = 0;
  for (let at = 0; at < name.length; at++) hash = (Math.imul(hash, 31) + name.charCodeAt(at)) | 0;
  if (table[slotOf(hash)] !== -1) throw new Error(`Header names share a slot: ${name}`);
  table[slotOf(hash)] = index;
}

function slotOf(hash: number): number {
  return (hash ^ (hash >>> 10) ^ (hash >>> 20)) & (SLOTS - 1);
}

/** Returns the index of the only known header that can have this hash, or -1. */
export function knownHeaderSlot(hash: number): number {
  return table[slotOf(hash)] ?? -1;
}

/** Returns 1 when the token at `start` is `name` in any case, 2 when it is but for underscores, else 0. */
export function isKnownHeader(bytes: Uint8Array, start: number, name: string): 0 | 1 | 2 {
  let result: 1 | 2 = 1;
  for (let index = 0; index < name.length; index++) {
    const byte = bytes[start + index] ?? 0;
    const wanted = name.charCodeAt(index);
    // Tokens have no control characters, so the bit tells only letters apart.
    if ((byte | 0x20) === wanted) continue;
    if (byte !== 0x5f || wanted !== 0x2d) return 0;
    result = 2;
  }
  return result;
}
