const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** Returns whether `text` is an IPv4 or IPv6 address, without brackets, zone or prefix length. */
export function isIpAddress(text: string): boolean {
  if (!text.includes(":")) return IPV4.test(text);
  return /^[0-9a-fA-F:.]+$/.test(text) && URL.canParse(`http://[${text}]/`);
}
