/**
 * Bits of the code of each byte, and of the end-of-string symbol 256 (RFC 7541 appendix B), as runs of `length * count`.
 * The code is canonical, so the lengths say everything.
 */
const CODE_LENGTHS: readonly string[] = (
  "13 23 28*7 24 30 28*2 30 28*8 30 28*9 " + // 0 to 31
  "6 10*2 12 13 6 8 11 10*2 8 11 8 6*3 5*3 6*7 7 8 15 6 12 10 13 " + // 32 to 64
  "6 7*22 8 7 8 13 19 13 14 6 15 5 6 5 6 5 6*3 5 7*2 6*3 5 6 7 6 5*2 6 7*5 15 11 14 13 28 " + // 65 to 127
  "20 22 20*2 22*3 23 22 23*5 24 23 24*2 22 23 24 23*4 21 22 23 22 23*2 24 22 21 20 22*2 23*2 21 23 22*2 24 21 22 23*2 " +
  "21*2 22 21 23 22 23*2 20 22*3 23 22*2 23 26*2 20 19 22 23 22 25 26*3 27*2 26 24 25 19 21 26 27*2 26 27 24 21*2 26*2 " +
  "28 27*3 20 24 20 21 22 21*2 23 22*2 25*2 24*2 26 23 26 27 26*2 27*5 28 27*5 26 30"
).split(" ");

const END_OF_STRING = 256;
/** Codes up to this long are found in one look; they are nearly all of what headers are made of. */
const QUICK_BITS = 10;
const LONGEST_CODE = 30;

/** By symbol: the bits of its code, and how many. */
export const HUFFMAN_LENGTHS: Uint8Array = Uint8Array.from(
  CODE_LENGTHS.flatMap((run) => {
    const [length = "0", count = "1"] = run.split("*");
    return Array.from({ length: Number(count) }, () => Number(length));
  }),
);
export const HUFFMAN_CODES: Uint32Array = new Uint32Array(END_OF_STRING + 1);

/** By the next 10 bits: symbol << 4 | length of its code; 0 when the code is longer. */
const quick = new Uint16Array(1 << QUICK_BITS);
/** By length: the first code of that length, how many there are, and where their symbols start in `sorted`. */
const firstCode = new Uint32Array(LONGEST_CODE + 1);
const codeCount = new Uint32Array(LONGEST_CODE + 1);
const firstIndex = new Uint32Array(LONGEST_CODE + 1);
const sorted = new Uint16Array(END_OF_STRING + 1);
buildTables();

function buildTables(): void {
  let code = 0;
  let index = 0;
  for (let length = 1; length <= LONGEST_CODE; length++) {
    firstCode[length] = code;
    firstIndex[length] = index;
    for (let symbol = 0; symbol <= END_OF_STRING; symbol++) {
      if (HUFFMAN_LENGTHS[symbol] !== length) continue;
      HUFFMAN_CODES[symbol] = code;
      sorted[index++] = symbol;
      if (length <= QUICK_BITS) {
        const from = code << (QUICK_BITS - length);
        quick.fill((symbol << 4) | length, from, from + (1 << (QUICK_BITS - length)));
      }
      code++;
    }
    codeCount[length] = index - (firstIndex[length] ?? 0);
    code *= 2;
  }
}

/** Bytes that `length` coded bytes can become at most. */
export function huffmanDecodedBytesMax(length: number): number {
  return Math.floor((length * 8) / 5) + 1;
}

/**
 * Decodes into `target`, which must have room for {@link huffmanDecodedBytesMax}, and returns where the text ends there;
 * -1 when the bytes have the end-of-string symbol, or padding that is not up to 7 of its first bits (RFC 7541 section 5.2).
 */
export function huffmanDecode(bytes: Uint8Array, from: number, end: number, target: Uint8Array, to: number): number {
  let at = from;
  let out = to;
  let held = 0;
  let bits = 0;
  for (;;) {
    while (bits <= 24 && at < end) {
      held = (held << 8) | (bytes[at++] ?? 0);
      bits += 8;
    }
    if (bits < QUICK_BITS) break;
    const found = quick[(held >>> (bits - QUICK_BITS)) & (quick.length - 1)] ?? 0;
    if (found !== 0) {
      target[out++] = found >>> 4;
      bits -= found & 15;
      continue;
    }
    // A rare byte: walk its code bit by bit. More bits than are held may be needed.
    let code = 0;
    let length = 0;
    let symbol = -1;
    while (symbol < 0) {
      if (bits === 0) {
        if (at === end) return isPadding(code, length) ? out : -1;
        held = bytes[at++] ?? 0;
        bits = 8;
      }
      code = code * 2 + ((held >>> --bits) & 1);
      length++;
      const index = code - (firstCode[length] ?? 0);
      if (index >= 0 && index < (codeCount[length] ?? 0)) symbol = sorted[(firstIndex[length] ?? 0) + index] ?? -1;
    }
    if (symbol === END_OF_STRING) return -1;
    target[out++] = symbol;
  }
  // The last, fewer than 10 bits: fill up with ones, as the padding does.
  while (bits > 0) {
    const missing = QUICK_BITS - bits;
    const found = quick[((held << missing) | ((1 << missing) - 1)) & (quick.length - 1)] ?? 0;
    if (found === 0 || (found & 15) > bits) return isPadding(held & ((1 << bits) - 1), bits) ? out : -1;
    target[out++] = found >>> 4;
    bits -= found & 15;
  }
  return out;
}

function isPadding(code: number, bits: number): boolean {
  return bits < 8 && code === (1 << bits) - 1;
}
