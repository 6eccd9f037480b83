import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { FRAME_HEADER_BYTES, PREFACE, SETTINGS, writeFrameHeader } from "../../src/proxy/http2/frame.ts";
import type { Instance } from "./instance.ts";

/** A connection that says what no honest client says, and knows whether the edge has ended it. */
export class Attacker {
  readonly socket: Socket;
  /** Whether the edge closed the connection, or at least its half. */
  ended = false;
  /** The first bytes it sent. */
  #heard: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => (this.ended = true));
    socket.on("end", () => (this.ended = true));
    socket.on("close", () => (this.ended = true));
  }

  /** Connects to the port for HTTP; attackers come from several addresses, as one has not enough ports. */
  static plain(instance: Instance, index: number): Attacker {
    return new Attacker(connectTcp({ ...instance.http, localAddress: `127.0.1.${1 + (index % 100)}` }));
  }

  /** Connects to the port for HTTPS and says nothing. */
  static silent(instance: Instance, index: number): Attacker {
    return new Attacker(connectTcp({ ...instance.https, localAddress: `127.0.1.${1 + (index % 100)}` }));
  }

  /** Connects and speaks HTTP/2 from then on: the preface and these settings (the payload) are sent. */
  static async http2(instance: Instance, host: string, settings: Buffer = Buffer.alloc(0)): Promise<Attacker> {
    const socket = connectTls({ ...instance.https, servername: host, ca: instance.ca, ALPNProtocols: ["h2"] });
    await once(socket, "secureConnect");
    const attacker = new Attacker(socket);
    socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0, settings)]));
    return attacker;
  }

  /** Takes what the edge sends, and remembers how it begins. */
  read(): this {
    this.socket.on("data", (bytes: Buffer) => {
      if (this.#heard.length < HEARD_BYTES_MAX) this.#heard = Buffer.concat([this.#heard, bytes]);
    });
    return this;
  }

  get heard(): Buffer {
    return this.#heard;
  }

  /** Sends the same again and again, as fast as it is taken, until the edge ends the connection or `most` bytes went. */
  async flood(bytes: Buffer, most: number): Promise<void> {
    for (let sent = 0; sent < most && !this.ended; sent += bytes.length) {
      if (!this.socket.write(bytes)) await this.#drained();
    }
  }

  close(): void {
    this.socket.destroy();
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const stop = (): void => {
        for (const event of ["drain", "close", "error", "end"]) this.socket.removeListener(event, stop);
        resolve();
      };
      for (const event of ["drain", "close", "error", "end"]) this.socket.on(event, stop);
    });
  }
}

const HEARD_BYTES_MAX = 64 * 1024;

/** Returns a frame of HTTP/2. */
export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  writeFrameHeader(header, 0, payload.length, type, flags, stream);
  return Buffer.concat([header, payload]);
}
