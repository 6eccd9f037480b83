import type { Channel } from "../channel.ts";
import type { Timed } from "../deadlines.ts";
import type { Plane } from "../plane.ts";
import { CANCEL } from "./error-codes.ts";
import type { Http2Stream, StreamOwner } from "./http2-stream.ts";

/**
 * A WebSocket that a client opened on a stream (RFC 8441): bytes pass both ways between the stream and the channel of an
 * upgraded endpoint, each side as fast as the other takes them.
 */
export class StreamTunnel implements StreamOwner, Timed {
  deadlineMs: number;
  readonly #plane: Plane;
  readonly #stream: Http2Stream;
  readonly #channel: Channel;
  readonly #idleTimeoutMs: number;
  readonly #onClosed: (requestBytes: number, responseBytes: number) => void;
  #requestBytes = 0;
  #responseBytes = 0;
  /** Bytes the endpoint has not taken, so that the client may not send as many again. */
  #held = 0;
  #over = false;

  /** Takes both sides over. It ends when either is closed, or when nothing passed for `idleTimeoutMs`. */
  constructor(
    plane: Plane,
    stream: Http2Stream,
    channel: Channel,
    idleTimeoutMs: number,
    onClosed: (requestBytes: number, responseBytes: number) => void,
  ) {
    this.#plane = plane;
    this.#stream = stream;
    this.#channel = channel;
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#onClosed = onClosed;
    this.deadlineMs = plane.deadlines.in(idleTimeoutMs);
    stream.owner = this;
    channel.owner = {
      onBytes: (buffer, start, end) => this.#fromEndpoint(buffer, start, end),
      onEnd: () => stream.sendEnd(),
      onDrain: () => this.#release(),
      onClosed: (error) => this.#endpointClosed(error),
    };
  }

  /** Passes on what had already arrived from the client and from the endpoint, and goes on from there. */
  start(fromClient: readonly Buffer[], fromEndpoint: Buffer, clientEnded: boolean): void {
    this.#plane.counters.tunnels++;
    this.#plane.deadlines.add(this);
    for (const piece of fromClient) this.onData(piece, 0, piece.length);
    if (clientEnded) this.#channel.end();
    if (fromEndpoint.length > 0) this.#fromEndpoint(fromEndpoint, 0, fromEndpoint.length);
    if (!this.#stream.congested) this.#channel.resume();
  }

  // The client's side.

  onHead(): void {
    // Only servers send heads of responses.
  }

  onData(bytes: Buffer, start: number, end: number): void {
    this.#requestBytes += end - start;
    this.#held += end - start;
    this.#channel.relay(bytes, start, end, undefined);
    if (this.#channel.congested) this.#touch();
    else this.#release();
  }

  onEnd(): void {
    this.#channel.end();
  }

  onDrain(): void {
    this.#touch();
    this.#channel.resume();
  }

  onReset(): void {
    this.#channel.destroy();
    this.#close();
  }

  onDeadline(): void {
    this.#stream.reset(CANCEL);
    this.#channel.destroy();
    this.#close();
  }

  #fromEndpoint(buffer: Buffer, start: number, end: number): void {
    this.#touch();
    this.#responseBytes += end - start;
    this.#stream.sendData(buffer, start, end);
    if (this.#stream.congested) this.#channel.pause();
  }

  #endpointClosed(error: Error | undefined): void {
    if (this.#over) return;
    if (error === undefined) this.#stream.sendEnd();
    else this.#stream.reset(CANCEL);
    this.#stream.discard();
    this.#close();
  }

  #touch(): void {
    this.deadlineMs = this.#plane.deadlines.in(this.#idleTimeoutMs);
  }

  #release(): void {
    this.#touch();
    const held = this.#held;
    this.#held = 0;
    if (held > 0) this.#stream.consumed(held);
  }

  #close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#plane.counters.tunnels--;
    this.#plane.deadlines.remove(this);
    this.#onClosed(this.#requestBytes, this.#responseBytes);
  }
}
