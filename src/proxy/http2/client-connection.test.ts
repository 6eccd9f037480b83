import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { GOAWAY, HEADERS, PREFACE, RST_STREAM, SETTINGS } from "./frame.ts";
import { hpackLiterals, rawFrame, readFrames, uint32 } from "./testing.ts";
import {
  closedPort,
  openEdge,
  openEndpoint,
  openRawEndpoint,
  shopSnapshot,
  type SnapshotOptions,
  type TestEdge,
  type TestServer,
  waitFor,
} from "../testing.ts";
import { skipWithout } from "../../ground/testing.ts";

const run = promisify(execFile);

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly trailers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}

/** A client of Node's own, on the edge's plain port. */
class Client implements AsyncDisposable {
  readonly session: ClientHttp2Session;
  readonly informational: number[] = [];
  goaway = false;
  constructor(edge: TestEdge, options: { readonly windowBytes?: number } = {}) {
    const settings = options.windowBytes === undefined ? {} : { initialWindowSize: options.windowBytes };
    this.session = connect(`http://127.0.0.1:${edge.httpPort}`, { settings });
    this.session.on("error", () => undefined);
    this.session.on("goaway", () => (this.goaway = true));
  }
  request(
    headers: Readonly<Record<string, string>>,
    options: { readonly end: boolean } = { end: true },
  ): ClientHttp2Stream {
    const stream = this.session.request(
      { ":authority": "shop.example", ":path": "/", ":scheme": "http", ...headers },
      { endStream: options.end },
    );
    stream.on("headers", (heads) => this.informational.push(Number(heads[":status"])));
    return stream;
  }
  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return answerOf(this.request({ ":path": path, ...headers }));
  }
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.session.on("close", resolve));
    if (this.session.closed && this.session.destroyed) return;
    this.session.destroy();
    await closed;
  }
}

function answerOf(stream: ClientHttp2Stream): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let headers: Record<string, unknown> = {};
    let trailers: Record<string, unknown> = {};
    stream.on("response", (heads) => (headers = { ...heads }));
    stream.on("trailers", (heads) => (trailers = { ...heads }));
    stream.on("data", (part: Buffer) => parts.push(part));
    stream.on("error", reject);
    stream.on("end", () => {
      resolve({ status: Number(headers[":status"]), headers, trailers, body: Buffer.concat(parts) });
    });
  });
}

/** Answers with the request it got. */
let mirror: TestServer;
before(async () => {
  mirror = await openEndpoint((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const { method, url, headers, trailers } = request;
      const body = Buffer.concat(parts);
      const sum = createHash("sha256").update(body).digest("hex");
      response.setHeader("X-Mixed-Case", "kept");
      response.setHeader("Keep-Alive", "timeout=5");
      response.end(JSON.stringify({ method, url, headers, trailers, length: body.length, sum }));
    });
  });
});
after(() => mirror[Symbol.asyncDispose]());

interface Mirrored {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly trailers: Readonly<Record<string, string>>;
  readonly length: number;
  readonly sum: string;
}
const mirrored = (answer: Answer): Mirrored => JSON.parse(answer.body.toString()) as Mirrored;

const openShop = (options: SnapshotOptions = {}): Promise<TestEdge> => openEdge(shopSnapshot([mirror.port], options));

test("An HTTP/2 request reaches an HTTP/1.1 endpoint with its headers, and says who asked", async () => {
  await using edge = await openShop();
  await using client = new Client(edge);
  const answer = await client.get("/a/../b?q=1", { "x-one": "1", cookie: "a=1; b=2" });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers["x-mixed-case"], "kept");
  assert.equal(answer.headers["keep-alive"], undefined);
  assert.equal(answer.headers["connection"], undefined);
  const request = mirrored(answer);
  assert.equal(request.url, "/b?q=1");
  assert.equal(request.headers["host"], "shop.example");
  assert.equal(request.headers["x-one"], "1");
  assert.equal(request.headers["cookie"], "a=1; b=2");
  assert.equal(request.headers["x-forwarded-for"], "127.0.0.1");
  const [line] = edge.lines;
  assert.deepEqual([line?.protocol, line?.status, line?.route], ["HTTP/2", 200, "Ingress/shop/web#0/0"]);
});

