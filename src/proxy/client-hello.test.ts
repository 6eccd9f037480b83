import assert from "node:assert/strict";
import { createServer, type AddressInfo } from "node:net";
import { connect } from "node:tls";
import { test } from "node:test";
import fc from "fast-check";
import { readClientHello } from "./client-hello.ts";

/** What Node's own TLS client says first. */
async function recordHello(options: {
  readonly servername?: string;
  readonly ALPNProtocols?: string[];
}): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const server = createServer((socket) => socket.once("data", (bytes: Buffer) => resolve(bytes)));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: "127.0.0.1", rejectUnauthorized: false, ...options });
  client.on("error", () => undefined);
  const bytes = await promise;
  client.destroy();
  server.close();
  return bytes;
}

test("readClientHello() returns name and protocols when a real client says them", async () => {
  const hello = await recordHello({ servername: "Shop.Example", ALPNProtocols: ["h2", "http/1.1"] });
  assert.deepEqual(readClientHello(hello), {
    kind: "hello",
    serverName: "shop.example",
    protocols: ["h2", "http/1.1"],
  });
});

test("readClientHello() returns no name when the client gives none", async () => {
  assert.deepEqual(readClientHello(await recordHello({})), { kind: "hello", serverName: "", protocols: [] });
});

test("readClientHello() says incomplete for every beginning, and reads it spread over several records", async () => {
  const hello = await recordHello({ servername: "shop.example" });
  for (let length = 0; length < hello.length; length++) {
    assert.equal(readClientHello(hello.subarray(0, length)).kind, "incomplete", `at ${length}`);
  }
  const message = hello.subarray(5);
  const records = [message.subarray(0, 3), message.subarray(3, 100), message.subarray(100)].map((part) =>
    Buffer.concat([Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part]),
  );
  assert.deepEqual(readClientHello(Buffer.concat(records)), readClientHello(hello));
});

test("readClientHello() returns something and never throws when bytes are damaged", async () => {
  const hello = await recordHello({ servername: "shop.example", ALPNProtocols: ["h2"] });
  fc.assert(
    fc.property(fc.nat(hello.length - 1), fc.nat(255), fc.nat(hello.length), (place, value, length) => {
      const damaged = Buffer.from(hello);
      damaged[place] = value;
      assert.ok(["hello", "incomplete", "not-tls"].includes(readClientHello(damaged.subarray(0, length)).kind));
    }),
    { numRuns: 3000 },
  );
});

test("readClientHello() says not-tls when the client speaks HTTP", () => {
  assert.equal(readClientHello(Buffer.from("GET / HTTP/1.1\r\n")).kind, "not-tls");
});
