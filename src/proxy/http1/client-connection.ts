import type { Socket } from "node:net";
import type { Answer } from "../answer.ts";
import { Channel, type ChannelOwner } from "../channel.ts";
import type { Timed } from "../deadlines.ts";
import type { Downstream, UpgradedEndpoint } from "../downstream.ts";
import { StreamTunnel } from "../http2/stream-tunnel.ts";
import { Exchange } from "../exchange.ts";
import { ForwardedHeaders } from "../forwarded-headers.ts";
import { startsHttp2 } from "../http2/starts-http2.ts";
import type { Peer } from "../peer.ts";
import type { Plane } from "../plane.ts";
import { rescue, type Trouble } from "../rescue.ts";
import { Tunnel } from "../tunnel.ts";
import { ChunkedDecoder } from "./chunked.ts";
import { composeRequest, queryOf } from "./compose-request.ts";
import { BROKEN, DONE, type HeaderSection, MORE } from "./header-section.ts";
import { methodOf } from "./request-method.ts";
import { NOT_HTTP, type RequestParser } from "./request-parser.ts";
import { RequestTarget } from "./request-target.ts";
import type { ResponseParser } from "./response-parser.ts";
import { type ConnectionLine, ResponseWriter } from "./response-writer.ts";

/** Between requests, or reading a head. */
const HEAD = 0;
/** Reading a request body. */
const BODY = 1;
/** The request is complete, its response is not. */
const RESPONSE = 2;
/** Our half is closed; what still comes is thrown away so that the client gets to read the answer. */
const LINGER = 3;
/** The response is complete, the request body is not: the rest is thrown away. */
const DISCARD = 4;
/** Closed, or no longer speaking HTTP. */
const OVER = 5;

/** From this many bytes on, a request body is read into a buffer of the connection's own. */
const BULK_BYTES = 128 * 1024;

const NO_BYTES: Buffer = Buffer.alloc(0);

/** How long an idle connection of a worker that goes away waits for a request that may be under way to it. */
const DRAIN_IDLE_MS = 500;
/** The same for one that has not had a request: whoever connects is about to send one, if only their machine is busy. */
const DRAIN_FIRST_MS = 2_000;

const HEAD_TIMEOUT: Trouble = { kind: "head-timeout" };
const BODY_TIMEOUT: Trouble = { kind: "body-timeout" };
const PLAIN_TO_TLS: Trouble = {
  kind: "framing",
  problem: { status: 400, text: "this port speaks HTTPS, and the request came as plain HTTP" },
};

/**
 * A client's HTTP/1.1 (or 1.0) connection: parses its requests one after the other, hands each to the exchange, and
 * writes what comes back. Pipelined requests wait until the one before is answered.
 */
export class ClientConnection implements ChannelOwner, Downstream, Timed {
  readonly peer: Peer;
  deadlineMs: number;
  readonly #plane: Plane;
  readonly #channel: Channel;
  readonly #exchange: Exchange;
  readonly #target = new RequestTarget();
  readonly #forwarded: ForwardedHeaders;
  readonly #writer: ResponseWriter;
  readonly #onGone: (connection: ClientConnection) => void;
  readonly #onHttp2: (connection: ClientConnection, channel: Channel) => void;
  #state = HEAD;
  /** The parser of the request at hand: while its head is incomplete, and while the exchange starts. */
  #parser: RequestParser | undefined;
  #minorVersion = 1;
  #requests = 0;
  #keepAlive = true;
  #clientEnded = false;
  #expectsContinue = false;
  #continued = false;

  #bodyLeft = 0;
  #bodyChunked = false;
  #decoder: ChunkedDecoder | undefined;
  #discarded = 0;
  /** What came of the body together with the head, while the exchange starts, and whether it went along. */
  readonly #early = { bytes: NO_BYTES, start: 0, end: 0 };
  #earlyUsed = false;

  /** Bytes that cannot be used yet: of a body whose endpoint is not there yet, or of the next request. */
  #stash: Buffer | undefined;
  #consuming = false;

