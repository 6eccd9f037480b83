import type { Socket } from "node:net";
import { rewriteTarget } from "../../routing/phases/rewrite.ts";
import { type Answer, statusText } from "../answer.ts";
import { messageBuffers, SHARED_READ_BYTES, takeBuffer } from "../buffer-pool.ts";
import { Channel, type ChannelOwner } from "../channel.ts";
import type { Timed } from "../deadlines.ts";
import type { Downstream } from "../downstream.ts";
import { Exchange } from "../exchange.ts";
import { ForwardedHeaders } from "../forwarded-headers.ts";
import type { Peer } from "../peer.ts";
import type { Plane } from "../plane.ts";
import { normalisePath } from "../request-path.ts";
import { parseHost } from "../request-host.ts";
import { rescue, type Trouble } from "../rescue.ts";
import { Tunnel } from "../tunnel.ts";
import type { UpstreamConnection } from "../upstream.ts";
import { ChunkedDecoder } from "./chunked.ts";
import { BROKEN, DONE, MORE, type FramingProblem, type HeaderSection } from "./header-section.ts";
import type { RequestParser } from "./request-parser.ts";
import {
  KEPT_OF_REQUEST,
  KEPT_OF_RESPONSE,
  KEPT_OF_TRUSTED_REQUEST,
  KEPT_WITHOUT_LENGTH,
  putBytes,
  putHeaders,
  putText,
} from "./put-head.ts";
import type { ResponseParser } from "./response-parser.ts";
import { CHUNK_FRAME_BYTES, putChunk, putLastChunk, sendChunk } from "./send-chunk.ts";

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

/** How the response body is framed towards the client. */
const AS_IS = 0;
const CHUNKED = 1;
const NO_BODY = 2;

/** From this many bytes on, a request body is read into a buffer of the connection's own. */
const BULK_BYTES = 128 * 1024;

const BAD_HOST: FramingProblem = { status: 400, text: "the Host header is not a host name or address" };
const BAD_FORM: FramingProblem = { status: 400, text: "the request target is neither a path nor an http URL" };
const NO_BYTES: Buffer = Buffer.alloc(0);

