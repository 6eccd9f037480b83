import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import * as codes from "./error-codes.ts";
import type { FieldBlock } from "./field-block.ts";
import {
  ACK,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  GOAWAY,
  HEADERS,
  PING,
  PREFACE,
  PRIORITY,
  RST_STREAM,
  SETTINGS,
  SETTINGS_INITIAL_WINDOW_SIZE,
  WINDOW_UPDATE,
} from "./frame.ts";
import { HeadWriter } from "./head-writer.ts";
import { Http2Connection, type Http2ConnectionOwner } from "./http2-connection.ts";
import { DEFAULT_HTTP2_LIMITS, type Http2Limits } from "./http2-limits.ts";
import type { Http2Stream, StreamOwner } from "./http2-stream.ts";
import { hpackLiterals, linesOf, MemoryTransport, rawFrame, readFrames, uint32 } from "./testing.ts";

const GET = hpackLiterals([
  [":method", "GET"],
  [":scheme", "http"],
  [":path", "/"],
  [":authority", "a"],
]);
const POST = hpackLiterals([
  [":method", "POST"],
  [":scheme", "http"],
  [":path", "/"],
  [":authority", "a"],
]);

/** Writes down everything; what it does with a request is up to the test. */
class Notes implements Http2ConnectionOwner, StreamOwner {
  readonly lines: string[] = [];
  readonly streams: Http2Stream[] = [];
  onRequest(stream: Http2Stream, fields: FieldBlock): void {
    Object.assign(stream, { owner: this });
    this.streams.push(stream);
    this.lines.push(`request ${stream.id} ${fields.method} ${fields.path}${fields.tooLarge ? " too large" : ""}`);
  }
  onHead(fields: FieldBlock): void {
    this.lines.push(`head ${fields.status} ${linesOf(fields)}`);
  }
  onData(_bytes: Buffer, start: number, end: number): void {
    this.lines.push(`data ${end - start}`);
  }
  onEnd(trailers: FieldBlock | undefined): void {
    this.lines.push(`end ${trailers === undefined ? "" : linesOf(trailers)}`);
  }
  onDrain(): void {
    this.lines.push("drain");
  }
  onReset(code: number, reason: string): void {
    this.lines.push(`reset ${code} ${reason}`);
  }
  onIdle(): void {
    this.lines.push("idle");
  }
  onSettings(): void {}

  onGoaway(): void {
    this.lines.push("goaway");
  }
  onFailed(code: number, reason: string): void {
    this.lines.push(`failed ${code} ${reason}`);
  }
}

/** A server's side of a connection whose client is written by hand, byte by byte. */
class Bench {
  readonly notes = new Notes();
  readonly transport = new MemoryTransport();
  readonly connection: Http2Connection;
  nowMs = 0;
  constructor(limits: Partial<Http2Limits> = {}) {
    this.connection = new Http2Connection({
      role: "server",
      limits: { ...DEFAULT_HTTP2_LIMITS, ...limits },
      transport: this.transport,
      owner: this.notes,
      nowMs: () => this.nowMs,
    });
    this.connection.start();
    this.send(PREFACE, rawFrame(SETTINGS, 0, 0), rawFrame(SETTINGS, ACK, 0));
    this.sent();
  }
  send(...pieces: readonly Buffer[]): void {
    const bytes = Buffer.concat(pieces);
    this.connection.receive(bytes, 0, bytes.length);
  }
  /** Opens streams with GET, or POST when the body is to follow. */
  request(id: number, options: { readonly body: boolean } = { body: false }): Http2Stream {
    this.send(rawFrame(HEADERS, END_HEADERS | (options.body ? 0 : END_STREAM), id, options.body ? POST : GET));
    return this.notes.streams.at(-1)!;
  }
  /** What the connection has sent since the last call. */
  sent(): ReturnType<typeof readFrames> {
    this.connection.flush();
    return readFrames(this.transport.take());
  }
  /** The code of the GOAWAY it has sent, if any. */
  goaway(): number | undefined {
    return this.sent()
      .find(({ type }) => type === GOAWAY)
      ?.payload.readUInt32BE(4);
  }
  respond(stream: Http2Stream, body: number, end: boolean): boolean {
    stream.sendHead(OK, false);
    const more = stream.sendData(Buffer.alloc(body), 0, body);
    if (end) stream.sendEnd();
    return more;
  }
}

const OK = new HeadWriter();
OK.status(200);

