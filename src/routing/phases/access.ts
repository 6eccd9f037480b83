import type { AccessLists } from "../snapshot.ts";

/** Blocks one list may have; each request of the route is compared with all of them. */
export const ACCESS_BLOCKS_MAX = 4096;

/** By lists object, so that blocks are read once. */
const compiled = new WeakMap<
  AccessLists,
  { readonly allow: readonly Block[] | undefined; readonly deny: readonly Block[] }
>();

/**
 * Returns whether the lists let `address` in. As in nginx: what `deny` names is refused, then only what `allow` names
 * gets in, where there is such a list. An IPv4-mapped IPv6 address is the IPv4 one, in lists too; other IPv6 blocks, `::/0`
 * included, name no IPv4 address. What is no address at all is refused: nobody knows whom it stands for.
 */
export function mayAccess(lists: AccessLists, address: string): boolean {
  let blocks = compiled.get(lists);
  if (blocks === undefined) {
    blocks = { allow: lists.allow?.flatMap(usable), deny: (lists.deny ?? []).flatMap(usable) };
    // A block that cannot be read would let someone in that it names.
    if (blocks.deny.length < (lists.deny ?? []).length) blocks = { allow: [], deny: [] };
    compiled.set(lists, blocks);
  }
  const words = addressWords(address);
  if (words === undefined) return false;
  if (blocks.deny.some((block) => contains(block, words))) return false;
  return blocks.allow === undefined || blocks.allow.some((block) => contains(block, words));
}

/** Returns whether `text` is an address or a block in CIDR notation that `mayAccess` understands. */
export function isAddressBlock(text: string): boolean {
  return blockOf(text) !== undefined;
}

/** An address as 32-bit words: one for IPv4, four for IPv6. */
type Words = readonly number[];

interface Block {
  readonly base: Words;
  readonly bits: number;
}

function usable(text: string): readonly Block[] {
  const block = blockOf(text);
  return block === undefined ? [] : [block];
}

function blockOf(text: string): Block | undefined {
  const [address = "", prefix, ...more] = text.split("/");
  if (more.length > 0 || (prefix !== undefined && !/^(?:0|[1-9]\d{0,2})$/.test(prefix))) return undefined;
  const written = address.includes(":") ? ipv6Words(address) : ipv4Words(address);
  if (written === undefined) return undefined;
  const width = written.length * 32;
  const bits = prefix === undefined ? width : Number(prefix);
  if (bits > width) return undefined;
  const mapped = mappedWord(written);
  return mapped === undefined || bits < 96 ? { base: written, bits } : { base: [mapped], bits: bits - 96 };
}

function contains({ base, bits }: Block, address: Words): boolean {
  if (base.length !== address.length) return false;
  let left = bits;
  for (let index = 0; left > 0; index++) {
    const differing = (base[index] ?? 0) ^ (address[index] ?? 0);
    if (left < 32) return differing >>> (32 - left) === 0;
    if (differing !== 0) return false;
    left -= 32;
  }
  return true;
}

function addressWords(text: string): Words | undefined {
  if (!text.includes(":")) return ipv4Words(text);
  const words = ipv6Words(text);
  const mapped = words === undefined ? undefined : mappedWord(words);
  return mapped === undefined ? words : [mapped];
}

/** RFC 4291 section 2.5.5.2. */
function mappedWord(words: Words): number | undefined {
  return words.length === 4 && words[0] === 0 && words[1] === 0 && words[2] === 0xffff ? words[3] : undefined;
}

function ipv4Words(text: string): Words | undefined {
  const parts = text.split(".");
  // A leading zero is octal to some and not to others.
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) {
    return undefined;
  }
  return [parts.reduce((word, part) => word * 256 + Number(part), 0)];
}

/** RFC 4291 section 2.2, without zones: they mean something on one machine only. */
function ipv6Words(text: string): Words | undefined {
  const tail = text.slice(text.lastIndexOf(":") + 1);
  if (tail.includes(".")) {
    const word = ipv4Words(tail)?.[0];
    if (word === undefined) return undefined;
    const low = `${(word >>> 16).toString(16)}:${(word & 0xffff).toString(16)}`;
    return ipv6Words(text.slice(0, -tail.length) + low);
  }
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, rest] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const given = [...(head ?? []), ...(rest ?? [])];
  if (!given.every((group) => /^[\da-f]{1,4}$/i.test(group))) return undefined;
  const missing = 8 - given.length;
  if (rest === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...(head ?? []), ...Array.from({ length: missing }, () => "0"), ...(rest ?? [])];
  return [0, 2, 4, 6].map((at) => parseInt(groups[at] ?? "0", 16) * 65_536 + parseInt(groups[at + 1] ?? "0", 16));
}
