/** Longest prefix of a name that a hash is added to. */
const PREFIX_LENGTH_MAX = 52;

/** Returns the parts of a queue key: the namespace is empty for cluster-scoped objects. */
export function splitKey(key: string): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf("/");
  return { namespace: slash < 0 ? "" : key.slice(0, slash), name: key.slice(slash + 1) };
}

/**
 * Returns `prefix`, cut to 52 characters, a dash, and the FNV-1 hash (32 bits, decimal) of `content` as JSON: the form of
 * Order and Challenge names. The same content has the same name, so what is made twice meets itself.
 */
export function nameWithHash(prefix: string, content: unknown): string {
  return `${prefix.slice(0, PREFIX_LENGTH_MAX).replace(/[-.]+$/, "")}-${String(fnv32(JSON.stringify(content)))}`;
}

function fnv32(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text, "utf8")) hash = Math.imul(hash, 0x01000193) ^ byte;
  return hash >>> 0;
}