describe("Http2Connection", () => {
  it("sends head, body and END_STREAM of a turn in one write, the end on the last DATA frame", () => {
    const bench = new Bench();
    const first = bench.request(1);
    const second = bench.request(3);
    bench.respond(first, 10, true);
    bench.respond(second, 10, true);
    const writes = bench.transport.writes;
    assert.deepEqual(
      bench.sent().map(({ type, flags, stream }) => [type, flags, stream]),
      [
        [HEADERS, END_HEADERS, 1],
        [DATA, END_STREAM, 1],
        [HEADERS, END_HEADERS, 3],
        [DATA, END_STREAM, 3],
      ],
    );
    assert.equal(bench.transport.writes, writes + 1);
    assert.equal(bench.connection.streams, 0);
  });

  it("sends END_STREAM by itself when the last DATA frame has left", () => {
    const bench = new Bench();
    const stream = bench.request(1);
    bench.respond(stream, 10, false);
    bench.sent();
    stream.sendEnd();
    assert.deepEqual(
      bench.sent().map(({ type, flags, payload }) => [type, flags, payload.length]),
      [[DATA, END_STREAM, 0]],
    );
  });

  it("splits a header block that is longer than a frame", () => {
    const bench = new Bench();
    const stream = bench.request(1);
    const head = new HeadWriter();
    head.status(200);
    head.text("x", "y".repeat(40_000));
    stream.sendHead(head, true);
    assert.deepEqual(
      bench.sent().map(({ type, flags }) => [type, flags]),
      [
        [HEADERS, END_STREAM],
        [CONTINUATION, 0],
        [CONTINUATION, END_HEADERS],
      ],
    );
  });

  it("sends no more than the stream's window, then what WINDOW_UPDATE allows, then the end", () => {
    const bench = new Bench();
    const stream = bench.request(1);
    assert.equal(bench.respond(stream, 200_000, true), false);
    const data = (): number =>
      bench.sent().reduce((sum, { type, payload }) => (type === DATA ? sum + payload.length : sum), 0);
    assert.equal(data(), 65_535);
    bench.send(rawFrame(WINDOW_UPDATE, 0, 0, uint32(1_000_000)));
    assert.equal(data(), 0);
    bench.send(rawFrame(WINDOW_UPDATE, 0, 1, uint32(100_000)));
    assert.equal(data(), 100_000);
    bench.send(rawFrame(WINDOW_UPDATE, 0, 1, uint32(100_000)));
    const last = bench.sent();
    assert.equal(
      last.reduce((sum, { payload }) => sum + payload.length, 0),
      200_000 - 165_535,
    );
    assert.equal(last.at(-1)?.flags, END_STREAM);
  });

  it("changes the windows of open streams when SETTINGS_INITIAL_WINDOW_SIZE changes, below zero too", () => {
    const bench = new Bench();
    const stream = bench.request(1);
    bench.respond(stream, 60_000, false);
    bench.send(rawFrame(SETTINGS, 0, 0, Buffer.concat([Buffer.from([0, 4]), uint32(1000)])));
    bench.sent();
    const body = Buffer.alloc(100);
    stream.sendData(body, 0, 100);
    assert.deepEqual(bench.sent(), []);
    bench.send(rawFrame(WINDOW_UPDATE, 0, 1, uint32(59_000)));
    assert.deepEqual(bench.sent(), []);
    bench.send(rawFrame(WINDOW_UPDATE, 0, 1, uint32(40)));
    assert.equal(bench.sent()[0]?.payload.length, 40);
  });

  it("lets streams take turns, one frame each", () => {
    const bench = new Bench();
    bench.send(rawFrame(SETTINGS, 0, 0, Buffer.concat([Buffer.from([0, 4]), uint32(1_000_000)])));
    const streams = [1, 3, 5].map((id) => bench.request(id));
    for (const stream of streams) bench.respond(stream, 60_000, false);
    bench.sent();
    bench.send(rawFrame(WINDOW_UPDATE, 0, 0, uint32(1_000_000)));
    const order = bench.sent().filter(({ type }) => type === DATA);
    assert.deepEqual(
      order.slice(0, 4).map(({ stream }) => stream),
      [3, 5, 3, 5].map((id, index) => (index === 0 ? (order[0]?.stream ?? 0) : id)),
    );
    const bytes = new Map<number, number>();
    for (const { stream, payload } of order) bytes.set(stream, (bytes.get(stream) ?? 0) + payload.length);
    assert.equal(
      [...bytes.values()].reduce((a, b) => a + b, 0),
      180_000 - 65_535,
    );
  });

  it("asks for more of a stream only once what waited is nearly gone", () => {
    const bench = new Bench();
    const stream = bench.request(1);
    assert.equal(bench.respond(stream, 200_000, false), false);
    bench.sent();
    bench.send(rawFrame(WINDOW_UPDATE, 0, 0, uint32(1_000_000)), rawFrame(WINDOW_UPDATE, 0, 1, uint32(100_000)));
    bench.sent();
    assert.ok(!bench.notes.lines.includes("drain"));
    bench.send(rawFrame(WINDOW_UPDATE, 0, 1, uint32(100_000)));
    bench.sent();
    assert.ok(bench.notes.lines.includes("drain"));
  });

  it("asks a sender to stop when so much of its stream waits (streamQueueBytesMax)", () => {
    const bench = new Bench({ streamQueueBytesMax: 10_000 });
    bench.send(rawFrame(SETTINGS, 0, 0, Buffer.from([0, SETTINGS_INITIAL_WINDOW_SIZE, 0, 0, 0, 0])));
    const stream = bench.request(1);
    assert.equal(bench.respond(stream, 9_999, false), true);
    assert.equal(stream.sendData(Buffer.alloc(1), 0, 1), false);
  });

  it("lets a client go on sending what nobody wants, up to unwantedBytesMax", () => {
    const bench = new Bench({ unwantedBytesMax: 1_000 });
    const stream = bench.request(1, { body: true });
    bench.respond(stream, 10, true);
    bench.sent();
    stream.discard();
    bench.send(rawFrame(DATA, 0, 1, Buffer.alloc(1_000)));
    assert.deepEqual(bench.sent(), []);
    bench.send(rawFrame(DATA, 0, 1, Buffer.alloc(1)));
    assert.deepEqual(
      bench.sent().map(({ type, payload }) => [type, payload.readUInt32BE(0)]),
      [[RST_STREAM, codes.NO_ERROR]],
    );
  });

  it("lets a client go on sending what nobody wants, for unwantedTimeoutMs", () => {
    const bench = new Bench();
    const stream = bench.request(1, { body: true });
    bench.respond(stream, 10, true);
    bench.sent();
    stream.discard();
    bench.connection.sweep(DEFAULT_HTTP2_LIMITS.unwantedTimeoutMs);
    assert.deepEqual(bench.sent(), []);
    bench.connection.sweep(DEFAULT_HTTP2_LIMITS.unwantedTimeoutMs + 1);
    assert.deepEqual(
      bench.sent().map(({ type, payload }) => [type, payload.readUInt32BE(0)]),
      [[RST_STREAM, codes.NO_ERROR]],
    );
  });

  it("announces windows only as data is consumed", () => {
    const bench = new Bench({ streamWindowBytes: 65_536, connectionWindowBytes: 131_072 });
    const stream = bench.request(1, { body: true });
    for (let sent = 0; sent < 65_536; sent += 16_384) bench.send(rawFrame(DATA, 0, 1, Buffer.alloc(16_384)));
    assert.deepEqual(bench.sent(), []);
    stream.consumed(65_536);
    assert.deepEqual(
      bench.sent().map(({ type, stream: id, payload }) => [type, id, payload.readUInt32BE()]),
      [
        [WINDOW_UPDATE, 0, 65_536],
        [WINDOW_UPDATE, 1, 65_536],
      ],
    );
  });

  it("resets a stream that sends beyond its window, and keeps the connection's", () => {
    const bench = new Bench({ streamWindowBytes: 16_384 });
    bench.request(1, { body: true });
    bench.send(rawFrame(DATA, 0, 1, Buffer.alloc(16_384)), rawFrame(DATA, 0, 1, Buffer.alloc(1)));
    assert.equal(bench.notes.lines.at(-2), "idle");
    assert.match(bench.notes.lines.at(-1) ?? "", /^reset 3 /);
    assert.equal(bench.connection.failed, false);
  });

  it("fails a connection that sends beyond the connection's window", () => {
    const bench = new Bench({ connectionWindowBytes: 65_535 });
    for (let id = 1; id <= 9; id += 2) {
      bench.request(id, { body: true });
      bench.send(rawFrame(DATA, 0, id, Buffer.alloc(16_384)));
    }
    assert.equal(bench.goaway(), codes.FLOW_CONTROL_ERROR);
  });

  it("passes trailers both ways", () => {
    const bench = new Bench();
    const stream = bench.request(1, { body: true });
    bench.send(
      rawFrame(DATA, 0, 1, Buffer.alloc(3)),
      rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, hpackLiterals([["grpc-x", "1"]])),
    );
    assert.equal(bench.notes.lines.at(-1), "end grpc-x: 1\r\n");
    bench.respond(stream, 70_000, false);
    const trailers = new HeadWriter();
    trailers.text("grpc-status", "0");
    stream.sendTrailers(trailers);
    assert.notEqual(bench.sent().at(-1)?.type, HEADERS);
    bench.send(rawFrame(WINDOW_UPDATE, 0, 0, uint32(70_000)), rawFrame(WINDOW_UPDATE, 0, 1, uint32(70_000)));
    const last = bench.sent().at(-1);
    assert.deepEqual([last?.type, last?.flags], [HEADERS, END_HEADERS | END_STREAM]);
    assert.equal(bench.connection.streams, 0);
  });

  const resets: readonly (readonly [string, Buffer, readonly Buffer[]])[] = [
    [
      "a body longer than content-length",
      hpackLiterals([["content-length", "2"]]),
      [rawFrame(DATA, END_STREAM, 1, Buffer.alloc(3))],
    ],
    [
      "a body shorter than content-length",
      hpackLiterals([["content-length", "2"]]),
      [rawFrame(DATA, END_STREAM, 1, Buffer.alloc(1))],
    ],
    [
      "trailers that do not end the stream",
      Buffer.alloc(0),
      [rawFrame(HEADERS, END_HEADERS, 1, hpackLiterals([["x", "1"]]))],
    ],
    [
      "trailers with a pseudo-field",
      Buffer.alloc(0),
      [rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, hpackLiterals([[":path", "/"]]))],
    ],
    ["WINDOW_UPDATE of 0", Buffer.alloc(0), [rawFrame(WINDOW_UPDATE, 0, 1, uint32(0))]],
  ];
  for (const [what, more, frames] of resets) {
    it(`resets the stream for ${what}, and serves the next`, () => {
      const bench = new Bench();
      bench.send(rawFrame(HEADERS, END_HEADERS, 1, Buffer.concat([POST, more])), ...frames);
      const reset = bench.sent().find(({ type }) => type === RST_STREAM);
      assert.equal(reset?.payload.readUInt32BE(), codes.PROTOCOL_ERROR);
      bench.request(3);
      assert.equal(bench.notes.lines.at(-1), "request 3 GET /");
    });
  }

  it("ignores what the peer had sent on a stream before it knew of the reset", () => {
    const bench = new Bench();
    const stream = bench.request(1, { body: true });
    stream.reset(codes.CANCEL);
    bench.send(
      rawFrame(DATA, 0, 1, Buffer.alloc(10)),
      rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, hpackLiterals([["x", "1"]])),
    );
    assert.equal(bench.connection.failed, false);
  });

  it("refuses streams beyond the limit with REFUSED_STREAM", () => {
    const bench = new Bench({ concurrentStreamsMax: 2 });
    for (const id of [1, 3, 5]) bench.request(id);
    const [reset] = bench.sent();
    assert.deepEqual(
      [reset?.type, reset?.stream, reset?.payload.readUInt32BE()],
      [RST_STREAM, 5, codes.REFUSED_STREAM],
    );
  });

  it("shutdown() names the last stream after a round trip, and closes when it is over", () => {
    const bench = new Bench();
    const stream = bench.request(1);
    bench.connection.shutdown();
    const [goaway, ping] = bench.sent();
    assert.equal(goaway?.payload.readUInt32BE(), 0x7fff_ffff);
    // Sent before the client knew.
    const crossed = bench.request(3);
    bench.send(rawFrame(PING, ACK, 0, ping?.payload ?? Buffer.alloc(8)));
    assert.equal(bench.sent()[0]?.payload.readUInt32BE(), 3);
    bench.send(rawFrame(HEADERS, END_HEADERS | END_STREAM, 5, GET));
    assert.equal(bench.notes.lines.at(-1), "request 3 GET /");
    bench.respond(stream, 1, true);
    assert.equal(bench.transport.ended, false);
    bench.respond(crossed, 1, true);
    assert.equal(bench.transport.ended, true);
  });

  it("shutdown() goes on without the round trip after its grace", () => {
    const bench = new Bench();
    bench.connection.shutdown();
    bench.connection.sweep(DEFAULT_HTTP2_LIMITS.goawayGraceMs);
    assert.equal(bench.transport.ended, false);
    bench.connection.sweep(DEFAULT_HTTP2_LIMITS.goawayGraceMs + 1);
    assert.equal(bench.transport.ended, true);
  });

  it("reads nothing from a peer that reads nothing (unreadBytesMax), and goes on when it does", () => {
    const bench = new Bench({ unreadBytesMax: 1000 });
    bench.transport.congested = true;
    for (let id = 1; id < 200; id += 2) {
      const stream = bench.request(id);
      bench.respond(stream, 0, true);
      bench.connection.flush();
      if (bench.transport.paused) break;
    }
    assert.ok(bench.transport.paused);
    bench.transport.congested = false;
    bench.connection.drained();
    assert.equal(bench.transport.paused, false);
  });
});

