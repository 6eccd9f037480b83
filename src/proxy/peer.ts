import type { Socket } from "node:net";
import type { ClientIdentity } from "./client-auth/client-identity.ts";
import type { ConveyedClient } from "./proxy-header.ts";

/** Who is at the other end of a client's connection. */
export interface Peer {
  /** IPv4-mapped IPv6 addresses as IPv4. */
  readonly address: string;
  readonly port: number;
  /** The local port the client reached. */
  readonly localPort: number;
  readonly secure: boolean;
  /** Such as `TLSv1.3`; undefined: no TLS. */
  readonly tlsVersion?: string | undefined;
  /** Who the client is, when the name it connected to asks for certificates. */
  readonly identity?: ClientIdentity | undefined;
}

/** Returns the peer of an accepted socket; `localPort` is that of its listener, which saves asking the kernel for each. */
export function peerOf(socket: Socket, secure: boolean, localPort: number, conveyed?: ConveyedClient): Peer {
  // A balancer in front knows better.
  if (conveyed !== undefined) return { ...conveyed, secure };
  const address = socket.remoteAddress ?? "";
  return {
    address: address.startsWith("::ffff:") ? address.slice(7) : address,
    port: socket.remotePort ?? 0,
    localPort,
    secure,
  };
}