test("Many requests at once each get their own answer", async () => {
  await using edge = await openShop();
  await using client = new Client(edge);
  const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => client.get(`/${index}`)));
  assert.deepEqual(
    answers.map((answer) => mirrored(answer).url),
    Array.from({ length: 100 }, (_, index) => `/${index}`),
  );
});

test("A large body of known length arrives whole, in both directions", async () => {
  const body = Buffer.alloc(3_000_000, "0123456789");
  await using endpoint = await openEndpoint((request, response) => {
    response.setHeader("content-length", request.headers["content-length"] ?? "");
    request.pipe(response);
  });
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  await using client = new Client(edge);
  const stream = client.request({ ":method": "POST", "content-length": String(body.length) }, { end: false });
  stream.end(body);
  const answer = await answerOf(stream);
  assert.ok(answer.body.equals(body));
  assert.equal(edge.lines[0]?.requestBytes, body.length);
  assert.equal(edge.lines[0]?.responseBytes, body.length);
});

test("A body of unknown length and its trailers arrive, and so do the response's", async () => {
  await using endpoint = await openEndpoint((request, response) => {
    response.writeHead(200, { trailer: "x-sum" });
    response.write("first ");
    request.resume();
    request.on("end", () => {
      response.addTrailers({ "x-sum": `${request.trailers["x-count"]}` });
      response.end("last");
    });
  });
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  await using client = new Client(edge);
  const stream = client.session.request(
    { ":authority": "shop.example", ":method": "POST", ":path": "/" },
    { waitForTrailers: true },
  );
  stream.on("wantTrailers", () => stream.sendTrailers({ "x-count": "7" }));
  stream.write("some");
  stream.end(" more");
  const answer = await answerOf(stream);
  assert.equal(answer.body.toString(), "first last");
  assert.equal(answer.trailers["x-sum"], "7");
});

test("HEAD, 204 and 304 have no body", async () => {
  await using endpoint = await openEndpoint((request, response) => {
    response.statusCode = request.method === "HEAD" ? 200 : Number(request.url?.slice(1));
    if (request.method === "HEAD") response.setHeader("content-length", "1234");
    response.end();
  });
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  await using client = new Client(edge);
  const head = await client.get("/", { ":method": "HEAD" });
  assert.deepEqual([head.status, head.headers["content-length"], head.body.length], [200, "1234", 0]);
  assert.equal((await client.get("/204")).status, 204);
  assert.equal((await client.get("/304")).status, 304);
});

test("Informational responses pass", async () => {
  await using endpoint = await openRawEndpoint((socket) =>
    socket.write("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
  );
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  await using client = new Client(edge);
  assert.equal((await client.get("/")).body.toString(), "ok");
  assert.deepEqual(client.informational, [103]);
});

test("A request without a route is answered 404, one to plain HTTP is redirected, and CONNECT is refused", async () => {
  await using edge = await openShop({ policy: { httpsRedirectStatus: 308 } });
  await using client = new Client(edge);
  assert.equal((await client.get("/", { ":authority": "other.example" })).status, 404);
  const answer = await client.get("/x?y=1");
  assert.deepEqual([answer.status, answer.headers["location"]], [308, "https://shop.example/x?y=1"]);
  const stream = client.session.request({ ":method": "CONNECT", ":authority": "shop.example:443" });
  assert.equal((await answerOf(stream)).status, 405);
});

test("The rules for HTTP/1.1 heads hold for HTTP/2: a bad path is refused, a long head too", async () => {
  await using edge = await openShop();
  await using client = new Client(edge);
  assert.equal((await client.get("/%00")).status, 400);
  assert.equal((await client.get(`/${"a".repeat(9000)}`)).status, 414);
  assert.equal((await client.get("/", { "x-large": "a".repeat(40_000) })).status, 431);
  assert.equal((await client.get("/", { host: "shop.example", ":authority": "" })).status, 200);
});

test("A body beyond the route's limit is answered 413, announced or not, and the connection lives on", async () => {
  await using edge = await openShop({ policy: { bodyBytesMax: 1000 } });
  await using client = new Client(edge);
  const announced = client.request({ ":method": "POST", "content-length": "2000" }, { end: false });
  announced.on("error", () => undefined);
  announced.write(Buffer.alloc(500));
  assert.equal((await answerOf(announced)).status, 413);
  const unannounced = client.request({ ":method": "POST" }, { end: false });
  unannounced.on("error", () => undefined);
  unannounced.write(Buffer.alloc(2000));
  assert.equal((await answerOf(unannounced)).status, 413);
  assert.equal((await client.get("/")).status, 200);
});

test("An endpoint that is not there is answered 502, and one that breaks off resets the stream", async () => {
  await using dead = await openEdge(shopSnapshot([await closedPort()]));
  await using first = new Client(dead);
  assert.equal((await first.get("/")).status, 502);
  await using endpoint = await openRawEndpoint((socket) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome");
    socket.end();
  });
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  await using second = new Client(edge);
  await assert.rejects(second.get("/"), /NGHTTP2_INTERNAL_ERROR/);
});

