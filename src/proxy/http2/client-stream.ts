import type { Answer } from "../answer.ts";
import type { Channel, ChannelOwner } from "../channel.ts";
import type { Timed } from "../deadlines.ts";
import type { Downstream, UpgradedEndpoint } from "../downstream.ts";
import { Exchange } from "../exchange.ts";
import { composeRequest, type EarlyBody, queryOf } from "../http1/compose-request.ts";
import { OTHER } from "../http1/header-names.ts";
import { DONE, HeaderSection } from "../http1/header-section.ts";
import { KEPT_OF_RESPONSE, KEPT_WITHOUT_LENGTH, type KeptKinds } from "../http1/put-head.ts";
import type { RequestParser } from "../http1/request-parser.ts";
import type { ResponseParser } from "../http1/response-parser.ts";
import type { Peer } from "../peer.ts";
import { rescue, type Trouble } from "../rescue.ts";
import type { Http2ClientConnection } from "./client-connection.ts";
import { INTERNAL_ERROR } from "./error-codes.ts";
import type { FieldBlock } from "./field-block.ts";
import { HeadWriter } from "./head-writer.ts";
import type { Http2Stream, StreamOwner } from "./http2-stream.ts";
import { composeHead } from "./request-head.ts";
import { StreamPair } from "./stream-pair.ts";
import { StreamTunnel } from "./stream-tunnel.ts";
import { provesWebSocketKey } from "./web-socket-key.ts";

const NO_BYTES: Buffer = Buffer.alloc(0);
const NO_EARLY_BODY: EarlyBody = { bytes: NO_BYTES, start: 0, end: 0 };
const BODY_TIMEOUT: Trouble = { kind: "body-timeout" };
const TOO_LARGE: Trouble = { kind: "framing", problem: { status: 431, text: "the headers are too large" } };
const BAD_PROTOCOL: Trouble = {
  kind: "framing",
  problem: { status: 501, text: "the only protocol that CONNECT reaches here is websocket" },
};

/** Heads are written one at a time, and copied by the engine. */
const writer = new HeadWriter();

/** Answers carry the date, which changes once a second. */
const date = { second: -1, text: "" };

/**
 * One request of an HTTP/2 client and its response: the client's side of an exchange. Used again for another request of
 * the same connection.
 */
export class ClientStream implements Downstream, StreamOwner, Timed {
  deadlineMs: number = Infinity;
  readonly #connection: Http2ClientConnection;
  readonly #exchange: Exchange;
  #stream: Http2Stream | undefined;
  /** While the exchange starts. */
  #parser: RequestParser | undefined;
  #webSocketKey = "";
  /** A request that says it has no body and has not ended: it waits for that, because its head tells the endpoint so too. */
  #unended: UnendedRequest | undefined;
  /** Of the body: what came before the endpoint was there to take it, and how much the client may not replace yet. */
  #stash: Buffer[] = [];
  #held = 0;
  #bodyEnded = false;
  /** The body ended before the endpoint was there. */
  #endWaits = false;
  #requestTrailers: HeaderSection | undefined;
  #requestTrailerBytes = NO_BYTES;
  #trailers: HeaderSection | undefined;
  #trailerBytes = NO_BYTES;

  constructor(connection: Http2ClientConnection) {
    this.#connection = connection;
    this.#exchange = new Exchange(connection.plane, this);
  }

  get peer(): Peer {
    return this.#connection.peer;
  }

  get protocol(): "HTTP/2" {
    return "HTTP/2";
  }

  get congested(): boolean {
    return this.#stream?.congested === true;
  }

  /** Serves a request from its head on. */
  begin(stream: Http2Stream, fields: FieldBlock): void {
    stream.owner = this;
    this.#stream = stream;
    this.#held = 0;
    this.#bodyEnded = stream.remoteEnded;
    this.#webSocketKey = "";
    if (fields.tooLarge) return this.#refuse(TOO_LARGE);
    if (fields.protocol !== "" && fields.protocol !== "websocket") return this.#refuse(BAD_PROTOCOL);
    const head = composeHead(fields, !stream.remoteEnded);
    this.#webSocketKey = head.webSocketKey;
    const { method, contentLength } = fields;
    if (contentLength === 0 && !stream.remoteEnded && head.webSocketKey === "") {
      const { plane } = this.#connection;
      this.#unended = { head: Buffer.from(head.bytes.subarray(0, head.end)), method };
      this.deadlineMs = plane.deadlines.in(plane.limits.bodyTimeoutMs);
      plane.deadlines.add(this);
      return;
    }
    this.#read(head.bytes, head.end, { method, contentLength: stream.remoteEnded ? 0 : contentLength });
  }

