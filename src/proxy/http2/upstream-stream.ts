import type { Channel } from "../channel.ts";
import type { Timed } from "../deadlines.ts";
import type { EndpointPool } from "../endpoint-pools.ts";
import type { Exchange } from "../exchange.ts";
import { CONNECTION, HOST, OTHER, TRANSFER_ENCODING, UPGRADE } from "../http1/header-names.ts";
import { DONE, HeaderSection } from "../http1/header-section.ts";
import { putBytes, putText } from "../http1/put-head.ts";
import type { UpstreamFailure } from "../rescue.ts";
import type { Upstream } from "../upstream-side.ts";
import { CANCEL, type Http2ErrorCode, NO_ERROR, REFUSED_STREAM } from "./error-codes.ts";
import type { FieldBlock } from "./field-block.ts";
import { HeadWriter } from "./head-writer.ts";
import { CONNECTION_CLOSED, PEER_RESET } from "./http2-connection.ts";
import type { Http2Stream, StreamOwner } from "./http2-stream.ts";
import type { Http2UpstreamConnection } from "./upstream-connection.ts";
import { webSocketAccept } from "./web-socket-key.ts";

/** Heads are written one at a time, and copied by the engine. */
const writer = new HeadWriter();

/** More than any head has that got here. */
const HEADERS_MAX = 256;

/** Of the request that is being sent: also one at a time. */
const headers = new HeaderSection(HEADERS_MAX);

let scratch: Buffer = Buffer.allocUnsafeSlow(8 * 1024);
/** What composing a head adds beside its lines. */
const FIXED_BYTES = 64;

/** One request on a shared HTTP/2 connection to an endpoint. */
export class Http2UpstreamStream implements Upstream, StreamOwner, Timed {
  deadlineMs: number = Infinity;
  answered = false;
  readonly served: number;
  readonly #connection: Http2UpstreamConnection;
  #exchange: Exchange | undefined;
  #stream: Http2Stream | undefined;
  /** A request for a WebSocket: what was to be sent, until the endpoint's settings are known. */
  #waiting: Buffer | undefined;
  #waitingLength = 0;
  /** What the client wants a proof of that its key was read (RFC 6455 section 4.1); undefined: it wants no WebSocket. */
  #webSocketKey: string | undefined;
  #refused = false;
  #requestComplete = false;
  #readTimeoutMs = 0;
  #sendTimeoutMs = 0;
  /** Of the response, what the client has not taken. */
  #held = 0;

  constructor(connection: Http2UpstreamConnection) {
    this.#connection = connection;
    this.served = connection.served;
  }

  get pool(): EndpointPool {
    return this.#connection.pool;
  }

  get ready(): boolean {
    return this.#connection.ready;
  }

  get unsent(): boolean {
    return this.#refused || !this.#connection.ready;
  }

  get congested(): boolean {
    return this.#stream?.congested === true;
  }

  /** Everything is copied, but for a request that waits. */
  get pendingBytes(): number {
    return this.#waiting === undefined ? 0 : this.#waitingLength;
  }

  begin(exchange: Exchange, readTimeoutMs: number, sendTimeoutMs: number): void {
    this.#exchange = exchange;
    this.#readTimeoutMs = readTimeoutMs;
    this.#sendTimeoutMs = sendTimeoutMs;
    this.pool.inFlight++;
    this.pool.plane.deadlines.add(this);
  }

