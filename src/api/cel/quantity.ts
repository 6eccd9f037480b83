/** Billionths: the finest a quantity can be. */
const SCALE = 1_000_000_000n;

const SUFFIXES: Readonly<Record<string, readonly [numerator: bigint, denominator: bigint]>> = {
  n: [1n, 1_000_000_000n],
  u: [1n, 1_000_000n],
  m: [1n, 1_000n],
  "": [1n, 1n],
  k: [1_000n, 1n],
  M: [1_000_000n, 1n],
  G: [1_000_000_000n, 1n],
  T: [10n ** 12n, 1n],
  P: [10n ** 15n, 1n],
  E: [10n ** 18n, 1n],
  Ki: [1n << 10n, 1n],
  Mi: [1n << 20n, 1n],
  Gi: [1n << 30n, 1n],
  Ti: [1n << 40n, 1n],
  Pi: [1n << 50n, 1n],
  Ei: [1n << 60n, 1n],
};

/** An amount as Kubernetes writes it: `1.5Gi`, `200m`, `1e3`. */
export class Quantity {
  readonly billionths: bigint;

  constructor(billionths: bigint) {
    this.billionths = billionths;
  }

  /** Returns the quantity that `text` writes down, or undefined. Parts below a billionth are rounded up. */
  static parse(text: string): Quantity | undefined {
    const match = /^([+-]?)(\d{1,30})?(?:\.(\d{0,30}))?(?:[eE]([+-]?\d{1,2})|([numkMGTPE]|[KMGTPE]i)?)$/.exec(text);
    if (match === null) return undefined;
    const [, sign, whole = "", fraction = "", exponent, suffix = ""] = match;
    if (whole === "" && fraction === "") return undefined;
    const [numerator, denominator] =
      exponent === undefined ? (SUFFIXES[suffix] ?? [1n, 1n]) : powerOfTen(Number(exponent));
    const top = BigInt(`${whole}${fraction}`) * numerator * SCALE;
    const bottom = denominator * 10n ** BigInt(fraction.length);
    const value = (top + bottom - 1n) / bottom;
    return new Quantity(sign === "-" ? -value : value);
  }

  get isWhole(): boolean {
    return this.billionths % SCALE === 0n;
  }

  get whole(): bigint {
    return this.billionths / SCALE;
  }

  toNumber(): number {
    return Number(this.billionths) / Number(SCALE);
  }

  toString(): string {
    return String(this.billionths);
  }
}

function powerOfTen(exponent: number): readonly [bigint, bigint] {
  return exponent < 0 ? [1n, 10n ** BigInt(-exponent)] : [10n ** BigInt(exponent), 1n];
}
