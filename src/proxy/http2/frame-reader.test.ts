import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Http2ErrorCode } from "./error-codes.ts";
import { FrameReader, type FrameSink } from "./frame-reader.ts";
import { PREFACE, writeFrameHeader } from "./frame.ts";

/** Writes down what it is told; pieces of DATA are joined. */
class Notes implements FrameSink {
  readonly lines: string[] = [];
  #data = "";
  onFrame(type: number, flags: number, stream: number, bytes: Buffer, start: number, end: number): void {
    this.lines.push(`frame ${type} ${flags} ${stream} ${bytes.toString("hex", start, end)}`);
  }
  onDataFrame(flags: number, stream: number, length: number, overhead: number): void {
    this.#data = `data ${flags} ${stream} ${length} ${overhead} `;
  }
  onData(bytes: Buffer, start: number, end: number): void {
    assert.ok(end > start);
    this.#data += bytes.toString("hex", start, end);
  }
  onDataFrameEnd(): void {
    this.lines.push(this.#data);
  }
  onBadFrame(code: Http2ErrorCode, reason: string): void {
    this.lines.push(`bad ${code} ${reason}`);
  }
}

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  writeFrameHeader(head, 0, payload.length, type, flags, stream);
  return Buffer.concat([head, payload]);
}

function read(pieces: readonly Buffer[], expectsPreface = false): readonly string[] {
  const notes = new Notes();
  const reader = new FrameReader(notes, { expectsPreface });
  for (const piece of pieces) {
    // As the data plane does: the buffer is used again at once.
    const shared = Buffer.concat([Buffer.from("??"), piece]);
    reader.read(shared, 2, shared.length);
    shared.fill(0x21);
  }
  return notes.lines;
}

describe("FrameReader", () => {
  it("read() says the same however the bytes are split", () => {
    const anyFrame = fc
      .record({
        type: fc.integer({ min: 0, max: 12 }),
        padding: fc.option(fc.integer({ min: 0, max: 255 }), { nil: undefined }),
        stream: fc.integer({ min: 0, max: 0x7fff_ffff }),
        payload: fc.uint8Array({ maxLength: 60 }),
      })
      .map(({ type, padding, stream, payload }) =>
        type === 0 && padding !== undefined
          ? frame(0, 8, stream, Buffer.concat([Buffer.from([padding]), payload, Buffer.alloc(padding)]))
          : frame(type, 1, stream, payload),
      );
    fc.assert(
      fc.property(
        fc.array(anyFrame, { maxLength: 8 }),
        fc.array(fc.nat({ max: 600 }), { maxLength: 20 }),
        (frames, cuts) => {
          const bytes = Buffer.concat([PREFACE, ...frames]);
          const places = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
          const pieces = places.slice(1).map((place, index) => bytes.subarray(places[index], place));
          const whole = read([bytes], true);
          assert.equal(whole.length, frames.length);
          assert.deepEqual(read(pieces, true), whole);
          assert.deepEqual(
            read(
              [...bytes].map((byte) => Buffer.from([byte])),
              true,
            ),
            whole,
          );
        },
      ),
    );
  });

  it("read() takes the padding off DATA and counts it", () => {
    assert.deepEqual(read([frame(0, 8, 3, Buffer.from([2, 0x61, 0x62, 0, 0]))]), ["data 8 3 5 3 6162"]);
    assert.deepEqual(read([frame(0, 8, 3, Buffer.from([2, 0, 0]))]), ["data 8 3 3 3 "]);
  });

  it("read() reports padding longer than the frame", () => {
    assert.deepEqual(read([frame(0, 8, 3, Buffer.from([5, 0x61, 0x62, 0, 0]))]), [
      "bad 1 the padding is longer than its frame",
    ]);
  });

  it("read() reports a padded frame without payload", () => {
    assert.match(read([frame(0, 8, 3, Buffer.alloc(0))])[0] ?? "", /^bad 6 /);
  });

  it("read() reports a frame above the size it announced (MAX_FRAME_SIZE), before its payload", () => {
    const head = Buffer.alloc(9);
    writeFrameHeader(head, 0, 16_385, 0, 0, 1);
    assert.match(read([head])[0] ?? "", /^bad 6 /);
  });

  it("read() reports bytes that are not the preface, and ignores the rest", () => {
    const lines = read([Buffer.from("GET / HTTP/1.1\r\n\r\n")], true);
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? "", /^bad 1 /);
  });
});
