import {
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  FRAME_BYTES_MAX,
  HEADERS,
  INITIAL_WINDOW_BYTES,
} from "./frame.ts";
import type { FrameOutput, Http2Transport } from "./frame-output.ts";
import { FIRST_BLOCK_PREFIX, type HeadWriter } from "./head-writer.ts";
import { type Http2Stream, LOW_WATER_BYTES } from "./http2-stream.ts";

const EMPTY = Buffer.alloc(0);

/** What a sender is made of. */
export interface StreamSenderOptions {
  readonly output: FrameOutput;
  readonly transport: Http2Transport;
  /** Waiting data of one stream from which on its sender must stop. */
  readonly queueBytesMax: number;
  /** Everything of a stream, with its end, is in the output. */
  readonly onEndSent: (stream: Http2Stream) => void;
  /** A frame of data is in the output. */
  readonly onData: () => void;
}

/**
 * The sending half of a connection: puts messages into frames, obeys the peer's windows, keeps what may not be sent yet
 * and lets the streams take turns, one frame each.
 */
export class StreamSender {
  /** What the peer takes on the connection. */
  sendWindow: number = INITIAL_WINDOW_BYTES;
  /** The connection's coarse time. */
  nowMs = 0;
  readonly #output: FrameOutput;
  readonly #transport: Http2Transport;
  readonly #queueBytesMax: number;
  readonly #onEndSent: (stream: Http2Stream) => void;
  readonly #onData: () => void;
  #firstBlockSent = false;
  /** The transport takes no more for now, as of the epoch of the output. */
  #blocked = false;
  #checkedEpoch = 0;
  /** Streams with data that their window allows to send, in turn. */
  #roundFirst: Http2Stream | undefined;
  #roundLast: Http2Stream | undefined;

  constructor(options: StreamSenderOptions) {
    this.#output = options.output;
    this.#transport = options.transport;
    this.#queueBytesMax = options.queueBytesMax;
    this.#onEndSent = options.onEndSent;
    this.#onData = options.onData;
  }

  /** Whether a stream waits for its turn. */
  get waiting(): boolean {
    return this.#roundFirst !== undefined;
  }

  /** The transport takes no more. */
  block(): void {
    this.#blocked = true;
  }

  /** The transport takes more. */
  unblock(): void {
    this.#blocked = false;
  }

  /** Forgets all streams. */
  clear(): void {
    this.#roundFirst = undefined;
    this.#roundLast = undefined;
  }

  /** Sends a head; with `end` nothing follows it. */
  head(stream: Http2Stream, head: HeadWriter, end: boolean): void {
    if (end) stream.localEnded = true;
    this.#putBlock(stream, head.bytes, head.end, end);
    if (end) this.#onEndSent(stream);
  }

  /** Ends the stream with fields, behind the data that waits. */
  trailers(stream: Http2Stream, head: HeadWriter): void {
    stream.localEnded = true;
    if (stream.queue.bytes > 0) {
      stream.endQueued = true;
      stream.trailersQueued = Buffer.from(head.bytes.subarray(0, head.end));
      return;
    }
    this.#putBlock(stream, head.bytes, head.end, true);
    this.#onEndSent(stream);
  }

  /** Ends the stream, behind the data that waits. */
  end(stream: Http2Stream): void {
    stream.localEnded = true;
    if (stream.queue.bytes > 0) {
      stream.endQueued = true;
      return;
    }
    this.#putEnd(stream);
    this.#onEndSent(stream);
  }

  /** Sends what the windows allow and keeps the rest; returns false when that is much. */
  data(stream: Http2Stream, bytes: Uint8Array, from: number, end: number): boolean {
    let start = from;
    if (stream.queue.bytes === 0 && this.#roundFirst === undefined && !this.#isBlocked()) {
      while (start < end) {
        const length = this.#sendable(stream, end - start);
        if (length === 0) break;
        this.#putData(stream, bytes, start, start + length);
        start += length;
        if (this.#isBlocked()) break;
      }
      if (start === end) return true;
    }
    if (start === end) return true;
    if (stream.queue.bytes === 0) stream.progressMs = this.nowMs;
    stream.queue.push(bytes, start, end);
    this.wake(stream);
    if (stream.queue.bytes < this.#queueBytesMax) return true;
    stream.wantsDrain = true;
    return false;
  }

  /** How much of `wanted` the windows allow in one frame. */
  #sendable(stream: Http2Stream, wanted: number): number {
    return Math.max(0, Math.min(wanted, FRAME_BYTES_MAX, stream.sendWindow, this.sendWindow));
  }

  #putData(stream: Http2Stream, bytes: Uint8Array, start: number, end: number): void {
    stream.lastFrameAt = this.#output.frame(DATA, 0, stream.id, bytes, start, end);
    stream.lastFrameEpoch = this.#output.epoch;
    stream.sendWindow -= end - start;
    this.sendWindow -= end - start;
    this.#onData();
  }

