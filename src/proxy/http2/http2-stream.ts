import { CANCEL, type Http2ErrorCode } from "./error-codes.ts";
import type { FieldBlock } from "./field-block.ts";
import type { HeadWriter } from "./head-writer.ts";
import { SendQueue } from "./send-queue.ts";

/** Below this much waiting data, its sender is asked for more. */
export const LOW_WATER_BYTES: number = 16 * 1024;

/** Who uses a stream. Called synchronously; buffers and fields are another's once the call returns. */
export interface StreamOwner {
  /** On the client's side: a response head; informational ones come first, each by itself. */
  onHead(fields: FieldBlock): void;
  /** Some of the body. It counts against the stream's window until `consumed`. */
  onData(bytes: Buffer, start: number, end: number): void;
  /** The peer is done sending on this stream. */
  onEnd(trailers: FieldBlock | undefined): void;
  /** After `sendData` returned false: more may be sent. */
  onDrain(): void;
  /** The stream is over before both sides were done: the peer reset it, broke a rule, or the connection ended. */
  onReset(code: Http2ErrorCode, reason: string): void;
}

/** What a stream needs of its connection. */
export interface StreamCarrier {
  sendHead(stream: Http2Stream, head: HeadWriter, end: boolean): void;
  sendData(stream: Http2Stream, bytes: Uint8Array, start: number, end: number): boolean;
  sendEnd(stream: Http2Stream): void;
  sendTrailers(stream: Http2Stream, head: HeadWriter): void;
  consumed(stream: Http2Stream, bytes: number): void;
  reset(stream: Http2Stream, code: Http2ErrorCode): void;
  discard(stream: Http2Stream): void;
}

/**
 * One stream: what its user may do with it, and what the connection keeps about it. After `sendEnd`, `sendTrailers`,
 * `sendHead(…, true)` or `reset`, sending does nothing.
 */
export class Http2Stream {
  readonly id: number;
  /** To be set before the call that handed the stream over returns. */
  owner: StreamOwner | undefined;
  /** Each side is done sending. */
  localEnded = false;
  remoteEnded = false;
  /** Over: both sides are done, or it was reset. */
  closed = false;

  /** Nothing more of what the peer sends is wanted; so much has come all the same. */
  unwanted = false;
  unwantedBytes = 0;

  // The connection's notes; nobody else's business.
  /** What we may send. May be negative after the peer made its windows smaller. */
  sendWindow: number;
  /** What the peer may send. */
  receiveWindow: number;
  /** Received and not consumed; consumed and not announced. */
  unconsumed = 0;
  unannounced = 0;
  /** What content-length still promises; -1 when there is none. */
  bodyLeft = -1;
  /** The final head has been received: the next is trailers. */
  headReceived = false;
  readonly queue: SendQueue = new SendQueue();
  /** What follows the data that waits. */
  endQueued = false;
  trailersQueued: Buffer | undefined;
  wantsDrain = false;
  /** In the round of streams that can send. */
  inRound = false;
  next: Http2Stream | undefined;
  /** The last frame, to put END_STREAM on while it has not left. */
  lastFrameAt = 0;
  lastFrameEpoch = -1;
  /** When data was last sent or began to wait. */
  progressMs = 0;
  readonly #carrier: StreamCarrier;

  constructor(carrier: StreamCarrier, id: number, sendWindow: number, receiveWindow: number) {
    this.#carrier = carrier;
    this.id = id;
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
  }

  /** Sends a head: of a request, of a response, or an informational one with `end` false. Copies it. */
  sendHead(head: HeadWriter, end: boolean): void {
    if (!this.localEnded) this.#carrier.sendHead(this, head, end);
  }

  /** Sends some of the body. Copies it; returns false when the sender should stop until `onDrain`. */
  sendData(bytes: Uint8Array, start: number, end: number): boolean {
    return this.localEnded || this.#carrier.sendData(this, bytes, start, end);
  }

  /** The body is complete. */
  sendEnd(): void {
    if (!this.localEnded) this.#carrier.sendEnd(this);
  }

  /** The body is complete, and these fields follow it. Copies them. */
  sendTrailers(head: HeadWriter): void {
    if (!this.localEnded) this.#carrier.sendTrailers(this, head);
  }

  /** Whether much data waits for the peer; asking promises `onDrain` when the answer is yes. */
  get congested(): boolean {
    if (this.queue.bytes <= LOW_WATER_BYTES) return false;
    this.wantsDrain = true;
    return true;
  }

  /** So much of what `onData` brought is dealt with: the peer may send as much again. */
  consumed(bytes: number): void {
    this.#carrier.consumed(this, bytes);
  }

  /**
   * Nothing more is heard of the stream. Once our side has been sent, the peer may go on sending for a while, to no end,
   * then is told to stop (RFC 9113 section 8.1: a server may answer before it has the whole request).
   */
  discard(): void {
    this.owner = undefined;
    if (!this.closed) this.#carrier.discard(this);
  }

  /** Ends the stream at once, in both directions. `onReset` is not called. */
  reset(code: Http2ErrorCode = CANCEL): void {
    if (!this.closed) this.#carrier.reset(this, code);
  }
}
