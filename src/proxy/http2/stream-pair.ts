import type { Timed } from "../deadlines.ts";
import type { Plane } from "../plane.ts";
import { CANCEL } from "./error-codes.ts";
import type { Http2Stream, StreamOwner } from "./http2-stream.ts";

/** A WebSocket with HTTP/2 on both sides: bytes pass between two streams, each as fast as the other takes them. */
export class StreamPair implements Timed {
  deadlineMs: number;
  readonly #plane: Plane;
  readonly #idleTimeoutMs: number;
  readonly #onClosed: (requestBytes: number, responseBytes: number) => void;
  readonly #client: StreamSide;
  readonly #endpoint: StreamSide;
  #over = false;

  /** Takes both streams over. It ends when both are done, when either is reset, or when nothing passed for `idleTimeoutMs`. */
  constructor(
    plane: Plane,
    client: Http2Stream,
    endpoint: Http2Stream,
    idleTimeoutMs: number,
    onClosed: (requestBytes: number, responseBytes: number) => void,
  ) {
    this.#plane = plane;
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#onClosed = onClosed;
    this.deadlineMs = plane.deadlines.in(idleTimeoutMs);
    this.#client = new StreamSide(this, client, endpoint);
    this.#endpoint = new StreamSide(this, endpoint, client);
    client.owner = this.#client;
    endpoint.owner = this.#endpoint;
  }

  /** Passes on what had already arrived from the client, and goes on from there. */
  start(fromClient: readonly Buffer[], clientEnded: boolean): void {
    this.#plane.counters.tunnels++;
    this.#plane.deadlines.add(this);
    for (const piece of fromClient) this.#client.onData(piece, 0, piece.length);
    if (clientEnded) this.#client.onEnd();
  }

  touch(): void {
    this.deadlineMs = this.#plane.deadlines.in(this.#idleTimeoutMs);
  }

  /** The other side's peer takes more. */
  drained(of: Http2Stream): void {
    (of === this.#client.stream ? this.#endpoint : this.#client).release();
  }

  sideEnded(): void {
    if (this.#client.ended && this.#endpoint.ended) this.#close();
  }

  onDeadline(): void {
    this.cut();
  }

  /** Ends both. */
  cut(): void {
    this.#client.stream.reset(CANCEL);
    this.#endpoint.stream.reset(CANCEL);
    this.#close();
  }

  #close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#plane.counters.tunnels--;
    this.#plane.deadlines.remove(this);
    this.#onClosed(this.#client.bytes, this.#endpoint.bytes);
  }
}

class StreamSide implements StreamOwner {
  readonly stream: Http2Stream;
  bytes = 0;
  ended = false;
  readonly #pair: StreamPair;
  readonly #other: Http2Stream;
  /** Bytes the other side has not taken, so that this one's peer may not send as many again. */
  #held = 0;

  constructor(pair: StreamPair, stream: Http2Stream, other: Http2Stream) {
    this.#pair = pair;
    this.stream = stream;
    this.#other = other;
  }

  onHead(): void {
    // Neither side has another head to send.
  }

  onData(bytes: Buffer, start: number, end: number): void {
    this.bytes += end - start;
    this.#held += end - start;
    this.#pair.touch();
    this.#other.sendData(bytes, start, end);
    if (!this.#other.congested) this.release();
  }

  onEnd(): void {
    this.ended = true;
    this.#other.sendEnd();
    this.#pair.sideEnded();
  }

  onDrain(): void {
    this.#pair.touch();
    this.#pair.drained(this.stream);
  }

  onReset(): void {
    this.#pair.cut();
  }

  release(): void {
    const held = this.#held;
    this.#held = 0;
    if (held > 0) this.stream.consumed(held);
  }
}