  /** Puts END_STREAM on the last frame when it has not left, else sends an empty one. */
  #putEnd(stream: Http2Stream): void {
    if (stream.lastFrameEpoch === this.#output.epoch) this.#output.addFlag(stream.lastFrameAt, END_STREAM);
    else this.#output.frame(DATA, END_STREAM, stream.id, EMPTY, 0, 0);
  }

  #putBlock(stream: Http2Stream, block: Buffer, length: number, end: boolean): void {
    const endFlag = end ? END_STREAM : 0;
    let bytes = block;
    let left = length;
    if (!this.#firstBlockSent) {
      this.#firstBlockSent = true;
      bytes = Buffer.concat([Buffer.from([FIRST_BLOCK_PREFIX]), block.subarray(0, length)]);
      left = bytes.length;
    }
    const total = left;
    const first = Math.min(left, FRAME_BYTES_MAX);
    const flags = endFlag | (first === total ? END_HEADERS : 0);
    stream.lastFrameAt = this.#output.frame(HEADERS, flags, stream.id, bytes, 0, first);
    stream.lastFrameEpoch = this.#output.epoch;
    for (let at = first; at < total; at += FRAME_BYTES_MAX) {
      const stop = Math.min(at + FRAME_BYTES_MAX, total);
      this.#output.frame(CONTINUATION, stop === total ? END_HEADERS : 0, stream.id, bytes, at, stop);
      // END_STREAM belongs on the HEADERS frame, which may have left.
      stream.lastFrameEpoch = -1;
    }
  }

  #isBlocked(): boolean {
    if (this.#checkedEpoch !== this.#output.epoch) {
      this.#checkedEpoch = this.#output.epoch;
      if (this.#transport.congested) this.#blocked = true;
    }
    return this.#blocked;
  }

  /** The stream's window has become wider: what waits is sent in its turn. */
  wake(stream: Http2Stream): void {
    if (stream.inRound || stream.sendWindow <= 0 || stream.queue.bytes === 0) return;
    stream.inRound = true;
    stream.next = undefined;
    if (this.#roundLast === undefined) this.#roundFirst = stream;
    else this.#roundLast.next = stream;
    this.#roundLast = stream;
    this.#transport.schedule();
  }

  #leaveRound(stream: Http2Stream): void {
    this.#roundFirst = stream.next;
    if (this.#roundFirst === undefined) this.#roundLast = undefined;
    stream.next = undefined;
    stream.inRound = false;
  }

  /** Sends waiting data as far as windows and transport allow: one frame of each stream in turn. */
  pump(): void {
    if (this.#isBlocked()) return;
    for (let stream = this.#roundFirst; stream !== undefined; stream = this.#roundFirst) {
      if (!stream.closed && stream.sendWindow > 0 && stream.queue.bytes > 0) {
        if (this.sendWindow <= 0 || this.#isBlocked()) return;
        this.#putQueued(stream);
      }
      this.#leaveRound(stream);
      if (stream.closed) continue;
      if (stream.queue.bytes > 0) this.wake(stream);
      else if (stream.endQueued) this.#putQueuedEnd(stream);
      if (stream.wantsDrain && stream.queue.bytes <= LOW_WATER_BYTES) {
        stream.wantsDrain = false;
        stream.owner?.onDrain();
      }
    }
  }

  #putQueued(stream: Http2Stream): void {
    const { queue } = stream;
    const length = this.#sendable(stream, queue.firstBytes);
    this.#putData(stream, queue.first, queue.start, queue.start + length);
    queue.advance(length);
    stream.progressMs = this.nowMs;
  }

  #putQueuedEnd(stream: Http2Stream): void {
    stream.endQueued = false;
    const trailers = stream.trailersQueued;
    stream.trailersQueued = undefined;
    if (trailers === undefined) this.#putEnd(stream);
    else this.#putBlock(stream, trailers, trailers.length, true);
    this.#onEndSent(stream);
  }
}
