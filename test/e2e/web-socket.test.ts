import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { connect, type TLSSocket } from "node:tls";
import { after, before, describe, test, type TestContext } from "node:test";
import { WebSocket, WebSocketServer, type ClientOptions } from "ws";
import type { Instance } from "./instance.ts";
import { startSites } from "./site.ts";
import { WorkerMemory } from "./worker-memory.ts";

/** Goes to TLS, of which the types of `ws` know nothing. */
const NAME = { servername: "ws.localhost" };

const MIB = 1024 * 1024;

/** `LINTEL_ECHO_MIB=1024` takes longer and shows the same. */
const ECHO_MIB = Number(process.env["LINTEL_ECHO_MIB"] ?? "256");

let server: WebSocketServer;
/** What the endpoint saw of each connection, in order: its last word. */
const closes: { readonly code: number; readonly reason: string }[] = [];

before(async () => {
  server = new WebSocketServer({
    host: "127.0.0.1",
    port: 0,
    path: "/chat",
    maxPayload: 64 * MIB,
    perMessageDeflate: { threshold: 0 },
    handleProtocols: (offered) => (offered.has("echo.v2") ? "echo.v2" : false),
  });
  server.on("connection", (socket) => {
    socket.on("error", () => undefined);
    socket.on("close", (code, reason) => closes.push({ code, reason: reason.toString() }));
    socket.on("message", (data, binary) => {
      const text = !binary && data instanceof Buffer ? data.toString() : "";
      if (text === "terminate") return socket.terminate();
      if (text.startsWith("close ")) return socket.close(Number(text.slice(6)), "as you wish");
      if (text === "ping me") return socket.ping("are you there");
      if (text === "in pieces") {
        for (let index = 0; index < 4; index++) socket.send(`${index}`, { fin: false });
        return socket.send("4", { fin: true });
      }
      return socket.send(data, { binary });
    });
  });
  await once(server, "listening");
});

after(() => {
  for (const client of server.clients) client.terminate();
  server.close();
});

async function open(t: TestContext, instance: Instance, options: ClientOptions = {}): Promise<WebSocket> {
  const { port } = instance.https;
  const socket = new WebSocket(`wss://127.0.0.1:${port}/chat`, ["echo.v1", "echo.v2"], {
    ca: instance.ca,
    ...NAME,
    headers: { host: NAME.servername },
    maxPayload: 64 * MIB,
    ...options,
  });
  t.after(() => socket.terminate());
  await once(socket, "open");
  return socket;
}

async function ask(socket: WebSocket, data: string | Buffer): Promise<Buffer> {
  const answered = once(socket, "message");
  socket.send(data);
  const [answer] = (await answered) as [Buffer];
  return answer;
}

