import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { connect, createSecureServer, createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { createServer as createTlsServer } from "node:tls";
import { test } from "node:test";
import { promisify } from "node:util";
import type { Backend } from "../../routing/snapshot.ts";
import { get, openEdge, openRawEndpoint, RawClient, say, shopSnapshot, type TestEdge, waitFor } from "../testing.ts";
import { skipWithout } from "../../ground/testing.ts";

const run = promisify(execFile);

type Handle = (stream: ServerHttp2Stream, headers: Readonly<Record<string, unknown>>) => void;

interface Endpoint extends AsyncDisposable {
  readonly port: number;
  readonly sessions: Set<{ close(): void; destroy(): void }>;
}

async function serve(server: Http2Server, handle: Handle): Promise<Endpoint> {
  const sessions = new Set<{ close(): void; destroy(): void }>();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => undefined);
    session.on("close", () => sessions.delete(session));
  });
  server.on("stream", (stream, headers) => {
    stream.on("error", () => undefined);
    handle(stream as ServerHttp2Stream, { ...headers });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    sessions,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const session of sessions) session.destroy();
      await closed;
    },
  };
}

/** An endpoint of Node's own that speaks HTTP/2 without TLS. */
const openH2c = (handle: Handle): Promise<Endpoint> => serve(createServer(), handle);

const openShop = (port: number, protocol: Backend["protocol"], attemptsMax = 1): Promise<TestEdge> =>
  openEdge(shopSnapshot([port], { backend: { protocol }, policy: { attemptsMax } }));

async function selfSigned(): Promise<{ readonly key: string; readonly cert: string }> {
  const request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=endpoint -keyout -";
  const { stdout } = await run("openssl", request.split(" "));
  return {
    key: /-----BEGIN PRIVATE KEY-----[\s\S]*?-----END PRIVATE KEY-----\n/.exec(stdout)?.[0] ?? "",
    cert: /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----\n/.exec(stdout)?.[0] ?? "",
  };
}

test("A gRPC call passes both ways: headers, messages as they come, and trailers", async () => {
  let seen: Readonly<Record<string, unknown>> = {};
  await using endpoint = await openH2c((stream, headers) => {
    seen = headers;
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0", "grpc-message": "fine" }));
    stream.on("data", (part: Buffer) => stream.write(part.toString().toUpperCase()));
    stream.on("end", () => stream.end());
  });
  await using edge = await openShop(endpoint.port, "h2c");
  const session = connect(`http://127.0.0.1:${edge.httpPort}`);
  const stream = session.request({
    ":method": "POST",
    ":path": "/shop.Cart/Add",
    ":authority": "shop.example",
    "content-type": "application/grpc",
    te: "trailers",
  });
  let trailers: Readonly<Record<string, unknown>> = {};
  stream.on("trailers", (fields) => (trailers = { ...fields }));
  // The second message is only sent when the first has been answered.
  for (const message of ["first", "second"]) {
    stream.write(message);
    const answer = await new Promise<Buffer>((resolve) => stream.once("data", resolve));
    assert.equal(answer.toString(), message.toUpperCase());
  }
  stream.end();
  await new Promise((resolve) => stream.on("end", resolve));
  assert.deepEqual([trailers["grpc-status"], trailers["grpc-message"]], ["0", "fine"]);
  assert.deepEqual(
    [seen[":path"], seen[":authority"], seen["te"], seen["x-forwarded-for"], seen["transfer-encoding"]],
    ["/shop.Cart/Add", "shop.example", "trailers", "127.0.0.1", undefined],
  );
  session.destroy();
});