  /**
   * `onGone` is called once, when the connection is over; an upgraded one is when its tunnel is. `onHttp2` is called
   * instead when a client without TLS starts with HTTP/2: the channel must then be given another owner.
   */
  constructor(
    plane: Plane,
    socket: Socket,
    peer: Peer,
    onGone: (connection: ClientConnection) => void,
    onHttp2: (connection: ClientConnection, channel: Channel) => void,
  ) {
    this.#plane = plane;
    this.peer = peer;
    this.#onGone = onGone;
    this.#onHttp2 = onHttp2;
    this.#exchange = new Exchange(plane, this);
    this.#forwarded = new ForwardedHeaders(peer);
    this.#channel = new Channel(socket, this, "client", plane.channelMode);
    this.#writer = new ResponseWriter(this.#channel);
    this.deadlineMs = plane.deadlines.in(plane.limits.headTimeoutMs);
    plane.deadlines.add(this);
  }

  /** Begins to read. */
  start(): void {
    this.#channel.start();
  }

  /** Answers a client that speaks plain HTTP to the port of HTTPS. */
  refusePlain(): void {
    this.#channel.start();
    this.#refuse(PLAIN_TO_TLS);
  }

  get protocol(): "HTTP/1.0" | "HTTP/1.1" {
    return this.#minorVersion === 0 ? "HTTP/1.0" : "HTTP/1.1";
  }

  get congested(): boolean {
    return this.#channel.congested;
  }

