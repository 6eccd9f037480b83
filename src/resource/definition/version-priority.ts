/**
 * Compares two API versions, the one that clients should prefer first: `v2`, `v1`, `v1beta2`, `v1beta1`, `v1alpha1`, then
 * all others by name (Kubernetes documentation, "Version priority").
 */
export function byVersionPriority(left: string, right: string): number {
  const [mine, theirs] = [rankOf(left), rankOf(right)];
  if (mine === undefined || theirs === undefined) {
    if (mine === undefined && theirs === undefined) return left < right ? -1 : left > right ? 1 : 0;
    return mine === undefined ? 1 : -1;
  }
  for (const [index, rank] of mine.entries()) {
    const difference = (theirs[index] ?? 0) - rank;
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Maturity, major and minor number; greater is better. */
function rankOf(version: string): readonly number[] | undefined {
  const match = /^v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?$/.exec(version);
  if (match === null) return undefined;
  const [, major = "", maturity, minor = "0"] = match;
  return [maturity === undefined ? 2 : maturity === "beta" ? 1 : 0, Number(major), Number(minor)];
}
