import { isIP, SocketAddress } from "node:net";

/** Whom a balancer in front accepted a connection from, and where. */
export interface ConveyedClient {
  /** In its usual spelling; IPv4-mapped IPv6 addresses as IPv4. */
  readonly address: string;
  readonly port: number;
  /** The port the client reached. */
  readonly localPort: number;
}

/** What the first bytes of a connection are, read as a header of the PROXY protocol. */
export type ProxyHeader =
  | {
      readonly kind: "header";
      /** Of the header; what follows is the client's. */
      readonly length: number;
      /** Undefined: the sender speaks for itself (LOCAL), or does not know (UNKNOWN): the peer is the client. */
      readonly client: ConveyedClient | undefined;
    }
  | { readonly kind: "incomplete" }
  | { readonly kind: "malformed" };

const INCOMPLETE: ProxyHeader = { kind: "incomplete" };
const MALFORMED: ProxyHeader = { kind: "malformed" };

const SIGNATURE_1 = Buffer.from("PROXY ");
const SIGNATURE_2 = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
/** The longest line of version 1, with its CRLF. */
const LINE_BYTES_MAX = 107;
const FIXED_BYTES = 16;

/**
 * Reads a header of the PROXY protocol, version 1 or 2, at the start of `bytes`: strictly, as nothing but a balancer that is
 * set up for it may send one. The extensions (TLV) of version 2 are passed over. A header longer than `bytesMax` is malformed.
 */
export function readProxyHeader(bytes: Buffer, bytesMax: number): ProxyHeader {
  if (startsLike(bytes, SIGNATURE_2)) return bytes.length < FIXED_BYTES ? INCOMPLETE : readBinary(bytes, bytesMax);
  return startsLike(bytes, SIGNATURE_1) ? readLine(bytes) : MALFORMED;
}

/** Whether the bytes are the beginning of `signature`, or begin with it. */
function startsLike(bytes: Buffer, signature: Buffer): boolean {
  const length = Math.min(bytes.length, signature.length);
  return bytes.compare(signature, 0, length, 0, length) === 0;
}

function readLine(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, LINE_BYTES_MAX).indexOf("\r\n");
  if (end < 0) return bytes.length < LINE_BYTES_MAX ? INCOMPLETE : MALFORMED;
  const line = bytes.toString("latin1", SIGNATURE_1.length, end);
  const length = end + 2;
  // Whatever follows UNKNOWN is to be ignored.
  if (/^UNKNOWN(?: |$)/.test(line)) return { kind: "header", length, client: undefined };
  const [family, source = "", target = "", sourcePort = "", targetPort = "", ...more] = line.split(" ");
  const version = family === "TCP4" ? 4 : family === "TCP6" ? 6 : 0;
  if (version === 0 || more.length > 0 || isIP(source) !== version || isIP(target) !== version) return MALFORMED;
  if (source.includes("%") || !isPort(sourcePort) || !isPort(targetPort)) return MALFORMED;
  const address = usualSpelling(source, version);
  return { kind: "header", length, client: { address, port: Number(sourcePort), localPort: Number(targetPort) } };
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) < 65_536;
}

const COMMAND_LOCAL = 0x20;
const COMMAND_PROXY = 0x21;
/** By family and transport: bytes of one address; 0 for those that are no client's of ours. */
const ADDRESS_BYTES: ReadonlyMap<number, number> = new Map([
  [0x00, 0],
  [0x11, 4],
  [0x21, 16],
  [0x31, 0],
]);

function readBinary(bytes: Buffer, bytesMax: number): ProxyHeader {
  const command = bytes[12] ?? 0;
  const length = FIXED_BYTES + bytes.readUInt16BE(14);
  if ((command !== COMMAND_LOCAL && command !== COMMAND_PROXY) || length > bytesMax) return MALFORMED;
  if (bytes.length < length) return INCOMPLETE;
  // The addresses of LOCAL are to be ignored, whatever family they claim.
  if (command === COMMAND_LOCAL) return { kind: "header", length, client: undefined };
  // A datagram cannot have come this way.
  const size = ADDRESS_BYTES.get(bytes[13] ?? 0);
  if (size === undefined) return MALFORMED;
  if (size === 0) return { kind: "header", length, client: undefined };
  if (length < FIXED_BYTES + 2 * size + 4) return MALFORMED;
  const ports = FIXED_BYTES + 2 * size;
  const address = addressText(bytes.subarray(FIXED_BYTES, FIXED_BYTES + size));
  const client = { address, port: bytes.readUInt16BE(ports), localPort: bytes.readUInt16BE(ports + 2) };
  return { kind: "header", length, client };
}

function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join(".");
  return usualSpelling((bytes.toString("hex").match(/.{4}/g) ?? []).join(":"), 6);
}

function usualSpelling(address: string, version: 4 | 6): string {
  const spelt = new SocketAddress({ address, family: version === 4 ? "ipv4" : "ipv6" }).address;
  return spelt.startsWith("::ffff:") && spelt.includes(".") ? spelt.slice(7) : spelt;
}