  #read(bytes: Buffer, end: number, request: { readonly method: string; readonly contentLength: number }): void {
    const parser = this.#connection.plane.requestParsers.shared;
    parser.begin();
    const progress = parser.feed(bytes, 0, end);
    // A head without end can only be one that is too long for the parser; anything else is its own fault.
    if (progress !== DONE) {
      const { problem } = parser;
      parser.begin();
      return this.#refuse({ kind: "framing", problem });
    }
    this.#start(parser, request);
  }

  #start(parser: RequestParser, request: { readonly method: string; readonly contentLength: number }): void {
    const { plane, target, forwarded } = this.#connection;
    const exchange = this.#exchange;
    const problem = target.read(parser);
    if (problem !== undefined) return this.#refuse({ kind: "framing", problem });
    const isUpgrade = this.#webSocketKey !== "";
    exchange.method = isUpgrade ? "GET" : request.method;
    exchange.isHead = exchange.method === "HEAD";
    exchange.host = target.host;
    exchange.path = target.path;
    exchange.forwardPath = target.forwardPath;
    exchange.contentLength = isUpgrade ? 0 : request.contentLength;
    exchange.wantsUpgrade = isUpgrade;
    exchange.secure = forwarded.begin(parser, target.authority, plane.trusted, plane.snapshot.settings);
    exchange.clientAddress = forwarded.clientAddress;
    if (exchange.contentLength !== 0) {
      this.deadlineMs = plane.deadlines.in(plane.limits.bodyTimeoutMs);
      plane.deadlines.add(this);
    }
    this.#parser = parser;
    exchange.start();
    this.#parser = undefined;
  }

  /** Answers a request that goes no further. */
  #refuse(trouble: Trouble): void {
    const exchange = this.#exchange;
    this.#connection.plane.counters.malformed++;
    exchange.method = "";
    exchange.isHead = false;
    exchange.host = "";
    exchange.path = "";
    exchange.forwardPath = "";
    exchange.contentLength = 0;
    exchange.refuse(rescue(trouble));
  }

  // What the stream says.

  onHead(): void {
    // Only servers send heads of responses.
  }

  onData(bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    this.#held += length;
    // What follows the head of a WebSocket belongs to a protocol that the endpoint has not agreed to yet.
    if (this.#webSocketKey !== "" || this.#stash.length > 0 || !this.#exchange.takesBody) {
      this.#stash.push(Buffer.from(bytes.subarray(start, end)));
      return;
    }
    if (this.#relay(bytes, start, end)) this.#release();
  }

  onEnd(trailers: FieldBlock | undefined): void {
    this.#bodyEnded = true;
    const unended = this.#unended;
    if (unended !== undefined) {
      this.#forgetUnended();
      return this.#read(unended.head, unended.head.length, { method: unended.method, contentLength: 0 });
    }
    this.deadlineMs = Infinity;
    if (trailers !== undefined && trailers.count > 0) this.#keepTrailers(trailers);
    if (this.#stash.length === 0) this.#endBody();
  }

  onDrain(): void {
    this.#exchange.onClientDrain();
  }

  onReset(): void {
    this.#stream = undefined;
    this.#exchange.clientGone();
    this.#finish();
  }

  onDeadline(): void {
    const exchange = this.#exchange;
    if (this.#unended !== undefined) {
      this.#forgetUnended();
      return this.#refuse(BODY_TIMEOUT);
    }
    // While the endpoint is what keeps the body waiting, it has a deadline of its own.
    if (!this.#bodyEnded && exchange.active && exchange.takesBody && !exchange.upstreamCongested)
      exchange.fail(BODY_TIMEOUT);
  }

  // The request as the exchange wants it.

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
    const { target, forwarded } = this.#connection;
    if (this.#parser !== undefined) composeRequest(exchange, this.#parser, target, forwarded, NO_EARLY_BODY);
  }

  resumeBody(): void {
    const exchange = this.#exchange;
    if (!exchange.active || !exchange.takesBody || this.#webSocketKey !== "") return;
    const stash = this.#stash;
    if (stash.length > 0) {
      this.#stash = [];
      for (const piece of stash) if (!this.#relay(piece, 0, piece.length)) return;
    }
    this.#release();
    if (this.#bodyEnded && (stash.length > 0 || this.#endWaits)) this.#endBody();
  }

  /** Returns false when the request is over because of it. */
  #relay(bytes: Buffer, start: number, end: number): boolean {
    const exchange = this.#exchange;
    const { plane, channel } = this.#connection;
    this.deadlineMs = this.#bodyEnded ? Infinity : plane.deadlines.in(plane.limits.bodyTimeoutMs);
    const bytesMax = exchange.policy?.bodyBytesMax;
    if (bytesMax !== undefined && exchange.requestBytes + end - start > bytesMax) {
      exchange.bodyTooLarge();
      return false;
    }
    exchange.sendBody(channel, bytes, start, end);
    return exchange.active;
  }

  /** Lets the client send as much again as the endpoint has taken. */
  #release(): void {
    if (this.#held === 0 || this.#exchange.upstreamCongested) return;
    const held = this.#held;
    this.#held = 0;
    this.#stream?.consumed(held);
  }

  #endBody(): void {
    const exchange = this.#exchange;
    if (!exchange.active || exchange.contentLength === 0) return;
    this.#endWaits = !exchange.takesBody;
    if (this.#endWaits) return;
    this.#connection.plane.deadlines.remove(this);
    exchange.endBody(this.#requestTrailers, this.#requestTrailerBytes);
  }

  #keepTrailers(trailers: FieldBlock): void {
    const lines = Buffer.concat([trailers.bytes.subarray(0, trailers.end), Buffer.from("\r\n")]);
    const section = new HeaderSection(this.#connection.plane.limits.requestHeadersMax);
    section.begin(0);
    // More trailers than a request may have headers are not worth ending it for.
    if (section.scan(lines, lines.length) !== DONE) return;
    this.#requestTrailers = section;
    this.#requestTrailerBytes = lines;
  }

  // The response.

  sendInformational(head: ResponseParser): void {
    writer.begin();
    writer.status(head.status);
    putFields(head, KEPT_WITHOUT_LENGTH);
    this.#stream?.sendHead(writer, false);
  }

  sendHead(exchange: Exchange, head: ResponseParser): void {
    writer.begin();
    writer.status(head.status);
    putFields(head, head.status === 204 ? KEPT_WITHOUT_LENGTH : KEPT_OF_RESPONSE);
    putCookie(exchange);
    this.#stream?.sendHead(writer, false);
  }

  sendBody(_source: Channel, buffer: Buffer, start: number, end: number): void {
    this.#stream?.sendData(buffer, start, end);
  }

  sendTrailers(trailers: HeaderSection, bytes: Buffer): void {
    this.#trailers = trailers;
    this.#trailerBytes = bytes;
  }

  sendEnd(): void {
    const stream = this.#stream;
    const trailers = this.#trailers;
    if (trailers === undefined) stream?.sendEnd();
    else {
      writer.begin();
      for (let index = 0; index < trailers.count; index++) {
        if (trailers.kind(index) === OTHER) putField(trailers, this.#trailerBytes, index);
      }
      stream?.sendTrailers(writer);
    }
    stream?.discard();
    this.#finish();
  }

  flush(): void {
    // What was sent leaves when the turn of the event loop ends.
  }

  sendAnswer(answer: Answer): void {
    const stream = this.#stream;
    const body = Buffer.from(answer.body);
    writer.begin();
    writer.status(answer.status);
    writer.text("date", this.#date());
    writer.text("content-type", answer.contentType);
    writer.text("content-length", String(body.length));
    if (answer.location !== undefined) writer.text("location", answer.location);
    const bodiless = this.#exchange.isHead || body.length === 0;
    stream?.sendHead(writer, bodiless);
    if (!bodiless) {
      stream?.sendData(body, 0, body.length);
      stream?.sendEnd();
    }
    stream?.discard();
    this.#finish();
  }

  abort(): void {
    this.#stream?.reset(INTERNAL_ERROR);
    this.#finish();
  }

  upgrade(exchange: Exchange, head: ResponseParser, endpoint: UpgradedEndpoint): void {
    const stream = this.#stream;
    if (stream === undefined || !provesWebSocketKey(head, this.#webSocketKey)) {
      giveUp(endpoint);
      exchange.tunnelClosed(0, 0);
      return this.abort();
    }
    writer.begin();
    writer.status(200);
    putFields(head, KEPT_WITHOUT_LENGTH, SEC_WEBSOCKET_ACCEPT);
    putCookie(exchange);
    stream.sendHead(writer, false);
    const { plane } = this.#connection;
    const idleTimeoutMs = exchange.policy?.readTimeoutMs ?? plane.limits.idleTimeoutMs;
    const closed = (sent: number, received: number): void => {
      exchange.tunnelClosed(sent, received);
      this.#finish();
    };
    const stash = this.#stash;
    this.#stash = [];
    if (endpoint.kind === "stream") {
      new StreamPair(plane, stream, endpoint.stream, idleTimeoutMs, closed).start(stash, this.#bodyEnded);
      return;
    }
    const tunnel = new StreamTunnel(plane, stream, endpoint.channel, idleTimeoutMs, closed);
    tunnel.start(stash, endpoint.early, this.#bodyEnded);
  }

  #date(): string {
    const { clock } = this.#connection.plane;
    const second = Math.floor(clock.nowMs() / 1000);
    if (second !== date.second) {
      date.second = second;
      date.text = new Date(second * 1000).toUTCString();
    }
    return date.text;
  }

  #forgetUnended(): void {
    this.#unended = undefined;
    this.deadlineMs = Infinity;
    this.#connection.plane.deadlines.remove(this);
  }

  /** Lets go of everything of this request. */
  #finish(): void {
    if (this.#unended !== undefined) this.#forgetUnended();
    if (this.deadlineMs !== Infinity || this.#exchange.contentLength !== 0) {
      this.deadlineMs = Infinity;
      this.#connection.plane.deadlines.remove(this);
    }
    this.#stream = undefined;
    if (this.#stash.length > 0) this.#stash = [];
    this.#held = 0;
    this.#endWaits = false;
    this.#requestTrailers = undefined;
    this.#requestTrailerBytes = NO_BYTES;
    this.#trailers = undefined;
    this.#trailerBytes = NO_BYTES;
    this.#connection.release(this);
  }
}

/** The head of a request that is not yet sent on. */
interface UnendedRequest {
  readonly head: Buffer;
  readonly method: string;
}

function giveUp(endpoint: UpgradedEndpoint): void {
  if (endpoint.kind === "stream") return endpoint.stream.reset(INTERNAL_ERROR);
  endpoint.channel.owner = NOBODY;
  endpoint.channel.destroy();
}

/** For a channel that is given up. */
const NOBODY: ChannelOwner = {
  onBytes: () => undefined,
  onEnd: () => undefined,
  onDrain: () => undefined,
  onClosed: () => undefined,
};

/** What an extended CONNECT has no need of: its own success says the same. */
const SEC_WEBSOCKET_ACCEPT = "sec-websocket-accept";

function putCookie({ cookie }: Exchange): void {
  if (cookie !== undefined) writer.text("set-cookie", cookie);
}

function putFields(head: ResponseParser, kept: KeptKinds, without = ""): void {
  const { headers, bytes } = head;
  for (let index = 0; index < headers.count; index++) {
    if (kept[headers.kind(index)] !== 1) continue;
    if (without !== "" && nameOf(headers, bytes, index) === without) continue;
    putField(headers, bytes, index);
  }
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

function nameOf(headers: HeaderSection, bytes: Buffer, index: number): string {
  return bytes.toString("latin1", headers.lineStart(index), headers.nameEnd(index)).toLowerCase();
}