  /** Reads the head composed for HTTP/1.1, so that both protocols send the same. */
  sendRequest(request: Buffer, length: number): void {
    if (this.#exchange?.wantsWebSocket !== true) return this.#send(request, length);
    this.#waiting = request;
    this.#waitingLength = length;
    this.deadlineMs = this.pool.plane.deadlines.in(this.#readTimeoutMs);
    this.#connection.whenSettled(this);
  }

  /** The endpoint has said what it can do. */
  settled(): void {
    const request = this.#waiting;
    this.#waiting = undefined;
    if (request === undefined || this.#exchange === undefined) return;
    if (this.pool.extendedConnect !== true) return this.#fail("no-websocket", "");
    this.#refused = !this.#connection.canOpen;
    if (this.#refused) return this.#fail("closed", "");
    this.#webSocketKey = "";
    this.#send(request, this.#waitingLength);
  }

  #send(request: Buffer, length: number): void {
    const lineEnd = request.indexOf("\r\n");
    const [method = "", target = ""] = request.toString("latin1", 0, lineEnd).split(" ");
    headers.begin(lineEnd + 2);
    headers.scan(request, length);
    let authority = "";
    for (let index = 0; index < headers.count; index++) {
      if (headers.kind(index) === HOST) authority = headers.value(request, index);
    }
    writer.begin();
    const isWebSocket = this.#webSocketKey !== undefined;
    const scheme = this.pool.secure ? "https" : "http";
    writer.request(isWebSocket ? "CONNECT" : method, scheme, authority, target, isWebSocket ? "websocket" : "");
    for (let index = 0; index < headers.count; index++) {
      if (isWebSocket && nameOf(headers, request, index) === WEB_SOCKET_KEY) {
        this.#webSocketKey = headers.value(request, index);
      } else if (passes(headers.kind(index))) putField(headers, request, index);
    }
    // gRPC servers insist on it, and trailers do pass.
    writer.text("te", "trailers");
    const stream = this.#connection.open(this, writer);
    this.#stream = stream;
    if (headers.position < length) stream.sendData(request, headers.position, length);
    this.#watch();
  }

  sendBody(_source: Channel, buffer: Buffer, start: number, end: number): void {
    this.#stream?.sendData(buffer, start, end);
    this.#watch();
  }

  sendBodyEnd(trailers: HeaderSection | undefined, trailerBytes: Buffer): void {
    if (trailers === undefined) return;
    writer.begin();
    for (let index = 0; index < trailers.count; index++) {
      if (trailers.kind(index) === OTHER) putField(trailers, trailerBytes, index);
    }
    if (writer.end > 0) this.#stream?.sendTrailers(writer);
  }

  requestComplete(): void {
    this.#requestComplete = true;
    if (this.#webSocketKey === undefined) this.#stream?.sendEnd();
    this.#watch();
  }

  resume(): void {
    const held = this.#held;
    this.#held = 0;
    this.#stream?.consumed(held);
    this.#watch();
  }

  abandon(): void {
    const stream = this.#stream;
    this.#leave();
    stream?.reset(CANCEL);
  }

  /** Sends the client what was collected for it. */
  flush(): void {
    const downstream = this.#exchange?.downstream;
    if (downstream === undefined) return;
    downstream.flush();
    if (!downstream.congested) this.resume();
    else this.deadlineMs = Infinity;
  }

  // What the stream says.

  onHead(fields: FieldBlock): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    this.answered = true;
    const { responseParsers } = this.pool.plane;
    const { status } = fields;
    if (this.#webSocketKey !== undefined && status >= 200) {
      if (status < 300) return this.#switch(exchange, fields, this.#webSocketKey);
      // It is an answer like any other.
      this.#stream?.sendEnd();
    }
    const bodiless = exchange.isHead || status < 200 || status === 204 || status === 304;
    const end = composeHead(fields, bodiless);
    const parser = responseParsers.shared;
    parser.begin();
    if (parser.feed(scratch, 0, end) !== DONE) {
      const { text } = parser.problem;
      parser.begin();
      return this.#fail("protocol", text);
    }
    // A response to HEAD has the length of a body that does not come.
    if (bodiless && this.#stream !== undefined) this.#stream.bodyLeft = -1;
    if (status < 200) exchange.downstream.sendInformational(parser);
    else exchange.onResponse(parser, bodiless);
    this.#connection.touch(this);
    this.#watch();
  }

  onData(bytes: Buffer, start: number, end: number): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    if (exchange.isHead) return this.#fail("protocol", "a response to HEAD has a body");
    this.#held += end - start;
    exchange.onResponseBody(this.#connection.channel, bytes, start, end);
    this.#connection.touch(this);
  }

  onEnd(trailers: FieldBlock | undefined): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    if (!this.answered) return this.#fail("protocol", "it has no head");
    if (trailers !== undefined && trailers.count > 0) {
      const lines = Buffer.concat([trailers.bytes.subarray(0, trailers.end), Buffer.from("\r\n")]);
      const section = new HeaderSection(HEADERS_MAX);
      section.begin(0);
      if (section.scan(lines, lines.length) === DONE) exchange.downstream.sendTrailers(section, lines);
    }
    const stream = this.#stream;
    this.#leave();
    // A server may answer before it has the whole request; what is left of it is no use.
    if (stream !== undefined && !stream.localEnded) stream.reset(NO_ERROR);
    exchange.onResponseEnd();
  }

  onDrain(): void {
    this.#watch();
    this.#exchange?.onUpstreamDrain();
  }

  onReset(code: Http2ErrorCode, reason: string): void {
    this.#refused = code === REFUSED_STREAM;
    if (reason === CONNECTION_CLOSED) this.#fail(this.#connection.failure, this.#connection.failureDetail);
    else this.#fail(reason === PEER_RESET || this.#refused ? "closed" : "protocol", reason);
  }

  onDeadline(): void {
    this.#fail(this.congested ? "send-timeout" : "read-timeout", "");
  }

  /** The endpoint takes the WebSocket: told as HTTP/1.1 would have it, so that clients of both protocols are answered alike. */
  #switch(exchange: Exchange, fields: FieldBlock, key: string): void {
    const stream = this.#stream;
    const parser = this.pool.plane.responseParsers.shared;
    parser.begin();
    if (stream === undefined || parser.feed(scratch, 0, composeSwitch(fields, key)) !== DONE) {
      parser.begin();
      return this.#fail("protocol", "its answer to a WebSocket cannot be read");
    }
    stream.bodyLeft = -1;
    this.#leave();
    exchange.onSwitch(parser, { kind: "stream", stream });
    this.#connection.touch(this);
  }

  #fail(failure: UpstreamFailure, detail: string): void {
    const exchange = this.#exchange;
    const stream = this.#stream;
    this.#leave();
    stream?.reset(CANCEL);
    exchange?.onUpstreamFailed(this, failure, detail);
  }

  #leave(): void {
    if (this.#exchange === undefined) return;
    this.#exchange = undefined;
    this.#stream = undefined;
    this.#waiting = undefined;
    this.deadlineMs = Infinity;
    this.pool.plane.deadlines.remove(this);
    this.pool.inFlight--;
  }

  /** Sets the deadline for what is waited for now. */
  #watch(): void {
    const { deadlines } = this.pool.plane;
    if (this.#exchange === undefined || !this.ready) this.deadlineMs = Infinity;
    else if (this.congested) this.deadlineMs = deadlines.in(this.#sendTimeoutMs);
    else this.deadlineMs = this.#requestComplete ? deadlines.in(this.#readTimeoutMs) : Infinity;
  }
}

/** What belongs to an HTTP/1.1 connection, or is said otherwise in HTTP/2. */
function passes(kind: number): boolean {
  return kind !== HOST && kind !== CONNECTION && kind !== TRANSFER_ENCODING && kind !== UPGRADE;
}

const WEB_SOCKET_KEY = "sec-websocket-key";

function nameOf(headers: HeaderSection, bytes: Buffer, index: number): string {
  return bytes.toString("latin1", headers.lineStart(index), headers.nameEnd(index)).toLowerCase();
}

/** Writes the answer to an upgrade into `scratch`; returns where it ends. */
function composeSwitch(fields: FieldBlock, key: string): number {
  const room = fields.end + 4 * FIXED_BYTES;
  if (scratch.length < room) scratch = Buffer.allocUnsafeSlow(2 * room);
  let at = putText(scratch, 0, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n");
  at = putText(scratch, at, `Sec-WebSocket-Accept: ${webSocketAccept(key)}\r\n`);
  at = putBytes(scratch, at, fields.bytes, 0, fields.end);
  return putText(scratch, at, "\r\n");
}

function putField(headers: HeaderSection, bytes: Buffer, index: number): void {
  writer.field(
    bytes,
    headers.lineStart(index),
    headers.nameEnd(index),
    headers.valueStart(index),
    headers.valueEnd(index),
  );
}

/** Writes a response head into `scratch` as HTTP/1.1 would have sent it; returns where it ends. */
function composeHead(fields: FieldBlock, bodiless: boolean): number {
  const room = fields.end + FIXED_BYTES;
  if (scratch.length < room) scratch = Buffer.allocUnsafeSlow(2 * room);
  let at = putText(scratch, 0, `HTTP/1.1 ${fields.status} \r\n`);
  at = putBytes(scratch, at, fields.bytes, 0, fields.end);
  if (!bodiless && fields.contentLength < 0) at = putText(scratch, at, "transfer-encoding: chunked\r\n");
  return putText(scratch, at, "\r\n");
}
