import { isIP } from "node:net";

/** An address, as a number of 32 or 128 bits. */
export class IpNumber {
  readonly text: string;
  readonly bits: 32 | 128;
  readonly value: bigint;

  constructor(bits: 32 | 128, value: bigint) {
    this.bits = bits;
    this.value = value;
    this.text = bits === 32 ? ipv4Text(value) : ipv6Text(value);
  }

  /** Returns the address that `text` writes down, or undefined: zones and IPv4 inside of IPv6 are none. */
  static parse(text: string): IpNumber | undefined {
    const family = isIP(text);
    if (family === 4) {
      return new IpNumber(
        32,
        text.split(".").reduce((sum, part) => sum * 256n + BigInt(part), 0n),
      );
    }
    if (family !== 6 || text.includes("%") || text.includes(".")) return undefined;
    const [head = "", tail] = text.split("::");
    const [front, back] = [groupsOf(head), groupsOf(tail ?? "")];
    const middle = tail === undefined ? [] : Array.from({ length: 8 - front.length - back.length }, () => "0");
    const value = [...front, ...middle, ...back].reduce((sum, part) => sum * 65_536n + BigInt(`0x${part}`), 0n);
    return new IpNumber(128, value);
  }

  toString(): string {
    return this.text;
  }
}

/** A CIDR. */
export class IpRange {
  readonly address: IpNumber;
  readonly prefix: number;

  constructor(address: IpNumber, prefix: number) {
    this.address = address;
    this.prefix = prefix;
  }

  /** Returns the range that `text` writes down, or undefined. */
  static parse(text: string): IpRange | undefined {
    const [address = "", prefix = "", ...rest] = text.split("/");
    const parsed = IpNumber.parse(address);
    if (parsed === undefined || rest.length > 0 || !/^(?:0|[1-9]\d{0,2})$/.test(prefix)) return undefined;
    return Number(prefix) <= parsed.bits ? new IpRange(parsed, Number(prefix)) : undefined;
  }

  contains(address: IpNumber): boolean {
    const shift = BigInt(this.address.bits - this.prefix);
    return address.bits === this.address.bits && address.value >> shift === this.address.value >> shift;
  }

  masked(): IpRange {
    const shift = BigInt(this.address.bits - this.prefix);
    return new IpRange(new IpNumber(this.address.bits, (this.address.value >> shift) << shift), this.prefix);
  }

  toString(): string {
    return `${this.address.text}/${String(this.prefix)}`;
  }
}

function groupsOf(part: string): readonly string[] {
  return part === "" ? [] : part.split(":");
}

function ipv4Text(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join(".");
}

/** RFC 5952: the longest run of zeros is left out. */
function ipv6Text(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) =>
    ((value >> BigInt(112 - 16 * index)) & 65_535n).toString(16),
  ).join(":");
  const runs = [...groups.matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)].map(([run]) => run);
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), "");
  if (longest === "") return groups;
  const at = groups.indexOf(longest);
  return `${groups.slice(0, at)}::${groups.slice(at + longest.length).replace(/^:/, "")}`;
}
