import {
  CANCEL,
  COMPRESSION_ERROR,
  ENHANCE_YOUR_CALM,
  FLOW_CONTROL_ERROR,
  FRAME_SIZE_ERROR,
  type Http2ErrorCode,
  NO_ERROR,
  PROTOCOL_ERROR,
  REFUSED_STREAM,
  SETTINGS_TIMEOUT,
  STREAM_CLOSED,
} from "./error-codes.ts";
import { BROKEN, DONE } from "../http1/header-section.ts";
import { type BlockKind, FieldBlock } from "./field-block.ts";
import { FloodBudget } from "./flood-budget.ts";
import {
  ACK,
  CONTINUATION,
  END_STREAM,
  FRAME_BYTES_MAX,
  GOAWAY,
  HEADERS,
  INITIAL_WINDOW_BYTES,
  PING,
  PREFACE,
  PRIORITY,
  PUSH_PROMISE,
  readUint32,
  RST_STREAM,
  SETTINGS,
  SETTINGS_ENABLE_CONNECT_PROTOCOL,
  SETTINGS_ENABLE_PUSH,
  SETTINGS_INITIAL_WINDOW_SIZE,
  SETTINGS_MAX_CONCURRENT_STREAMS,
  SETTINGS_MAX_HEADER_LIST_SIZE,
  WINDOW_BYTES_MAX,
  WINDOW_UPDATE,
  writeUint32,
} from "./frame.ts";
import { FrameOutput, type Http2Transport } from "./frame-output.ts";
import { FrameReader, type FrameSink } from "./frame-reader.ts";
import type { HeadWriter } from "./head-writer.ts";
import { HeaderBlock } from "./header-block.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import type { Http2Limits } from "./http2-limits.ts";
import { Http2Stream, type StreamCarrier, type StreamOwner } from "./http2-stream.ts";
import { PeerSettings } from "./peer-settings.ts";
import { StreamSender } from "./stream-sender.ts";

/** Who uses a connection. Called synchronously, also from within `receive`. */
export interface Http2ConnectionOwner {
  /**
   * On the server's side: a request. `fields` is good only during the call; when it is `tooLarge` the request was not
   * read whole and should be answered 431. Must set `stream.owner`.
   */
  onRequest(stream: Http2Stream, fields: FieldBlock): void;
  /** The last open stream is over. */
  onIdle(): void;
  /** The peer wants no more streams on this connection; those it did not look at were reset with REFUSED_STREAM. */
  onGoaway(): void;
  /** The peer's settings have come, or changed. */
  onSettings(): void;
  /** A rule was broken, here or there: the connection ends with this code, and all streams were reset. */
  onFailed(code: Http2ErrorCode, reason: string): void;
}

/** What a connection is made of. */
export interface Http2ConnectionOptions {
  readonly role: "server" | "client";
  readonly limits: Http2Limits;
  readonly transport: Http2Transport;
  readonly owner: Http2ConnectionOwner;
  /** Monotonic; may be coarse. */
  readonly nowMs: () => number;
}

/** Reasons of {@link StreamOwner.onReset} that are no broken rule. */
export const PEER_RESET = "the peer reset the stream";
export const CONNECTION_CLOSED = "the connection was closed";

/** Blocks are decoded one at a time, so one place for the result serves all connections. */
const fields = new FieldBlock();

/** Streams we reset, remembered so that what the peer had sent before it knew is no error of its. */
const RESET_STREAMS_REMEMBERED_MAX = 256;
/** What SETTINGS costs of the budget for idle frames: it touches every stream. */
const SETTINGS_COST = 10;
/** Idle frames that one request, and one frame of data in either direction, explain. */
const EARNED_BY_REQUEST = 8;
const EARNED_BY_DATA = 2;
/** How a PING of ours is told from the peer's acknowledging something else. */
const DRAIN_PING = Buffer.from("lintel-0", "latin1");

const EMPTY = Buffer.alloc(0);

/**
 * One side of an HTTP/2 connection (RFC 9113), without any input or output of its own: bytes come in by `receive`, leave
 * through the transport when `flush` is called, time passes by `sweep`. Everything the peer can make it hold or do has a
 * limit in {@link Http2Limits}.
 */
