import { FieldBlock, type BlockKind } from "./field-block.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { HUFFMAN_CODES, HUFFMAN_LENGTHS } from "./huffman.ts";

/** Encodes a string as RFC 7541 section 5.2 does with Huffman coding. */
export function huffmanEncode(text: Uint8Array): Buffer {
  let bits = "";
  for (const byte of text) {
    bits += (HUFFMAN_CODES[byte] ?? 0).toString(2).padStart(HUFFMAN_LENGTHS[byte] ?? 0, "0");
  }
  bits = bits.padEnd(Math.ceil(bits.length / 8) * 8, "1");
  return Buffer.from(bits.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? []);
}

/** Encodes an HPACK integer with `first` as the bits before a prefix of `bits` bits. */
export function hpackInteger(first: number, bits: number, value: number): Buffer {
  const mask = (1 << bits) - 1;
  if (value < mask) return Buffer.from([first | value]);
  const bytes = [first | mask];
  let left = value - mask;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push(128 + (left % 128));
  return Buffer.from([...bytes, left]);
}

/** How a field is written: RFC 7541 section 6. */
export interface FieldStyle {
  /** @default false: without indexing */
  readonly indexing?: boolean;
  /** @default false */
  readonly huffman?: boolean;
}

/** Encodes literals with new names. */
export function hpackLiterals(fields: readonly (readonly [string, string])[], style: FieldStyle = {}): Buffer {
  const text = (value: string): Buffer => {
    const plain = Buffer.from(value, "latin1");
    const bytes = style.huffman === true ? huffmanEncode(plain) : plain;
    return Buffer.concat([hpackInteger(style.huffman === true ? 0x80 : 0, 7, bytes.length), bytes]);
  };
  return Buffer.concat(
    fields.flatMap(([name, value]) => [Buffer.from([style.indexing === true ? 0x40 : 0]), text(name), text(value)]),
  );
}

/** Decodes a block with generous limits; undefined when the decoder refuses it. */
export function decodeBlock(
  decoder: HpackDecoder,
  bytes: Uint8Array,
  kind: BlockKind,
  listBytesMax = 16_384,
): FieldBlock | undefined {
  const block = new FieldBlock();
  block.begin(listBytesMax, HpackDecoder.literalBytesMax(65_536));
  if (!decoder.decode(bytes, 0, bytes.length, block)) return undefined;
  block.finish(kind, true);
  return block;
}

/** The lines of a block as text. */
export function linesOf(block: FieldBlock | undefined): string {
  return block?.bytes.toString("latin1", 0, block.end) ?? "refused";
}
