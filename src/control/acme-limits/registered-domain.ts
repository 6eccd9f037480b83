import { getDomain } from "tldts";

/**
 * Returns the registered domain that limits count `name` under (`shop.example.co.uk` → `example.co.uk`), by the public
 * suffix list; the name itself where it is a public suffix or an address.
 */
export function registeredDomain(name: string): string {
  const bare = name.toLowerCase().replace(/^\*\./, "");
  return getDomain(bare, { allowPrivateDomains: true, validateHostname: false }) ?? bare;
}
