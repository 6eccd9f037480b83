const DECIMAL: ReadonlyMap<string, number> = new Map([
  ["n", -9],
  ["u", -6],
  ["m", -3],
  ["", 0],
  ["k", 3],
  ["M", 6],
  ["G", 9],
  ["T", 12],
  ["P", 15],
  ["E", 18],
]);
const BINARY: readonly string[] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
/** The finest amount that is told apart, as a power of ten. */
const FINEST = -9;
/** Longer numbers are no amounts of anything. */
const TEXT_LENGTH_MAX = 64;

/**
 * Returns an amount such as `0.5`, `1024Mi` or `1e3` as Kubernetes writes it (`500m`, `1Gi`, `1e3`): no fraction, the
 * largest suffix that needs none. Returns undefined for a text that is no amount.
 */
export function canonicalQuantity(text: string): string | undefined {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:([eE][+-]?\d{1,2})|(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]))?$/.exec(text);
  if (match === null || text.length > TEXT_LENGTH_MAX) return undefined;
  const [, sign = "", whole = "", fraction = "", exponent, suffix = ""] = match;
  if (whole === "" && fraction === "") return undefined;
  const scaled = BigInt(`${whole}${fraction}`);
  const isBinary = BINARY.indexOf(suffix) > 0;
  const power = exponent === undefined ? (DECIMAL.get(suffix) ?? 0) : Number(exponent.slice(1));
  const nanos = isBinary
    ? roundedUp(scaled * 1024n ** BigInt(BINARY.indexOf(suffix)) * 10n ** 9n, fraction.length)
    : roundedUp(scaled * 10n ** BigInt(Math.max(0, power - FINEST)), fraction.length + Math.max(0, FINEST - power));
  const prefix = sign === "-" && nanos !== 0n ? "-" : "";
  if (nanos === 0n) return "0";
  if (isBinary && nanos % 10n ** 9n === 0n) return `${prefix}${binaryText(nanos / 10n ** 9n)}`;
  return `${prefix}${exponent === undefined ? decimalText(nanos) : exponentText(nanos)}`;
}

/** Amounts finer than can be told apart count as the next larger one. */
function roundedUp(value: bigint, digits: number): bigint {
  const divisor = 10n ** BigInt(digits);
  return (value + divisor - 1n) / divisor;
}

/** Whole amounts in powers of 1024; below 1024 they are written plainly. */
function binaryText(value: bigint): string {
  let rest = value;
  let step = 0;
  while (step < BINARY.length - 1 && rest % 1024n === 0n) {
    rest /= 1024n;
    step += 1;
  }
  return `${String(rest)}${BINARY[step] ?? ""}`;
}

function decimalText(nanos: bigint): string {
  const { digits, power } = inThousands(nanos);
  const suffix = [...DECIMAL].find(([, exponent]) => exponent === power)?.[0] ?? "";
  return `${String(digits)}${suffix}`;
}

function exponentText(nanos: bigint): string {
  const { digits, power } = inThousands(nanos);
  return power === 0 ? String(digits) : `${String(digits)}e${String(power)}`;
}

function inThousands(nanos: bigint): { readonly digits: bigint; readonly power: number } {
  let digits = nanos;
  let power = FINEST;
  while (digits % 1000n === 0n && power < 18) {
    digits /= 1000n;
    power += 3;
  }
  return { digits, power };
}
