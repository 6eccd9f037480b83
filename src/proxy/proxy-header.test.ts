import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readProxyHeader } from "./proxy-header.ts";

const BYTES_MAX = 1024;
const SIGNATURE = "\r\n\r\n\0\r\nQUIT\n";

function read(bytes: Buffer | string): ReturnType<typeof readProxyHeader> {
  return readProxyHeader(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes, BYTES_MAX);
}

/** A header of version 2; `rest` is what its length counts. */
function binary(command: number, family: number, rest: Buffer): Buffer {
  const fixed = Buffer.from([
    ...Buffer.from(SIGNATURE, "latin1"),
    command,
    family,
    rest.length >> 8,
    rest.length & 255,
  ]);
  return Buffer.concat([fixed, rest]);
}

const IPV4 = Buffer.from([203, 0, 113, 7, 10, 0, 0, 1, 0xc3, 0x50, 0x01, 0xbb]);

test("readProxyHeader() reads version 1", () => {
  const line = "PROXY TCP4 203.0.113.7 10.0.0.1 50000 443\r\n";
  const client = { address: "203.0.113.7", port: 50_000, localPort: 443 };
  assert.deepEqual(read(`${line}GET / HTTP/1.1\r\n`), { kind: "header", length: line.length, client });
  const longer = "PROXY TCP6 2001:DB8:0:0:0:0:0:7 ::1 1 65535\r\n";
  const other = { address: "2001:db8::7", port: 1, localPort: 65_535 };
  assert.deepEqual(read(longer), { kind: "header", length: longer.length, client: other });
  assert.deepEqual(read("PROXY UNKNOWN\r\n"), { kind: "header", length: 15, client: undefined });
  const ignored = "PROXY UNKNOWN ff::1 whatever 1 2\r\n";
  assert.deepEqual(read(ignored), { kind: "header", length: ignored.length, client: undefined });
});

test("readProxyHeader() reads version 2, and passes over its extensions", () => {
  const client = { address: "203.0.113.7", port: 50_000, localPort: 443 };
  assert.deepEqual(read(binary(0x21, 0x11, IPV4)), { kind: "header", length: 28, client });
  const extended = Buffer.concat([IPV4, Buffer.from([0x03, 0, 4, 1, 2, 3, 4])]);
  assert.deepEqual(read(binary(0x21, 0x11, extended)), { kind: "header", length: 35, client });
  const mapped = Buffer.from("00000000000000000000ffffcb00710700000000000000000000000000000001c35001bb", "hex");
  assert.deepEqual(read(binary(0x21, 0x21, mapped)), { kind: "header", length: 52, client });
  for (const header of [binary(0x20, 0x11, IPV4), binary(0x20, 0, Buffer.alloc(0)), binary(0x21, 0, IPV4)]) {
    assert.deepEqual(read(header), { kind: "header", length: header.length, client: undefined });
  }
  const unix = binary(0x21, 0x31, Buffer.alloc(216));
  assert.deepEqual(read(unix), { kind: "header", length: 232, client: undefined });
});

test("readProxyHeader() waits for the whole header, and takes nothing of what follows it", () => {
  const line = Buffer.from("PROXY TCP4 203.0.113.7 10.0.0.1 50000 443\r\n");
  for (const header of [line, binary(0x21, 0x11, IPV4)]) {
    for (let length = 0; length < header.length; length++) {
      assert.deepEqual(read(header.subarray(0, length)), { kind: "incomplete" }, String(length));
    }
    const found = read(Buffer.concat([header, header]));
    assert.equal(found.kind === "header" && found.length, header.length);
  }
});

test("readProxyHeader() refuses everything else", () => {
  const lines = [
    "GET / HTTP/1.1\r\n",
    "proxy TCP4 1.1.1.1 2.2.2.2 1 2\r\n",
    "PROXY  TCP4 1.1.1.1 2.2.2.2 1 2\r\n",
    "PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n",
    "PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n",
    "PROXY TCP4 1.1.1.1 2.2.2.2 01 2\r\n",
    "PROXY TCP4 1.1.1.1 2.2.2.2 1 65536\r\n",
    "PROXY TCP4 1.1.1.1 2.2.2.2 -1 2\r\n",
    "PROXY TCP4 1.1.1.256 2.2.2.2 1 2\r\n",
    "PROXY TCP4 ::1 ::1 1 2\r\n",
    "PROXY TCP6 1.1.1.1 2.2.2.2 1 2\r\n",
    "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
    "PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n",
    "PROXY UNKNOWNS\r\n",
    `PROXY UNKNOWN ${"x".repeat(107)}\r\n`,
    "\x16\x03\x01",
    "\r\n\r\n\0\r\nQUIX",
  ];
  for (const line of lines) assert.deepEqual(read(line), { kind: "malformed" }, line);
  const others = [
    binary(0x22, 0x11, IPV4),
    binary(0x11, 0x11, IPV4),
    binary(0x31, 0x11, IPV4),
    binary(0x21, 0x12, IPV4),
    binary(0x21, 0x13, IPV4),
    binary(0x21, 0x11, IPV4.subarray(1)),
    binary(0x21, 0x21, IPV4),
    binary(0x21, 0x11, Buffer.alloc(BYTES_MAX)),
    binary(0x20, 0x00, Buffer.alloc(65_535)),
  ];
  for (const header of others) assert.deepEqual(read(header), { kind: "malformed" }, header.toString("hex"));
});

test("readProxyHeader() never throws, and answers the same whatever follows", () => {
  const start = fc.constantFrom("", "PROXY ", "PROXY TCP4 ", "PROXY UNKNOWN", SIGNATURE, `${SIGNATURE}\x21\x11\0`);
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 20 }), (head, body, more) => {
      const bytes = Buffer.concat([Buffer.from(head, "latin1"), body]);
      const found = read(bytes);
      if (found.kind !== "incomplete") assert.deepEqual(read(Buffer.concat([bytes, more])), found);
    }),
  );
});