test("An HTTP/1.1 client is served by an HTTP/2 endpoint, over one connection", async () => {
  await using endpoint = await openH2c((stream, headers) => {
    stream.respond({ ":status": 200 });
    stream.end(`${String(headers[":method"])} ${String(headers[":path"])}`);
  });
  await using edge = await openShop(endpoint.port, "h2c");
  const answers = await Promise.all(["/a", "/b?c=d", "/e"].map((path) => say(edge.httpPort, get(path))));
  for (const answer of answers) assert.match(answer, /^HTTP\/1\.1 200 .*\r\n[\s\S]*Transfer-Encoding: chunked\r\n/i);
  assert.match(answers[1] ?? "", /GET \/b\?c=d/);
  assert.equal(endpoint.sessions.size, 1);
  assert.equal(edge.dataPlane.stats().upstream.opened, 1);
});

test("Bodies of many windows pass both ways", async () => {
  const body = Buffer.alloc(3_000_000, "0123456789");
  await using endpoint = await openH2c((stream, headers) => {
    stream.respond({ ":status": 200, "content-length": String(headers["content-length"]) });
    stream.pipe(stream);
  });
  await using edge = await openShop(endpoint.port, "h2c");
  const head = `POST / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`;
  const heard = await say(edge.httpPort, head + body.toString("latin1"));
  assert.ok(heard.endsWith(`\r\n\r\n${body.toString("latin1")}`));
});

test("HEAD, 204 and a head without body pass", async () => {
  await using endpoint = await openH2c((stream, headers) => {
    if (headers[":method"] === "HEAD") stream.respond({ ":status": 200, "content-length": "77" }, { endStream: true });
    else stream.respond({ ":status": Number(String(headers[":path"]).slice(1)) }, { endStream: true });
  });
  await using edge = await openShop(endpoint.port, "h2c");
  const head = await say(edge.httpPort, get("/").replace("GET", "HEAD"));
  assert.match(head, /^HTTP\/1\.1 200 [\s\S]*content-length: 77\r\n[\s\S]*\r\n\r\n$/);
  assert.match(await say(edge.httpPort, get("/204")), /^HTTP\/1\.1 204 /);
  assert.match(await say(edge.httpPort, get("/200")), /^HTTP\/1\.1 200 [\s\S]*\r\n\r\n0\r\n\r\n$/);
});

test(
  "An endpoint with TLS is asked for HTTP/2 by ALPN, and one that does not speak it is answered 502",
  { skip: skipWithout("openssl") },
  async () => {
    const made = await selfSigned();
    await using endpoint = await serve(createSecureServer(made), (stream) => {
      stream.respond({ ":status": 200 });
      stream.end("secret");
    });
    await using edge = await openShop(endpoint.port, "h2");
    assert.match(await say(edge.httpPort, get("/")), /secret/);
    const old = createTlsServer({ ...made, ALPNProtocols: ["http/1.1"] }, (socket) =>
      socket.on("error", () => undefined),
    );
    await new Promise<void>((resolve) => old.listen(0, "127.0.0.1", resolve));
    await using other = await openShop((old.address() as AddressInfo).port, "h2");
    assert.match(await say(other.httpPort, get("/")), /^HTTP\/1\.1 502 /);
    old.close();
  },
);

test("A request refused with REFUSED_STREAM is sent again, another reset is answered 502", async () => {
  let requests = 0;
  await using endpoint = await openH2c((stream, headers) => {
    requests++;
    if (headers[":path"] === "/broken") return stream.close(2);
    if (requests === 2) return stream.close(7);
    stream.respond({ ":status": 200 });
    return stream.end("served");
  });
  await using edge = await openShop(endpoint.port, "h2c", 3);
  assert.match(await say(edge.httpPort, get("/")), /served/);
  assert.match(await say(edge.httpPort, get("/")), /served/);
  assert.equal(requests, 3);
  assert.match(await say(edge.httpPort, get("/broken").replace("GET", "POST")), /^HTTP\/1\.1 502 /);
});

