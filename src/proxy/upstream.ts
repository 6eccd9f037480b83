import type { Socket } from "node:net";
import { Channel, type ChannelOwner, type OnRead } from "./channel.ts";
import type { Timed } from "./deadlines.ts";
import type { EndpointPool } from "./endpoint-pools.ts";
import type { Exchange } from "./exchange.ts";
import { ChunkedDecoder } from "./http1/chunked.ts";
import { BROKEN, DONE, MORE } from "./http1/header-section.ts";
import type { ResponseParser } from "./http1/response-parser.ts";
import { sendChunk, sendLastChunk } from "./http1/send-chunk.ts";
import type { HeaderSection } from "./http1/header-section.ts";
import type { UpstreamFailure } from "./rescue.ts";
import type { Upstream } from "./upstream-side.ts";
import { failureOf, openSocket } from "./upstream-socket.ts";

const HEAD = 0;
const LENGTH = 1;
const CHUNKED = 2;
const UNTIL_CLOSE = 3;
const COMPLETE = 4;

/** 1xx responses passed on before a final one. */
const INFORMATIONAL_MAX = 32;

/** From this many bytes on, a body is read into a buffer of the connection's own. */
const BULK_BYTES = 128 * 1024;

/**
 * One HTTP/1.1 connection to an endpoint, used by one exchange after the other. It reads responses and hands them to
 * the exchange; what the exchange does when it fails is the exchange's business.
 */
export class UpstreamConnection implements Upstream, ChannelOwner, Timed {
  readonly channel: Channel;
  readonly pool: EndpointPool;
  deadlineMs: number = Infinity;
  /** Since when it waits in the pool, on the deadlines' coarse scale. */
  idleSinceMs = 0;
  /** Requests sent before the one at hand. */
  served = 0;
  /** Whether anything of the response at hand has arrived. */
  answered = false;
  #exchange: Exchange | undefined;
  /** Counts exchanges: the same object may come back with its next request at once. */
  #turn = 0;
  #state = COMPLETE;
  #left = 0;
  #informational = 0;
  #keepAlive = true;
  #parser: ResponseParser | undefined;
  #chunked: ChunkedDecoder | undefined;
  #readTimeoutMs = 0;
  #sendTimeoutMs = 0;
  #requestComplete = false;
  #failure: UpstreamFailure | undefined;

