import { PREFACE } from "./frame.ts";

/** Enough of the preface to know that it is one: no method of HTTP/1.1 is spelled so. */
const PREFACE_START_BYTES = 4;

/** Returns whether a connection that starts with these bytes speaks HTTP/2 (RFC 9113 section 3.3: prior knowledge). */
export function startsHttp2(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < PREFACE_START_BYTES) return false;
  const length = Math.min(end - start, PREFACE.length);
  for (let index = 0; index < length; index++) if (bytes[start + index] !== PREFACE[index]) return false;
  return true;
}