  /** With TLS the protocol was agreed on in the handshake. */
  get #mayBecomeHttp2(): boolean {
    return !this.peer.secure && this.#state === HEAD && this.#parser === undefined && this.#stash === undefined;
  }

  /**
   * Closes the connection after the next answer, which says so. One that is idle gets a moment for that request: the client
   * may have sent it just now, and a close without a word would lose it.
   */
  drain(): void {
    if (this.#state !== HEAD || this.#parser !== undefined) return;
    const idleMs = this.#requests === 0 ? DRAIN_FIRST_MS : DRAIN_IDLE_MS;
    this.deadlineMs = Math.min(this.deadlineMs, this.#plane.deadlines.in(idleMs));
  }

  destroy(): void {
    this.#channel.destroy();
  }

  // What the socket says.

  onBytes(buffer: Buffer, start: number, end: number): void {
    if (this.#requests === 0 && this.#mayBecomeHttp2 && startsHttp2(buffer, start, end)) {
      this.#state = OVER;
      this.#plane.deadlines.remove(this);
      this.#onHttp2(this, this.#channel);
      this.#channel.owner.onBytes(buffer, start, end);
      return;
    }
    if (this.#stash !== undefined) {
      this.#stash = Buffer.concat([this.#stash, buffer.subarray(start, end)]);
      return;
    }
    const used = this.#consume(buffer, start, end);
    if (used < end) this.#keepForLater(buffer, used, end);
  }

  onEnd(): void {
    this.#clientEnded = true;
    this.#keepAlive = false;
    if (this.#stash === undefined) this.#endAfterClient();
  }

  onDrain(): void {
    if (this.#state === BODY || this.#state === RESPONSE) {
      if (this.#state === RESPONSE) this.deadlineMs = Infinity;
      if (this.#exchange.active) this.#exchange.onClientDrain();
      return;
    }
    // Pipelined requests wait while the answers before them are not taken.
    if (this.#state === HEAD) this.resumeBody();
  }

  onClosed(): void {
    this.#state = OVER;
    this.#plane.deadlines.remove(this);
    this.#giveParser();
    this.#stash = undefined;
    this.#writer.drop();
    this.#exchange.clientGone();
    this.#onGone(this);
  }

  onDeadline(): void {
    const { deadlines, limits } = this.#plane;
    if (this.#channel.pendingBytes > 0 && this.#state !== LINGER) {
      if (!this.#channel.progressed()) return this.#channel.destroy();
      this.deadlineMs = deadlines.in(limits.clientSendTimeoutMs);
      return;
    }
    switch (this.#state) {
      case HEAD:
        if (this.#parser === undefined) return this.#channel.destroy();
        this.#giveParser();
        return this.#refuse(HEAD_TIMEOUT);
      case BODY:
        // It is the endpoint that is slow, and it has a deadline of its own.
        if (!this.#exchange.takesBody || this.#exchange.upstreamCongested) return;
        return this.#exchange.fail(BODY_TIMEOUT);
      case RESPONSE:
        return;
      default:
        return this.#channel.destroy();
    }
  }

  // The request's way in.

  /** Returns where it had to stop. */
  #consume(buffer: Buffer, start: number, end: number): number {
    this.#consuming = true;
    let at = start;
    while (at < end) {
      const before = at;
      switch (this.#state) {
        case HEAD:
          if (!this.#channel.congested) at = this.#consumeHead(buffer, at, end);
          break;
        case BODY:
          if (this.#exchange.takesBody) at = this.#consumeBody(buffer, at, end);
          break;
        case DISCARD:
          at = this.#consumeBody(buffer, at, end);
          break;
        case RESPONSE:
          break;
        default:
          at = this.#discard(at, end);
          break;
      }
      if (at === before) break;
    }
    this.#consuming = false;
    if (this.#state === BODY && this.#exchange.upstreamCongested) this.#channel.pause();
    return at;
  }

  #keepForLater(buffer: Buffer, start: number, end: number): void {
    if (this.#state === OVER) return;
    this.#stash = Buffer.from(buffer.subarray(start, end));
    this.#channel.pause();
  }

  /** Goes on with what had to wait, and with reading. */
  resumeBody(): void {
    if (this.#consuming) return;
    const stash = this.#stash;
    if (stash !== undefined) {
      this.#stash = undefined;
      const used = this.#consume(stash, 0, stash.length);
      if (used < stash.length) this.#stash = stash.subarray(used);
    }
    if (this.#stash !== undefined) return;
    if (this.#state === BODY) {
      if (this.#exchange.upstreamCongested) return;
      this.deadlineMs = this.#plane.deadlines.in(this.#plane.limits.bodyTimeoutMs);
    }
    this.#channel.resume();
    if (this.#clientEnded) this.#endAfterClient();
  }

  /** The client sends nothing more, and everything it sent has been looked at. */
  #endAfterClient(): void {
    switch (this.#state) {
      case RESPONSE:
        return;
      case HEAD:
        // An answer may still be on its way.
        return this.#close();
      case LINGER:
        return this.#channel.end();
      default:
        return this.#channel.destroy();
    }
  }

  #consumeHead(buffer: Buffer, from: number, end: number): number {
    const { requestParsers, deadlines, limits } = this.#plane;
    let parser = this.#parser;
    const kept = parser !== undefined;
    if (parser === undefined) {
      parser = requestParsers.shared;
      parser.begin();
    }
    const progress = parser.feed(buffer, from, end);
    if (progress === MORE) {
      if (kept) return end;
      this.#parser = requestParsers.keepShared();
      this.deadlineMs = deadlines.in(limits.headTimeoutMs);
      return end;
    }
    this.#parser = parser;
    let used = end;
    if (progress === DONE) used = this.#startRequest(parser, buffer, parser.consumed, end);
    else if (parser.problem === NOT_HTTP && this.#requests === 0 && !this.peer.secure) this.#closeWithoutWord();
    else {
      this.#minorVersion = 1;
      this.#refuse({ kind: "framing", problem: parser.problem });
    }
    this.#parser = undefined;
    if (kept) requestParsers.give(parser);
    return used;
  }

  #startRequest(parser: RequestParser, buffer: Buffer, bodyStart: number, end: number): number {
    const { limits, draining, deadlines, trusted, snapshot } = this.#plane;
    const exchange = this.#exchange;
    const target = this.#target;
    this.#requests++;
    this.#minorVersion = parser.minorVersion;
    this.#keepAlive =
      parser.keepAlive && !draining && !this.#clientEnded && this.#requests < limits.requestsPerConnectionMax;
    this.#expectsContinue = parser.expectsContinue;
    this.#continued = false;
    this.#bodyChunked = parser.chunked;
    this.#bodyLeft = Math.max(parser.contentLength, 0);

    const problem = target.read(parser);
    if (problem !== undefined) {
      this.#refuse({ kind: "framing", problem });
      return end;
    }
    exchange.method = methodOf(parser);
    exchange.isHead = exchange.method === "HEAD";
    exchange.host = target.host;
    exchange.path = target.path;
    exchange.forwardPath = target.forwardPath;
    exchange.contentLength = parser.chunked ? -1 : this.#bodyLeft;
    exchange.wantsUpgrade = parser.upgradeIndex >= 0 && exchange.contentLength === 0 && wantsUpgrade(parser);
    exchange.secure = this.#forwarded.begin(parser, target.authority, trusted, snapshot.settings);
    exchange.clientAddress = this.#forwarded.clientAddress;

    const hasBody = exchange.contentLength !== 0;
    this.#state = hasBody ? BODY : RESPONSE;
    this.deadlineMs = hasBody ? deadlines.in(limits.bodyTimeoutMs) : Infinity;
    if (parser.chunked) {
      this.#decoder ??= new ChunkedDecoder(limits);
      this.#decoder.begin();
    }
    return this.#startExchange(buffer, bodyStart, end);
  }

  /** Returns where the bytes go on that did not go along with the head. */
  #startExchange(buffer: Buffer, bodyStart: number, end: number): number {
    const early = this.#early;
    early.bytes = buffer;
    early.start = bodyStart;
    early.end = bodyStart + (this.#bodyChunked ? 0 : Math.min(this.#bodyLeft, end - bodyStart));
    this.#earlyUsed = false;
    this.#exchange.start();
    early.bytes = NO_BYTES;
    if (!this.#earlyUsed) return bodyStart;
    const used = early.end - bodyStart;
    if (!this.#exchange.active) {
      // Answered at once after all: the rest of the body is still to be thrown away.
      this.#bodyLeft -= used;
      if (this.#state === DISCARD && this.#bodyLeft === 0) this.#nextRequest();
      return early.end;
    }
    this.#exchange.requestBytes += used;
    this.#bodyLeft -= used;
    if (this.#bodyLeft === 0) this.#endBody();
    else if (this.#bodyLeft >= BULK_BYTES) this.#channel.bulk = true;
    return early.end;
  }

  #consumeBody(buffer: Buffer, from: number, end: number): number {
    this.deadlineMs = this.#plane.deadlines.in(this.#plane.limits.bodyTimeoutMs);
    if (this.#bodyChunked) return this.#consumeChunks(buffer, from, end);
    const length = Math.min(this.#bodyLeft, end - from);
    this.#bodyLeft -= length;
    if (!this.#takeBody(buffer, from, from + length)) return end;
    if (this.#bodyLeft === 0) this.#endBody();
    else if (this.#bodyLeft >= BULK_BYTES) this.#channel.bulk = true;
    return from + length;
  }

  #consumeChunks(buffer: Buffer, from: number, end: number): number {
    const decoder = this.#decoder;
    if (decoder === undefined) return end;
    const progress = decoder.next(buffer, from, end);
    if (progress === BROKEN) {
      this.#breakOff({ kind: "framing", problem: decoder.problem });
      return end;
    }
    const { position, dataStart, dataEnd } = decoder;
    if (dataEnd > dataStart) {
      if (dataEnd - dataStart >= 16 * 1024) this.#channel.bulk = true;
      if (!this.#takeBody(buffer, dataStart, dataEnd)) return end;
    }
    if (progress === DONE) this.#endBody();
    return position;
  }

  /** Returns false when the request is over because of it. */
  #takeBody(buffer: Buffer, start: number, end: number): boolean {
    if (this.#state === DISCARD) {
      this.#discarded += end - start;
      if (this.#discarded <= this.#plane.limits.lingerBytesMax) return true;
      this.#close();
      return false;
    }
    const exchange = this.#exchange;
    const bytesMax = exchange.policy?.bodyBytesMax;
    if (bytesMax !== undefined && exchange.requestBytes + end - start > bytesMax) {
      this.#keepAlive = false;
      exchange.bodyTooLarge();
      return false;
    }
    exchange.sendBody(this.#channel, buffer, start, end);
    return true;
  }

  #endBody(): void {
    this.#channel.bulk = false;
    if (this.#state === DISCARD) return this.#nextRequest();
    this.#state = RESPONSE;
    this.deadlineMs = this.#channel.pendingBytes > 0 ? this.#sendDeadline() : Infinity;
    const decoder = this.#decoder;
    const chunked = this.#bodyChunked && decoder !== undefined;
    this.#exchange.endBody(
      chunked && decoder.trailers.count > 0 ? decoder.trailers : undefined,
      chunked ? decoder.trailerBytes : NO_BYTES,
    );
  }

  #discard(from: number, end: number): number {
    this.#discarded += end - from;
    if (this.#discarded > this.#plane.limits.lingerBytesMax) this.#channel.destroy();
    return end;
  }

  /** The framing of a request body is broken: whatever follows cannot be told from an attack. */
  #breakOff(trouble: Trouble): void {
    this.#plane.counters.malformed++;
    this.#keepAlive = false;
    if (this.#exchange.active) this.#exchange.fail(trouble);
    else this.#close();
  }

  // The request as the exchange asks about it.

  query(): string {
    return this.#parser === undefined ? "" : queryOf(this.#parser);
  }

  header(name: string): string | undefined {
    const parser = this.#parser;
    if (parser === undefined) return undefined;
    const { headers, bytes } = parser;
    for (let index = 0; index < headers.count; index++) {
      const start = headers.lineStart(index);
      const end = headers.nameEnd(index);
      if (end - start !== name.length || bytes.toString("latin1", start, end).toLowerCase() !== name) continue;
      return headers.value(bytes, index);
    }
    return undefined;
  }

  composeRequest(exchange: Exchange): void {
    if (this.#parser === undefined) return;
    this.#earlyUsed = composeRequest(exchange, this.#parser, this.#target, this.#forwarded, this.#early);
  }

  // The response's way out.

  sendInformational(head: ResponseParser): void {
    if (this.#minorVersion === 0) return;
    if (head.status === 100) this.#continued = true;
    this.#writer.informational(head);
  }

  sendHead(exchange: Exchange, head: ResponseParser, bodiless: boolean): void {
    if (this.#mustClose(head, bodiless)) this.#keepAlive = false;
    const chunked = !bodiless && head.contentLength < 0 && this.#minorVersion === 1;
    // A response without a body may still say how it would be framed.
    const saysChunked = chunked || (exchange.isHead && head.chunked && this.#minorVersion === 1);
    this.#writer.head(head, { chunked, saysChunked }, this.#connectionLine(), exchange.cookie);
  }

  sendBody(source: Channel, buffer: Buffer, start: number, end: number): void {
    this.#writer.body(source, buffer, start, end);
    this.#watchSending();
  }

  sendTrailers(trailers: HeaderSection, bytes: Buffer): void {
    this.#writer.trailers(trailers, bytes);
  }

  sendEnd(): void {
    this.#writer.end();
    this.#watchSending();
    this.#endResponse();
  }

  flush(): void {
    this.#writer.flush();
    this.#watchSending();
  }

  sendAnswer(answer: Answer): void {
    if (answer.close || (this.#expectsContinue && !this.#continued)) this.#keepAlive = false;
    this.#writer.answer(answer, this.#plane.clock.nowMs(), this.#exchange.isHead, this.#connectionLine());
    this.#watchSending();
    this.#endResponse();
  }

  abort(): void {
    this.#writer.drop();
    this.#state = OVER;
    // A body that ends with the connection must not look complete.
    this.#channel.reset();
  }

  upgrade(exchange: Exchange, head: ResponseParser, endpoint: UpgradedEndpoint): void {
    this.#writer.switching(head, exchange.cookie);
    this.#state = OVER;
    this.#plane.deadlines.remove(this);
    const stash = this.#stash ?? NO_BYTES;
    this.#stash = undefined;
    const idleTimeoutMs = exchange.policy?.readTimeoutMs ?? this.#plane.limits.idleTimeoutMs;
    const closed = (sent: number, received: number): void => {
      exchange.tunnelClosed(sent, received);
      this.#onGone(this);
    };
    if (endpoint.kind === "channel") {
      new Tunnel(this.#plane, this.#channel, endpoint.channel, idleTimeoutMs, closed).start(stash, endpoint.early);
      return;
    }
    // The stream is the endpoint's here.
    const tunnel = new StreamTunnel(this.#plane, endpoint.stream, this.#channel, idleTimeoutMs, (received, sent) =>
      closed(sent, received),
    );
    tunnel.start([], stash, false);
  }

  #connectionLine(): ConnectionLine {
    if (!this.#keepAlive) return "Connection: close\r\n";
    return this.#minorVersion === 0 ? "Connection: keep-alive\r\n" : "";
  }

  #mustClose(head: ResponseParser, bodiless: boolean): boolean {
    if (this.#plane.draining) return true;
    // Without the 100 it waits for, nobody knows whether the client will send the body.
    if (this.#expectsContinue && !this.#continued && this.#state === BODY) return true;
    // To an old client, only the end of the connection ends a body without a length.
    return this.#minorVersion === 0 && !bodiless && head.contentLength < 0;
  }

  #endResponse(): void {
    if (this.#state === OVER || this.#state === LINGER) return;
    if (!this.#keepAlive) return this.#close();
    if (this.#state !== BODY) return this.#nextRequest();
    this.#state = DISCARD;
    this.#discarded = 0;
    this.resumeBody();
  }

  #nextRequest(): void {
    const { deadlines, limits, draining } = this.#plane;
    if (!this.#keepAlive) return this.#close();
    this.#state = HEAD;
    const idleMs = draining ? DRAIN_IDLE_MS : limits.idleTimeoutMs;
    this.deadlineMs = this.#channel.pendingBytes > 0 ? this.#sendDeadline() : deadlines.in(idleMs);
    this.resumeBody();
  }

  /** Closes our half; the client's is read on for a while, or it could lose the answer to a reset. */
  #close(): void {
    if (this.#state === OVER) return;
    this.#state = LINGER;
    this.#discarded = 0;
    this.#stash = undefined;
    this.#keepAlive = false;
    this.#channel.bulk = false;
    this.deadlineMs = this.#plane.deadlines.in(this.#plane.limits.lingerMs);
    this.#channel.end();
    this.#channel.resume();
  }

  /**
   * The port speaks HTTP/1.1 and HTTP/2, and the client neither: no answer could be read as one by it, and a broken
   * preface of HTTP/2 must end the connection (RFC 9113 section 3.4, which lets GOAWAY be left out).
   */
  #closeWithoutWord(): void {
    this.#plane.counters.malformed++;
    this.#close();
  }

  /** Answers trouble that comes before there is an exchange, and closes. */
  #refuse(trouble: Trouble): void {
    const exchange = this.#exchange;
    if (trouble.kind === "framing") this.#plane.counters.malformed++;
    this.#keepAlive = false;
    this.#target.clear();
    exchange.isHead = false;
    exchange.method = "";
    exchange.host = "";
    exchange.path = "";
    exchange.forwardPath = "";
    exchange.contentLength = 0;
    exchange.refuse(rescue(trouble));
  }

  #giveParser(): void {
    if (this.#parser === undefined) return;
    this.#plane.requestParsers.give(this.#parser);
    this.#parser = undefined;
  }

  #watchSending(): void {
    if (this.#channel.pendingBytes > 0 && this.deadlineMs === Infinity) this.deadlineMs = this.#sendDeadline();
  }

  #sendDeadline(): number {
    return this.#plane.deadlines.in(this.#plane.limits.clientSendTimeoutMs);
  }
}

/** Upgrades to another version of HTTP would get around everything this edge checks. */
function wantsUpgrade(parser: RequestParser): boolean {
  return !/\bh2c?\b|\bhttp\b/i.test(parser.headers.value(parser.bytes, parser.upgradeIndex));
}
