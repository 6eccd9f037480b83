/** A version as semver.org 2.0.0 has it. */
export class SemanticVersion {
  readonly major: bigint;
  readonly minor: bigint;
  readonly patch: bigint;
  readonly #before: readonly string[];

  private constructor(numbers: readonly [bigint, bigint, bigint], before: readonly string[]) {
    [this.major, this.minor, this.patch] = numbers;
    this.#before = before;
  }

  /** Returns the version that `text` writes down, or undefined. */
  static parse(text: string): SemanticVersion | undefined {
    const match =
      /^(0|[1-9]\d{0,18})\.(0|[1-9]\d{0,18})\.(0|[1-9]\d{0,18})(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/.exec(
        text,
      );
    if (match === null) return undefined;
    const [, major = "", minor = "", patch = "", before = ""] = match;
    return new SemanticVersion([BigInt(major), BigInt(minor), BigInt(patch)], before === "" ? [] : before.split("."));
  }

  /** Below 0 when this one comes first. */
  compare(other: SemanticVersion): number {
    for (const [mine, theirs] of [
      [this.major, other.major],
      [this.minor, other.minor],
      [this.patch, other.patch],
    ] as const) {
      if (mine !== theirs) return mine < theirs ? -1 : 1;
    }
    if (this.#before.length === 0 || other.#before.length === 0) return other.#before.length - this.#before.length;
    for (const [index, mine] of this.#before.entries()) {
      const theirs = other.#before[index];
      if (theirs === undefined) return 1;
      const order = compareParts(mine, theirs);
      if (order !== 0) return order;
    }
    return this.#before.length - other.#before.length;
  }
}

/** Numbers come before words. */
function compareParts(left: string, right: string): number {
  const [isNumber, isOtherNumber] = [/^\d+$/.test(left), /^\d+$/.test(right)];
  if (isNumber && isOtherNumber) return Number(left) - Number(right);
  if (isNumber !== isOtherNumber) return isNumber ? -1 : 1;
  return left < right ? -1 : left > right ? 1 : 0;
}