test("A slow client makes the endpoint wait, and gets everything", async () => {
  const total = 8_000_000;
  let sent = 0;
  await using endpoint = await openEndpoint((_request, response) => {
    response.writeHead(200, { "content-length": String(total) });
    const more = (): void => {
      while (sent < total) {
        sent += 100_000;
        if (!response.write(Buffer.alloc(100_000))) {
          response.once("drain", more);
          return;
        }
      }
      response.end();
    };
    more();
  });
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  await using client = new Client(edge);
  const stream = client.request({});
  await new Promise((resolve) => stream.on("response", resolve));
  stream.pause();
  let before = -1;
  await waitFor(() => {
    const still = sent === before;
    before = sent;
    return still && sent > 0;
  });
  assert.ok(sent < total, "the endpoint was made to wait");
  let got = 0;
  stream.on("data", (part: Buffer) => (got += part.length));
  stream.resume();
  await new Promise((resolve) => stream.on("end", resolve));
  assert.equal(got, total);
});

test("A slow endpoint makes the client wait, and gets everything", async () => {
  let resume: (() => void) | undefined;
  let got = 0;
  await using endpoint = await openEndpoint((request, response) => {
    request.on("data", (part: Buffer) => (got += part.length));
    request.pause();
    resume = () => void request.resume();
    request.on("end", () => response.end("done"));
  });
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  await using client = new Client(edge);
  const total = 40_000_000;
  const stream = client.request({ ":method": "POST", "content-length": String(total) }, { end: false });
  stream.end(Buffer.alloc(total));
  await waitFor(() => resume !== undefined);
  let before = -1;
  let quiet = 0;
  await waitFor(() => {
    const written = client.session.socket.bytesWritten;
    quiet = written === before ? quiet + 1 : 0;
    before = written;
    return quiet > 1000;
  });
  assert.ok(before < total, "the client was made to wait");
  resume?.();
  assert.equal((await answerOf(stream)).body.toString(), "done");
  assert.equal(got, total);
});

test("A client that resets its stream ends the request at the endpoint", async () => {
  let gone = false;
  let begun = false;
  await using endpoint = await openEndpoint((request) => {
    begun = true;
    request.socket.on("close", () => (gone = true));
  });
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  await using client = new Client(edge);
  const stream = client.request({});
  stream.on("error", () => undefined);
  await waitFor(() => begun);
  stream.close(constants.NGHTTP2_CANCEL);
  await waitFor(() => gone);
  assert.equal(edge.lines[0]?.status, 0);
});

test("Rapid resets end the connection with ENHANCE_YOUR_CALM", async () => {
  await using endpoint = await openEndpoint(() => undefined);
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  const request = hpackLiterals([
    [":method", "GET"],
    [":scheme", "http"],
    [":path", "/"],
    [":authority", "shop.example"],
  ]);
  const socket = connectTcp(edge.httpPort, "127.0.0.1");
  const heard: Buffer[] = [];
  socket.on("data", (part: Buffer) => heard.push(part));
  socket.write(Buffer.concat([PREFACE, rawFrame(SETTINGS, 0, 0)]));
  for (let id = 1; id < 2000; id += 2) {
    socket.write(Buffer.concat([rawFrame(HEADERS, 5, id, request), rawFrame(RST_STREAM, 0, id, uint32(8))]));
  }
  await new Promise((resolve) => socket.on("end", resolve));
  const goaway = readFrames(Buffer.concat(heard)).find(({ type }) => type === GOAWAY);
  assert.equal(goaway?.payload.readUInt32BE(4), constants.NGHTTP2_ENHANCE_YOUR_CALM);
});

