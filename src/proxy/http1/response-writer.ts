import { type Answer, statusText } from "../answer.ts";
import { messageBuffers, SHARED_READ_BYTES } from "../buffer-pool.ts";
import type { Channel } from "../channel.ts";
import type { HeaderSection } from "./header-section.ts";
import { KEPT_OF_RESPONSE, KEPT_WITHOUT_LENGTH, putBytes, putHeaders, putText } from "./put-head.ts";
import type { ResponseParser } from "./response-parser.ts";
import { CHUNK_FRAME_BYTES, putChunk, putLastChunk, sendChunk } from "./send-chunk.ts";

const NO_BYTES: Buffer = Buffer.alloc(0);

/** How a response says that the connection ends with it, or that it does not where that is not understood. */
export type ConnectionLine = "" | "Connection: close\r\n" | "Connection: keep-alive\r\n";

/**
 * Writes responses to a client in HTTP/1.1. What belongs together is collected until `flush`: a head and a small body
 * leave in one write.
 */
export class ResponseWriter {
  readonly #channel: Channel;
  #out: Buffer | undefined;
  #outLength = 0;
  #chunked = false;
  #trailers: HeaderSection | undefined;
  #trailerBytes = NO_BYTES;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** Writes a head, framing the body anew when it comes without a length and the client knows chunks. */
  head(
    head: ResponseParser,
    options: { readonly chunked: boolean; readonly saysChunked: boolean },
    line: ConnectionLine,
    cookie: string | undefined,
  ): void {
    this.#chunked = options.chunked;
    this.#trailers = undefined;
    this.#reserve(head.headers.position + 128 + roomFor(cookie));
    this.#putHead(head, head.status !== 204);
    this.#putCookie(cookie);
    if (options.saysChunked) this.#put("Transfer-Encoding: chunked\r\n");
    this.#put(line);
    this.#put("\r\n");
  }

  /** Writes a 1xx head, which has no body and no length. */
  informational(head: ResponseParser): void {
    this.#reserve(head.headers.position + 64);
    this.#putHead(head, false);
    this.#put("\r\n");
  }

  /** Writes the head of an upgrade. */
  switching(head: ResponseParser, cookie: string | undefined): void {
    this.#reserve(head.headers.position + 256 + roomFor(cookie));
    this.#putHead(head, true);
    this.#putCookie(cookie);
    this.#put("Connection: upgrade\r\n");
    if (head.upgradeIndex >= 0) this.#put(`Upgrade: ${head.headers.value(head.bytes, head.upgradeIndex)}\r\n`);
    this.#put("\r\n");
    this.flush();
  }

  body(source: Channel, buffer: Buffer, start: number, end: number): void {
    const length = end - start;
    if (length > SHARED_READ_BYTES) {
      this.flush();
      if (this.#chunked) sendChunk(this.#channel, source, buffer, start, end);
      else this.#channel.relay(buffer, start, end, source);
      return;
    }
    const out = this.#reserve(length + CHUNK_FRAME_BYTES);
    this.#outLength = this.#chunked
      ? putChunk(out, this.#outLength, buffer, start, end)
      : putBytes(out, this.#outLength, buffer, start, end);
  }

  /** Keeps the trailers for the end; without chunks there is no place for them. */
  trailers(trailers: HeaderSection, bytes: Buffer): void {
    if (!this.#chunked) return;
    this.#trailers = trailers;
    this.#trailerBytes = bytes;
  }

  end(): void {
    if (this.#chunked) {
      const out = this.#reserve(this.#trailerBytes.length + CHUNK_FRAME_BYTES);
      this.#outLength = putLastChunk(out, this.#outLength, this.#trailers, this.#trailerBytes);
      this.#chunked = false;
      this.#trailers = undefined;
      this.#trailerBytes = NO_BYTES;
    }
    this.flush();
  }

  /** Writes a whole response of our own, in place of anything collected. */
  answer(answer: Answer, dateMs: number, bodiless: boolean, line: ConnectionLine): void {
    this.drop();
    const body = Buffer.from(answer.body);
    const location = answer.location === undefined ? "" : `Location: ${answer.location}\r\n`;
    const head =
      `HTTP/1.1 ${answer.status} ${statusText(answer.status)}\r\nDate: ${new Date(dateMs).toUTCString()}\r\n` +
      `Content-Type: ${answer.contentType}\r\nContent-Length: ${body.length}\r\n${location}${line}\r\n`;
    const message = Buffer.concat([Buffer.from(head, "latin1"), bodiless ? NO_BYTES : body]);
    this.#channel.write(message, message.length, undefined);
  }

  /** Sends what was collected. */
  flush(): void {
    const out = this.#out;
    if (out === undefined) return;
    const length = this.#outLength;
    this.#out = undefined;
    this.#outLength = 0;
    this.#channel.write(out, length, messageBuffers);
  }

  /** Forgets what was collected. */
  drop(): void {
    if (this.#out !== undefined) messageBuffers.give(this.#out);
    this.#out = undefined;
    this.#outLength = 0;
    this.#chunked = false;
  }

  /** Returns the message being collected, with room for `bytes` more. */
  #reserve(bytes: number): Buffer {
    const out = this.#out;
    if (out !== undefined && this.#outLength + bytes <= out.length) return out;
    this.flush();
    const next = bytes <= messageBuffers.bytes ? messageBuffers.take() : Buffer.allocUnsafeSlow(bytes);
    this.#out = next;
    return next;
  }

  #put(text: string): void {
    if (this.#out !== undefined) this.#outLength = putText(this.#out, this.#outLength, text);
  }

  #putCookie(cookie: string | undefined): void {
    if (cookie !== undefined) this.#put(`Set-Cookie: ${cookie}\r\n`);
  }

  #putHead(head: ResponseParser, withLength: boolean): void {
    const out = this.#out;
    if (out === undefined) return;
    const { status, reasonStart, reasonEnd, bytes } = head;
    let at = putText(out, this.#outLength, "HTTP/1.1 ");
    out[at++] = 0x30 + Math.floor(status / 100);
    out[at++] = 0x30 + (Math.floor(status / 10) % 10);
    out[at++] = 0x30 + (status % 10);
    if (reasonStart === reasonEnd) out[at++] = 0x20;
    else at = putBytes(out, at, bytes, reasonStart, reasonEnd);
    at = putText(out, at, "\r\n");
    this.#outLength = putHeaders(out, at, bytes, head.headers, withLength ? KEPT_OF_RESPONSE : KEPT_WITHOUT_LENGTH);
  }
}

/** Of a cookie of the edge's own, with its name and line end. */
function roomFor(cookie: string | undefined): number {
  return cookie === undefined ? 0 : cookie.length + 16;
}