describe("Http2Connection under attack", () => {
  const calm = codes.ENHANCE_YOUR_CALM;

  it("ends for rapid resets (resetsMax), and forgives those of the window before", () => {
    const bench = new Bench({ resetsMax: 10 });
    const open = (from: number, count: number): void => {
      for (let id = from; id < from + 2 * count; id += 2) {
        bench.send(
          rawFrame(HEADERS, END_HEADERS | END_STREAM, id, GET),
          rawFrame(RST_STREAM, 0, id, uint32(codes.CANCEL)),
        );
      }
    };
    open(1, 10);
    assert.equal(bench.connection.failed, false);
    bench.nowMs = DEFAULT_HTTP2_LIMITS.floodWindowMs;
    open(101, 10);
    assert.equal(bench.connection.failed, false);
    open(201, 1);
    assert.equal(bench.goaway(), calm);
  });

  it("ends for streams it is made to reset (resetsMax)", () => {
    const bench = new Bench({ resetsMax: 10 });
    for (let id = 1; id < 30; id += 2) {
      bench.send(rawFrame(HEADERS, END_HEADERS | END_STREAM, id, GET), rawFrame(WINDOW_UPDATE, 0, id, uint32(0)));
    }
    assert.equal(bench.goaway(), calm);
  });

  it("ends for streams opened beyond the limit again and again (resetsMax)", () => {
    const bench = new Bench({ resetsMax: 10, concurrentStreamsMax: 1 });
    for (let id = 1; id < 30; id += 2) bench.send(rawFrame(HEADERS, END_HEADERS | END_STREAM, id, GET));
    assert.equal(bench.goaway(), calm);
  });

  it("ends for a CONTINUATION flood (continuationFramesMax)", () => {
    const bench = new Bench({ continuationFramesMax: 4 });
    bench.send(rawFrame(HEADERS, 0, 1, GET), ...Array.from({ length: 5 }, () => rawFrame(CONTINUATION, 0, 1)));
    assert.equal(bench.goaway(), calm);
  });

  it("ends for a header block without end (headerBlockBytesMax)", () => {
    const bench = new Bench({ headerBlockBytesMax: 20_000 });
    bench.send(rawFrame(HEADERS, 0, 1, Buffer.alloc(16_000)), rawFrame(CONTINUATION, 0, 1, Buffer.alloc(16_000)));
    assert.equal(bench.goaway(), calm);
  });

  for (const [what, frame] of [
    ["PING", rawFrame(PING, 0, 0, Buffer.alloc(8))],
    ["SETTINGS", rawFrame(SETTINGS, 0, 0)],
    ["SETTINGS acknowledgement", rawFrame(SETTINGS, ACK, 0)],
    ["PRIORITY", rawFrame(PRIORITY, 0, 1, Buffer.alloc(5))],
    ["WINDOW_UPDATE", rawFrame(WINDOW_UPDATE, 0, 0, uint32(1))],
    ["empty DATA", rawFrame(DATA, 0, 1)],
    ["unknown frame", rawFrame(0x77, 0, 0, Buffer.alloc(1))],
    ["GOAWAY", rawFrame(GOAWAY, 0, 0, Buffer.alloc(8))],
  ] as const) {
    it(`ends for a flood of ${what} (idleFramesMax)`, () => {
      const bench = new Bench({ idleFramesMax: 100 });
      bench.request(1, { body: true });
      bench.send(...Array.from({ length: 120 }, () => frame));
      assert.equal(bench.goaway(), calm);
    });
  }

  it("does not end for the PINGs of a connection that lives long", () => {
    const bench = new Bench({ idleFramesMax: 100 });
    for (let count = 0; count < 1000; count++) {
      bench.send(rawFrame(PING, 0, 0, Buffer.alloc(8)));
      bench.nowMs += 1000;
    }
    assert.equal(bench.connection.failed, false);
  });

  it("does not end for the WINDOW_UPDATEs of a long download", () => {
    const bench = new Bench({ idleFramesMax: 100 });
    const stream = bench.request(1);
    stream.sendHead(OK, false);
    for (let count = 0; count < 10_000; count++) {
      stream.sendData(Buffer.alloc(1000), 0, 1000);
      bench.send(rawFrame(WINDOW_UPDATE, 0, 0, uint32(1000)), rawFrame(WINDOW_UPDATE, 0, 1, uint32(1000)));
    }
    assert.equal(bench.connection.failed, false);
  });

  it("hands over a request whose header list is too large marked as such, and serves the next (headerListBytesMax)", () => {
    const bench = new Bench({ headerListBytesMax: 1000 });
    bench.send(
      rawFrame(HEADERS, END_HEADERS | END_STREAM, 1, Buffer.concat([GET, hpackLiterals([["x", "y".repeat(1000)]])])),
    );
    bench.request(3);
    assert.deepEqual(bench.notes.lines, ["request 1 GET / too large", "request 3 GET /"]);
  });

  it("resets a stream whose windows stay closed (stallTimeoutMs)", () => {
    const bench = new Bench();
    const stream = bench.request(1);
    bench.respond(stream, 100_000, true);
    bench.sent();
    bench.connection.sweep(DEFAULT_HTTP2_LIMITS.stallTimeoutMs);
    assert.deepEqual(bench.sent(), []);
    bench.connection.sweep(DEFAULT_HTTP2_LIMITS.stallTimeoutMs + 1);
    assert.equal(bench.sent()[0]?.type, RST_STREAM);
    assert.match(bench.notes.lines.at(-1) ?? "", /^reset 8 /);
  });

  it("ends when a frame or a header block drips in (frameTimeoutMs)", () => {
    for (const bytes of [rawFrame(HEADERS, 0, 1, GET), rawFrame(PING, 0, 0, Buffer.alloc(8)).subarray(0, 12)]) {
      const bench = new Bench();
      bench.send(bytes);
      bench.connection.sweep(1);
      bench.connection.sweep(DEFAULT_HTTP2_LIMITS.frameTimeoutMs);
      assert.equal(bench.connection.failed, false);
      bench.connection.sweep(DEFAULT_HTTP2_LIMITS.frameTimeoutMs + 2);
      assert.equal(bench.connection.failed, true);
    }
  });

  it("ends when its SETTINGS are not acknowledged (settingsTimeoutMs)", () => {
    const transport = new MemoryTransport();
    const connection = new Http2Connection({
      role: "server",
      limits: DEFAULT_HTTP2_LIMITS,
      transport,
      owner: new Notes(),
      nowMs: () => 0,
    });
    connection.start();
    connection.sweep(DEFAULT_HTTP2_LIMITS.settingsTimeoutMs + 1);
    assert.equal(readFrames(transport.take()).at(-1)?.payload.readUInt32BE(4), codes.SETTINGS_TIMEOUT);
  });

  it("neither throws nor answers without end, whatever frames come", () => {
    const frame = fc
      .tuple(
        fc.integer({ min: 0, max: 11 }),
        fc.nat({ max: 255 }),
        fc.constantFrom(0, 1, 3, 5, 2),
        fc.oneof(fc.constant(GET), fc.uint8Array({ maxLength: 30 })),
      )
      .map(([type, flags, stream, payload]) => rawFrame(type, flags, stream, payload));
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 30 }), (frames) => {
        const bench = new Bench();
        bench.send(...frames);
        bench.sent();
      }),
    );
  });
});

