import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BlockKind } from "./field-block.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { decodeBlock, hpackLiterals, linesOf } from "./testing.ts";

type Fields = readonly (readonly [string, string])[];
const GET: Fields = [
  [":method", "GET"],
  [":scheme", "https"],
  [":path", "/"],
  [":authority", "a.example"],
];

function judge(fields: Fields, kind: BlockKind = "request"): string | undefined {
  return decodeBlock(new HpackDecoder(), hpackLiterals(fields), kind)?.problem;
}

describe("FieldBlock", () => {
  const accepted: readonly (readonly [string, Fields])[] = [
    ["a plain request", GET],
    ["te: trailers", [...GET, ["te", "trailers"]]],
    [
      "OPTIONS *",
      [
        [":method", "OPTIONS"],
        [":scheme", "http"],
        [":path", "*"],
      ],
    ],
    [
      "CONNECT",
      [
        [":method", "CONNECT"],
        [":authority", "a.example:443"],
      ],
    ],
    [
      "extended CONNECT",
      [
        [":method", "CONNECT"],
        [":protocol", "websocket"],
        [":scheme", "https"],
        [":path", "/"],
        [":authority", "a"],
      ],
    ],
    ["an unusual method", [[":method", "PROPFIND"], ...GET.slice(1)]],
    ["host equal to :authority", [...GET, ["host", "A.example"]]],
    ["an empty value", [...GET, ["x", ""]]],
  ];
  for (const [what, fields] of accepted) {
    it(`finish() accepts ${what}`, () => assert.equal(judge(fields), undefined));
  }

  const malformed: readonly (readonly [string, Fields])[] = [
    ["upper case in a name", [...GET, ["X-A", "1"]]],
    ["a space in a name", [...GET, ["x a", "1"]]],
    ["an empty name", [...GET, ["", "1"]]],
    ["a colon within a name", [...GET, ["x:a", "1"]]],
    ["a line feed in a value", [...GET, ["x", "1\n2"]]],
    ["a carriage return in a value", [...GET, ["x", "1\r2"]]],
    ["NUL in a value", [...GET, ["x", "\0"]]],
    ["space before a value", [...GET, ["x", " 1"]]],
    ["space after a value", [...GET, ["x", "1\t"]]],
    ["connection", [...GET, ["connection", "close"]]],
    ["keep-alive", [...GET, ["keep-alive", "1"]]],
    ["proxy-connection", [...GET, ["proxy-connection", "close"]]],
    ["transfer-encoding", [...GET, ["transfer-encoding", "chunked"]]],
    ["upgrade", [...GET, ["upgrade", "h2c"]]],
    ["te other than trailers", [...GET, ["te", "trailers, deflate"]]],
    ["an unknown pseudo-field", [...GET, [":x", "1"]]],
    [":status in a request", [...GET, [":status", "200"]]],
    ["a repeated pseudo-field", [...GET, [":path", "/b"]]],
    ["a pseudo-field after others", [[":method", "GET"], ["x", "1"], ...GET.slice(1)]],
    ["no :method", GET.slice(1)],
    ["no :scheme", GET.filter(([name]) => name !== ":scheme")],
    ["a URL in :scheme", [[":scheme", "http://b.example/?"], ...GET.filter(([name]) => name !== ":scheme")]],
    ["a digit at the start of :scheme", [[":scheme", "1http"], ...GET.filter(([name]) => name !== ":scheme")]],
    ["no :path", GET.filter(([name]) => name !== ":path")],
    ["an empty :path", [...GET.filter(([name]) => name !== ":path"), [":path", ""]]],
    ["a :path that does not start with a slash", [...GET.filter(([name]) => name !== ":path"), [":path", "a"]]],
    ["a space in :path", [...GET.filter(([name]) => name !== ":path"), [":path", "/ HTTP/1.1"]]],
    ["a space in :method", [[":method", "GET /x"], ...GET.slice(1)]],
    ["a line feed in :authority", [...GET.slice(0, 3), [":authority", "a\r\nx: y"]]],
    ["user information in :authority", [...GET.slice(0, 3), [":authority", "me@a"]]],
    ["host that differs from :authority", [...GET, ["host", "b.example"]]],
    ["two hosts", [...GET, ["host", "a.example"], ["host", "a.example"]]],
    [
      "CONNECT with :path",
      [
        [":method", "CONNECT"],
        [":authority", "a:1"],
        [":path", "/"],
      ],
    ],
    [":protocol without CONNECT", [...GET, [":protocol", "websocket"]]],
    ["a content-length that is no number", [...GET, ["content-length", "+1"]]],
    ["two content-lengths", [...GET, ["content-length", "1"], ["content-length", "1"]]],
  ];
  for (const [what, fields] of malformed) {
    it(`finish() reports ${what}`, () => assert.notEqual(judge(fields), undefined));
  }

  it("finish() wants :status in a response, and only there", () => {
    assert.equal(judge([[":status", "204"]], "response"), undefined);
    assert.notEqual(judge([[":status", "2x4"]], "response"), undefined);
    assert.notEqual(judge([["x", "1"]], "response"), undefined);
    assert.notEqual(
      judge(
        [
          [":status", "200"],
          [":path", "/"],
        ],
        "response",
      ),
      undefined,
    );
    assert.notEqual(judge([[":status", "200"]], "trailers"), undefined);
  });

  it("finish() joins cookie crumbs and takes host out of the lines", () => {
    const block = decodeBlock(
      new HpackDecoder(),
      hpackLiterals([...GET.slice(0, 3), ["cookie", "a=1"], ["host", "a.example"], ["x", "y"], ["cookie", "b=2"]]),
      "request",
    );
    assert.equal(linesOf(block), "x: y\r\ncookie: a=1; b=2\r\n");
    assert.equal(block?.authority, "a.example");
    assert.equal(block?.count, 2);
  });

  it("judges a field of the table each time it is named", () => {
    const decoder = new HpackDecoder();
    decodeBlock(decoder, hpackLiterals([["x", "1\n2"]], { indexing: true }), "trailers");
    assert.notEqual(decodeBlock(decoder, Buffer.from([0xbe]), "trailers")?.problem, undefined);
  });
});
