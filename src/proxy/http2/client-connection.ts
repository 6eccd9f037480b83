import { Socket } from "node:net";
import type { BufferPool } from "../buffer-pool.ts";
import { Channel, type ChannelOwner } from "../channel.ts";
import type { Timed } from "../deadlines.ts";
import { ForwardedHeaders } from "../forwarded-headers.ts";
import { RequestTarget } from "../http1/request-target.ts";
import type { Peer } from "../peer.ts";
import type { Plane } from "../plane.ts";
import { ClientStream } from "./client-stream.ts";
import { ENHANCE_YOUR_CALM, type Http2ErrorCode, NO_ERROR } from "./error-codes.ts";
import type { FieldBlock } from "./field-block.ts";
import type { Http2Transport } from "./frame-output.ts";
import { Http2Connection, type Http2ConnectionOwner } from "./http2-connection.ts";
import type { Http2Stream } from "./http2-stream.ts";
import { turnEnd } from "./turn-end.ts";

/** How often a connection looks at what takes too long. */
const SWEEP_MS = 1000;
/** Finished requests whose objects a connection keeps for the next ones. */
const KEPT_STREAMS_MAX = 32;

/**
 * A client's HTTP/2 connection: joins the engine to a channel, and gives each request an exchange of its own. Frames of
 * one turn of the event loop leave in one write.
 */
export class Http2ClientConnection implements ChannelOwner, Http2ConnectionOwner, Http2Transport, Timed {
  readonly peer: Peer;
  readonly plane: Plane;
  readonly channel: Channel;
  readonly forwarded: ForwardedHeaders;
  readonly target: RequestTarget = new RequestTarget();
  deadlineMs: number;
  readonly #engine: Http2Connection;
  readonly #onGone: (connection: Http2ClientConnection) => void;
  readonly #free: ClientStream[] = [];
  #scheduled = false;
  #ending = false;
  #idleSinceMs: number;
  #stuckSinceMs = -1;

  /** Takes over a socket, or the channel of a connection that turned out to speak HTTP/2. `onGone` is called once, at the end. */
  constructor(plane: Plane, source: Socket | Channel, peer: Peer, onGone: (connection: Http2ClientConnection) => void) {
    this.plane = plane;
    this.peer = peer;
    this.#onGone = onGone;
    this.forwarded = new ForwardedHeaders(peer);
    if (source instanceof Socket) this.channel = new Channel(source, this, "client", plane.channelMode);
    else {
      this.channel = source;
      source.owner = this;
    }
    this.#engine = new Http2Connection({
      role: "server",
      limits: plane.limits.http2,
      transport: this,
      owner: this,
      nowMs: () => plane.deadlines.coarseNowMs,
    });
    this.#idleSinceMs = plane.deadlines.coarseNowMs;
    this.deadlineMs = plane.deadlines.in(SWEEP_MS);
    plane.deadlines.add(this);
  }

  /** Begins to speak, and to read unless the channel is read already. */
  start(): void {
    this.#engine.start();
    this.channel.start();
  }

  /** Says that no more requests are wanted, and closes after the last response. */
  drain(): void {
    this.#engine.shutdown();
  }

  destroy(): void {
    this.channel.destroy();
  }

  // What the socket says.

  onBytes(buffer: Buffer, start: number, end: number): void {
    this.#engine.receive(buffer, start, end);
  }

  onEnd(): void {
    // HTTP/2 has GOAWAY for what a half-closed connection says in HTTP/1.1; without it the client is gone.
    this.channel.destroy();
  }

  onDrain(): void {
    this.#engine.drained();
  }

  onClosed(): void {
    this.plane.deadlines.remove(this);
    this.#engine.peerGone();
    this.#onGone(this);
  }

  onDeadline(): void {
    const { deadlines, limits } = this.plane;
    const nowMs = deadlines.coarseNowMs;
    this.deadlineMs = deadlines.in(SWEEP_MS);
    this.#engine.sweep(nowMs);
    const isStuck = this.channel.pendingBytes > 0 && !this.channel.progressed();
    if (!isStuck) this.#stuckSinceMs = -1;
    else if (this.#stuckSinceMs < 0) this.#stuckSinceMs = nowMs;
    else if (nowMs - this.#stuckSinceMs >= limits.clientSendTimeoutMs) return this.channel.destroy();
    if (this.#ending && nowMs - this.#idleSinceMs >= limits.lingerMs) return this.channel.destroy();
    const isIdle = this.#engine.streams === 0 && !this.#ending;
    if (isIdle && nowMs - this.#idleSinceMs >= limits.idleTimeoutMs) this.#engine.shutdown();
  }

  // What the engine says.

  onRequest(stream: Http2Stream, fields: FieldBlock): void {
    const request = this.#free.pop() ?? new ClientStream(this);
    request.begin(stream, fields);
  }

  onIdle(): void {
    this.#idleSinceMs = this.plane.deadlines.coarseNowMs;
  }

  onSettings(): void {
    // Nothing here depends on what clients say of themselves.
  }

  onGoaway(): void {
    // Its requests under way are answered; the client closes when it has them.
  }

  onFailed(code: Http2ErrorCode, reason: string): void {
    if (code === NO_ERROR) return;
    this.plane.counters.malformed++;
    const message =
      code === ENHANCE_YOUR_CALM ? "Ended an HTTP/2 connection for flooding" : "Ended a broken HTTP/2 connection";
    this.plane.log.debug(message, { client: this.peer.address, code, reason });
  }

  /** A request is over; its object serves another. */
  release(request: ClientStream): void {
    if (this.#free.length < KEPT_STREAMS_MAX) this.#free.push(request);
  }

  // The way out.

  get congested(): boolean {
    return this.channel.congested;
  }

  get pendingBytes(): number {
    return this.channel.pendingBytes;
  }

  write(buffer: Buffer, length: number, pool: BufferPool): void {
    this.channel.write(buffer, length, pool);
  }

  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    turnEnd.add(this);
  }

  /** The turn of the event loop ends. */
  flush(): void {
    this.#scheduled = false;
    if (!this.channel.closed) this.#engine.flush();
  }

  pause(): void {
    this.channel.pause();
  }

  resume(): void {
    this.channel.resume();
  }

  end(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#idleSinceMs = this.plane.deadlines.coarseNowMs;
    this.channel.end();
  }
}
