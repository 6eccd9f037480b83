import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { HeadWriter } from "./head-writer.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import { decodeBlock, linesOf } from "./testing.ts";

const written = (writer: HeadWriter): Buffer => writer.bytes.subarray(0, writer.end);

describe("HeadWriter", () => {
  it("status() is understood for every status", () => {
    const writer = new HeadWriter();
    for (let status = 100; status < 600; status++) {
      writer.begin();
      writer.status(status);
      assert.equal(decodeBlock(new HpackDecoder(), written(writer), "response")?.status, status);
    }
  });

  it("lines() turns HTTP/1.1 header lines into fields with lower-case names", () => {
    const writer = new HeadWriter();
    const lines = Buffer.from("Content-Type: text/plain\r\nSet-Cookie:a=b\r\nX-Empty: \r\nX-Own:  spaced \r\n\r\nbody");
    writer.begin();
    writer.lines(lines, 0, lines.length);
    const block = decodeBlock(new HpackDecoder(), written(writer), "trailers");
    assert.equal(linesOf(block), "content-type: text/plain\r\nset-cookie: a=b\r\nx-empty: \r\nx-own: spaced\r\n");
  });

  it("field() marks secrets as never to be indexed", () => {
    const writer = new HeadWriter();
    writer.begin();
    writer.text("authorization", "Bearer x");
    assert.equal((writer.bytes[0] ?? 0) & 0xf0, 0x10);
  });

  it("request() is understood", () => {
    const writer = new HeadWriter();
    for (const [method, scheme, authority, path, protocol] of [
      ["GET", "https", "a.example", "/", ""],
      ["POST", "http", "a.example:80", "/x?y=%20", ""],
      ["PUT", "http", "a", "/x", ""],
      ["CONNECT", "https", "a", "/chat", "websocket"],
    ] as const) {
      writer.begin();
      writer.request(method, scheme, authority, path, protocol);
      const block = decodeBlock(new HpackDecoder(), written(writer), "request");
      assert.equal(block?.problem, undefined);
      assert.deepEqual(
        [block?.method, block?.scheme, block?.authority, block?.path, block?.protocol],
        [method, scheme, authority, path, protocol],
      );
    }
  });

  it("field() writes any name and value so that they come back", () => {
    const name = fc.stringMatching(/^x-[A-Za-z0-9-]{1,200}$/);
    const value = fc.stringMatching(/^([!-~]([ -~]{0,400}[!-~])?)?$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 10 }), (fields) => {
        const writer = new HeadWriter();
        writer.begin();
        for (const [name, value] of fields) writer.text(name, value);
        assert.equal(
          linesOf(decodeBlock(new HpackDecoder(), written(writer), "trailers")),
          fields.map(([name, value]) => `${name.toLowerCase()}: ${value}\r\n`).join(""),
        );
      }),
    );
  });
});
