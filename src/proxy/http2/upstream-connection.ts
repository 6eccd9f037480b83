import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { BufferPool } from "../buffer-pool.ts";
import { Channel, type ChannelOwner, type OnRead } from "../channel.ts";
import type { Timed } from "../deadlines.ts";
import type { EndpointPool } from "../endpoint-pools.ts";
import type { UpstreamFailure } from "../rescue.ts";
import { failureOf, openSocket } from "../upstream-socket.ts";
import { CANCEL, type Http2ErrorCode } from "./error-codes.ts";
import type { Http2Transport } from "./frame-output.ts";
import type { HeadWriter } from "./head-writer.ts";
import { CONNECTION_CLOSED, Http2Connection, type Http2ConnectionOwner } from "./http2-connection.ts";
import type { Http2Stream } from "./http2-stream.ts";
import { turnEnd } from "./turn-end.ts";
import type { Http2UpstreamStream } from "./upstream-stream.ts";

/** How often a connection looks at what takes too long. */
const SWEEP_MS = 1000;

/**
 * One HTTP/2 connection to an endpoint, shared by many requests at a time: with prior knowledge, or by ALPN when the
 * backend asks for TLS.
 */
export class Http2UpstreamConnection implements ChannelOwner, Http2ConnectionOwner, Http2Transport, Timed {
  readonly channel: Channel;
  readonly pool: EndpointPool;
  deadlineMs: number;
  /** Requests begun. */
  served = 0;
  /** How the connection failed, once it has. */
  failure: UpstreamFailure = "closed";
  failureDetail = "it does not speak HTTP/2";
  readonly #engine: Http2Connection;
  readonly #touched: Http2UpstreamStream[] = [];
  /** Requests for WebSockets that wait for the endpoint's settings. */
  #unsettled: Http2UpstreamStream[] | undefined = [];
  #scheduled = false;
  #idleSinceMs: number;
  #gone = false;

  /** Opens a connection. What is written meanwhile leaves when it stands. */
  constructor(pool: EndpointPool, connectTimeoutMs: number) {
    const { plane, endpoint, secure, tls } = pool;
    this.pool = pool;
    pool.open++;
    plane.counters.upstreamOpened++;
    plane.counters.upstreamOpen++;
    const open = (onread: OnRead | undefined): Socket => openSocket(endpoint, secure ? "h2" : undefined, tls, onread);
    this.channel = new Channel({ open }, this, "endpoint", plane.channelMode);
    this.channel.socket.once(secure ? "secureConnect" : "connect", () => this.#connected());
    this.#idleSinceMs = plane.deadlines.coarseNowMs;
    this.#engine = new Http2Connection({
      role: "client",
      limits: plane.limits.http2,
      transport: this,
      owner: this,
      nowMs: () => plane.deadlines.coarseNowMs,
    });
    this.#engine.start();
    this.deadlineMs = plane.deadlines.in(connectTimeoutMs);
    plane.deadlines.add(this);
  }

  get ready(): boolean {
    return this.channel.ready;
  }

  /** Whether one more request can be sent now. */
  get canOpen(): boolean {
    return !this.#gone && this.#engine.canOpen;
  }

  /** Sends a request's head. */
  open(owner: Http2UpstreamStream, head: HeadWriter): Http2Stream {
    this.served++;
    return this.#engine.open(owner, head, false);
  }

  /** Calls `stream.settled` once the endpoint has said what it can do; at once when it has. */
  whenSettled(stream: Http2UpstreamStream): void {
    if (this.#unsettled === undefined) stream.settled();
    else this.#unsettled.push(stream);
  }

  /** `stream` has collected something for its client that must leave when the bytes at hand are read. */
  touch(stream: Http2UpstreamStream): void {
    this.#touched.push(stream);
  }

  /** No more requests: closes now, or when the last one is over. */
  closeWhenIdle(): void {
    this.#leave();
    if (this.#engine.streams === 0) this.channel.destroy();
  }

  // What the socket says.

  onBytes(buffer: Buffer, start: number, end: number): void {
    this.#engine.receive(buffer, start, end);
    const touched = this.#touched;
    for (const stream of touched) stream.flush();
    touched.length = 0;
  }

  onEnd(): void {
    this.channel.destroy();
  }

  onDrain(): void {
    this.#engine.drained();
  }

  onClosed(error: Error | undefined): void {
    const { pool } = this;
    if (this.failure === "closed") {
      const { failure, detail } = failureOf(error, this.ready, pool);
      this.failure = failure;
      this.failureDetail = detail;
    }
    this.#leave();
    pool.open--;
    pool.plane.counters.upstreamOpen--;
    pool.plane.deadlines.remove(this);
    this.#engine.peerGone();
    const waiting = this.#unsettled ?? [];
    this.#unsettled = [];
    for (const stream of waiting) stream.onReset(CANCEL, CONNECTION_CLOSED);
  }

  onDeadline(): void {
    const { deadlines, limits } = this.pool.plane;
    if (!this.ready) {
      this.failure = "connect-timeout";
      return this.channel.destroy();
    }
    this.deadlineMs = deadlines.in(SWEEP_MS);
    this.#engine.sweep(deadlines.coarseNowMs);
    if (this.#engine.streams > 0) return;
    if (this.#gone || deadlines.coarseNowMs - this.#idleSinceMs >= limits.upstreamIdleTimeoutMs) this.closeWhenIdle();
  }

  // What the engine says.

  onRequest(): void {
    // Endpoints answer; a pushed request was refused by the engine.
  }

  onIdle(): void {
    this.#idleSinceMs = this.pool.plane.deadlines.coarseNowMs;
    if (this.#gone || this.pool.leaving) this.closeWhenIdle();
  }

  onSettings(): void {
    this.pool.extendedConnect = this.#engine.peer.extendedConnect;
    const waiting = this.#unsettled ?? [];
    this.#unsettled = undefined;
    for (const stream of waiting) stream.settled();
  }

  onGoaway(): void {
    this.closeWhenIdle();
  }

  onFailed(_code: Http2ErrorCode, reason: string): void {
    const { plane, endpoint } = this.pool;
    this.#leave();
    plane.log.debug("Ended an HTTP/2 connection to an endpoint", { endpoint: endpoint.address, reason });
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
    this.channel.destroySoon();
  }

  #connected(): void {
    const { socket } = this.channel;
    if (this.channel.closed) return;
    if (socket instanceof TLSSocket && socket.alpnProtocol !== "h2") {
      this.failure = "protocol";
      return this.channel.destroy();
    }
    this.deadlineMs = this.pool.plane.deadlines.in(SWEEP_MS);
    this.channel.start();
    this.#engine.eachStream((owner) => owner.onDrain());
  }

  #leave(): void {
    this.#gone = true;
    this.pool.forgetShared(this);
  }
}
