/** Returns RFC 4648 section 5 text without padding. */
export function encodeBase64url(bytes: Uint8Array | string): string {
  return Buffer.from(bytes).toString("base64url");
}

/** Returns the bytes of unpadded base64url `text`, or undefined when it has any other character (RFC 7515 section 2 forbids padding). */
export function decodeBase64url(text: string): Uint8Array | undefined {
  return /^[A-Za-z0-9_-]*$/.test(text) && text.length % 4 !== 1
    ? Uint8Array.from(Buffer.from(text, "base64url"))
    : undefined;
}