const PLAIN_TO_TLS: Trouble = {
  kind: "framing",
  problem: { status: 400, text: "this port speaks HTTPS, and the request came as plain HTTP" },
};
const HEAD_TIMEOUT: Trouble = { kind: "head-timeout" };
const BODY_TIMEOUT: Trouble = { kind: "body-timeout" };

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
  readonly #forwarded: ForwardedHeaders;
  readonly #onGone: (connection: ClientConnection) => void;
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

  /** Bytes that cannot be used yet: of a body whose endpoint is not there yet, or of the next request. */
  #stash: Buffer | undefined;
  #consuming = false;

  #out: Buffer | undefined;
  #outLength = 0;
  #framing = AS_IS;
  #trailers: HeaderSection | undefined;
  #trailerBytes: Buffer = NO_BYTES;

  /** The authority of the last request, what it means, and the bytes of it. */
  #authority = "";
  #host: string | undefined = "";

  /** `onGone` is called once, when the connection is closed or has become a tunnel. */
  constructor(plane: Plane, socket: Socket, peer: Peer, onGone: (connection: ClientConnection) => void) {
    this.#plane = plane;
    this.peer = peer;
    this.#onGone = onGone;
    this.#exchange = new Exchange(plane, this);
    this.#forwarded = new ForwardedHeaders(peer);
    this.#channel = new Channel(socket, this, "client", plane.channelMode);
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

  /** Closes the connection when it is idle; else after the answer. */
  drain(): void {
    this.#keepAlive = false;
    if (this.#state === HEAD && !this.#exchange.active && this.#parser === undefined) this.#channel.destroy();
  }

  destroy(): void {
    this.#channel.destroy();
  }

  // What the socket says.

  onBytes(buffer: Buffer, start: number, end: number): void {
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
    if (this.#state === RESPONSE || this.#stash !== undefined) return;
    if (this.#state === BODY) this.#exchange.clientGone();
    if (this.#state === LINGER) this.#channel.end();
    else this.#channel.destroy();
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
    this.#dropOut();
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
        return this.#refuse(HEAD_TIMEOUT);
      case BODY:
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
          if (this.#channel.congested) break;
          at = this.#consumeHead(buffer, at, end);
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
      if (used < stash.length && this.#stash === undefined) this.#stash = stash.subarray(used);
    }
    if (this.#stash !== undefined) return;
    if (this.#state === BODY) {
      if (this.#exchange.upstreamCongested) return;
      this.deadlineMs = this.#plane.deadlines.in(this.#plane.limits.bodyTimeoutMs);
    }
    this.#channel.resume();
    if (this.#clientEnded && this.#state === HEAD) this.#channel.destroy();
  }

  #consumeHead(buffer: Buffer, from: number, end: number): number {
    const { requestParsers, deadlines, limits } = this.#plane;
    let parser = this.#parser;
    if (parser === undefined) {
      parser = requestParsers.shared;
      parser.begin();
    }
    const progress = parser.feed(buffer, from, end);
    if (progress === MORE) {
      if (this.#parser === undefined) {
        this.#parser = requestParsers.keepShared();
        this.deadlineMs = deadlines.in(limits.headTimeoutMs);
      }
      return end;
    }
    const kept = this.#parser !== undefined;
    this.#parser = parser;
    if (progress === BROKEN) {
      this.#minorVersion = 1;
      this.#refuse({ kind: "framing", problem: parser.problem });
      return end;
    }
    const next = parser.consumed;
    const used = this.#startRequest(parser, buffer, next, end);
    this.#parser = undefined;
    if (kept) requestParsers.give(parser);
    return used;
  }

  #startRequest(parser: RequestParser, buffer: Buffer, bodyStart: number, end: number): number {
    const exchange = this.#exchange;
    this.#minorVersion = parser.minorVersion;
    this.#requests++;
    const { limits, draining } = this.#plane;
    this.#keepAlive =
      parser.keepAlive && !draining && !this.#clientEnded && this.#requests < limits.requestsPerConnectionMax;
    this.#expectsContinue = parser.expectsContinue;
    this.#continued = false;
    this.#bodyChunked = parser.chunked;
    this.#bodyLeft = Math.max(parser.contentLength, 0);
    this.#trailers = undefined;

    const problem = this.#readTarget(parser);
    if (problem !== undefined) {
      this.#refuse({ kind: "framing", problem });
      return end;
    }
    exchange.method = methodOf(parser);
    exchange.isHead = exchange.method === "HEAD";
    exchange.contentLength = parser.chunked ? -1 : this.#bodyLeft;
    exchange.wantsUpgrade = parser.upgradeIndex >= 0 && exchange.contentLength === 0 && wantsUpgrade(parser);
    exchange.secure = this.#forwarded.begin(
      parser,
      this.#authority,
      this.#plane.trusted,
      this.#plane.snapshot.settings,
    );

    const hasBody = exchange.contentLength !== 0;
    this.#state = hasBody ? BODY : RESPONSE;
    this.deadlineMs = hasBody ? this.#plane.deadlines.in(limits.bodyTimeoutMs) : Infinity;
    if (parser.chunked) {
      this.#decoder ??= new ChunkedDecoder(limits);
      this.#decoder.begin();
    }
    // What has arrived of the body goes along with the head when it fits (`composeRequest`).
    this.#early = buffer;
    this.#earlyStart = bodyStart;
    this.#earlyEnd = bodyStart + (parser.chunked ? 0 : Math.min(this.#bodyLeft, end - bodyStart));
    exchange.start();
    this.#early = NO_BYTES;
    const used = this.#earlyUsed ? this.#earlyEnd : bodyStart;
    this.#earlyUsed = false;
    if (!exchange.active || used === bodyStart) return used;
    this.#bodyLeft -= used - bodyStart;
    exchange.requestBytes += used - bodyStart;
    if (this.#bodyLeft === 0) this.#endBody();
    else if (this.#bodyLeft >= BULK_BYTES) this.#channel.bulk = true;
    return used;
  }

  #early: Buffer = NO_BYTES;
  #earlyStart = 0;
  #earlyEnd = 0;
  #earlyUsed = false;

  /** Sets host and path of the exchange; returns what is wrong with them. */
  #readTarget(parser: RequestParser): FramingProblem | undefined {
    const { bytes, targetStart, targetEnd } = parser;
    const exchange = this.#exchange;
    if (bytes[targetStart] !== 0x2f) return this.#readAbsoluteTarget(parser);
    if (parser.hostIndex >= 0) {
      const start = parser.headers.valueStart(parser.hostIndex);
      const end = parser.headers.valueEnd(parser.hostIndex);
      if (!sameLatin1(bytes, start, end, this.#authority)) this.#setAuthority(bytes.toString("latin1", start, end));
    } else this.#setAuthority("");
    if (this.#host === undefined) return BAD_HOST;
    exchange.host = this.#host;
    const path = bytes.toString("latin1", targetStart, parser.queryStart < 0 ? targetEnd : parser.queryStart);
    return this.#setPath(path, parser.pathIsPlain);
  }

  /** RFC 9112 section 3.2.2: the authority of an absolute target replaces the Host header. */
  #readAbsoluteTarget(parser: RequestParser): FramingProblem | undefined {
    const text = parser.bytes.toString("latin1", parser.targetStart, parser.targetEnd);
    const found = /^https?:\/\/([^/?]*)([^?]*)/i.exec(text);
    if (found === null && methodOf(parser) !== "CONNECT") return BAD_FORM;
    const [all = "", authority = "", path = ""] = found ?? [];
    this.#setAuthority(authority);
    if (this.#host === undefined || (authority === "" && found !== null)) return BAD_HOST;
    this.#exchange.host = this.#host;
    parser.queryStart = all.length < text.length ? parser.targetStart + all.length : -1;
    return this.#setPath(path === "" ? "/" : path, false);
  }

  #setAuthority(authority: string): void {
    if (authority === this.#authority) return;
    this.#authority = authority;
    this.#host = parseHost(authority);
  }

  #setPath(path: string, plain: boolean): FramingProblem | undefined {
    const exchange = this.#exchange;
    this.#pathIsPlain = plain;
    exchange.path = path;
    exchange.forwardPath = path;
    if (plain) return undefined;
    const normal = normalisePath(path);
    if (normal.kind === "refused") return { status: 400, text: normal.text };
    exchange.path = normal.match;
    exchange.forwardPath = normal.forward;
    return undefined;
  }

  #pathIsPlain = true;

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
    const parser = this.#parser;
    if (parser === undefined || parser.queryStart < 0) return "";
    return parser.bytes.toString("latin1", parser.queryStart, parser.targetEnd);
  }

  header(name: string): string | undefined {
    const parser = this.#parser;
    if (parser === undefined) return undefined;
    const { headers, bytes } = parser;
    for (let index = 0; index < headers.count; index++) {
      const start = headers.lineStart(index);
      if (headers.nameEnd(index) - start !== name.length) continue;
      if (bytes.toString("latin1", start, headers.nameEnd(index)).toLowerCase() === name)
        return headers.value(bytes, index);
    }
    return undefined;
  }

  composeRequest(exchange: Exchange): void {
    const parser = this.#parser;
    if (parser === undefined) return;
    const { bytes, headers } = parser;
    const target = this.#targetText(exchange, parser);
    const host = exchange.policy?.upstreamHost ?? this.#authority;
    const block = this.#forwarded.block();
    const headBytes =
      headers.position - parser.methodStart + (target?.length ?? 0) + host.length + block.length + FIXED_BYTES;
    const early = this.#earlyEnd - this.#earlyStart;
    const takesEarly = early > 0 && headBytes + early <= messageBuffers.bytes;
    const out = takeBuffer(takesEarly ? headBytes + early : headBytes);

    let at = putBytes(out, 0, bytes, parser.methodStart, parser.methodEnd + 1);
    at =
      target === undefined ? putBytes(out, at, bytes, parser.targetStart, parser.targetEnd) : putText(out, at, target);
    at = putText(out, at, " HTTP/1.1\r\nHost: ");
    at = putText(out, at, host);
    at = putText(out, at, "\r\n");
    at = putHeaders(out, at, bytes, headers, this.#forwarded.trusted ? KEPT_OF_TRUSTED_REQUEST : KEPT_OF_REQUEST);
    at += block.copy(out, at);
    if (parser.chunked) at = putText(out, at, "Transfer-Encoding: chunked\r\n");
    if (exchange.wantsUpgrade) {
      at = putText(out, at, "Connection: upgrade\r\nUpgrade: ");
      at = putBytes(out, at, bytes, headers.valueStart(parser.upgradeIndex), headers.valueEnd(parser.upgradeIndex));
      at = putText(out, at, "\r\n");
    }
    at = putText(out, at, "\r\n");
    if (takesEarly) {
      at = putBytes(out, at, this.#early, this.#earlyStart, this.#earlyEnd);
      this.#earlyUsed = true;
      exchange.requestHasBody = true;
    }
    exchange.request = out;
    exchange.requestLength = at;
  }

  /** Returns the target when it is not sent on as it came. */
  #targetText(exchange: Exchange, parser: RequestParser): string | undefined {
    const rewrite = exchange.policy?.rewrite;
    if (rewrite !== undefined) {
      return escapeTarget(rewriteTarget(rewrite, exchange.forwardPath, this.query().slice(1)));
    }
    return this.#pathIsPlain && parser.bytes[parser.targetStart] === 0x2f
      ? undefined
      : exchange.forwardPath + this.query();
  }

  // The response's way out.

  sendInformational(head: ResponseParser): void {
    if (this.#minorVersion === 0) return;
    if (head.status === 100) this.#continued = true;
    this.#beginOut(head.headers.position + 64);
    this.#putStatusLine(head);
    this.#putResponseHeaders(head, false);
    this.#put("\r\n");
  }

  sendHead(exchange: Exchange, head: ResponseParser, bodiless: boolean): void {
    const close = this.#mustClose(head, bodiless);
    this.#framing = bodiless ? NO_BODY : head.contentLength >= 0 || this.#minorVersion === 0 ? AS_IS : CHUNKED;
    // A response without a body may still say how it would be framed (HEAD, 304).
    const saysChunked = this.#framing === CHUNKED || (exchange.isHead && head.chunked && this.#minorVersion === 1);
    this.#beginOut(head.headers.position + 128);
    this.#putStatusLine(head);
    this.#putResponseHeaders(head, head.status !== 204);
    if (saysChunked) this.#put("Transfer-Encoding: chunked\r\n");
    if (close) {
      this.#keepAlive = false;
      this.#put("Connection: close\r\n");
    } else if (this.#minorVersion === 0) this.#put("Connection: keep-alive\r\n");
    this.#put("\r\n");
  }

  sendBody(source: Channel, buffer: Buffer, start: number, end: number): void {
    const length = end - start;
    if (length > SHARED_READ_BYTES) {
      this.flush();
      if (this.#framing === CHUNKED) sendChunk(this.#channel, source, buffer, start, end);
      else this.#channel.relay(buffer, start, end, source);
      return this.#watchSending();
    }
    let out = this.#out;
    if (out === undefined || this.#outLength + length + CHUNK_FRAME_BYTES > out.length) {
      this.flush();
      out = messageBuffers.take();
      this.#out = out;
    }
    this.#outLength =
      this.#framing === CHUNKED
        ? putChunk(out, this.#outLength, buffer, start, end)
        : putBytes(out, this.#outLength, buffer, start, end);
  }

  sendTrailers(trailers: HeaderSection, bytes: Buffer): void {
    if (this.#framing !== CHUNKED) return;
    this.#trailers = trailers;
    this.#trailerBytes = bytes;
  }

  sendEnd(): void {
    if (this.#framing === CHUNKED) {
      this.#beginOut(this.#trailerBytes.length + CHUNK_FRAME_BYTES);
      const out = this.#out;
      if (out !== undefined) this.#outLength = putLastChunk(out, this.#outLength, this.#trailers, this.#trailerBytes);
      this.#trailers = undefined;
      this.#trailerBytes = NO_BYTES;
    }
    this.flush();
    this.#endResponse();
  }

  flush(): void {
    const out = this.#out;
    if (out === undefined) return;
    const length = this.#outLength;
    this.#out = undefined;
    this.#outLength = 0;
    this.#channel.write(out, length, messageBuffers);
    this.#watchSending();
  }

  sendAnswer(answer: Answer): void {
    this.#dropOut();
    const { status } = answer;
    if (answer.close || (this.#expectsContinue && !this.#continued)) this.#keepAlive = false;
    const body = Buffer.from(answer.body);
    const lines = [
      `HTTP/1.1 ${status} ${statusText(status)}`,
      `Date: ${new Date(this.#plane.clock.nowMs()).toUTCString()}`,
      `Content-Type: ${answer.contentType}`,
      `Content-Length: ${body.length}`,
    ];
    if (answer.location !== undefined) lines.push(`Location: ${answer.location}`);
    if (!this.#keepAlive) lines.push("Connection: close");
    else if (this.#minorVersion === 0) lines.push("Connection: keep-alive");
    const head = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
    const message = this.#exchange.isHead ? head : Buffer.concat([head, body]);
    this.#channel.write(message, message.length, undefined);
    this.#watchSending();
    this.#endResponse();
  }

  abort(): void {
    this.#dropOut();
    this.#state = OVER;
    // A body that ends with the connection must not look complete.
    this.#channel.reset();
  }

  upgrade(exchange: Exchange, head: ResponseParser, upstream: UpstreamConnection, early: Buffer): void {
    this.#beginOut(head.headers.position + 256);
    this.#putStatusLine(head);
    this.#putResponseHeaders(head, true);
    this.#put("Connection: upgrade\r\n");
    if (head.upgradeIndex >= 0) this.#put(`Upgrade: ${head.headers.value(head.bytes, head.upgradeIndex)}\r\n`);
    this.#put("\r\n");
    this.flush();
    this.#state = OVER;
    this.#plane.deadlines.remove(this);
    const stash = this.#stash ?? NO_BYTES;
    this.#stash = undefined;
    const idleTimeoutMs = exchange.policy?.readTimeoutMs ?? this.#plane.limits.idleTimeoutMs;
    const tunnel = new Tunnel(this.#plane, this.#channel, upstream.channel, idleTimeoutMs, (sent, received) => {
      exchange.tunnelClosed(sent, received);
      this.#onGone(this);
    });
    tunnel.start(stash, early);
  }

  #mustClose(head: ResponseParser, bodiless: boolean): boolean {
    if (!this.#keepAlive || this.#plane.draining) return true;
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
    if (draining || !this.#keepAlive) return this.#close();
    this.#state = HEAD;
    this.deadlineMs = this.#channel.pendingBytes > 0 ? this.#sendDeadline() : deadlines.in(limits.idleTimeoutMs);
    if (!this.#consuming) this.resumeBody();
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

  /** Answers trouble that comes before there is an exchange, and closes. */
  #refuse(trouble: Trouble): void {
    const exchange = this.#exchange;
    if (trouble.kind === "framing") this.#plane.counters.malformed++;
    this.#giveParser();
    this.#keepAlive = false;
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
    if (this.#parser !== this.#plane.requestParsers.shared) this.#plane.requestParsers.give(this.#parser);
    this.#parser = undefined;
  }

  #watchSending(): void {
    if (this.#channel.pendingBytes > 0 && this.deadlineMs === Infinity) this.deadlineMs = this.#sendDeadline();
  }

  #sendDeadline(): number {
    return this.#plane.deadlines.in(this.#plane.limits.clientSendTimeoutMs);
  }

  /** Makes room for `bytes` more in the message being collected. */
  #beginOut(bytes: number): void {
    const out = this.#out;
    if (out !== undefined && this.#outLength + bytes <= out.length) return;
    this.flush();
    this.#out = bytes <= messageBuffers.bytes ? messageBuffers.take() : Buffer.allocUnsafeSlow(bytes);
    this.#outLength = 0;
  }

  #dropOut(): void {
    if (this.#out !== undefined) messageBuffers.give(this.#out);
    this.#out = undefined;
    this.#outLength = 0;
  }

  #put(text: string): void {
    if (this.#out !== undefined) this.#outLength = putText(this.#out, this.#outLength, text);
  }

  #putStatusLine(head: ResponseParser): void {
    const out = this.#out;
    if (out === undefined) return;
    const { status, reasonStart, reasonEnd, bytes } = head;
    let at = putText(out, this.#outLength, "HTTP/1.1 ");
    out[at++] = 0x30 + Math.floor(status / 100);
    out[at++] = 0x30 + (Math.floor(status / 10) % 10);
    out[at++] = 0x30 + (status % 10);
    if (reasonStart === reasonEnd) out[at++] = 0x20;
    else at = putBytes(out, at, bytes, reasonStart, reasonEnd);
    this.#outLength = putText(out, at, "\r\n");
  }

  #putResponseHeaders(head: ResponseParser, withLength: boolean): void {
    const out = this.#out;
    if (out === undefined) return;
    const kept = withLength ? KEPT_OF_RESPONSE : KEPT_WITHOUT_LENGTH;
    this.#outLength = putHeaders(out, this.#outLength, head.bytes, head.headers, kept);
  }
}

/** What composing adds to a request beside the parts that are counted: version, Host, framing and upgrade lines. */
const FIXED_BYTES = 160;

/** Upgrades to another version of HTTP would get around everything this edge checks. */
function wantsUpgrade(parser: RequestParser): boolean {
  return !/\bh2c?\b|\bhttp\b/i.test(parser.headers.value(parser.bytes, parser.upgradeIndex));
}

/** What a rewrite made of a path may not end the request line. */
function escapeTarget(target: string): string {
  return target.replaceAll(/[^!-~]/g, (letter) => encodeURIComponent(letter));
}

function methodOf(parser: RequestParser): string {
  const { bytes, methodStart, methodEnd } = parser;
  const length = methodEnd - methodStart;
  for (const method of COMMON_METHODS) {
    if (method.length === length && sameLatin1(bytes, methodStart, methodEnd, method)) return method;
  }
  return bytes.toString("latin1", methodStart, methodEnd);
}

const COMMON_METHODS = ["GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"] as const;

function sameLatin1(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  if (end - start !== text.length) return false;
  for (let index = 0; index < text.length; index++) if (bytes[start + index] !== text.charCodeAt(index)) return false;
  return true;
}