describe("a WebSocket of ws through the edge", async () => {
  test("passes what RFC 6455 has", async (t) => {
    const { port } = server.address() as AddressInfo;
    const instance = await startSites(t, [{ name: "ws", port }]);

    await t.test("text, binary and empty messages, of every length encoding", async () => {
      const socket = await open(t, instance, { perMessageDeflate: false });
      assert.equal(socket.protocol, "echo.v2");
      assert.equal(socket.extensions, "");
      assert.equal(String(await ask(socket, "grüß dich")), "grüß dich");
      for (const size of [0, 1, 125, 126, 127, 65_535, 65_536, 20 * MIB]) {
        const sent = randomBytes(size);
        assert.ok((await ask(socket, sent)).equals(sent), `${size} bytes`);
      }
    });
    await t.test("fragments, both ways", async () => {
      const socket = await open(t, instance);
      assert.equal(String(await ask(socket, "in pieces")), "01234");
      const answered = once(socket, "message");
      for (const piece of ["a", "b", "c"]) socket.send(piece, { fin: false });
      socket.send("d", { fin: true });
      assert.equal(String((await answered)[0]), "abcd");
    });
    await t.test("ping and pong, both ways", async () => {
      const socket = await open(t, instance);
      const ponged = once(socket, "pong");
      socket.ping("hello");
      assert.equal(String((await ponged)[0]), "hello");
      const pinged = once(socket, "ping");
      socket.send("ping me");
      assert.equal(String((await pinged)[0]), "are you there");
    });
    await t.test("permessage-deflate, negotiated end to end", async () => {
      const socket = await open(t, instance, { perMessageDeflate: { threshold: 0 } });
      assert.match(socket.extensions, /^permessage-deflate/);
      const text = "lintel ".repeat(100_000);
      assert.equal(String(await ask(socket, text)), text);
    });
    await t.test("the endpoint's close code and reason", async () => {
      for (const code of [1000, 1001, 1003, 1011, 3000, 4999]) {
        const socket = await open(t, instance);
        socket.send(`close ${code}`);
        const [heard, reason] = (await once(socket, "close")) as [number, Buffer];
        assert.deepEqual([heard, String(reason)], [code, "as you wish"]);
      }
    });
    await t.test("the client's close code and reason", async () => {
      const socket = await open(t, instance);
      const before = closes.length;
      socket.close(4001, "enough");
      await once(socket, "close");
      await seen(before + 1);
      assert.deepEqual(closes.at(-1), { code: 4001, reason: "enough" });
    });
    await t.test("the end of a connection that breaks off, on either side", async () => {
      const first = await open(t, instance);
      first.send("terminate");
      assert.equal((await once(first, "close"))[0], 1006);
      const second = await open(t, instance);
      const before = closes.length;
      second.terminate();
      await seen(before + 1);
      assert.equal(closes.at(-1)?.code, 1006);
    });
    await t.test("the endpoint's refusal, as a plain answer", async () => {
      const socket = new WebSocket(`wss://127.0.0.1:${instance.https.port}/`, {
        ca: instance.ca,
        ...NAME,
        headers: { host: NAME.servername },
      });
      const [error] = (await once(socket, "error")) as [Error];
      assert.match(error.message, /Unexpected server response: 400/);
    });
  });
});

/** Resolves when the endpoint has seen that many connections end. */
async function seen(count: number): Promise<void> {
  while (closes.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
}

test(`an upgraded connection echoes ${ECHO_MIB} MiB in constant memory`, async (t) => {
  const echo = createServer((socket) => void upgrade(socket));
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
  t.after(() => echo.close());
  const { port } = echo.address() as AddressInfo;
  const instance = await startSites(t, [{ name: "echo", port }]);
  await pump(instance, 16);
  const memory = await WorkerMemory.watch(instance);
  const [sent, received] = await pump(instance, ECHO_MIB);
  assert.equal(received, sent);
  assert.ok(memory.grownMib() < 64, `a worker grew by ${memory.grownMib()} MiB`);
  t.diagnostic(`grew by ${memory.grownMib().toFixed(1)} MiB`);
});

/** Answers any upgrade and then sends everything back. */
async function upgrade(socket: Socket): Promise<void> {
  socket.on("error", () => undefined);
  await once(socket, "data");
  socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
  socket.pipe(socket);
}

/** Sends binary frames (RFC 6455 section 5.2, masked with zeros) and returns the hashes of what left and what came back. */
async function pump(instance: Instance, mib: number): Promise<readonly [string, string]> {
  const { host, port } = instance.https;
  const socket: TLSSocket = connect({
    host,
    port,
    servername: "echo.localhost",
    ca: instance.ca,
    ALPNProtocols: ["http/1.1"],
  });
  await once(socket, "secureConnect");
  socket.write(
    "GET / HTTP/1.1\r\nHost: echo.localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  const [head] = (await once(socket, "data")) as [Buffer];
  assert.match(head.toString(), /^HTTP\/1\.1 101 .*\r\n\r\n$/s);
  const frame = Buffer.concat([Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0]), randomBytes(MIB)]);
  const [sent, received] = [createHash("md5"), createHash("md5")];
  let left = mib * frame.length;
  const done = new Promise<void>((resolve, reject) => {
    socket.on("error", reject);
    socket.on("data", (bytes: Buffer) => {
      received.update(bytes);
      left -= bytes.length;
      if (left === 0) resolve();
    });
  });
  for (let count = 0; count < mib; count++) {
    sent.update(frame);
    if (!socket.write(frame)) await once(socket, "drain");
  }
  await done;
  socket.destroy();
  return [sent.digest("hex"), received.digest("hex")];
}