test("drain() says GOAWAY, lets the request under way finish, and then the connection is gone", async () => {
  let finish: (() => void) | undefined;
  await using endpoint = await openEndpoint((_request, response) => {
    finish = () => response.end("late");
  });
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  await using client = new Client(edge);
  const answer = client.get("/");
  await waitFor(() => finish !== undefined);
  const drained = edge.dataPlane.drain({ signal: new AbortController().signal });
  await waitFor(() => client.goaway);
  finish?.();
  assert.equal((await answer).body.toString(), "late");
  await drained;
});

test("A request that says it has no body reaches the endpoint when it has ended, and never with DATA behind it", async () => {
  let heard = "";
  await using endpoint = await openRawEndpoint((socket, text) => {
    heard += text;
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  });
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  await using client = new Client(edge);
  const post = { ":method": "POST", "content-length": "0" };
  const lying = client.request({ ...post, ":path": "/lying" }, { end: false });
  lying.write("GET /smuggled HTTP/1.1\r\nHost: shop.example\r\n\r\n");
  await assert.rejects(answerOf(lying));
  assert.equal(lying.rstCode, constants.NGHTTP2_PROTOCOL_ERROR);
  const honest = client.request({ ...post, ":path": "/honest" }, { end: false });
  const answer = answerOf(honest);
  honest.end();
  assert.equal((await answer).status, 200);
  assert.match(heard, /^POST \/honest HTTP\/1\.1\r\n[\s\S]*Content-Length: 0\r\n\r\n$/i);
  const silent = client.request(post, { end: false });
  const refused = answerOf(silent);
  await waitFor(() => edge.dataPlane.stats().connections.open > 0);
  await client.get("/");
  await edge.clock.advance(61_000);
  assert.equal((await refused).status, 408);
});

test("A body that stops is answered 408, and an idle connection gets GOAWAY", async () => {
  await using edge = await openShop();
  await using client = new Client(edge);
  const stream = client.request({ ":method": "POST", "content-length": "10" }, { end: false });
  stream.write("12345");
  await waitFor(() => edge.dataPlane.stats().upstream.open > 0);
  const answer = answerOf(stream);
  stream.on("error", () => undefined);
  await edge.clock.advance(61_000);
  assert.equal((await answer).status, 408);
  const other = new Client(edge);
  await other.get("/");
  for (let seconds = 0; seconds < 80 && !other.goaway; seconds++) await edge.clock.advance(1000);
  await waitFor(() => other.goaway);
  await other[Symbol.asyncDispose]();
});

