/** Returns whether the bytes are `text` (lower case) in any case. */
export function sameText(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  if (end - start !== text.length) return false;
  for (let index = 0; index < text.length; index++) {
    if (lowerCase(bytes[start + index] ?? 0) !== text.charCodeAt(index)) return false;
  }
  return true;
}

/** Returns the decimal number, or -1 when the bytes are anything but 1 to 15 digits (RFC 9110 section 8.6). */
export function parseLength(bytes: Uint8Array, start: number, end: number): number {
  if (start === end || end - start > 15) return -1;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** Returns whether a comma-separated list has `token` (lower case), in any case. */
export function hasToken(bytes: Uint8Array, start: number, end: number, token: string): boolean {
  for (let at = start; at < end; at++) {
    const itemStart = skipSpace(bytes, at, end);
    at = endOfItem(bytes, itemStart, end);
    if (sameText(bytes, itemStart, trimSpace(bytes, itemStart, at), token)) return true;
  }
  return false;
}

/** Returns whether a comma-separated list has the token that stands elsewhere in the same bytes. */
export function namesToken(
  bytes: Uint8Array,
  start: number,
  end: number,
  tokenStart: number,
  tokenEnd: number,
): boolean {
  for (let at = start; at < end; at++) {
    const itemStart = skipSpace(bytes, at, end);
    at = endOfItem(bytes, itemStart, end);
    if (sameBytes(bytes, itemStart, trimSpace(bytes, itemStart, at), tokenStart, tokenEnd)) return true;
  }
  return false;
}

function sameBytes(bytes: Uint8Array, start: number, end: number, otherStart: number, otherEnd: number): boolean {
  if (end - start !== otherEnd - otherStart) return false;
  for (let index = 0; index < end - start; index++) {
    if (lowerCase(bytes[start + index] ?? 0) !== lowerCase(bytes[otherStart + index] ?? 0)) return false;
  }
  return true;
}

function endOfItem(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && bytes[at] !== 0x2c) at++;
  return at;
}

function skipSpace(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && (bytes[at] === 0x20 || bytes[at] === 0x09)) at++;
  return at;
}

function trimSpace(bytes: Uint8Array, start: number, end: number): number {
  let at = end;
  while (at > start && (bytes[at - 1] === 0x20 || bytes[at - 1] === 0x09)) at--;
  return at;
}

function lowerCase(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}