/** Two connections of ours, joined. */
function join(limits: Partial<Http2Limits> = {}): {
  readonly server: Http2Connection;
  readonly client: Http2Connection;
  readonly serverNotes: Notes;
  readonly clientNotes: Notes;
  readonly run: () => void;
} {
  const [serverNotes, clientNotes] = [new Notes(), new Notes()];
  const [serverOut, clientOut] = [new MemoryTransport(), new MemoryTransport()];
  const make = (role: "server" | "client", transport: MemoryTransport, owner: Notes): Http2Connection =>
    new Http2Connection({ role, limits: { ...DEFAULT_HTTP2_LIMITS, ...limits }, transport, owner, nowMs: () => 0 });
  const server = make("server", serverOut, serverNotes);
  const client = make("client", clientOut, clientNotes);
  server.start();
  client.start();
  const run = (): void => {
    for (let quiet = 0; quiet < 2;) {
      server.flush();
      client.flush();
      const [toClient, toServer] = [serverOut.take(), clientOut.take()];
      client.receive(toClient, 0, toClient.length);
      server.receive(toServer, 0, toServer.length);
      quiet = toClient.length + toServer.length === 0 ? quiet + 1 : 0;
    }
  };
  run();
  return { server, client, serverNotes, clientNotes, run };
}