export class Http2Connection implements FrameSink, StreamCarrier {
  readonly peer: PeerSettings = new PeerSettings();
  readonly #role: "server" | "client";
  readonly #limits: Http2Limits;
  readonly #transport: Http2Transport;
  readonly #owner: Http2ConnectionOwner;
  readonly #nowMs: () => number;
  readonly #reader: FrameReader;
  readonly #output: FrameOutput;
  readonly #sender: StreamSender;
  readonly #decoder = new HpackDecoder();
  readonly #streams = new Map<number, Http2Stream>();
  readonly #resetStreams = new Set<number>();
  readonly #resets: FloodBudget;
  readonly #idleFrames: FloodBudget;

  #failed = false;
  #settingsReceived = false;
  #settingsAcknowledged = false;
  readonly #startMs: number;
  #midwaySinceMs = -1;
  #framesRead = 0;
  #framesReadBefore = 0;

  /** The highest stream of the peer's, and the next of ours. */
  #lastPeerStream = 0;
  #nextStream = 1;
  #goawayReceived = false;
  #goawaySinceMs = -1;
  /** Streams of the peer's above this are ignored: our last GOAWAY said so. */
  #acceptedMax = WINDOW_BYTES_MAX;

  readonly #block: HeaderBlock;

  /** The DATA frame at hand. */
  #dataStream: Http2Stream | undefined;
  #dataEndStream = false;

  #receiveWindow = INITIAL_WINDOW_BYTES;
  #unannounced = 0;
  #paused = false;

