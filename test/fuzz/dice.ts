import { seededRandom } from "../../src/ground/testing.ts";

/** Choices that one seed decides, so that a failure can be had again. */
export class Dice {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** An integer in [0, below). */
  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)] ?? items[0];
  }

  /** A list of up to `max` things. */
  list<T>(max: number, make: () => T): readonly T[] {
    return Array.from({ length: this.below(max + 1) }, make);
  }

  /** Cuts text into pieces, mostly one. */
  cut(text: string): readonly string[] {
    if (!this.once(3)) return [text];
    if (this.once(8) && text.length < 200) return text.split("");
    const places = this.list(4, () => this.below(text.length + 1)).toSorted((one, other) => one - other);
    return [0, ...places]
      .map((place, index) => text.slice(place, places[index] ?? text.length))
      .filter((piece) => piece !== "");
  }

  /** Damages text at a place or two, with the bytes that parsers stumble over. */
  damage(text: string): string {
    let result = text;
    for (let times = 1 + this.below(2); times > 0; times--) {
      const at = this.below(result.length + 1);
      const byte = this.pick(DAMAGES);
      const removed = this.pick([0, 0, 1, 1, 2]);
      result = result.slice(0, at) + byte + result.slice(at + removed);
    }
    return result;
  }
}

const DAMAGES: readonly [string, ...string[]] = [
  "",
  "\r",
  "\n",
  "\r\n",
  "\r\n\r\n",
  "\0",
  " ",
  "\t",
  ":",
  ";",
  ",",
  "0",
  "\x0b",
  "\x7f",
  "\x80",
  "\xff",
  "chunked",
  "%",
  "/",
  "=",
  "\r\nContent-Length: 3",
  "\r\nTransfer-Encoding: chunked",
];
