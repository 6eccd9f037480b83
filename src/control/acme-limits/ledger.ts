import type { CaLimits, Rate } from "./ca-limits.ts";

/** What is about to be ordered, as limits see it. */
export interface LimitedOrder {
  /** Whose limits: one account. */
  readonly account: string;
  /** Every name and address once, sorted. */
  readonly names: readonly string[];
  /** The registered domains of the names, each once. */
  readonly domains: readonly string[];
  /** A certificate for exactly these names exists already. */
  readonly isRenewal: boolean;
  /** The order says which certificate it replaces: exempt from everything but failed validations. */
  readonly replaces: boolean;
}

/** A limit that is used up: when there is room again, and the sentence about it. */
export interface UsedUp {
  readonly atMs: number;
  readonly sentence: string;
}

/** Limits remembered; beyond it the ones used longest ago are forgotten, and the CA's own answer is what remains. */
const KEYS_MAX = 50_000;

interface Validation {
  readonly id: string;
  readonly atMs: number;
  readonly underWay: boolean;
}

/**
 * What was used of CAs' limits, so that an attempt is made when it can succeed. Certificates and orders are counted as the
 * token buckets that Let's Encrypt publishes; failed validations more strictly, so that no hour holds more than the limit. Bounded; lives as long as
 * the process, and what the stored certificates show is noted when it begins.
 */
export class LimitLedger {
  /** When the bucket of a key will be full again. */
  readonly #fullAtMs = new Map<string, number>();
  readonly #validations = new Map<string, readonly Validation[]>();

  /** Returns the limit that stands longest in the way of `order`, or undefined when none does. */
  usedUp(limits: CaLimits, order: LimitedOrder, nowMs: number): UsedUp | undefined {
    const found = [
      ...order.names.flatMap((name) => this.validationUsedUp(limits, order.account, name, nowMs) ?? []),
      ...ratesOf(limits, order).flatMap(({ key, rate, what }) => {
        const atMs = this.#roomAtMs(key, rate);
        return atMs <= nowMs ? [] : [{ atMs, sentence: `${what} are used up` }];
      }),
    ];
    return found.sort((left, right) => right.atMs - left.atMs)[0];
  }

  /** Returns when `name` may be validated again, or undefined: now. Validations under way count as failures until they end well, but for `ownId`. */
  validationUsedUp(limits: CaLimits, account: string, name: string, nowMs: number, ownId = ""): UsedUp | undefined {
    const { count, windowMs } = limits.failedValidations;
    const tried = (this.#validations.get(`${account} ${name}`) ?? []).filter(
      ({ id, atMs }) => atMs > nowMs - windowMs && (ownId === "" || id !== ownId),
    );
    if (tried.length < count) return undefined;
    const underWay = tried.some((entry) => entry.underWay && entry.atMs > nowMs - VALIDATION_MS_MAX);
    const atMs = underWay ? nowMs + UNDER_WAY_LOOK_MS : (tried.at(-count)?.atMs ?? nowMs) + windowMs;
    return { atMs, sentence: `The ${count} failed validations of "${name}" that the CA allows in an hour are used up` };
  }

  /** Notes that the CA took `order`. */
  noteOrder(limits: CaLimits, order: LimitedOrder, nowMs: number): void {
    for (const { key, rate } of ratesOf(limits, order)) {
      const fullAtMs = Math.max(nowMs, this.#fullAtMs.get(key) ?? 0) + rate.windowMs / rate.count;
      remember(this.#fullAtMs, key, fullAtMs);
    }
  }

  /** Notes that the CA was told to validate `name`; `id` is the challenge. Counts as a failure unless it is known to end well. */
  beginValidation(account: string, name: string, id: string, nowMs: number): void {
    this.#setValidation(`${account} ${name}`, id, { id, atMs: nowMs, underWay: true });
  }

  /** Notes how that ended; `failed` counts. */
  endValidation(account: string, name: string, id: string, failed: boolean, nowMs: number): void {
    this.#setValidation(`${account} ${name}`, id, failed ? { id, atMs: nowMs, underWay: false } : undefined);
  }

  #setValidation(key: string, id: string, entry: Validation | undefined): void {
    const others = (this.#validations.get(key) ?? []).filter((other) => other.id !== id);
    if (entry !== undefined) remember(this.#validations, key, [...others, entry].slice(-VALIDATIONS_MAX));
    else if (others.length > 0) this.#validations.set(key, others);
    else this.#validations.delete(key);
  }

  #roomAtMs(key: string, { count, windowMs }: Rate): number {
    // The bucket holds `count`: there is room for one more when all but the last place is taken.
    return (this.#fullAtMs.get(key) ?? 0) - ((count - 1) * windowMs) / count;
  }
}

/** A validation that takes longer than this has ended in a way we did not see. */
const VALIDATION_MS_MAX: number = 20 * 60_000;
/** Wait for validations of the same name that are under way. */
const UNDER_WAY_LOOK_MS = 10_000;
/** Validations remembered of one name: as many as any CA allows in an hour. */
const VALIDATIONS_MAX = 200;

function ratesOf(
  limits: CaLimits,
  order: LimitedOrder,
): readonly { readonly key: string; readonly rate: Rate; readonly what: string }[] {
  if (order.replaces) return [];
  const { orders, certificatesPerDomain, certificatesPerSet } = limits;
  const { account, names, domains, isRenewal } = order;
  const rates = [];
  if (orders !== undefined && !isRenewal) {
    rates.push({ key: `${account} orders`, rate: orders, what: `The ${orders.count} new orders ${within(orders)}` });
  }
  for (const domain of certificatesPerDomain === undefined || isRenewal ? [] : domains) {
    const rate = certificatesPerDomain ?? { count: 1, windowMs: 1 };
    const what = `The ${rate.count} certificates for names of "${domain}" ${within(rate)}`;
    rates.push({ key: `${account} domain ${domain}`, rate, what });
  }
  if (certificatesPerSet !== undefined) {
    const rate = certificatesPerSet;
    const what = `The ${rate.count} certificates for exactly these names ${within(rate)}`;
    rates.push({ key: `${account} set ${names.join(",")}`, rate, what });
  }
  return rates;
}

function within({ windowMs }: Rate): string {
  const hours = windowMs / 3_600_000;
  return `that the CA allows in ${hours >= 48 ? `${hours / 24} days` : `${hours} hours`}`;
}

function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= KEYS_MAX) return;
    map.delete(oldest);
  }
}
