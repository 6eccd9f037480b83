/** Bytes of a block. */
export const RC2_BLOCK_BYTES = 8;

/** The table of RFC 2268 section 2: digits of pi. */
const PI_TABLE: Uint8Array = Uint8Array.from(
  Buffer.from(
    "d978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2" +
      "179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82" +
      "54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626" +
      "6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7" +
      "08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec" +
      "c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731" +
      "2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9" +
      "0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad",
    "hex",
  ),
);

/**
 * Returns `plain` encrypted by RC2 in CBC mode (RFC 2268) with PKCS#7 padding; the effective key length is the key's own. A
 * cipher of 1987 whose forty-bit keys protect nothing: it is here because files of the oldest profile of PKCS#12 use it, and
 * OpenSSL no longer offers it by itself.
 */
export function encryptRc2Cbc(key: Uint8Array, iv: Uint8Array, plain: Uint8Array): Uint8Array {
  const expanded = expandKey(key);
  const padding = RC2_BLOCK_BYTES - (plain.length % RC2_BLOCK_BYTES);
  const padded = Buffer.concat([plain, new Uint8Array(padding).fill(padding)]);
  const result = new Uint8Array(padded.length);
  let previous = iv;
  for (let at = 0; at < padded.length; at += RC2_BLOCK_BYTES) {
    const block = padded.subarray(at, at + RC2_BLOCK_BYTES).map((byte, index) => byte ^ (previous[index] ?? 0));
    previous = encryptBlock(expanded, block);
    result.set(previous, at);
  }
  return result;
}

/** Section 2: 64 words of 16 bits from a key of 1 to 128 bytes. */
function expandKey(key: Uint8Array): Uint16Array {
  const bytes = new Uint8Array(128);
  bytes.set(key);
  const byteAt = (at: number): number => bytes[at] ?? 0;
  for (let at = key.length; at < 128; at++) bytes[at] = pi(byteAt(at - 1) + byteAt(at - key.length));
  bytes[128 - key.length] = pi(byteAt(128 - key.length));
  for (let at = 127 - key.length; at >= 0; at--) bytes[at] = pi(byteAt(at + 1) ^ byteAt(at + key.length));
  return Uint16Array.from({ length: 64 }, (_, at) => byteAt(2 * at) | (byteAt(2 * at + 1) << 8));
}

function pi(at: number): number {
  return PI_TABLE[at & 0xff] ?? 0;
}

/** Section 3: rounds of mixing with two of mashing between. */
function encryptBlock(key: Uint16Array, block: Uint8Array): Uint8Array {
  const words = Uint16Array.from({ length: 4 }, (_, at) => (block[2 * at] ?? 0) | ((block[2 * at + 1] ?? 0) << 8));
  const word = (at: number): number => words[at & 3] ?? 0;
  const rotations = [1, 2, 3, 5];
  let used = 0;
  for (let round = 0; round < 16; round++) {
    for (const [at, bits] of rotations.entries()) {
      const mixed = word(at) + (key[used++] ?? 0) + (word(at - 1) & word(at - 2)) + (~word(at - 1) & word(at - 3));
      words[at] = ((mixed & 0xffff) << bits) | ((mixed & 0xffff) >>> (16 - bits));
    }
    if (round === 4 || round === 10) {
      for (let at = 0; at < 4; at++) words[at] = word(at) + (key[word(at - 1) & 63] ?? 0);
    }
  }
  return Uint8Array.from([...words].flatMap((value) => [value & 0xff, value >> 8]));
}
