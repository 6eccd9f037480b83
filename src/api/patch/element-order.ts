import { isRecord } from "../../ground/json.ts";

/**
 * Returns `items` in the order that a strategic merge patch gives them: those it names in its order, the others in the
 * order they had, each of these before the first named item that came after it before. So a new item goes in front.
 */
export function inOrder(
  items: readonly unknown[],
  before: readonly unknown[],
  order: readonly unknown[],
  key: string | undefined,
): readonly unknown[] {
  const rankIn = (list: readonly unknown[]): ReadonlyMap<string, number> =>
    new Map(list.map((item, index) => [identityOf(item, key), index]));
  const ordered = rankIn(order);
  const old = rankIn(before);
  const rank = (ranks: ReadonlyMap<string, number>, item: unknown): number => ranks.get(identityOf(item, key)) ?? -1;
  const named = items.filter((item) => rank(ordered, item) >= 0).sort((a, b) => rank(ordered, a) - rank(ordered, b));
  const others = items.filter((item) => rank(ordered, item) < 0).sort((a, b) => rank(old, a) - rank(old, b));
  const result: unknown[] = [];
  let next = 0;
  for (const other of others) {
    for (; next < named.length && rank(old, named[next]) <= rank(old, other); next++) result.push(named[next]);
    result.push(other);
  }
  return [...result, ...named.slice(next)];
}

function identityOf(item: unknown, key: string | undefined): string {
  return JSON.stringify(key !== undefined && isRecord(item) ? item[key] : item);
}
