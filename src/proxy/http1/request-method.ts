import type { RequestParser } from "./request-parser.ts";

const COMMON_METHODS = ["GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"] as const;

/** Returns the method of a parsed head; for the common ones no text is made. */
export function methodOf(parser: RequestParser): string {
  const { bytes, methodStart, methodEnd } = parser;
  for (const method of COMMON_METHODS) if (sameLatin1(bytes, methodStart, methodEnd, method)) return method;
  return bytes.toString("latin1", methodStart, methodEnd);
}

/** Returns whether the bytes are exactly `text`. */
export function sameLatin1(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  if (end - start !== text.length) return false;
  for (let index = 0; index < text.length; index++) if (bytes[start + index] !== text.charCodeAt(index)) return false;
  return true;
}