describe("Http2Connection as a client", () => {
  const head = new HeadWriter();
  head.request("POST", "http", "a", "/call", "");

  it("open() carries a request, informational responses, a response and trailers", () => {
    const { client, serverNotes, clientNotes, run } = join();
    const stream = client.open(clientNotes, head, false);
    stream.sendData(Buffer.alloc(5), 0, 5);
    stream.sendEnd();
    run();
    assert.deepEqual(serverNotes.lines, ["request 1 POST /call", "data 5", "end "]);
    const answer = new HeadWriter();
    answer.status(103);
    serverNotes.streams[0]?.sendHead(answer, false);
    answer.begin();
    answer.status(200);
    answer.text("content-type", "application/grpc");
    serverNotes.streams[0]?.sendHead(answer, false);
    serverNotes.streams[0]?.sendData(Buffer.alloc(7), 0, 7);
    answer.begin();
    answer.text("grpc-status", "0");
    serverNotes.streams[0]?.sendTrailers(answer);
    run();
    assert.deepEqual(clientNotes.lines, [
      "head 103 ",
      "head 200 content-type: application/grpc\r\n",
      "data 7",
      "end grpc-status: 0\r\n",
      "idle",
    ]);
  });

  it("moves any bodies through any windows, whole and in order", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 200_000 }), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1000, max: 100_000 }),
        (sizes, window) => {
          const { client, serverNotes, run } = join({ streamWindowBytes: window, connectionWindowBytes: 65_535 });
          const got = sizes.map(() => 0);
          for (const size of sizes) {
            const stream = client.open(new Notes(), head, false);
            const body = Buffer.from(Array.from({ length: size }, (_, index) => index % 251));
            stream.sendData(body, 0, size);
            stream.sendEnd();
          }
          serverNotes.onRequest = (stream) => {
            const index = (stream.id - 1) / 2;
            stream.owner = Object.assign(new Notes(), {
              onData: (bytes: Buffer, start: number, end: number) => {
                let count = got[index] ?? 0;
                for (let at = start; at < end; at++) assert.equal(bytes[at], count++ % 251);
                got[index] = count;
                stream.consumed(end - start);
              },
            });
          };
          run();
          assert.deepEqual(got, sizes);
        },
      ),
      { numRuns: 30 },
    );
  });

  it("tells requests that the server did not look at from others, when it goes away", () => {
    const { client, clientNotes, server, run } = join();
    client.open(clientNotes, head, true);
    run();
    server.shutdown();
    server.sweep(DEFAULT_HTTP2_LIMITS.goawayGraceMs + 1);
    client.open(clientNotes, head, true);
    run();
    assert.deepEqual(clientNotes.lines, [
      "goaway",
      "reset 7 the peer is going away and has not looked at it",
      "goaway",
    ]);
    assert.equal(client.canOpen, false);
    assert.equal(client.streams, 1);
  });

  it("refuses pushed streams", () => {
    const transport = new MemoryTransport();
    const notes = new Notes();
    const client = new Http2Connection({
      role: "client",
      limits: DEFAULT_HTTP2_LIMITS,
      transport,
      owner: notes,
      nowMs: () => 0,
    });
    client.start();
    const bytes = Buffer.concat([rawFrame(SETTINGS, 0, 0), rawFrame(5, END_HEADERS, 1, Buffer.alloc(4))]);
    client.receive(bytes, 0, bytes.length);
    assert.match(notes.lines[0] ?? "", /^failed 1 /);
  });
});
