import { BlockList, isIP } from "node:net";

/** The proxies whose X-Forwarded claims count, compiled once for each change of the settings. */
export class TrustedProxies {
  readonly #blocks = new BlockList();
  readonly #empty: boolean;

  /** Blocks that are no CIDR notation or address are left out: trusting too few is the safe side. */
  constructor(blocks: readonly string[]) {
    let count = 0;
    for (const block of blocks) if (this.#add(block.trim())) count++;
    this.#empty = count === 0;
  }

  includes(address: string): boolean {
    if (this.#empty) return false;
    const family = isIP(address);
    return family !== 0 && this.#blocks.check(address, family === 6 ? "ipv6" : "ipv4");
  }

  #add(block: string): boolean {
    const [address = "", prefix] = block.split("/");
    const family = isIP(address);
    const bits = prefix === undefined ? (family === 6 ? 128 : 32) : Number(prefix);
    if (family === 0 || !Number.isInteger(bits) || bits < 0 || bits > (family === 6 ? 128 : 32)) return false;
    this.#blocks.addSubnet(address, bits, family === 6 ? "ipv6" : "ipv4");
    return true;
  }
}