test("A connection that says GOAWAY is replaced, and its requests are finished", async () => {
  let finish: (() => void) | undefined;
  await using endpoint = await openH2c((stream, headers) => {
    stream.respond({ ":status": 200 });
    if (headers[":path"] === "/slow") finish = () => stream.end("late");
    else stream.end("quick");
  });
  await using edge = await openShop(endpoint.port, "h2c");
  const slow = say(edge.httpPort, get("/slow"));
  await waitFor(() => finish !== undefined);
  for (const session of endpoint.sessions) session.close();
  await waitFor(() => edge.dataPlane.stats().upstream.open === 1);
  // The endpoint's GOAWAY comes at some time: from then on there is another connection, and no request is lost.
  for (let count = 0; edge.dataPlane.stats().upstream.opened < 2 && count < 10_000; count++) {
    assert.match(await say(edge.httpPort, get("/")), /quick/);
  }
  assert.equal(edge.dataPlane.stats().upstream.opened, 2);
  finish?.();
  assert.match(await slow, /late/);
});

test("An endpoint that answers nothing is answered 504, one that answers in HTTP/1.1 502", async () => {
  await using silent = await openH2c(() => undefined);
  await using edge = await openShop(silent.port, "h2c");
  const answer = say(edge.httpPort, get("/"));
  await waitFor(() => silent.sessions.size === 1 && edge.dataPlane.stats().upstream.open === 1);
  for (let seconds = 0; seconds < 70; seconds++) await edge.clock.advance(1000);
  assert.match(await answer, /^HTTP\/1\.1 504 /);
  await using old = await openRawEndpoint((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  await using other = await openShop(old.port, "h2c");
  assert.match(await say(other.httpPort, get("/")), /^HTTP\/1\.1 502 /);
});

const serveAll: Handle = (stream) => {
  stream.respond({ ":status": 200 });
  stream.end("served");
};

const UPGRADE = get("/chat", "Upgrade: websocket").replace("Connection: close", "Connection: upgrade");

test(
  "A WebSocket reaches an HTTP/2 endpoint over HTTP/1.1, where it speaks that too",
  { skip: skipWithout("openssl") },
  async () => {
    const server = createSecureServer({ ...(await selfSigned()), allowHTTP1: true });
    server.on("upgrade", (_request, socket: Duplex) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nhello");
      socket.on("data", (bytes) => socket.end(String(bytes).toUpperCase()));
    });
    await using endpoint = await serve(server, (stream, headers) => {
      stream.respond({ ":status": 200 });
      stream.end(`HTTP/2 ${String(headers[":path"])}`);
    });
    await using edge = await openShop(endpoint.port, "h2");
    const client = RawClient.connect(edge.httpPort);
    client.send(UPGRADE);
    assert.match(await client.heard("hello"), /^HTTP\/1\.1 101 /);
    client.send("word");
    assert.match(await client.end(), /helloWORD$/);
    assert.match(await say(edge.httpPort, get("/page")), /HTTP\/2 \/page/);

    // Another protocol than a WebSocket need not be switched to.
    const old = get("/old", "Upgrade: h2c").replace("Connection: close", "Connection: upgrade, close");
    assert.match(await say(edge.httpPort, old), /HTTP\/2 \/old/);
  },
);

test(
  "A WebSocket to an endpoint that takes none on streams and speaks HTTP/2 only is answered 502, and the endpoint stays in use",
  { skip: skipWithout("openssl") },
  async () => {
    await using plain = await openH2c(serveAll);
    await using secure = await serve(createSecureServer(await selfSigned()), serveAll);
    for (const [endpoint, protocol] of [
      [plain, "h2c"],
      [secure, "h2"],
    ] as const) {
      await using edge = await openShop(endpoint.port, protocol);
      for (let count = 0; count < 4; count++) {
        const client = RawClient.connect(edge.httpPort);
        client.send(UPGRADE);
        assert.match(
          await client.heard("neither"),
          /^HTTP\/1\.1 502 [\s\S]*does not take a WebSocket: that needs HTTP\/1\.1 or extended CONNECT/,
        );
        client.socket.destroy();
      }
      assert.match(await say(edge.httpPort, get("/")), /served/);
      assert.equal(edge.dataPlane.stats().upstream.failed, 0);
    }
  },
);

test("A WebSocket reaches an HTTP/2 endpoint on a stream where it takes those, from clients of both protocols", async () => {
  let seen: Readonly<Record<string, unknown>> = {};
  const server = createServer({ settings: { enableConnectProtocol: true } });
  await using endpoint = await serve(server, (stream, headers) => {
    seen = headers;
    if (headers[":path"] === "/closed") {
      stream.respond({ ":status": 403 });
      stream.end("not here");
      return;
    }
    stream.respond({ ":status": 200, "sec-websocket-protocol": "chat" });
    stream.on("data", (bytes) => stream.write(String(bytes).toUpperCase()));
    stream.on("end", () => stream.end("bye"));
  });
  await using edge = await openShop(endpoint.port, "h2c");
  const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
  const client = RawClient.connect(edge.httpPort);
  client.send(UPGRADE.replace("\r\n\r\n", `\r\n${key}\r\nSec-WebSocket-Protocol: chat\r\n\r\nearly`));
  const head = await client.heard("EARLY");
  assert.match(head, /^HTTP\/1\.1 101 [\s\S]*Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/);
  assert.match(head, /sec-websocket-protocol: chat\r\n/);
  client.send("word");
  await client.heard("EARLYWORD");
  client.socket.end();
  assert.match(await client.end(), /EARLYWORDbye$/);
  assert.deepEqual(
    [seen[":method"], seen[":protocol"], seen[":path"], seen["sec-websocket-key"], seen["upgrade"]],
    ["CONNECT", "websocket", "/chat", undefined, undefined],
  );
  const refused = RawClient.connect(edge.httpPort);
  refused.send(UPGRADE.replace("/chat", "/closed").replace("\r\n\r\n", `\r\n${key}\r\n\r\n`));
  assert.match(await refused.heard("not here"), /^HTTP\/1\.1 403 /);
  refused.socket.destroy();

  const session = connect(`http://127.0.0.1:${edge.httpPort}`);
  await once(session, "remoteSettings");
  const stream = session.request({
    ":method": "CONNECT",
    ":protocol": "websocket",
    ":scheme": "http",
    ":path": "/chat",
    ":authority": "shop.example",
  });
  let text = "";
  stream.on("data", (bytes) => (text += String(bytes)));
  const [answer] = (await once(stream, "response")) as [Readonly<Record<string, unknown>>];
  assert.equal(answer[":status"], 200);
  const big = "x".repeat(400_000);
  stream.write(big);
  await waitFor(() => text.length === big.length);
  stream.end();
  await once(stream, "close");
  assert.equal(text, `${big.toUpperCase()}bye`);
  await waitFor(() => edge.dataPlane.stats().connections.tunnels === 0);
  session.destroy();
  assert.equal(endpoint.sessions.size, 1);
});

test("A client that leaves cancels its stream, and the connection serves the next", async () => {
  let closed = 0;
  let begun = 0;
  await using endpoint = await openH2c((stream, headers) => {
    begun++;
    stream.on("close", () => closed++);
    if (headers[":path"] === "/") {
      stream.respond({ ":status": 200 });
      stream.end("served");
    }
  });
  await using edge = await openShop(endpoint.port, "h2c");
  const session = connect(`http://127.0.0.1:${edge.httpPort}`);
  const stream = session.request({ ":authority": "shop.example", ":path": "/wait" });
  stream.on("error", () => undefined);
  await waitFor(() => begun === 1);
  stream.close(8);
  await waitFor(() => closed === 1);
  session.destroy();
  assert.match(await say(edge.httpPort, get("/")), /served/);
  assert.equal(edge.dataPlane.stats().upstream.opened, 1);
});