  constructor(options: Http2ConnectionOptions) {
    const { limits, nowMs } = options;
    this.#role = options.role;
    this.#limits = limits;
    this.#transport = options.transport;
    this.#owner = options.owner;
    this.#nowMs = nowMs;
    this.#reader = new FrameReader(this, { expectsPreface: options.role === "server" });
    this.#block = new HeaderBlock(limits);
    this.#output = new FrameOutput(options.transport);
    this.#sender = new StreamSender({
      output: this.#output,
      transport: options.transport,
      queueBytesMax: limits.streamQueueBytesMax,
      onEndSent: (stream) => this.#closeIfDone(stream),
      onData: () => this.#idleFrames.earn(EARNED_BY_DATA),
    });
    this.#resets = new FloodBudget(limits.resetsMax, limits.floodWindowMs, nowMs);
    this.#idleFrames = new FloodBudget(limits.idleFramesMax, limits.floodWindowMs, nowMs);
    this.#startMs = nowMs();
    this.#sender.nowMs = this.#startMs;
  }

  /** Sends our side of the preface. */
  start(): void {
    const { limits, role } = { limits: this.#limits, role: this.#role };
    const settings: (readonly [number, number])[] = [
      [SETTINGS_INITIAL_WINDOW_SIZE, limits.streamWindowBytes],
      [SETTINGS_MAX_HEADER_LIST_SIZE, limits.headerListBytesMax],
      ...(role === "server"
        ? ([
            [SETTINGS_MAX_CONCURRENT_STREAMS, limits.concurrentStreamsMax],
            [SETTINGS_ENABLE_CONNECT_PROTOCOL, 1],
          ] as const)
        : ([[SETTINGS_ENABLE_PUSH, 0]] as const)),
    ];
    const payload = Buffer.alloc(settings.length * 6);
    for (const [index, [name, value]] of settings.entries()) {
      payload[index * 6 + 1] = name;
      writeUint32(payload, index * 6 + 2, value);
    }
    if (role === "client") this.#putPreface();
    this.#output.frame(SETTINGS, 0, 0, payload, 0, payload.length);
    const more = limits.connectionWindowBytes - INITIAL_WINDOW_BYTES;
    if (more > 0) {
      this.#output.number(WINDOW_UPDATE, 0, more);
      this.#receiveWindow += more;
    }
  }

  /** Open streams. */
  get streams(): number {
    return this.#streams.size;
  }

  /** Whether the connection has failed: it only waits for its last bytes to leave. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Whether a new stream of ours may be opened now. */
  get canOpen(): boolean {
    return (
      !this.#failed &&
      !this.#goawayReceived &&
      this.#nextStream < WINDOW_BYTES_MAX &&
      this.#streams.size < Math.min(this.peer.concurrentStreamsMax, this.#limits.concurrentStreamsMax)
    );
  }

  /** Opens a stream of ours with a request; `canOpen` must be true. */
  open(owner: StreamOwner, head: HeadWriter, end: boolean): Http2Stream {
    const stream = this.#addStream(this.#nextStream);
    this.#nextStream += 2;
    stream.owner = owner;
    this.sendHead(stream, head, end);
    return stream;
  }

  /** Calls back with the owner of each open stream. */
  eachStream(callback: (owner: StreamOwner) => void): void {
    for (const { owner } of this.#streams.values()) if (owner !== undefined) callback(owner);
  }

  /** Takes bytes from the peer; they are the caller's again when the call returns. */
  receive(bytes: Buffer, start: number, end: number): void {
    this.#reader.read(bytes, start, end);
  }

  /** Sends what was collected, and data that waited as far as windows and transport allow. */
  flush(): void {
    this.#sender.pump();
    this.#output.flush();
    if (!this.#transport.congested) return;
    this.#sender.block();
    // A peer that reads nothing could make us collect answers without end: then we read nothing either.
    if (!this.#paused && this.#transport.pendingBytes > this.#limits.unreadBytesMax) {
      this.#paused = true;
      this.#transport.pause();
    }
  }

  /** Everything written has left. */
  drained(): void {
    this.#sender.unblock();
    if (this.#paused) {
      this.#paused = false;
      this.#transport.resume();
    }
    if (this.#sender.waiting) this.flush();
  }

  /** The peer is gone, or will send nothing more: all streams are over. */
  peerGone(): void {
    this.#reader.close();
    this.#failed = true;
    this.#output.drop();
    this.#resetAll(CANCEL, CONNECTION_CLOSED);
  }

  /**
   * Ends gracefully (RFC 9113 section 6.8): says that no more streams are wanted, after a round trip names the last one,
   * and closes when those are over.
   */
  shutdown(): void {
    if (this.#failed || this.#goawaySinceMs >= 0) return;
    this.#goawaySinceMs = this.#nowMs();
    this.#putGoaway(WINDOW_BYTES_MAX, NO_ERROR, "");
    this.#output.frame(PING, 0, 0, DRAIN_PING, 0, DRAIN_PING.length);
  }

  /** Looks at what has taken too long; to be called every second or so. */
  sweep(nowMs: number): void {
    this.#sender.nowMs = nowMs;
    if (this.#failed) return;
    const limits = this.#limits;
    if (!this.#settingsAcknowledged && nowMs - this.#startMs > limits.settingsTimeoutMs) {
      return this.#fail(SETTINGS_TIMEOUT, "our SETTINGS were not acknowledged in time");
    }
    if (this.#goawaySinceMs >= 0 && nowMs - this.#goawaySinceMs > limits.goawayGraceMs) this.#endWhenIdle();
    this.#sweepFrames(nowMs);
    for (const stream of this.#streams.values()) {
      if (stream.unwanted && stream.localEnded && !stream.endQueued) {
        if (nowMs - stream.progressMs > limits.unwantedTimeoutMs) this.reset(stream, NO_ERROR);
        continue;
      }
      const stalled = stream.queue.bytes > 0 && (stream.sendWindow <= 0 || this.#sender.sendWindow <= 0);
      if (!stalled) continue;
      if (nowMs - stream.progressMs > limits.stallTimeoutMs)
        this.#resetWith(stream, CANCEL, "the windows stayed closed");
    }
  }

  /** Slow loris: one frame or header block that does not get on. DATA has the body's own timeout. */
  #sweepFrames(nowMs: number): void {
    if (!this.#reader.midway && this.#block.openStream === 0) {
      this.#midwaySinceMs = -1;
    } else if (
      this.#midwaySinceMs < 0 ||
      (this.#framesReadBefore !== this.#framesRead && this.#block.openStream === 0)
    ) {
      this.#midwaySinceMs = nowMs;
      this.#framesReadBefore = this.#framesRead;
    } else if (nowMs - this.#midwaySinceMs > this.#limits.frameTimeoutMs) {
      this.#fail(PROTOCOL_ERROR, "a frame did not arrive in time");
    }
  }

  // Frames from the peer.

  onBadFrame(code: Http2ErrorCode, reason: string): void {
    this.#fail(code, reason);
  }

  onFrame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    this.#framesRead++;
    if (this.#block.openStream !== 0 && (type !== CONTINUATION || id !== this.#block.openStream)) {
      return this.#fail(PROTOCOL_ERROR, "a header block is interrupted by another frame");
    }
    if (!this.#settingsReceived && (type !== SETTINGS || (flags & ACK) !== 0)) {
      return this.#fail(PROTOCOL_ERROR, "the first frame is not SETTINGS");
    }
    switch (type) {
      case HEADERS:
      case CONTINUATION:
        return this.#onBlockFrame(type, flags, id, bytes, start, end);
      case WINDOW_UPDATE:
        return this.#onWindowUpdate(id, bytes, start, end);
      case RST_STREAM:
        return this.#onRstStream(id, bytes, start, end);
      case SETTINGS:
        return this.#onSettings(flags, id, bytes, start, end);
      case PING:
        return this.#onPing(flags, id, bytes, start, end);
      case GOAWAY:
        return this.#onGoaway(id, bytes, start, end);
      case PRIORITY:
        return this.#onPriority(id, bytes, start, end);
      case PUSH_PROMISE:
        // We never allow a server to push, and a client cannot.
        return this.#fail(PROTOCOL_ERROR, "PUSH_PROMISE was not allowed");
      default:
        this.#idleFrame(1, "unknown");
    }
  }

  onDataFrame(flags: number, id: number, length: number, overhead: number): void {
    this.#framesRead++;
    this.#dataStream = undefined;
    this.#dataEndStream = (flags & END_STREAM) !== 0;
    if (this.#block.openStream !== 0) return this.#fail(PROTOCOL_ERROR, "a header block is interrupted by DATA");
    if (!this.#settingsReceived) return this.#fail(PROTOCOL_ERROR, "the first frame is not SETTINGS");
    if (id === 0) return this.#fail(PROTOCOL_ERROR, "DATA is not for stream 0");
    if (length > this.#receiveWindow) return this.#fail(FLOW_CONTROL_ERROR, "more DATA than the connection's window");
    this.#receiveWindow -= length;
    if (length > overhead) this.#idleFrames.earn(EARNED_BY_DATA);
    else if (!this.#dataEndStream && !this.#idleFrame(1, "empty DATA")) return;
    const stream = this.#streams.get(id);
    if (stream === undefined || stream.remoteEnded) {
      this.#onClosedStream(id, "DATA");
      return this.#credit(length);
    }
    const data = length - overhead;
    if (length > stream.receiveWindow) {
      this.#credit(length);
      return this.#resetWith(stream, FLOW_CONTROL_ERROR, "more DATA than the stream's window");
    }
    if (!stream.headReceived || (stream.bodyLeft >= 0 && data > stream.bodyLeft)) {
      this.#credit(length);
      return this.#resetWith(stream, PROTOCOL_ERROR, "DATA that the head does not allow");
    }
    if (stream.bodyLeft >= 0) stream.bodyLeft -= data;
    stream.receiveWindow -= length;
    stream.unconsumed += length;
    if (overhead > 0) this.consumed(stream, overhead);
    this.#dataStream = stream;
  }

  onData(bytes: Buffer, start: number, end: number): void {
    const stream = this.#dataStream;
    // Data of a stream that is over was credited when its frame began, or when the stream ended.
    if (stream === undefined || stream.closed) return;
    if (stream.unwanted) this.#throwAway(stream, end - start);
    else stream.owner?.onData(bytes, start, end);
  }

  onDataFrameEnd(): void {
    const stream = this.#dataStream;
    this.#dataStream = undefined;
    if (stream !== undefined && !stream.closed && this.#dataEndStream) this.#endRemote(stream, undefined);
  }

  /** HEADERS, or CONTINUATION of the block that is not complete. */
  #onBlockFrame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    const block = this.#block;
    const progress =
      type === HEADERS ? block.begin(flags, id, bytes, start, end) : block.continue(flags, bytes, start, end);
    if (progress === BROKEN) return this.#fail(block.code, block.problem);
    if (progress === DONE) this.#onBlock(id, block.bytes, block.start, block.end);
    // The buffer is its caller's again.
    if (progress === DONE) block.drop();
  }

  /** A whole header block. It is decoded in any case, or the table would be wrong for the next. */
  #onBlock(id: number, bytes: Buffer, start: number, end: number): void {
    const { headerListBytesMax, headerBlockBytesMax } = this.#limits;
    const stream = this.#streams.get(id);
    const kind: BlockKind =
      stream?.headReceived === true ? "trailers" : this.#role === "server" ? "request" : "response";
    fields.begin(headerListBytesMax, HpackDecoder.literalBytesMax(Math.max(headerBlockBytesMax, FRAME_BYTES_MAX)));
    if (!this.#decoder.decode(bytes, start, end, fields)) return this.#fail(COMPRESSION_ERROR, this.#decoder.problem);
    fields.finish(kind, this.#role === "server");
    if (stream !== undefined) return this.#onFurtherBlock(stream, kind);
    if (this.#role === "client" || id <= this.#lastPeerStream) return this.#onClosedStream(id, "HEADERS");
    if (id % 2 === 0) return this.#fail(PROTOCOL_ERROR, "a client's stream has an odd number");
    this.#lastPeerStream = id;
    // RFC 9113 section 6.8: after the last GOAWAY they are ignored; the client sends them again elsewhere.
    if (id > this.#acceptedMax) return;
    if (this.#streams.size >= this.#limits.concurrentStreamsMax) return this.#refuse(id, REFUSED_STREAM);
    if (this.#block.selfDependent) return this.#refuse(id, PROTOCOL_ERROR);
    if (fields.problem !== undefined) return this.#refuse(id, PROTOCOL_ERROR);
    this.#beginRequest(id);
  }

  #beginRequest(id: number): void {
    const ended = this.#block.endStream;
    if (ended && fields.contentLength > 0) return this.#refuse(id, PROTOCOL_ERROR);
    const stream = this.#addStream(id);
    stream.headReceived = true;
    stream.bodyLeft = fields.contentLength;
    stream.remoteEnded = ended;
    this.#idleFrames.earn(EARNED_BY_REQUEST);
    this.#owner.onRequest(stream, fields);
    this.#closeIfDone(stream);
  }

  /** Trailers, or a head on the client's side. */
  #onFurtherBlock(stream: Http2Stream, kind: BlockKind): void {
    if (stream.remoteEnded) return this.#fail(STREAM_CLOSED, "HEADERS after END_STREAM");
    if (this.#block.selfDependent) return this.#resetWith(stream, PROTOCOL_ERROR, "a stream depends on itself");
    const problem =
      fields.problem ??
      (fields.tooLarge ? "the header list is too large" : undefined) ??
      (kind === "trailers" && !this.#block.endStream ? "trailers do not end the stream" : undefined);
    if (problem !== undefined) return this.#resetWith(stream, PROTOCOL_ERROR, problem);
    if (kind === "trailers") return this.#endRemote(stream, fields);
    if (fields.status < 200) {
      if (this.#block.endStream || fields.status === 101) {
        return this.#resetWith(stream, PROTOCOL_ERROR, "an informational response ends the stream");
      }
      // They may come without end, so they count.
      if (this.#idleFrame(1, "informational response")) stream.owner?.onHead(fields);
      return;
    }
    stream.headReceived = true;
    // A response to HEAD, or 304, has a length and no body: only what does come is compared with it.
    const bodiless = this.#block.endStream || fields.status === 204 || fields.status === 304;
    stream.bodyLeft = bodiless ? -1 : fields.contentLength;
    stream.owner?.onHead(fields);
    if (this.#block.endStream && !stream.closed) this.#endRemote(stream, undefined);
  }

  #endRemote(stream: Http2Stream, trailers: FieldBlock | undefined): void {
    if (stream.bodyLeft > 0) return this.#resetWith(stream, PROTOCOL_ERROR, "less DATA than content-length says");
    stream.remoteEnded = true;
    stream.owner?.onEnd(trailers);
    this.#closeIfDone(stream);
  }

  /** A frame on a stream that is not open: idle, closed, or reset by us so that the peer may not know yet. */
  #onClosedStream(id: number, what: string): void {
    if (this.#isIdle(id)) return this.#fail(PROTOCOL_ERROR, `${what} on a stream that was not opened`);
    if (this.#resetStreams.has(id)) return;
    this.#fail(STREAM_CLOSED, `${what} on a stream that is closed`);
  }

  #isIdle(id: number): boolean {
    const ours = id % 2 === (this.#role === "client" ? 1 : 0);
    return ours ? id >= this.#nextStream || this.#role === "server" : id > this.#lastPeerStream;
  }

  #onWindowUpdate(id: number, bytes: Buffer, start: number, end: number): void {
    if (end - start !== 4) return this.#fail(FRAME_SIZE_ERROR, "WINDOW_UPDATE has 4 bytes");
    if (!this.#idleFrame(1, "WINDOW_UPDATE")) return;
    const increment = readUint32(bytes, start) & WINDOW_BYTES_MAX;
    const stream = this.#streams.get(id);
    if (id === 0) {
      if (increment === 0) return this.#fail(PROTOCOL_ERROR, "WINDOW_UPDATE of 0");
      this.#sender.sendWindow += increment;
      if (this.#sender.sendWindow > WINDOW_BYTES_MAX)
        return this.#fail(FLOW_CONTROL_ERROR, "the connection's window is too large");
      if (this.#sender.waiting) this.#transport.schedule();
    } else if (stream === undefined) {
      if (this.#isIdle(id)) this.#fail(PROTOCOL_ERROR, "WINDOW_UPDATE on a stream that was not opened");
    } else if (increment === 0) this.#resetWith(stream, PROTOCOL_ERROR, "WINDOW_UPDATE of 0");
    else this.#widen(stream, increment);
  }

  #widen(stream: Http2Stream, increment: number): void {
    stream.sendWindow += increment;
    if (stream.sendWindow > WINDOW_BYTES_MAX) {
      return this.#resetWith(stream, FLOW_CONTROL_ERROR, "the stream's window is too large");
    }
    this.#sender.wake(stream);
  }

  #onRstStream(id: number, bytes: Buffer, start: number, end: number): void {
    if (end - start !== 4) return this.#fail(FRAME_SIZE_ERROR, "RST_STREAM has 4 bytes");
    if (id === 0 || this.#isIdle(id)) return this.#fail(PROTOCOL_ERROR, "RST_STREAM on a stream that was not opened");
    const stream = this.#streams.get(id);
    if (stream === undefined) {
      this.#idleFrame(1, "RST_STREAM");
      return;
    }
    this.#remove(stream);
    stream.owner?.onReset(readUint32(bytes, start), PEER_RESET);
    // A server may say NO_ERROR after a whole response (RFC 9113 section 8.1), and is not the one who opens streams.
    if (this.#role === "server") this.#countReset();
  }

  #onSettings(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (id !== 0) return this.#fail(PROTOCOL_ERROR, "SETTINGS is for stream 0");
    if ((flags & ACK) !== 0) {
      if (end !== start) return this.#fail(FRAME_SIZE_ERROR, "an acknowledgement of SETTINGS has a payload");
      this.#settingsAcknowledged = true;
      this.#idleFrame(1, "SETTINGS");
      return;
    }
    if ((end - start) % 6 !== 0) return this.#fail(FRAME_SIZE_ERROR, "SETTINGS are not of 6 bytes each");
    if (!this.#idleFrame(SETTINGS_COST, "SETTINGS")) return;
    this.#settingsReceived = true;
    const { peer } = this;
    const windowBefore = peer.windowBytes;
    const problem = peer.apply(bytes, start, end);
    if (problem !== NO_ERROR) return this.#fail(problem, "a setting has a value that is not allowed");
    this.#output.frame(SETTINGS, ACK, 0, EMPTY, 0, 0);
    this.#owner.onSettings();
    const change = peer.windowBytes - windowBefore;
    if (change === 0) return;
    for (const stream of this.#streams.values()) {
      stream.sendWindow += change;
      if (stream.sendWindow > WINDOW_BYTES_MAX) {
        return this.#fail(FLOW_CONTROL_ERROR, "SETTINGS made a window too large");
      }
      this.#sender.wake(stream);
    }
  }

  #onPing(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (id !== 0) return this.#fail(PROTOCOL_ERROR, "PING is for stream 0");
    if (end - start !== 8) return this.#fail(FRAME_SIZE_ERROR, "PING has 8 bytes");
    if (!this.#idleFrame(1, "PING")) return;
    if ((flags & ACK) === 0) this.#output.frame(PING, ACK, 0, bytes, start, end);
    else if (this.#goawaySinceMs >= 0 && DRAIN_PING.compare(bytes, start, end) === 0) this.#endWhenIdle();
  }

  #onGoaway(id: number, bytes: Buffer, start: number, end: number): void {
    if (id !== 0) return this.#fail(PROTOCOL_ERROR, "GOAWAY is for stream 0");
    if (end - start < 8) return this.#fail(FRAME_SIZE_ERROR, "GOAWAY has at least 8 bytes");
    if (!this.#idleFrame(1, "GOAWAY")) return;
    this.#goawayReceived = true;
    const last = readUint32(bytes, start) & WINDOW_BYTES_MAX;
    for (const stream of this.#role === "client" ? [...this.#streams.values()] : []) {
      if (stream.id <= last) continue;
      this.#remove(stream);
      stream.owner?.onReset(REFUSED_STREAM, "the peer is going away and has not looked at it");
    }
    this.#owner.onGoaway();
  }

  /** RFC 9113 section 5.3.2: deprecated, checked and ignored. */
  #onPriority(id: number, bytes: Buffer, start: number, end: number): void {
    if (id === 0) return this.#fail(PROTOCOL_ERROR, "PRIORITY is not for stream 0");
    const stream = this.#streams.get(id);
    const problem =
      end - start !== 5
        ? FRAME_SIZE_ERROR
        : (readUint32(bytes, start) & WINDOW_BYTES_MAX) === id
          ? PROTOCOL_ERROR
          : NO_ERROR;
    if (!this.#idleFrame(1, "PRIORITY") || problem === NO_ERROR) return;
    if (stream !== undefined) this.#resetWith(stream, problem, "PRIORITY is not valid");
    else if (this.#isIdle(id)) this.#fail(problem, "PRIORITY is not valid");
    else this.#refuse(id, problem);
  }

  /** Counts a frame that carries nothing on; returns false when there were too many. */
  #idleFrame(cost: number, what: string): boolean {
    if (this.#idleFrames.spend(cost)) return true;
    this.#fail(ENHANCE_YOUR_CALM, `too many ${what} frames`);
    return false;
  }

  /** Counts a stream that came to nothing (rapid reset). */
  #countReset(): void {
    if (!this.#failed && !this.#resets.spend(1)) this.#fail(ENHANCE_YOUR_CALM, "too many streams were reset");
  }

  // Streams and their ends.

  #addStream(id: number): Http2Stream {
    const stream = new Http2Stream(this, id, this.peer.windowBytes, this.#limits.streamWindowBytes);
    this.#streams.set(id, stream);
    return stream;
  }

  #closeIfDone(stream: Http2Stream): void {
    if (!stream.localEnded || stream.endQueued || stream.closed) return;
    if (stream.remoteEnded) this.#remove(stream);
    else if (stream.unwanted) stream.progressMs = this.#sender.nowMs;
  }

  #remove(stream: Http2Stream): void {
    stream.closed = true;
    stream.localEnded = true;
    stream.queue.clear();
    stream.endQueued = false;
    if (stream.unconsumed > 0) {
      this.#credit(stream.unconsumed);
      stream.unconsumed = 0;
    }
    this.#streams.delete(stream.id);
    if (this.#streams.size > 0 || this.#failed) return;
    if (this.#acceptedMax < WINDOW_BYTES_MAX) {
      this.#output.flush();
      this.#transport.end();
    }
    this.#owner.onIdle();
  }

  reset(stream: Http2Stream, code: Http2ErrorCode): void {
    if (!this.#failed) this.#putReset(stream.id, code);
    this.#remove(stream);
  }

  discard(stream: Http2Stream): void {
    stream.unwanted = true;
    stream.wantsDrain = false;
    this.#throwAway(stream, stream.unconsumed);
    if (!stream.closed) this.#closeIfDone(stream);
  }

  /** Some clients lose a response when the stream is reset while they send: so they may go on for a while. */
  #throwAway(stream: Http2Stream, bytes: number): void {
    this.consumed(stream, bytes);
    stream.unwantedBytes += bytes;
    const isSent = stream.localEnded && !stream.endQueued;
    if (isSent && stream.unwantedBytes > this.#limits.unwantedBytesMax) this.reset(stream, NO_ERROR);
  }

  /** Resets a stream for something the peer did. */
  #resetWith(stream: Http2Stream, code: Http2ErrorCode, reason: string): void {
    this.reset(stream, code);
    stream.owner?.onReset(code, reason);
    this.#countReset();
  }

  /** Resets a stream that was not even begun, for something the peer did. */
  #refuse(id: number, code: Http2ErrorCode): void {
    this.#putReset(id, code);
    this.#countReset();
  }

  #putReset(id: number, code: Http2ErrorCode): void {
    this.#output.number(RST_STREAM, id, code);
    this.#resetStreams.add(id);
    if (this.#resetStreams.size <= RESET_STREAMS_REMEMBERED_MAX) return;
    const [oldest = 0] = this.#resetStreams;
    this.#resetStreams.delete(oldest);
  }

  #resetAll(code: Http2ErrorCode, reason: string): void {
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    this.#sender.clear();
    for (const stream of streams) {
      stream.closed = true;
      stream.localEnded = true;
      stream.queue.clear();
      stream.owner?.onReset(code, reason);
    }
  }

  #fail(code: Http2ErrorCode, reason: string): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#reader.close();
    this.#dataStream = undefined;
    this.#block.drop();
    this.#putGoaway(this.#lastPeerStream, code, reason);
    this.#resetAll(code, reason);
    this.#output.flush();
    this.#transport.end();
    this.#owner.onFailed(code, reason);
  }

  /** The second step of a graceful end. */
  #endWhenIdle(): void {
    if (this.#acceptedMax === WINDOW_BYTES_MAX) {
      this.#acceptedMax = this.#lastPeerStream;
      this.#putGoaway(this.#lastPeerStream, NO_ERROR, "");
      this.#transport.schedule();
    }
    if (this.#streams.size > 0) return;
    this.#output.flush();
    this.#transport.end();
  }

  #putGoaway(last: number, code: Http2ErrorCode, reason: string): void {
    const payload = Buffer.alloc(8 + reason.length);
    writeUint32(payload, writeUint32(payload, 0, last), code);
    payload.write(reason, 8, "latin1");
    this.#output.frame(GOAWAY, 0, 0, payload, 0, payload.length);
  }

  #putPreface(): void {
    const at = this.#output.reserve(PREFACE.length - 9);
    this.#output.bytes?.set(PREFACE, at);
  }

  // Flow control of what we receive.

  consumed(stream: Http2Stream, bytes: number): void {
    const known = Math.min(bytes, stream.unconsumed);
    if (known === 0) return;
    stream.unconsumed -= known;
    this.#credit(known);
    if (stream.remoteEnded || stream.closed) return;
    stream.unannounced += known;
    if (stream.unannounced * 2 < this.#limits.streamWindowBytes) return;
    this.#output.number(WINDOW_UPDATE, stream.id, stream.unannounced);
    stream.receiveWindow += stream.unannounced;
    stream.unannounced = 0;
  }

  #credit(bytes: number): void {
    this.#unannounced += bytes;
    if (this.#failed || this.#unannounced * 2 < this.#limits.connectionWindowBytes) return;
    this.#output.number(WINDOW_UPDATE, 0, this.#unannounced);
    this.#receiveWindow += this.#unannounced;
    this.#unannounced = 0;
  }

  // What we send.

  sendHead(stream: Http2Stream, head: HeadWriter, end: boolean): void {
    this.#sender.head(stream, head, end);
  }

  sendTrailers(stream: Http2Stream, head: HeadWriter): void {
    this.#sender.trailers(stream, head);
  }

  sendEnd(stream: Http2Stream): void {
    this.#sender.end(stream);
  }

  sendData(stream: Http2Stream, bytes: Uint8Array, start: number, end: number): boolean {
    return this.#sender.data(stream, bytes, start, end);
  }
}
