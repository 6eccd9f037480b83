import { createSocket } from "node:dgram";
import { connect, isIPv6 } from "node:net";
import { randomInt } from "node:crypto";
import { LintelError, messageOf } from "../../ground/errors.ts";
import type { Clock } from "../../ground/clock.ts";
import { decodeDnsMessage, DNS_CLASS, DNS_FLAG, type DnsMessage, encodeDnsMessage, words } from "./dns-message.ts";

/** Where a DNS server listens: an IP address or a name that the system resolves. */
export interface DnsServer {
  readonly host: string;
  readonly port: number;
}

/** How one exchange is made. */
export interface DnsExchangeOptions {
  readonly clock: Clock;
  readonly protocol: "TCP" | "UDP";
  readonly signal?: AbortSignal | undefined;
}

/** One exchange may take this long. */
const EXCHANGE_MS_MAX = 5000;

/** Returns the server in `host`, `host:port` or `[v6]:port`; port 53 when it has none. */
export function parseDnsServer(text: string): DnsServer {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text);
  if (match === null) return { host: text, port: 53 };
  return { host: match[1] ?? match[2] ?? text, port: match[3] === undefined ? 53 : Number(match[3]) };
}

/** Asks a server one question. A truncated answer by UDP is asked for again by TCP. Rejects with Unreachable. */
export async function askDns(
  server: DnsServer,
  question: { readonly name: string; readonly type: number; readonly recurse: boolean },
  options: DnsExchangeOptions,
): Promise<DnsMessage> {
  const message = encodeDnsMessage({
    id: randomInt(65_536),
    flags: question.recurse ? DNS_FLAG.recurse : 0,
    questions: [{ name: question.name, type: question.type, dnsClass: DNS_CLASS.internet }],
    answers: [],
    authorities: [],
    additionals: [],
  });
  const answer = decodeDnsMessage(await exchangeDns(server, message, options));
  if (options.protocol === "TCP" || (answer.flags & DNS_FLAG.truncated) === 0) return answer;
  return decodeDnsMessage(await exchangeDns(server, message, { ...options, protocol: "TCP" }));
}

/** Sends a message and resolves with the bytes of the answer that has its id. Rejects with Unreachable, after five seconds at most. */
export async function exchangeDns(server: DnsServer, message: Buffer, options: DnsExchangeOptions): Promise<Buffer> {
  const late = new AbortController();
  const timer = options.clock.timer(EXCHANGE_MS_MAX, () => late.abort(new Error("no answer within 5 seconds")));
  const signal = options.signal === undefined ? late.signal : AbortSignal.any([late.signal, options.signal]);
  try {
    return options.protocol === "TCP" ? await byTcp(server, message, signal) : await byUdp(server, message, signal);
  } catch (cause) {
    options.signal?.throwIfAborted();
    throw new LintelError(`Cannot reach DNS server "${server.host}:${server.port}": ${messageOf(cause)}`, {
      code: "Unreachable",
      fault: "upstream",
    });
  } finally {
    timer.cancel();
  }
}

function byUdp(server: DnsServer, message: Buffer, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(server.host) ? "udp6" : "udp4");
    const finish = (act: () => void): void => {
      signal.removeEventListener("abort", onAbort);
      socket.close();
      act();
    };
    const onAbort = (): void => finish(() => reject(errorOf(signal.reason)));
    signal.addEventListener("abort", onAbort);
    socket.on("error", (error) => finish(() => reject(error)));
    socket.on("message", (answer) => {
      // Connected sockets take datagrams of this server only; another id is a late or forged answer.
      if (answer.length >= 12 && answer.readUInt16BE(0) === message.readUInt16BE(0)) finish(() => resolve(answer));
    });
    socket.connect(server.port, server.host, () => socket.send(message));
  });
}

function byTcp(server: DnsServer, message: Buffer, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: server.port, host: server.host, signal });
    let bytes = Buffer.alloc(0);
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the connection was closed without an answer")));
    socket.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      const length = bytes.length < 2 ? 65_536 : bytes.readUInt16BE(0);
      if (bytes.length < length + 2) return;
      resolve(bytes.subarray(2, length + 2));
      socket.destroy();
    });
    socket.write(Buffer.concat([words(message.length), message]));
  });
}

function errorOf(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error("aborted");
}