test("A WebSocket opened by extended CONNECT (RFC 8441) becomes an upgrade at the endpoint, and bytes pass both ways", async () => {
  await using endpoint = await openRawEndpoint((socket, text) => {
    const key = /^sec-websocket-key: (.+)\r$/im.exec(text)?.[1];
    if (key === undefined) return socket.write(text.toUpperCase());
    assert.match(text, /^GET \/chat HTTP\/1\.1\r\n/);
    assert.match(text, /^Connection: upgrade\r\nUpgrade: websocket\r$/im);
    const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    return socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\nhello `,
    );
  });
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  await using client = new Client(edge);
  await new Promise((resolve) => client.session.on("remoteSettings", resolve));
  const stream = client.request(
    { ":method": "CONNECT", ":protocol": "websocket", ":path": "/chat", "sec-websocket-version": "13" },
    { end: false },
  );
  const answer = answerOf(stream);
  await new Promise((resolve) => stream.on("response", resolve));
  stream.write("ping");
  await new Promise((resolve) =>
    stream.on("data", (part: Buffer) => part.toString().includes("PING") && resolve(part)),
  );
  assert.equal(edge.dataPlane.stats().connections.tunnels, 1);
  for (const socket of endpoint.sockets) socket.end();
  const { status, headers, body } = await answer;
  stream.end();
  assert.deepEqual([status, headers["sec-websocket-accept"], body.toString()], [200, undefined, "hello PING"]);
  await waitFor(() => edge.dataPlane.stats().connections.tunnels === 0);
});

test("A WebSocket whose endpoint cannot prove that it read the key is reset", async () => {
  await using endpoint = await openRawEndpoint((socket) =>
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n",
    ),
  );
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  await using client = new Client(edge);
  await new Promise((resolve) => client.session.on("remoteSettings", resolve));
  const stream = client.request({ ":method": "CONNECT", ":protocol": "websocket" }, { end: false });
  await assert.rejects(answerOf(stream), /INTERNAL_ERROR/);
  await waitFor(() => edge.dataPlane.stats().upstream.open === 0);
});

test("Extended CONNECT for another protocol than websocket is answered 501, named as such", async () => {
  await using edge = await openShop();
  await using client = new Client(edge);
  await new Promise((resolve) => client.session.on("remoteSettings", resolve));
  const answer = await answerOf(client.request({ ":method": "CONNECT", ":protocol": "connect-udp" }));
  assert.equal(answer.status, 501);
  assert.match(answer.body.toString(), /^501 Not Implemented: the only protocol/);
});

test("curl and nghttp are served by prior knowledge", { skip: skipWithout("curl", "nghttp") }, async () => {
  await using edge = await openShop();
  const url = `http://127.0.0.1:${edge.httpPort}/a`;
  const format = ["-s", "-o", "/dev/null", "-w", "%{http_version} %{http_code}", "-H", "Host: shop.example"];
  const curl = await run("curl", [...format, "--http2-prior-knowledge", url]);
  assert.equal(curl.stdout, "2 200");
  const upload = await run("curl", [
    ...format,
    "--http2-prior-knowledge",
    "--data-binary",
    `@${process.execPath}`,
    url,
  ]);
  assert.equal(upload.stdout, "2 200");
  const nghttp = await run("nghttp", ["-H:authority: shop.example", "-y", url]);
  assert.match(nghttp.stdout, /"url":"\/a"/);
});

test(
  "With TLS, ALPN chooses: HTTP/2 for those who offer it, HTTP/1.1 for the others",
  { skip: skipWithout("curl", "openssl") },
  async () => {
    const request =
      "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=shop.example -keyout -";
    const { stdout } = await run("openssl", request.split(" "));
    const key = /-----BEGIN PRIVATE KEY-----[\s\S]*?-----END PRIVATE KEY-----\n/.exec(stdout)?.[0] ?? "";
    const chain = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----\n/.exec(stdout)?.[0] ?? "";
    const tls = new Map([
      ["shop.example", { host: "shop.example", certificates: ["a"], minVersion: "TLSv1.2" as const }],
    ]);
    const certificates = new Map([["a", { id: "a", chain, key, notAfterMs: 4e12, standIn: false }]]);
    await using edge = await openShop({ more: { tls, certificates } });
    const session = connect("https://shop.example", {
      createConnection: () =>
        connectTls({
          port: edge.httpsPort,
          host: "127.0.0.1",
          servername: "shop.example",
          rejectUnauthorized: false,
          ALPNProtocols: ["h2"],
        }),
    });
    const answer = await answerOf(session.request({ ":path": "/a" }));
    assert.equal(mirrored(answer).headers["x-forwarded-proto"], "https");
    session.destroy();
    const target = ["--resolve", `shop.example:${edge.httpsPort}:127.0.0.1`, `https://shop.example:${edge.httpsPort}/`];
    for (const [option, version] of [
      ["--http2", "2"],
      ["--http1.1", "1.1"],
    ] as const) {
      const curl = await run("curl", [
        "-sk",
        "-o",
        "/dev/null",
        "-w",
        "%{http_version} %{http_code}",
        option,
        ...target,
      ]);
      assert.equal(curl.stdout, `${version} 200`);
    }
  },
);
