/** Bit numbers of the KeyUsage extension by cert-manager's word (RFC 5280 section 4.2.1.3). The first word of a bit is the one given back. */
const KEY_USAGE_BITS: ReadonlyMap<string, number> = new Map([
  ["digital signature", 0],
  ["signing", 0],
  ["content commitment", 1],
  ["key encipherment", 2],
  ["data encipherment", 3],
  ["key agreement", 4],
  ["cert sign", 5],
  ["crl sign", 6],
  ["encipher only", 7],
  ["decipher only", 8],
]);

/** Object identifiers of the ExtendedKeyUsage extension by cert-manager's word (RFC 5280 section 4.2.1.12). */
const EXTENDED_USAGE_OIDS: ReadonlyMap<string, string> = new Map([
  ["any", "2.5.29.37.0"],
  ["server auth", "1.3.6.1.5.5.7.3.1"],
  ["client auth", "1.3.6.1.5.5.7.3.2"],
  ["code signing", "1.3.6.1.5.5.7.3.3"],
  ["email protection", "1.3.6.1.5.5.7.3.4"],
  ["s/mime", "1.3.6.1.5.5.7.3.4"],
  ["ipsec end system", "1.3.6.1.5.5.7.3.5"],
  ["ipsec tunnel", "1.3.6.1.5.5.7.3.6"],
  ["ipsec user", "1.3.6.1.5.5.7.3.7"],
  ["timestamping", "1.3.6.1.5.5.7.3.8"],
  ["ocsp signing", "1.3.6.1.5.5.7.3.9"],
  ["microsoft sgc", "1.3.6.1.4.1.311.10.3.3"],
  ["netscape sgc", "2.16.840.1.113730.4.1"],
]);

/** Every word that {@link usageSets} knows. */
export const KNOWN_USAGES: readonly string[] = [...KEY_USAGE_BITS.keys(), ...EXTENDED_USAGE_OIDS.keys()];

/** Key usages as the two extensions carry them. */
export interface UsageSets {
  /** Bit numbers of KeyUsage, ascending. */
  readonly bits: readonly number[];
  /** Dotted object identifiers of ExtendedKeyUsage, in the order asked for. */
  readonly oids: readonly string[];
}

/** Returns cert-manager's words split into the two extensions, without repeats; words nobody knows are in `unknown`. */
export function usageSets(words: readonly string[]): UsageSets & { readonly unknown: readonly string[] } {
  const bits = new Set<number>();
  const oids = new Set<string>();
  const unknown: string[] = [];
  for (const word of words) {
    const bit = KEY_USAGE_BITS.get(word);
    const identifier = EXTENDED_USAGE_OIDS.get(word);
    if (bit !== undefined) bits.add(bit);
    else if (identifier !== undefined) oids.add(identifier);
    else unknown.push(word);
  }
  return { bits: [...bits].sort((left, right) => left - right), oids: [...oids], unknown };
}

/** Returns cert-manager's words for the two extensions; an object identifier without a word is given as it is. */
export function usageWords(sets: UsageSets): readonly string[] {
  return [
    ...sets.bits.flatMap((bit) => wordOf(KEY_USAGE_BITS, bit) ?? []),
    ...sets.oids.map((dotted) => wordOf(EXTENDED_USAGE_OIDS, dotted) ?? dotted),
  ];
}

function wordOf<T>(table: ReadonlyMap<string, T>, value: T): string | undefined {
  return [...table].find((entry) => entry[1] === value)?.[0];
}
