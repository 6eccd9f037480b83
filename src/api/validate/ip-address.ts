/** Returns the family of the address `text`, or undefined when it is none. Leading zeros are refused, as Go does. */
export function ipFamily(text: string): "IPv4" | "IPv6" | undefined {
  if (isIpv4(text)) return "IPv4";
  return isIpv6(text) ? "IPv6" : undefined;
}

function isIpv4(text: string): boolean {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  return match?.slice(1).every((part) => Number(part) <= 255 && String(Number(part)) === part) ?? false;
}

/** RFC 4291 section 2.2: eight groups, one run of zeros as `::`, the last two groups as IPv4 at will. */
function isIpv6(text: string): boolean {
  const lastColon = text.lastIndexOf(":");
  if (lastColon < 0) return false;
  const tail = text.slice(lastColon + 1);
  if (tail.includes(".")) return isIpv4(tail) && isIpv6(`${text.slice(0, lastColon + 1)}0:0`);
  const halves = text.split("::");
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return false;
  return halves.length === 2 ? groups.length <= 7 : groups.length === 8;
}

/** The sentence for text that is no address. */
export const NOT_AN_ADDRESS = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
