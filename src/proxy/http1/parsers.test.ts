import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isRecord } from "../../ground/json.ts";
import { DEFAULT_LIMITS } from "../limits.ts";
import { ChunkedDecoder } from "./chunked.ts";
import { BROKEN, DONE, MORE, type HeaderSection } from "./header-section.ts";
import { RequestParser } from "./request-parser.ts";
import { ResponseParser } from "./response-parser.ts";

const LIMITS = { ...DEFAULT_LIMITS, requestLineBytesMax: 64, requestHeadBytesMax: 256, requestHeadersMax: 4 };

function headersOf(headers: HeaderSection, bytes: Buffer): readonly unknown[] {
  return Array.from({ length: headers.count }, (_, index) => [
    bytes.toString("latin1", headers.lineStart(index), headers.nameEnd(index)),
    headers.value(bytes, index),
    headers.kind(index),
  ]);
}

/** Feeds the pieces one after the other and says all there is to know about the outcome. */
function parseRequest(pieces: readonly Buffer[], parser = new RequestParser(LIMITS)): unknown {
  parser.begin();
  let before = 0;
  for (const piece of pieces) {
    const progress = piece.length === 0 ? MORE : parser.feed(piece, 0, piece.length);
    if (progress === BROKEN) return parser.problem;
    if (progress === DONE) {
      const { bytes } = parser;
      return {
        method: bytes.toString("latin1", parser.methodStart, parser.methodEnd),
        target: bytes.toString("latin1", parser.targetStart, parser.targetEnd),
        query: parser.queryStart < 0 ? "" : bytes.toString("latin1", parser.queryStart, parser.targetEnd),
        plain: parser.pathIsPlain,
        minorVersion: parser.minorVersion,
        headers: headersOf(parser.headers, bytes),
        length: parser.contentLength,
        chunked: parser.chunked,
        keepAlive: parser.keepAlive,
        expects: parser.expectsContinue,
        upgrade: parser.upgradeIndex,
        bodyAt: before + parser.consumed,
      };
    }
    before += piece.length;
  }
  return "incomplete";
}

function parseResponse(pieces: readonly Buffer[]): unknown {
  const parser = new ResponseParser(DEFAULT_LIMITS);
  parser.begin();
  let before = 0;
  for (const piece of pieces) {
    const progress = piece.length === 0 ? MORE : parser.feed(piece, 0, piece.length);
    if (progress === BROKEN) return parser.problem;
    if (progress === DONE) {
      const { bytes } = parser;
      return {
        status: parser.status,
        reason: bytes.toString("latin1", parser.reasonStart, parser.reasonEnd),
        headers: headersOf(parser.headers, bytes),
        length: parser.contentLength,
        chunked: parser.chunked,
        keepAlive: parser.keepAlive,
        bodyAt: before + parser.consumed,
      };
    }
    before += piece.length;
  }
  return "incomplete";
}

function decodeChunks(pieces: readonly Buffer[]): unknown {
  const decoder = new ChunkedDecoder(DEFAULT_LIMITS);
  decoder.begin();
  const data: Buffer[] = [];
  let before = 0;
  for (const piece of pieces) {
    let at = 0;
    while (at < piece.length) {
      const progress = decoder.next(piece, at, piece.length);
      if (progress === BROKEN) return decoder.problem;
      data.push(Buffer.from(piece.subarray(decoder.dataStart, decoder.dataEnd)));
      if (progress === DONE) {
        return {
          data: Buffer.concat(data).toString("latin1"),
          trailers: headersOf(decoder.trailers, decoder.trailerBytes),
          endAt: before + decoder.position,
        };
      }
      at = decoder.position;
    }
    before += piece.length;
  }
  return "incomplete";
}

/** Cuts `bytes` at the given places. */
function cut(bytes: Buffer, places: readonly number[]): readonly Buffer[] {
  const sorted = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((left, right) => left - right);
  const edges = [0, ...sorted, bytes.length];
  return edges.slice(1).map((edge, index) => Buffer.from(bytes.subarray(edges[index], edge)));
}

/** Text that is nearly a message: pieces of real ones, with a chance of anything else in between. */
function nearly(...words: readonly string[]): fc.Arbitrary<string> {
  const noise = fc.string({ unit: "binary-ascii", maxLength: 3 });
  return fc
    .array(fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...words) }, { weight: 1, arbitrary: noise }), {
      maxLength: 14,
    })
    .map((parts) => parts.join(""));
}

const requestText = fc.oneof(
  nearly(
    "GET / HTTP/1.1\r\n",
    "Host: a\r\n",
    "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "X: y\r\n",
    "\r\n",
  ),
  nearly(
    "\r\n",
    "POST ",
    "/a/../b?c ",
    "HTTP/1.0",
    "preface",
    "\r\n",
    "Host:",
    " b ",
    "Connection: close, x\r\n",
    "x: 1\r\n",
    "\r\n\r\n",
  ),
  fc
    .tuple(fc.constantFrom("GET", "PUT"), fc.webPath(), fc.array(nearly("x-a: b", ": ", "\t", "é"), { maxLength: 5 }))
    .map(([method, path, lines]) => `${method} ${path} HTTP/1.1\r\nHost: h\r\n${lines.join("\r\n")}\r\n\r\nrest`),
);

