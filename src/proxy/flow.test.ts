import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Agent, request as httpRequest } from "node:http";
import { test } from "node:test";
import {
  get,
  openEdge,
  openEndpoint,
  openRawEndpoint,
  RawClient,
  say,
  shopSnapshot,
  type TestServer,
  waitFor,
} from "./testing.ts";

const MIB = 1024 * 1024;

/** What may be on its way inside: a bulk buffer, what waits in a channel, and the kernel's buffers of two connections. */
const IN_FLIGHT_MAX = 24 * MIB;

for (const channelMode of ["auto", "streams"] as const) {
  test(`DataPlane stops reading from an endpoint when the client does not read, with ${channelMode}`, async () => {
    const sizeBytes = 256 * MIB;
    let sent = 0;
    await using endpoint = await openEndpoint((_request, response) => {
      response.writeHead(200, { "Content-Length": sizeBytes });
      const piece = Buffer.alloc(MIB, "x");
      const more = (): void => {
        while (sent < sizeBytes) {
          sent += piece.length;
          if (!response.write(piece)) return void response.once("drain", more);
        }
        response.end();
      };
      more();
    });
    await using edge = await openEdge(shopSnapshot([endpoint.port]), { channelMode });
    const client = RawClient.connect(edge.httpPort);
    client.socket.pause();
    client.send(get("/"));
    await settled(() => sent);
    assert.ok(sent < IN_FLIGHT_MAX, `${sent} bytes were taken from the endpoint`);

    client.socket.removeAllListeners("data");
    let heard = 0;
    client.socket.on("data", (bytes) => (heard += bytes.length));
    client.socket.resume();
    await client.end();
    assert.ok(heard > sizeBytes && heard < sizeBytes + 1000, String(heard));
  });

  test(`DataPlane stops reading from a client when the endpoint does not read, with ${channelMode}`, async () => {
    const sizeBytes = 128 * MIB;
    let reading: (() => void) | undefined;
    await using endpoint = await openEndpoint((request, response) => {
      reading = () => {
        let heard = 0;
        request.on("data", (bytes: Buffer) => (heard += bytes.length));
        request.on("end", () => response.end(String(heard)));
      };
    });
    await using edge = await openEdge(shopSnapshot([endpoint.port]), { channelMode });
    const client = RawClient.connect(edge.httpPort);
    client.send(`POST / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nContent-Length: ${sizeBytes}\r\n\r\n`);
    const piece = Buffer.alloc(MIB, "x");
    for (let sent = 0; sent < sizeBytes; sent += MIB) client.socket.write(piece);
    await settled(() => client.socket.writableLength);
    assert.ok(sizeBytes - client.socket.writableLength < IN_FLIGHT_MAX, "too much was taken from the client");
    reading?.();
    assert.ok((await client.end()).endsWith(String(sizeBytes)));
  });

  test(`DataPlane passes bodies on unchanged, whatever their size and framing, with ${channelMode}`, async () => {
    await using endpoint = await openEndpoint((request, response) => void request.pipe(response));
    await using edge = await openEdge(shopSnapshot([endpoint.port]), { channelMode });
    const agent = new Agent({ keepAlive: true, maxSockets: 3 });
    const sizes = [0, 1, 1000, 32_767, 32_768, 40_000, 65_536, 300_000, 3 * MIB];
    await Promise.all(
      sizes.flatMap((size) => [
        sendBody(agent, edge.httpPort, size, true),
        sendBody(agent, edge.httpPort, size, false),
      ]),
    );
    agent.destroy();
  });
}

/** Sends a body that depends on its size and checks that the same comes back. */
async function sendBody(agent: Agent, port: number, size: number, chunked: boolean): Promise<void> {
  const body = Buffer.alloc(size);
  for (let at = 0; at < size; at++) body[at] = (at * 31 + (at >> 8)) & 255;
  const headers = {
    Host: "shop.example",
    ...(chunked ? { "Transfer-Encoding": "chunked" } : { "Content-Length": size }),
  };
  const hash = createHash("sha256");
  await new Promise<void>((resolve, reject) => {
    const request = httpRequest({ agent, port, host: "127.0.0.1", method: "POST", headers }, (response) => {
      response.on("data", (bytes: Buffer) => hash.update(bytes));
      response.on("end", resolve);
      response.on("error", reject);
    });
    request.on("error", reject);
    for (let at = 0; at < size; at += 10_007) request.write(body.subarray(at, at + 10_007));
    request.end();
  });
  assert.equal(hash.digest("hex"), createHash("sha256").update(body).digest("hex"), `${size} bytes`);
}

/** An endpoint that upgrades and then sends everything back. */
function openEcho(): Promise<TestServer> {
  return openRawEndpoint((socket, text) => {
    if (!text.startsWith("GET ")) return socket.write(text, "latin1");
    assert.match(text, /\r\nConnection: upgrade\r\nUpgrade: echo\r\n/);
    socket.on("end", () => socket.end("bye"));
    return socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\nX-A: b\r\n\r\nhello",
    );
  });
}