  /** Opens a connection. What is written meanwhile leaves when it stands. */
  constructor(pool: EndpointPool, connectTimeoutMs: number) {
    const { plane, endpoint, secure, tls } = pool;
    this.pool = pool;
    pool.open++;
    plane.counters.upstreamOpened++;
    plane.counters.upstreamOpen++;
    const open = (onread: OnRead | undefined): Socket =>
      openSocket(endpoint, secure ? "http/1.1" : undefined, tls, onread);
    this.channel = new Channel({ open }, this, "endpoint", plane.channelMode);
    this.channel.socket.once(secure ? "secureConnect" : "connect", () => this.#connected());
    this.deadlineMs = plane.deadlines.in(connectTimeoutMs);
    plane.deadlines.add(this);
  }

  get ready(): boolean {
    return this.channel.ready;
  }

  get unsent(): boolean {
    return !this.ready;
  }

  get congested(): boolean {
    return this.channel.congested;
  }

  get pendingBytes(): number {
    return this.channel.pendingBytes;
  }

  sendRequest(request: Buffer, length: number): void {
    this.channel.write(request, length, undefined);
  }

  sendBody(source: Channel, buffer: Buffer, start: number, end: number, chunked: boolean): void {
    if (chunked) sendChunk(this.channel, source, buffer, start, end);
    else this.channel.relay(buffer, start, end, source);
    this.watch();
  }

  sendBodyEnd(trailers: HeaderSection | undefined, trailerBytes: Buffer): void {
    sendLastChunk(this.channel, trailers, trailerBytes);
  }

  get exchange(): Exchange | undefined {
    return this.#exchange;
  }

  /** Serves `exchange` until the response is complete or the connection fails. */
  begin(exchange: Exchange, readTimeoutMs: number, sendTimeoutMs: number): void {
    this.#exchange = exchange;
    this.#state = HEAD;
    this.answered = false;
    this.#informational = 0;
    this.#requestComplete = false;
    this.#readTimeoutMs = readTimeoutMs;
    this.#sendTimeoutMs = sendTimeoutMs;
    this.pool.inFlight++;
    if (this.ready) this.watch();
  }

  /** The whole request was written: from now on the endpoint is expected to answer. */
  requestComplete(): void {
    this.#requestComplete = true;
    if (this.ready) this.watch();
  }

  /** Sets the deadline for what is waited for now. */
  watch(): void {
    const { deadlines } = this.pool.plane;
    if (this.channel.pendingBytes > 0) this.deadlineMs = deadlines.in(this.#sendTimeoutMs);
    else if (this.#requestComplete) this.deadlineMs = deadlines.in(this.#readTimeoutMs);
    // The client has to go on, and has a deadline of its own.
    else this.deadlineMs = Infinity;
  }

  pause(): void {
    this.channel.pause();
    this.deadlineMs = Infinity;
  }

  resume(): void {
    this.channel.resume();
    this.watch();
  }

  /** Gives the connection up: the exchange hears nothing more from it. */
  abandon(): void {
    this.#leave();
    this.close();
  }

  close(): void {
    this.pool.plane.deadlines.remove(this);
    this.pool.forget(this);
    this.channel.destroy();
  }

  onBytes(buffer: Buffer, start: number, end: number): void {
    const exchange = this.#exchange;
    // Bytes nobody asked for would be taken for the next response.
    if (exchange === undefined) return this.close();
    this.answered = true;
    this.watch();
    const turn = this.#turn;
    let at = start;
    while (at < end) {
      at = this.#state === HEAD ? this.#readHead(exchange, buffer, at, end) : this.#readBody(exchange, buffer, at, end);
      // Complete, failed or upgraded: whatever the exchange does now, it is over here.
      if (this.#turn !== turn) return;
    }
    exchange.downstream.flush();
    if (exchange.downstream.congested) this.pause();
  }

  onEnd(): void {
    const exchange = this.#exchange;
    if (exchange === undefined || this.#state !== UNTIL_CLOSE) {
      this.#failure ??= "closed";
      return this.close();
    }
    this.#complete(exchange, true);
  }

  onDrain(): void {
    if (this.#exchange === undefined) return;
    this.watch();
    this.#exchange.onUpstreamDrain();
  }

  onClosed(error: Error | undefined): void {
    const { pool } = this;
    pool.open--;
    pool.plane.counters.upstreamOpen--;
    pool.plane.deadlines.remove(this);
    pool.forget(this);
    this.#giveParser();
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    this.#leave();
    const { failure, detail } = failureOf(error, this.ready, pool);
    exchange.onUpstreamFailed(this, this.#failure ?? failure, detail);
  }

  onDeadline(): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return this.close();
    if (!this.ready) this.#failure = "connect-timeout";
    else this.#failure = this.channel.pendingBytes > 0 ? "send-timeout" : "read-timeout";
    if (this.#failure === "send-timeout" && this.channel.progressed()) return this.watch();
    this.close();
  }

  #connected(): void {
    if (this.channel.closed) return;
    if (this.#exchange === undefined) return this.close();
    this.channel.start();
    this.watch();
    this.#exchange.onUpstreamReady();
  }

  /** Returns where to go on, which means nothing when the exchange is over. */
  #readHead(exchange: Exchange, buffer: Buffer, from: number, end: number): number {
    const { responseParsers } = this.pool.plane;
    const parser = this.#parser ?? responseParsers.shared;
    if (this.#parser === undefined) parser.begin();
    const progress = parser.feed(buffer, from, end);
    if (progress === MORE) {
      this.#parser ??= responseParsers.keepShared();
      return end;
    }
    if (progress === BROKEN) return this.#breach(exchange, parser.problem.text);
    const next = parser.consumed;
    const own = this.#parser;
    this.#parser = undefined;
    if (parser.status >= 200) this.#beginBody(exchange, parser, next === end);
    else if (parser.status === 101) this.#switch(exchange, parser, Buffer.from(buffer.subarray(next, end)));
    else if (++this.#informational > INFORMATIONAL_MAX) this.#breach(exchange, "it sends 1xx responses without end");
    else {
      exchange.downstream.sendInformational(parser);
      parser.begin();
    }
    if (own !== undefined) responseParsers.give(own);
    return next;
  }

  /** 101: only for a client that asked for it; the bytes behind the head already belong to the new protocol. */
  #switch(exchange: Exchange, parser: ResponseParser, early: Buffer): void {
    if (!exchange.takesSwitch) return void this.#breach(exchange, "it switches protocols without being asked to");
    this.#leave();
    this.pool.open--;
    this.pool.plane.counters.upstreamOpen--;
    this.pool.plane.deadlines.remove(this);
    exchange.onSwitch(parser, { kind: "channel", channel: this.channel, early });
  }

  #beginBody(exchange: Exchange, parser: ResponseParser, last: boolean): void {
    const { status } = parser;
    this.#keepAlive = parser.keepAlive;
    const bodiless = exchange.isHead || status === 204 || status === 304;
    if (bodiless) this.#state = COMPLETE;
    else if (parser.chunked) {
      this.#state = CHUNKED;
      this.#chunked ??= new ChunkedDecoder({ requestHeadersMax: this.pool.plane.limits.responseHeadersMax });
      this.#chunked.begin();
    } else if (parser.contentLength >= 0) {
      this.#state = parser.contentLength === 0 ? COMPLETE : LENGTH;
      this.#left = parser.contentLength;
      if (this.#left >= BULK_BYTES) this.channel.bulk = true;
    } else {
      this.#state = UNTIL_CLOSE;
      this.#keepAlive = false;
    }
    exchange.onResponse(parser, bodiless);
    // The exchange may have been cut off by what it was told.
    if (this.#state === COMPLETE && this.#exchange === exchange) this.#complete(exchange, last);
  }

  #readBody(exchange: Exchange, buffer: Buffer, from: number, end: number): number {
    switch (this.#state) {
      case LENGTH: {
        const length = Math.min(this.#left, end - from);
        this.#left -= length;
        exchange.onResponseBody(this.channel, buffer, from, from + length);
        if (this.#left === 0 && this.#exchange === exchange) this.#complete(exchange, from + length === end);
        return from + length;
      }
      case CHUNKED:
        return this.#readChunks(exchange, buffer, from, end);
      default:
        exchange.onResponseBody(this.channel, buffer, from, end);
        return end;
    }
  }

  #readChunks(exchange: Exchange, buffer: Buffer, from: number, end: number): number {
    const decoder = this.#chunked;
    if (decoder === undefined) return end;
    const progress = decoder.next(buffer, from, end);
    if (progress === BROKEN) return this.#breach(exchange, decoder.problem.text);
    const { position, dataStart, dataEnd } = decoder;
    if (dataEnd > dataStart) {
      if (dataEnd - dataStart >= 16 * 1024) this.channel.bulk = true;
      exchange.onResponseBody(this.channel, buffer, dataStart, dataEnd);
    }
    if (progress === DONE) {
      if (decoder.trailers.count > 0) exchange.downstream.sendTrailers(decoder.trailers, decoder.trailerBytes);
      if (this.#exchange === exchange) this.#complete(exchange, position === end);
    }
    return position;
  }

  /** `clean`: nothing follows the response. Bytes that do belong to no request, so the connection is not used again. */
  #complete(exchange: Exchange, clean: boolean): void {
    this.channel.bulk = false;
    const idle = this.#requestComplete && this.channel.pendingBytes === 0 && !this.channel.closed;
    const reusable = clean && idle && this.#keepAlive;
    this.#leave();
    this.channel.resume();
    if (reusable) {
      const { deadlines, limits } = this.pool.plane;
      this.served++;
      this.idleSinceMs = deadlines.coarseNowMs;
      this.deadlineMs = deadlines.in(limits.upstreamIdleTimeoutMs);
      this.pool.release(this);
    } else this.close();
    exchange.onResponseEnd();
  }

  #breach(exchange: Exchange, detail: string): number {
    this.#leave();
    this.close();
    exchange.onUpstreamFailed(this, "protocol", detail);
    return 0;
  }

  #leave(): void {
    if (this.#exchange === undefined) return;
    this.#exchange = undefined;
    this.#turn++;
    this.#state = COMPLETE;
    this.pool.inFlight--;
  }

  #giveParser(): void {
    if (this.#parser === undefined) return;
    this.pool.plane.responseParsers.give(this.#parser);
    this.#parser = undefined;
  }
}
