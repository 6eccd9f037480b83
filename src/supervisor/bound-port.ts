import { BoundSocket } from "node:net";
import { LintelError } from "../ground/errors.ts";

/**
 * A port that is bound and never accepted on: children inherit the descriptor and listen on it, so a child that dies
 * loses no queued connection and frees no port. Held until closed or until the process ends.
 */
export interface BoundPort {
  readonly fd: number;
  readonly host: string;
  readonly port: number;
  /** May be called again. */
  close(): void;
}

/**
 * Binds `host` (an IP literal) and `port` (0: any free one). Throws CannotBind when the address is taken, not ours, or
 * needs a privilege we lack. `::` is bound for IPv6 alone, so that it can stand beside `0.0.0.0`.
 */
export function bindPort(options: { readonly host: string; readonly port: number }): BoundPort {
  try {
    const socket = new BoundSocket({ ...options, ipv6Only: options.host.includes(":") });
    const { address, port } = socket.address();
    let isOpen = true;
    const close = (): void => {
      if (isOpen) socket.close();
      isOpen = false;
    };
    return { fd: socket.fd(), host: address, port, close };
  } catch (error) {
    throw cannotBind(options, error);
  }
}

function cannotBind(options: { readonly host: string; readonly port: number }, error: unknown): LintelError {
  const systemCode = error instanceof Error && "code" in error ? String(error.code) : "";
  const where = options.host.includes(":") ? `[${options.host}]:${options.port}` : `${options.host}:${options.port}`;
  return new LintelError(`Cannot listen on "${where}": ${explain(systemCode)}`, {
    code: "CannotBind",
    fault: "user",
    hint:
      systemCode === "EADDRINUSE"
        ? `Find the other program with "ss -ltnp 'sport = :${options.port}'", or choose another port`
        : "Choose another address or port",
    cause: error,
  });
}

function explain(systemCode: string): string {
  switch (systemCode) {
    case "EADDRINUSE":
      return "another program listens there";
    case "EACCES":
      return "ports below 1024 need root or the capability CAP_NET_BIND_SERVICE";
    case "EADDRNOTAVAIL":
      return "this machine does not have that address";
    default:
      return systemCode === "" ? "the system refused" : systemCode;
  }
}
