import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { HpackDecoder } from "./hpack-decoder.ts";
import { HUFFMAN_LENGTHS, huffmanDecode } from "./huffman.ts";
import { decodeBlock, hpackInteger, hpackLiterals, huffmanEncode, linesOf } from "./testing.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

const head = (second: number): string =>
  `cache-control: private\r\ndate: Mon, 21 Oct 2013 20:13:${second} GMT\r\nlocation: https://www.example.com\r\n`;

describe("HpackDecoder with the examples of RFC 7541 appendix C", () => {
  it("decode() reads a literal with indexing (C.2.1)", () => {
    const block = decodeBlock(
      new HpackDecoder(),
      hex("400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572"),
      "trailers",
    );
    assert.equal(linesOf(block), "custom-key: custom-header\r\n");
  });

  it("decode() reads a literal without indexing whose name is indexed (C.2.2)", () => {
    assert.equal(
      decodeBlock(new HpackDecoder(), hex("040c 2f73 616d 706c 652f 7061 7468"), "request")?.path,
      "/sample/path",
    );
  });

  for (const [style, blocks] of [
    [
      "plain (C.3)",
      [
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "8286 84be 5808 6e6f 2d63 6163 6865",
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
      ],
    ],
    [
      "Huffman coded (C.4)",
      [
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
        "8286 84be 5886 a8eb 1064 9cbf",
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
      ],
    ],
  ] as const) {
    it(`decode() reads three requests on one connection, ${style}`, () => {
      const decoder = new HpackDecoder();
      const got = blocks.map((block) => {
        const request = decodeBlock(decoder, hex(block), "request");
        assert.equal(request?.problem, undefined);
        return [request?.method, request?.scheme, request?.authority, request?.path, linesOf(request)];
      });
      assert.deepEqual(got, [
        ["GET", "http", "www.example.com", "/", ""],
        ["GET", "http", "www.example.com", "/", "cache-control: no-cache\r\n"],
        ["GET", "https", "www.example.com", "/index.html", "custom-key: custom-value\r\n"],
      ]);
    });
  }

  it("decode() evicts what no longer fits (C.6)", () => {
    const decoder = new HpackDecoder();
    const got = [
      "3fe101 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
      "4883 640e ffc1 c0bf",
      "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
    ].map((block) => {
      const response = decodeBlock(decoder, hex(block), "response");
      return [response?.status, linesOf(response)];
    });
    assert.deepEqual(got, [
      [302, head(21)],
      [307, head(21)],
      [
        200,
        `${head(22)}content-encoding: gzip\r\nset-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1\r\n`,
      ],
    ]);
    // The third block pushed out the first status and the older date: five entries are left, 62 to 64 of them new.
    assert.ok(decodeBlock(decoder, hex("c1"), "trailers") === undefined);
  });
});

describe("HpackDecoder", () => {
  const refused: readonly (readonly [string, Buffer])[] = [
    ["index 0", hex("80")],
    ["an index beyond the table", hex("be")],
    ["an index that is cut off", hex("ff")],
    ["an index of more than four continuation bytes", hex("ff8080808001")],
    ["a name index beyond the table", hex("7e0161")],
    ["a string longer than the block", hex("400561")],
    ["a string length that is cut off", hex("40")],
    ["a value that is missing", hex("400161")],
    ["a table size above the limit", hpackInteger(0x20, 5, 4097)],
    ["a table size after a field", hex("8220")],
    ["three table sizes", hex("202020")],
    ["the end-of-string symbol", hex("4084ffffffff0161")],
    ["padding of a whole byte", hex("40821fff0161")],
    ["padding of zeros", hex("40811801 61")],
  ];
  for (const [what, bytes] of refused) {
    it(`decode() refuses ${what}`, () => {
      const decoder = new HpackDecoder();
      assert.ok(decodeBlock(decoder, bytes, "trailers") === undefined, decoder.problem);
      assert.notEqual(decoder.problem, "");
    });
  }

  it("decode() keeps no entry that is larger than the table, and empties it", () => {
    const decoder = new HpackDecoder();
    decodeBlock(decoder, hpackLiterals([["a", "b"]], { indexing: true }), "trailers");
    assert.equal(linesOf(decodeBlock(decoder, hex("be"), "trailers")), "a: b\r\n");
    decodeBlock(decoder, hpackLiterals([["big", "x".repeat(4096)]], { indexing: true }), "trailers");
    assert.ok(decodeBlock(decoder, hex("be"), "trailers") === undefined);
  });

  it("decode() follows the table when the list is too large", () => {
    const decoder = new HpackDecoder();
    const block = decodeBlock(
      decoder,
      hpackLiterals(
        [
          ["a", "x".repeat(200)],
          ["b", "y"],
        ],
        { indexing: true },
      ),
      "trailers",
      100,
    );
    assert.equal(block?.tooLarge, true);
    assert.equal(linesOf(decodeBlock(decoder, hex("be"), "trailers")), "b: y\r\n");
  });

  it("decode() stores no more than the list limit when a block names one large field again and again (HPACK bomb)", () => {
    const decoder = new HpackDecoder();
    decodeBlock(decoder, hpackLiterals([["a", "x".repeat(4000)]], { indexing: true }), "trailers");
    const block = decodeBlock(decoder, Buffer.alloc(16_384, 0xbe), "trailers");
    assert.equal(block?.tooLarge, true);
    assert.ok((block?.end ?? 0) <= 16_384);
  });

  it("decode() gives back what was encoded, in any style", () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/).filter((text) => !SPECIAL.has(text));
    const value = fc.stringMatching(/^([!-~\u0080-\u00ff]([ -~\u0080-\u00ff]{0,60}[!-~\u0080-\u00ff])?)?$/);
    const style = fc.record({ indexing: fc.boolean(), huffman: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.array(fc.tuple(name, value), { maxLength: 8 }), style), { maxLength: 12 }),
        (blocks) => {
          const decoder = new HpackDecoder();
          for (const [fields, style] of blocks) {
            const block = decodeBlock(decoder, hpackLiterals(fields, style), "trailers");
            assert.equal(block?.problem, undefined);
            assert.equal(linesOf(block), fields.map(([name, value]) => `${name}: ${value}\r\n`).join(""));
          }
        },
      ),
    );
  });

  it("decode() neither throws nor overruns its limits on any bytes", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }), (blocks) => {
        const decoder = new HpackDecoder();
        for (const bytes of blocks) {
          const block = decodeBlock(decoder, bytes, "request", 1024);
          if (block === undefined) break;
          assert.ok(block.end <= 1024);
        }
      }),
    );
  });
});

/** Names whose lines the block treats in its own way. */
const SPECIAL = new Set([
  "cookie",
  "host",
  "te",
  "content-length",
  "connection",
  "keep-alive",
  "upgrade",
  "proxy-connection",
]);

describe("huffmanDecode()", () => {
  it("has a complete code: its lengths fill the space exactly (Kraft)", () => {
    assert.equal(HUFFMAN_LENGTHS.length, 257);
    assert.equal(
      HUFFMAN_LENGTHS.reduce((sum, length) => sum + 2 ** -length, 0),
      1,
    );
  });

  it("gives back any bytes that were encoded", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (text) => {
        const coded = huffmanEncode(text);
        const target = Buffer.alloc(text.length + 1);
        assert.equal(huffmanDecode(coded, 0, coded.length, target, 0), text.length);
        assert.deepEqual(new Uint8Array(target.subarray(0, text.length)), text);
      }),
    );
  });
});
