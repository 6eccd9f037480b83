import { CONNECTION, CONTENT_LENGTH, HOP_BY_HOP, TRANSFER_ENCODING, UPGRADE } from "./header-names.ts";
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

/** Copies the header lines whose kind is kept, as they came; neighbours in one go. */
export function putHeaders(
  out: Buffer,
  from: number,
  bytes: Buffer,
  headers: HeaderSection,
  keeps: (kind: number) => boolean,
): number {
  let at = from;
  let runStart = -1;
  const { count } = headers;
  for (let index = 0; index < count; index++) {
    if (keeps(headers.kind(index))) {
      if (runStart < 0) runStart = headers.lineStart(index);
    } else if (runStart >= 0) {
      at = putBytes(out, at, bytes, runStart, headers.lineStart(index));
      runStart = -1;
    }
  }
  return runStart < 0 ? at : putBytes(out, at, bytes, runStart, headers.lineEnd(count - 1));
}

/** Returns whether a response header passes to the client; `withLength`: also the one that says how long the body is. */
export function keptResponseHeader(kind: number, withLength: boolean): boolean {
  switch (kind) {
    case HOP_BY_HOP:
    case CONNECTION:
    case TRANSFER_ENCODING:
    case UPGRADE:
      return false;
    case CONTENT_LENGTH:
      return withLength;
    default:
      return true;
  }
}