const UPGRADE = "GET /ws HTTP/1.1\r\nHost: shop.example\r\nConnection: keep-alive, Upgrade\r\nUpgrade: echo\r\n\r\n";

test("DataPlane passes bytes both ways once a connection is upgraded, over snapshot swaps and half-closes", async () => {
  await using endpoint = await openEcho();
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  const client = RawClient.connect(edge.httpPort);
  client.send(UPGRADE);
  const head = await client.heard("hello");
  assert.match(
    head,
    /^HTTP\/1\.1 101 Switching Protocols\r\nX-A: b\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhello$/,
  );
  assert.equal(edge.dataPlane.stats().connections.tunnels, 1);
  edge.dataPlane.serve(shopSnapshot([], { generation: 2 }));
  client.send("ping");
  await client.heard("helloping");
  client.socket.end();
  assert.ok((await client.end()).endsWith("hellopingbye"));
  await waitFor(() => edge.lines.length === 1);
  const { tunnels, open } = edge.dataPlane.stats().connections;
  assert.deepEqual([tunnels, open], [0, 0]);
  assert.deepEqual([edge.lines[0]?.status, edge.lines[0]?.requestBytes, edge.lines[0]?.responseBytes], [101, 4, 12]);
});

test("DataPlane ends an upgraded connection when nothing passes for the read timeout", async () => {
  await using endpoint = await openEcho();
  await using edge = await openEdge(shopSnapshot([endpoint.port], { policy: { readTimeoutMs: 5000 } }));
  const client = RawClient.connect(edge.httpPort);
  client.send(UPGRADE);
  await client.heard("hello");
  await edge.clock.advance(3000);
  client.send("ping");
  await client.heard("ping");
  await edge.clock.advance(4000);
  assert.equal(client.ended, false);
  await edge.clock.advance(2000);
  await client.end();
});

test("DataPlane does not upgrade to another version of HTTP", async () => {
  await using endpoint = await openEndpoint((request, response) => response.end(String(request.headers.upgrade)));
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  const heard = await say(
    edge.httpPort,
    get("/").replace(
      "Connection: close",
      "Connection: close, Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA",
    ),
  );
  assert.ok(heard.endsWith("undefined"), heard);
});

test("DataPlane passes a real WebSocket through", async () => {
  await using endpoint = await openRawEndpoint((socket, text) => {
    const key = /Sec-WebSocket-Key: (.*)\r\n/i.exec(text)?.[1];
    // Frames of the client are masked: only the handshake and the server's frame are text.
    if (key === undefined) return socket.write(Buffer.from([0x81, 0x02, 0x68, 0x69]));
    const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    return socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
  });
  const snapshot = shopSnapshot([endpoint.port]);
  const shop = snapshot.hosts.get("shop.example");
  assert.ok(shop !== undefined);
  await using edge = await openEdge({ ...snapshot, hosts: new Map([["*", { ...shop, host: "*" }]]) });
  const socket = new WebSocket(`ws://127.0.0.1:${edge.httpPort}/`);
  const message = await new Promise<unknown>((resolve, reject) => {
    socket.addEventListener("open", () => socket.send("hello"));
    socket.addEventListener("message", (event) => resolve(event.data));
    socket.addEventListener("error", () => reject(new Error("WebSocket failed")));
  });
  assert.equal(message, "hi");
});

test("DataPlane fails no request while snapshots are swapped under load", async () => {
  await using one = await openEndpoint((_request, response) => response.end("one"));
  await using two = await openEndpoint((_request, response) => response.end("two"));
  await using edge = await openEdge(shopSnapshot([one.port]));
  let generation = 1;
  const stop = new AbortController();
  const heard = { one: 0, two: 0 };
  const client = async (): Promise<void> => {
    const connection = RawClient.connect(edge.httpPort);
    while (!stop.signal.aborted) {
      connection.text = "";
      connection.send("GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n");
      const text = await connection.heard(/\r\n\r\n(?:one|two)$|HTTP\/1\.1 [345]/);
      assert.match(text, /^HTTP\/1\.1 200 OK/);
      heard[text.endsWith("one") ? "one" : "two"]++;
    }
    connection.socket.destroy();
  };
  const clients = Promise.all(Array.from({ length: 8 }, client));
  for (let swap = 0; swap < 400 || heard.one <= 50 || heard.two <= 50; swap++) {
    generation++;
    edge.dataPlane.serve(shopSnapshot([swap % 2 === 0 ? two.port : one.port], { generation }));
    await new Promise((resolve) => setImmediate(resolve));
  }
  stop.abort();
  await clients;
  assert.equal(edge.dataPlane.generation, generation);
  const responses = edge.dataPlane.stats().routes.find((entry) => entry.route !== "")?.responses ?? [];
  assert.deepEqual([responses[4], responses[5]], [0, 0]);
});

/** Waits until a number has not changed for many turns of the event loop. */
async function settled(value: () => number): Promise<void> {
  let last = -1;
  for (let calm = 0; calm < 2000; calm++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (value() === last && last !== 0) continue;
    last = value();
    calm = 0;
  }
}
