import { connect } from "node:net";
import type { AccessLine } from "../../src/proxy/access-line.ts";
import type { DataPlane } from "../../src/proxy/data-plane.ts";
import { CONTINUATION, DATA, GOAWAY, HEADERS, PREFACE, RST_STREAM, SETTINGS } from "../../src/proxy/http2/frame.ts";
import { hpackLiterals, rawFrame } from "../../src/proxy/http2/testing.ts";
import { badHead } from "./bad-head.ts";
import { Dice } from "./dice.ts";
import type { Findings } from "./fuzz.ts";
import { openFuzzedEdge } from "./fuzzed-edge.ts";
import { valuesOf } from "./read-messages.ts";
import { openRecordingEndpoint, type RecordingEndpoint } from "./recording-endpoint.ts";

type Field = readonly [string, string];

/** A request as an HTTP/2 client says it, in parts. */
interface Said {
  readonly fields: readonly Field[];
  readonly data: readonly string[];
  readonly trailers: readonly Field[] | undefined;
}

const END_STREAM = 1;
const END_HEADERS = 4;

/** How long a stream may stay without an answer until its connection is left. */
const PATIENCE_MS = 2000;

/** The edge between an HTTP/2 client that says what it likes and an HTTP/1.1 endpoint that keeps what it gets. */
export class Downgrade implements AsyncDisposable {
  readonly #edge: DataPlane;
  readonly #lines: AccessLine[];
  readonly #endpoint: RecordingEndpoint;

  private constructor(edge: DataPlane, lines: AccessLine[], endpoint: RecordingEndpoint) {
    this.#edge = edge;
    this.#lines = lines;
    this.#endpoint = endpoint;
  }

  /** Starts both on loopback. */
  static async open(): Promise<Downgrade> {
    const lines: AccessLine[] = [];
    const endpoint = await openRecordingEndpoint();
    return new Downgrade(await openFuzzedEdge(endpoint.port, lines), lines, endpoint);
  }

  /** Sends up to four requests on one connection as `seed` says, and returns what the endpoint should not have seen. */
  async findings(seed: number): Promise<Findings> {
    const dice = new Dice(seed);
    const said = Array.from({ length: 1 + dice.below(4) }, (_, index) => makeRequest(dice, index));
    const frames = said.map((request, index) => framesOf(dice, request, 2 * index + 1));
    await send(this.#edge.addresses().http[0]?.port ?? 0, frames);
    for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
    const { requests, problems } = this.#endpoint.take();
    const lines = this.#lines.splice(0);
    const bugs = problems.map((problem) => `the endpoint got what is no request: ${problem}`);
    const seen = new Set<Said>();
    for (const got of requests) {
      const [method, target = ""] = got.start.split(" ");
      const meant = said[Number(valuesOf(got.headers, "x-stream")[0] ?? "-1")];
      if (meant === undefined || seen.has(meant)) {
        bugs.push(`nobody asked for ${got.start}`);
        continue;
      }
      seen.add(meant);
      // What is announced may already have left when the client goes on beyond it; its stream is reset then.
      const whole = meant.data.join("");
      const announced = meant.fields.some(([name, value]) => name === "content-length" && Number(value) < whole.length);
      if (got.body !== whole && !(announced && whole.startsWith(got.body))) bugs.push(`the body changed: ${got.start}`);
      if (!meant.fields.some(([name, value]) => name === ":method" && value === method)) bugs.push("another method");
      if (got.headers.some(([name]) => name === "x-injected")) bugs.push("a header was injected");
      if (got.trailers.some(([name]) => name === "x-injected")) bugs.push("a trailer was injected");
      if (!lines.some((line) => line.path === target.split("?")[0] && line.method === method)) bugs.push("not logged");
    }
    bugs.push(...requests.flatMap(badHead));
    return { bugs, forwarded: requests.length > 0 ? ["some"] : [] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#edge[Symbol.asyncDispose]();
    await this.#endpoint[Symbol.asyncDispose]();
  }
}

function makeRequest(dice: Dice, index: number): Said {
  const body = dice.pick(["", "hello", SMUGGLED, "0\r\n\r\n", "x".repeat(20_000)]);
  const fields: Field[] = [
    [":method", body === "" ? dice.pick(["GET", "HEAD", "DELETE"]) : "POST"],
    [":scheme", "http"],
    [":authority", "shop.example"],
    [":path", dice.pick(["/s0", "/s0?a=b", "/a/../b"])],
  ];
  const quirk = (times: number): boolean => dice.once(times);
  if (dice.once(2) && body !== "") fields.push(["content-length", String(body.length)]);
  for (const field of dice.list(2, () => dice.pick(FIELDS))) fields.push(field);
  if (quirk(2)) {
    const at = dice.below(fields.length + 1);
    const bad = dice.pick(BAD_FIELDS);
    if (dice.once(2)) fields.splice(at, 0, bad);
    else fields.splice(at, 1, bad);
  }
  if (quirk(6)) {
    const at = dice.below(fields.length);
    const [name = "", value = ""] = fields[at] ?? [];
    fields[at] = dice.once(2) ? [dice.damage(name), value] : [name, dice.damage(value)];
  }
  const trailers = quirk(4) ? dice.list(2, () => dice.pick(TRAILERS)) : undefined;
  // Told apart by a header that is never damaged.
  fields.push(["x-stream", String(index)]);
  return { fields, data: body === "" ? [] : dice.cut(body), trailers };
}

function framesOf(dice: Dice, { fields, data, trailers }: Said, stream: number): Buffer {
  const ends = data.length === 0 && trailers === undefined;
  const parts: Uint8Array[] = [headerFrames(dice, fields, stream, ends)];
  for (const [index, piece] of data.entries()) {
    const last = index === data.length - 1 && trailers === undefined;
    for (let at = 0; at < piece.length; at += 16_000) {
      const flags = last && at + 16_000 >= piece.length ? END_STREAM : 0;
      parts.push(rawFrame(DATA, flags, stream, Buffer.from(piece.slice(at, at + 16_000), "latin1")));
    }
  }
  if (trailers !== undefined) parts.push(headerFrames(dice, trailers, stream, true));
  return Buffer.concat(parts);
}

function headerFrames(dice: Dice, fields: readonly Field[], stream: number, ends: boolean): Buffer {
  const block = hpackLiterals(fields, { huffman: dice.once(3), indexing: dice.once(3) });
  const end = ends ? END_STREAM : 0;
  if (!dice.once(4)) return rawFrame(HEADERS, end | END_HEADERS, stream, block);
  const at = dice.below(block.length + 1);
  return Buffer.concat([
    rawFrame(HEADERS, end, stream, block.subarray(0, at)),
    rawFrame(CONTINUATION, END_HEADERS, stream, block.subarray(at)),
  ]);
}

/** Resolves when every stream has ended one way or another. */
function send(port: number, frames: readonly Buffer[]): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const open = new Set(frames.map((_, index) => 2 * index + 1));
    let bytes = Buffer.alloc(0);
    socket.setTimeout(PATIENCE_MS, () => socket.destroy());
    socket.on("error", () => undefined);
    socket.on("close", () => resolve());
    socket.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length >= 9 && bytes.length >= 9 + bytes.readUIntBE(0, 3)) {
        const [type, flags, stream] = [bytes[3] ?? 0, bytes[4] ?? 0, bytes.readUInt32BE(5)];
        bytes = bytes.subarray(9 + bytes.readUIntBE(0, 3));
        if (type === RST_STREAM || ((type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0)) {
          open.delete(stream);
        }
        if (type === GOAWAY || open.size === 0) socket.end();
      }
    });
    socket.write(Buffer.concat([Buffer.from(PREFACE), rawFrame(SETTINGS, 0, 0), ...frames]));
  });
}

const SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: shop.example\r\n\r\n";
const FIELDS: readonly [Field, ...Field[]] = [
  ["accept", "*/*"],
  ["cookie", "a=b"],
  ["cookie", "c=d"],
  ["x-a", ""],
  ["x-a", "b"],
  ["te", "trailers"],
  ["user-agent", "fuzz"],
  ["expect", "100-continue"],
];
const BAD_FIELDS: readonly [Field, ...Field[]] = [
  ["x-a", "b\r\nX-Injected: 1"],
  ["x-a", "b\nX-Injected: 1"],
  ["x-a", "b\rX-Injected: 1"],
  ["x-a", `b\r\n\r\n${SMUGGLED}`],
  ["x-a: b\r\nx-injected", "1"],
  ["x-injected: 1\r\nx-a", "b"],
  ["x a", "b"],
  ["x:a", "b"],
  ["X-Upper", "b"],
  ["", "b"],
  ["x-a", " b"],
  ["x-a", "b\0"],
  ["x-\x80", "b"],
  ["transfer-encoding", "chunked"],
  ["transfer_encoding", "chunked"],
  ["transfer-encoding", "identity"],
  ["content-length", "0"],
  ["content-length", "3"],
  ["content-length", "5"],
  ["content-length", "+5"],
  ["content-length", "5, 5"],
  ["content-length", "5\r\nx-injected: 1"],
  ["content-length", ""],
  ["content_length", "5"],
  ["connection", "close"],
  ["connection", "x-forwarded-for"],
  ["keep-alive", "timeout=5"],
  ["proxy-connection", "close"],
  ["upgrade", "websocket"],
  ["te", "gzip"],
  ["host", "other.example"],
  ["host", "shop.example"],
  ["x-forwarded-for", "6.6.6.6"],
  ["x_forwarded_for", "6.6.6.6"],
  ["forwarded", "for=6.6.6.6"],
  [":method", "POST"],
  [":method", "GET / HTTP/1.1\r\nX-Injected: 1\r\n\r\nGET"],
  [":method", "GET /smuggled HTTP/1.1"],
  [":method", "CONNECT"],
  [":method", ""],
  [":path", "/smuggled"],
  [":path", "/s0 HTTP/1.1\r\nX-Injected: 1\r\nX: "],
  [":path", "/s0\r\n\r\nGET /smuggled HTTP/1.1"],
  [":path", "/s0 x"],
  [":path", "/s0#x"],
  [":path", ""],
  [":path", "*"],
  [":path", "s0"],
  [":path", "http://other.example/s0"],
  [":scheme", "https"],
  [":scheme", "http://x/?"],
  [":scheme", ""],
  [":authority", "other.example"],
  [":authority", "shop.example\r\nX-Injected: 1"],
  [":authority", "shop.example/x"],
  [":authority", "a@shop.example"],
  [":authority", ""],
  [":status", "200"],
  [":protocol", "websocket"],
  [":unknown", "x"],
];
const TRAILERS: readonly [Field, ...Field[]] = [
  ["x-t", "1"],
  ["x-t", "1\r\nX-Injected: 1"],
  ["content-length", "5"],
  ["transfer-encoding", "chunked"],
  ["host", "other.example"],
  [":path", "/smuggled"],
  ["X-T", "1"],
  ["x-forwarded-for", "6.6.6.6"],
];
