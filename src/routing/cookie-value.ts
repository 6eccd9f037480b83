/**
 * Returns the value of the cookie `name` in a Cookie header, or empty. Names are case-sensitive (RFC 6265 section 4.1); the
 * first of a name counts.
 */
export function cookieValue(header: string, name: string): string {
  for (const pair of header.split(";")) {
    const equals = pair.indexOf("=");
    if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return "";
}
