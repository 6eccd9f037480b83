import {
  CLIENT_CERTIFICATE,
  CONNECTION,
  CONTENT_LENGTH,
  EXPECT,
  FORWARDING,
  HOP_BY_HOP,
  KIND_COUNT,
  OTHER,
  TRANSFER_ENCODING,
  UPGRADE,
} from "./header-names.ts";
import type { HeaderSection } from "./header-section.ts";

/** Below this, a loop is cheaper than a call into C++. */
const LOOP_BYTES = 40;

/** Copies bytes and returns where they end. */
export function putBytes(out: Buffer, at: number, bytes: Buffer, start: number, end: number): number {
  const length = end - start;
  if (length > LOOP_BYTES) bytes.copy(out, at, start, end);
  else for (let index = 0; index < length; index++) out[at + index] = bytes[start + index] ?? 0;
  return at + length;
}

/** Writes text of one byte a character and returns where it ends. */
export function putText(out: Buffer, at: number, text: string): number {
  if (text.length > LOOP_BYTES) return at + out.write(text, at, "latin1");
  for (let index = 0; index < text.length; index++) out[at + index] = text.charCodeAt(index);
  return at + text.length;
}

/** By header kind: 1 when lines of it pass. A table rather than a function, because every line of every message asks. */
export type KeptKinds = Uint8Array;

/** Copies the header lines whose kind is kept, as they came; neighbours in one go. */
export function putHeaders(out: Buffer, from: number, bytes: Buffer, headers: HeaderSection, kept: KeptKinds): number {
  let at = from;
  let runStart = -1;
  const { count } = headers;
  for (let index = 0; index < count; index++) {
    if (kept[headers.kind(index)] === 1) {
      if (runStart < 0) runStart = headers.lineStart(index);
    } else if (runStart >= 0) {
      at = putBytes(out, at, bytes, runStart, headers.lineStart(index));
      runStart = -1;
    }
  }
  return runStart < 0 ? at : putBytes(out, at, bytes, runStart, headers.lineEnd(count - 1));
}

/** What passes to the endpoint as it came: what the edge gives no meaning to. How long the body is, is written anew. */
export const KEPT_OF_REQUEST: KeptKinds = only(OTHER, EXPECT);
/** The same from a trusted proxy; the claims that are extended are written anew. */
export const KEPT_OF_TRUSTED_REQUEST: KeptKinds = only(OTHER, EXPECT, FORWARDING, CLIENT_CERTIFICATE);
/** The same where certificates are our own business: nobody else's word about them passes. */
export const KEPT_BESIDE_CERTIFICATE: KeptKinds = only(OTHER, EXPECT, FORWARDING);
/** What passes to the client. */
export const KEPT_OF_RESPONSE: KeptKinds = allBut(HOP_BY_HOP, CONNECTION, TRANSFER_ENCODING, UPGRADE);
/** The same for responses that cannot have a length. */
export const KEPT_WITHOUT_LENGTH: KeptKinds = allBut(
  HOP_BY_HOP,
  CONNECTION,
  TRANSFER_ENCODING,
  UPGRADE,
  CONTENT_LENGTH,
);

function only(...kinds: readonly number[]): KeptKinds {
  const kept = new Uint8Array(KIND_COUNT);
  for (const kind of kinds) kept[kind] = 1;
  return kept;
}

function allBut(...kinds: readonly number[]): KeptKinds {
  const kept = new Uint8Array(KIND_COUNT).fill(1);
  for (const kind of kinds) kept[kind] = 0;
  return kept;
}
