const NAME = /^[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_-])?\.?$/;
const ADDRESS = /^\[[0-9a-f:.]+\]$/;
const PORT = /^[0-9]{0,5}$/;

/**
 * Returns the host of a Host header or an authority as routes know it: lower case, without port and final dot, IPv6
 * addresses without brackets. Empty for an empty one; undefined for what RFC 9110 section 7.2 does not allow, user
 * information and anything that is neither a name nor an address.
 */
export function parseHost(authority: string): string | undefined {
  if (authority === "") return "";
  const text = authority.toLowerCase();
  const colon = text.lastIndexOf(":");
  const hasPort = colon >= 0 && !text.endsWith("]");
  const host = hasPort ? text.slice(0, colon) : text;
  if (hasPort && !PORT.test(text.slice(colon + 1))) return undefined;
  if (ADDRESS.test(host)) return host.slice(1, -1);
  if (host.length > 255 || !NAME.test(host) || host.includes("..")) return undefined;
  return host.endsWith(".") ? host.slice(0, -1) : host;
}
