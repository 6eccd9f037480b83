import { createServer, type Socket } from "node:net";
import type { BufferPool } from "../buffer-pool.ts";
import { type BlockKind, FieldBlock } from "./field-block.ts";
import type { Http2Transport } from "./frame-output.ts";
import { HeadWriter } from "./head-writer.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { Http2Connection, type Http2ConnectionOwner } from "./http2-connection.ts";
import { DEFAULT_HTTP2_LIMITS, type Http2Limits } from "./http2-limits.ts";
import type { Http2Stream } from "./http2-stream.ts";
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

/** An HTTP/2 connection over a socket by the public streams; for tests and tiny servers. Imitates no deadlines. */
export class SocketTransport implements Http2Transport {
  connection: Http2Connection | undefined;
  readonly #socket: Socket;
  #scheduled = false;
  #ended = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.connection?.receive(chunk, 0, chunk.length);
      this.schedule();
    });
    socket.on("drain", () => this.connection?.drained());
    socket.on("close", () => this.connection?.peerGone());
    socket.on("end", () => this.connection?.peerGone());
    socket.on("error", () => undefined);
  }
  get congested(): boolean {
    return this.#socket.writableNeedDrain;
  }
  get pendingBytes(): number {
    return this.#socket.writableLength;
  }
  write(buffer: Buffer, length: number, pool: BufferPool): void {
    if (this.#socket.destroyed || this.#ended) pool.give(buffer);
    else this.#socket.write(buffer.subarray(0, length), () => pool.give(buffer));
  }
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.connection?.flush();
    });
  }
  pause(): void {
    this.#socket.pause();
  }
  resume(): void {
    this.#socket.resume();
  }
  end(): void {
    this.#ended = true;
    this.#socket.end();
  }
}

/** Answers every request: 200 with the body it was sent, or with what was asked for when there was none. */
export class EchoOwner implements Http2ConnectionOwner {
  readonly failures: string[] = [];
  readonly #head = new HeadWriter();

  onRequest(stream: Http2Stream, fields: FieldBlock): void {
    const head = this.#head;
    head.begin();
    head.status(fields.tooLarge ? 431 : 200);
    head.text("X-Method", fields.method);
    head.text("x-path", fields.path);
    if (fields.method === "HEAD" || fields.tooLarge) {
      stream.sendHead(head, true);
      return;
    }
    stream.sendHead(head, false);
    stream.owner = {
      onHead: () => undefined,
      onData: (bytes, start, end) => {
        stream.sendData(bytes, start, end);
        stream.consumed(end - start);
      },
      onEnd: (trailers) => {
        if (trailers === undefined) return stream.sendEnd();
        head.begin();
        head.lines(trailers.bytes, 0, trailers.end);
        stream.sendTrailers(head);
      },
      onDrain: () => undefined,
      onReset: () => undefined,
    };
    if (!stream.remoteEnded) return;
    const body = Buffer.from(`You asked for ${fields.path}`);
    stream.sendData(body, 0, body.length);
    stream.sendEnd();
  }
  onIdle(): void {
    // Nothing waits for it.
  }
  onGoaway(): void {
    // Requests under way go on.
  }
  onFailed(code: number, reason: string): void {
    this.failures.push(`${code} ${reason}`);
  }
}

/** Serves HTTP/2 without TLS on a port of 127.0.0.1, echoing. */
export async function serveEcho(
  limits: Http2Limits = DEFAULT_HTTP2_LIMITS,
): Promise<{ readonly port: number; readonly owner: EchoOwner; close(): void }> {
  const owner = new EchoOwner();
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    const transport = new SocketTransport(socket);
    const connection = new Http2Connection({
      role: "server",
      limits,
      transport,
      owner,
      nowMs: () => performance.now(),
    });
    transport.connection = connection;
    connection.start();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    owner,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