test("RequestParser gives the same outcome when its bytes are split in any way", () => {
  fc.assert(
    fc.property(requestText, fc.array(fc.nat(400), { maxLength: 6 }), (text, places) => {
      const bytes = Buffer.from(text, "latin1");
      assert.deepEqual(parseRequest(cut(bytes, places)), parseRequest([bytes]));
    }),
    { numRuns: 2000 },
  );
});

test("RequestParser gives the same outcome when its bytes come one by one", () => {
  fc.assert(
    fc.property(requestText, (text) => {
      const bytes = Buffer.from(text, "latin1");
      assert.deepEqual(parseRequest(Array.from(bytes, (byte) => Buffer.from([byte]))), parseRequest([bytes]));
    }),
  );
});

test("ResponseParser gives the same outcome when its bytes are split in any way", () => {
  const text = nearly(
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.0 ",
    "304",
    "\r\n",
    "Content-Length: 3\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Connection: close\r\n",
    "a: b\r\n",
    "\r\n",
  );
  fc.assert(
    fc.property(text, fc.array(fc.nat(200), { maxLength: 6 }), (text, places) => {
      const bytes = Buffer.from(text, "latin1");
      assert.deepEqual(parseResponse(cut(bytes, places)), parseResponse([bytes]));
    }),
    { numRuns: 2000 },
  );
});

test("ChunkedDecoder gives the same outcome when its bytes are split in any way", () => {
  const text = nearly(
    "3\r\nabc\r\n",
    "a;x=y\r\n0123456789\r\n",
    "0\r\n",
    "\r\n",
    "T: v\r\n",
    "5",
    "g",
    "0\r\n\r\n",
    "next",
  );
  fc.assert(
    fc.property(text, fc.array(fc.nat(120), { maxLength: 6 }), (text, places) => {
      const bytes = Buffer.from(text, "latin1");
      assert.deepEqual(decodeChunks(cut(bytes, places)), decodeChunks([bytes]));
    }),
    { numRuns: 2000 },
  );
});

test("ChunkedDecoder returns data, trailers and the end when the body is complete", () => {
  assert.deepEqual(decodeChunks([Buffer.from("3\r\nabc\r\n2;q=1\r\nde\r\n0\r\nT: v\r\n\r\nGET")]), {
    data: "abcde",
    trailers: [["T", "v", 0]],
    endAt: 30,
  });
});

for (const [name, text] of [
  ["a size is not hexadecimal", "x\r\n"],
  ["a size is missing", "\r\n"],
  ["a size has a sign", "+3\r\nabc\r\n0\r\n\r\n"],
  ["a size has a prefix", "0x3\r\nabc\r\n0\r\n\r\n"],
  ["a size has white space", "3 \r\nabc\r\n0\r\n\r\n"],
  ["a size overflows", "10000000000000003\r\nabc"],
  ["a size line ends with a bare LF", "3\nabc\r\n0\r\n\r\n"],
  ["data is longer than said", "3\r\nabcd\r\n0\r\n\r\n"],
  ["data ends with a bare LF", "3\r\nabc\n0\r\n\r\n"],
  ["an extension has a bare CR", "3;a\rb\r\nabc\r\n"],
  ["an extension is too long", `3;${"a".repeat(300)}\r\nabc\r\n`],
  ["a trailer is folded", "0\r\nA: b\r\n c\r\n\r\n"],
  ["the trailer is too large", `0\r\nA: ${"b".repeat(9000)}\r\n\r\n`],
] as const) {
  test(`ChunkedDecoder refuses the body when ${name}`, () => {
    const outcome = decodeChunks([Buffer.from(text)]);
    assert.ok(isRecord(outcome) && outcome["status"] === 400, JSON.stringify(outcome));
  });
}

test("RequestParser is as new when it begins again after half a head", () => {
  const parser = new RequestParser(LIMITS);
  const whole = Buffer.from("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  parser.begin();
  parser.feed(Buffer.from("POST /%41?q HTTP/1.0\r\nContent-Length: 9\r\nHo"), 0, 40);
  assert.deepEqual(parseRequest([whole], parser), parseRequest([whole]));
});

for (const [status, name, text] of [
  [414, "the request line is too long", `GET /${"a".repeat(80)} HTTP/1.1\r\nHost: a\r\n\r\n`],
  [431, "the head is too large", `GET / HTTP/1.1\r\nHost: a\r\nX: ${"a".repeat(300)}\r\n\r\n`],
  [431, "there are too many headers", `GET / HTTP/1.1\r\nHost: a\r\n${"X: a\r\n".repeat(4)}\r\n`],
  [505, "the version is another", "GET / HTTP/2.0\r\nHost: a\r\n\r\n"],
  [417, "the expectation is unknown", "GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n"],
] as const) {
  test(`RequestParser refuses with ${status} when ${name}`, () => {
    const outcome = parseRequest([Buffer.from(text)]);
    assert.ok(isRecord(outcome) && outcome["status"] === status, JSON.stringify(outcome));
  });
}
