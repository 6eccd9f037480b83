import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { connect } from "node:net";
import { test } from "node:test";
import { DEFAULT_LIMITS } from "./limits.ts";
import { connect as connectTls } from "node:tls";
import { promisify } from "node:util";
import { get, openEdge, openEndpoint, RawClient, say, selfSigned, shopSnapshot, waitFor } from "./testing.ts";
import { skipWithout } from "../ground/testing.ts";

const LINE = "PROXY TCP4 203.0.113.7 10.0.0.1 50000 8080\r\n";
const BINARY =
  "\r\n\r\n\0\r\nQUIT\n\x21\x21\x00\x24" +
  Buffer.from("20010db800000000000000000000000720010db8000000000000000000000001c35001bb", "hex").toString("latin1");

async function openEcho(): Promise<Awaited<ReturnType<typeof openEndpoint>>> {
  return openEndpoint((request, response) => {
    const { "x-real-ip": realIp, "x-forwarded-for": chain, "x-forwarded-port": port } = request.headers;
    response.end(`${String(realIp)} ${String(chain)} ${String(port)}`);
  });
}

async function curl(port: number, ...words: readonly string[]): Promise<string> {
  const url = `http://shop.example:${port}/`;
  const resolve = `shop.example:${port}:127.0.0.1`;
  const { stdout } = await promisify(execFile)("curl", ["-s", "-m", "5", "--resolve", resolve, ...words, url]);
  return stdout;
}

for (const channelMode of ["auto", "streams"] as const) {
  test(`The conveyed client is the client, however the header comes in pieces (${channelMode})`, async () => {
    await using endpoint = await openEcho();
    await using edge = await openEdge(shopSnapshot([endpoint.port]), { proxyProtocol: { sources: [] }, channelMode });
    assert.match(await say(edge.httpPort, LINE + get("/")), /203\.0\.113\.7 203\.0\.113\.7 8080/);
    assert.equal(edge.lines.at(-1)?.client, "203.0.113.7");
    assert.match(await say(edge.httpPort, BINARY + get("/")), /2001:db8::7 2001:db8::7 443/);
    const client = RawClient.connect(edge.httpPort);
    for (const byte of LINE) {
      client.send(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    client.send(get("/"));
    assert.match(await client.end(), /203\.0\.113\.7 203\.0\.113\.7 8080/);
    assert.match(await say(edge.httpPort, `PROXY UNKNOWN\r\n${get("/")}`), /127\.0\.0\.1 127\.0\.0\.1/);
    await waitFor(() => edge.dataPlane.stats().connections.open === 0);
  });
}

test(
  "curl --haproxy-protocol is served by HTTP/1.1 and HTTP/2, and is in trouble where no header is expected",
  { skip: skipWithout("curl") },
  async () => {
    await using endpoint = await openEcho();
    await using edge = await openEdge(shopSnapshot([endpoint.port]), { proxyProtocol: { sources: [] } });
    for (const version of ["--http1.1", "--http2-prior-knowledge"]) {
      const heard = await curl(edge.httpPort, version, "--haproxy-protocol");
      assert.equal(heard, `127.0.0.1 127.0.0.1 ${edge.httpPort}`, version);
    }
    await using plain = await openEdge(shopSnapshot([endpoint.port]));
    assert.match(await say(plain.httpPort, LINE + get("/")), /^HTTP\/1\.1 4/);
  },
);

test("The header comes before TLS", { skip: skipWithout("openssl") }, async () => {
  await using endpoint = await openEcho();
  const snapshot = shopSnapshot([endpoint.port], { more: await selfSigned("shop.example") });
  await using edge = await openEdge(snapshot, { proxyProtocol: { sources: ["192.0.2.0/24", "127.0.0.1"] } });
  const socket = connect({ host: "127.0.0.1", port: edge.httpsPort });
  socket.write(LINE);
  const secure = connectTls({ socket, servername: "shop.example", rejectUnauthorized: false });
  secure.on("error", () => undefined);
  const client = new RawClient(secure);
  client.send(get("/"));
  assert.match(await client.end(), /203\.0\.113\.7 203\.0\.113\.7 443/);
  await waitFor(() => edge.dataPlane.stats().connections.open === 0);
});

test("A connection without a header, or with a bad or a slow one, is closed without a word and counted", async () => {
  await using edge = await openEdge(shopSnapshot([1]), { proxyProtocol: { sources: [] } });
  assert.equal(await say(edge.httpPort, get("/")), "");
  assert.equal(await say(edge.httpPort, `PROXY TCP4 1.1.1.1\r\n${get("/")}`), "");
  assert.equal(await say(edge.httpsPort, "\x16\x03\x01\x00\x05"), "");
  const half = RawClient.connect(edge.httpPort);
  half.socket.end("PROXY TCP4");
  await half.end();
  const slow = RawClient.connect(edge.httpPort);
  slow.send("PROXY ");
  await waitFor(() => edge.dataPlane.stats().connections.open === 1);
  await edge.clock.advance(DEFAULT_LIMITS.proxyHeaderTimeoutMs + 2 * DEFAULT_LIMITS.deadlineSweepMs);
  assert.equal(await slow.end(), "");
  const tooLong = RawClient.connect(edge.httpPort);
  const header = Buffer.from("0d0a0d0a000d0a515549540a2111ffff", "hex");
  header.writeUInt16BE(DEFAULT_LIMITS.proxyHeaderBytesMax - 15, 14);
  tooLong.socket.write(header);
  assert.equal(await tooLong.end(), "", "it says that it is longer than proxyHeaderBytesMax");
  assert.equal(edge.dataPlane.stats().connections.badProxyHeader, 6);
  assert.equal(edge.dataPlane.stats().connections.open, 0);
});

test("A header from an address that may not send one is not even read", async () => {
  await using edge = await openEdge(shopSnapshot([1]), { proxyProtocol: { sources: ["192.0.2.0/24"] } });
  assert.equal(await say(edge.httpPort, LINE + get("/")), "");
  assert.equal(edge.dataPlane.stats().connections.badProxyHeader, 1);
});
