/** Every limit of an HTTP/2 connection, on either side. Bytes and milliseconds. */
export interface Http2Limits {
  /** Streams the peer may have open at a time; more are refused with REFUSED_STREAM, safe to send again. @default 128 */
  readonly concurrentStreamsMax: number;
  /** What the peer may send on one stream before it is consumed. @default 256 KiB */
  readonly streamWindowBytes: number;
  /** The same for all streams of a connection together: what a connection can make us hold. @default 1 MiB */
  readonly connectionWindowBytes: number;
  /** Header list (RFC 9113 section 6.5.2: names, values and 32 for each), announced; more is answered 431. @default 32 KiB */
  readonly headerListBytesMax: number;
  /** One header block as it is coded, over all its frames; more ends the connection, as the table cannot be followed. @default 64 KiB */
  readonly headerBlockBytesMax: number;
  /** CONTINUATION frames of one header block; more is a flood and ends the connection. @default 16 */
  readonly continuationFramesMax: number;
  /**
   * Streams in `floodWindowMs` that the peer reset, made us reset, or opened beyond the limit; more is a rapid reset
   * attack and ends the connection. @default 400
   */
  readonly resetsMax: number;
  /**
   * Frames in `floodWindowMs` that carry nothing on (PING, SETTINGS, PRIORITY, WINDOW_UPDATE, empty DATA, unknown ones),
   * beyond those that requests and data explain; more is a flood and ends the connection. @default 1_000
   */
  readonly idleFramesMax: number;
  /** @default 10 s */
  readonly floodWindowMs: number;
  /** Of one stream's data, waiting for windows or for the connection: from here on the sender must stop. @default 64 KiB */
  readonly streamQueueBytesMax: number;
  /** Bytes the peer leaves unread until nothing more is read from it either. @default 256 KiB */
  readonly unreadBytesMax: number;
  /** A stream whose data the peer keeps from being sent, by its windows, for this long is reset (zero-window stall). @default 60 s */
  readonly stallTimeoutMs: number;
  /** What the peer may still send on a stream whose response is complete, before the stream is reset. @default 1 MiB */
  readonly unwantedBytesMax: number;
  /** How long it may take for that. @default 5 s */
  readonly unwantedTimeoutMs: number;
  /** From the first to the last byte of a preface, a frame or a header block. @default 15 s */
  readonly frameTimeoutMs: number;
  /** Until our SETTINGS are acknowledged. @default 10 s */
  readonly settingsTimeoutMs: number;
  /** Between the first GOAWAY of a graceful end and the last, at most; its PING usually ends it sooner. @default 1 s */
  readonly goawayGraceMs: number;
}

export const DEFAULT_HTTP2_LIMITS: Http2Limits = {
  concurrentStreamsMax: 128,
  streamWindowBytes: 256 * 1024,
  connectionWindowBytes: 1024 * 1024,
  headerListBytesMax: 32 * 1024,
  headerBlockBytesMax: 64 * 1024,
  continuationFramesMax: 16,
  resetsMax: 400,
  idleFramesMax: 1000,
  floodWindowMs: 10_000,
  streamQueueBytesMax: 64 * 1024,
  unreadBytesMax: 256 * 1024,
  stallTimeoutMs: 60_000,
  unwantedBytesMax: 1024 * 1024,
  unwantedTimeoutMs: 5000,
  frameTimeoutMs: 15_000,
  settingsTimeoutMs: 10_000,
  goawayGraceMs: 1000,
};
