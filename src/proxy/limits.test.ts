import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { connect as connectTcp } from "node:net";
import { test } from "node:test";
import { connect as connectTls } from "node:tls";
import { promisify } from "node:util";
import type { Snapshot } from "../routing/snapshot.ts";
import { CertificateTable } from "./certificate-table.ts";
import { Counters, NONE_OPEN } from "./counters.ts";
import {
  get,
  openEdge,
  openEndpoint,
  openRawEndpoint,
  RawClient,
  say,
  selfSigned,
  shopSnapshot,
  waitFor,
} from "./testing.ts";
import { DEFAULT_LIMITS, type ProxyLimits } from "./limits.ts";
import { MemoryLog, skipWithout } from "../ground/testing.ts";

const MIB = 1024 * 1024;
const REQUEST = "GET / HTTP/1.1\r\nHost: shop.example\r\n";

/** The status of the answer to `text`. */
async function statusOf(port: number, text: string): Promise<string> {
  return (await say(port, text)).slice(9, 12);
}

test("connectionsMax: the connection beyond is closed at once, and the others go on", async () => {
  await using endpoint = await openEndpoint((_request, response) => response.end("ok"));
  await using edge = await openEdge(shopSnapshot([endpoint.port]), { limits: { connectionsMax: 3 } });
  const clients = Array.from({ length: 3 }, () => RawClient.connect(edge.httpPort));
  await waitFor(() => edge.dataPlane.stats().connections.open === 3);
  assert.equal(await say(edge.httpPort, get("/")), "");
  for (const client of clients) {
    client.send(get("/"));
    assert.match(await client.end(), /^HTTP\/1\.1 200 /);
  }
  await waitFor(() => edge.dataPlane.stats().connections.open === 0);
  assert.equal(await statusOf(edge.httpPort, get("/")), "200");
});

test("requestLineBytesMax, requestHeadBytesMax and requestHeadersMax: 414 and 431 at the limit, 200 below", async () => {
  await using endpoint = await openEndpoint((_request, response) => response.end("ok"));
  const limits = { requestLineBytesMax: 1000, requestHeadBytesMax: 2000, requestHeadersMax: 10 };
  await using edge = await openEdge(shopSnapshot([endpoint.port]), { limits });
  assert.equal(await statusOf(edge.httpPort, withLine(1000)), "200");
  assert.equal(await statusOf(edge.httpPort, withLine(1001)), "414");
  assert.equal(await statusOf(edge.httpPort, withHead(2000)), "200");
  assert.equal(await statusOf(edge.httpPort, withHead(2001)), "431");
  assert.equal(await statusOf(edge.httpPort, withHeaders(10)), "200");
  assert.equal(await statusOf(edge.httpPort, withHeaders(11)), "431");
});

test("responseHeadBytesMax and responseHeadersMax: 502 beyond the limit, passed on below", async () => {
  let lines: readonly string[] = [];
  await using endpoint = await openRawEndpoint((socket) =>
    socket.write(["HTTP/1.1 200 OK", "Content-Length: 0", ...lines, "", ""].join("\r\n")),
  );
  const limits = { responseHeadBytesMax: 2000, responseHeadersMax: 10 };
  await using edge = await openEdge(shopSnapshot([endpoint.port]), { limits });
  const answerWith = (more: readonly string[]): Promise<string> => {
    lines = more;
    return statusOf(edge.httpPort, get("/"));
  };
  const fixed = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: \r\n\r\n".length;
  assert.equal(await answerWith([`X: ${"a".repeat(2000 - fixed)}`]), "200");
  assert.equal(await answerWith([`X: ${"a".repeat(2001 - fixed)}`]), "502");
  assert.equal(await answerWith(Array.from({ length: 9 }, () => "X: a")), "200");
  assert.equal(await answerWith(Array.from({ length: 10 }, () => "X: a")), "502");
});

test("requestsPerConnectionMax: the last request is answered with Connection: close", async () => {
  await using endpoint = await openEndpoint((_request, response) => response.end("ok"));
  await using edge = await openEdge(shopSnapshot([endpoint.port]), { limits: { requestsPerConnectionMax: 3 } });
  const heard = await say(edge.httpPort, `${REQUEST}\r\n`.repeat(5));
  assert.equal(heard.match(/HTTP\/1\.1 200 /g)?.length, 3);
  assert.equal(heard.match(/Connection: close/g)?.length, 1);
});

test("upstreamConnectionsMax: 503 for the request beyond, and served again when one is free", async () => {
  const waiting: (() => void)[] = [];
  await using endpoint = await openEndpoint((_request, response) => waiting.push(() => response.end("ok")));
  await using edge = await openEdge(shopSnapshot([endpoint.port]), { limits: { upstreamConnectionsMax: 2 } });
  const answers = [say(edge.httpPort, get("/1")), say(edge.httpPort, get("/2"))];
  await waitFor(() => waiting.length === 2);
  assert.match(await say(edge.httpPort, get("/3")), /^HTTP\/1\.1 503 [\s\S]*too many open connections/);
  for (const answer of waiting.splice(0)) answer();
  for (const answer of await Promise.all(answers)) assert.match(answer, /^HTTP\/1\.1 200 /);
  const again = say(edge.httpPort, get("/4"));
  await waitFor(() => waiting.length === 1);
  waiting[0]?.();
  assert.match(await again, /^HTTP\/1\.1 200 /);
});

test("lingerBytesMax: a body that nobody wants is thrown away up to the limit, then the client is cut off", async () => {
  await using edge = await openEdge(shopSnapshot([]), { limits: { lingerBytesMax: MIB } });
  const client = RawClient.connect(edge.httpPort);
  client.send(`POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: ${64 * MIB}\r\n\r\n`);
  await client.heard("HTTP/1.1 503 ");
  let sent = 0;
  while (!client.socket.destroyed && sent < 64) {
    client.socket.write(Buffer.alloc(MIB));
    sent++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  await client.closed;
  assert.ok(client.socket.bytesWritten < 64 * MIB, "all of it was taken");
});

test("lingerMs: a client that was refused and does not close is cut off after that, and not before", async () => {
  await using edge = await openEdge(shopSnapshot([]));
  const client = RawClient.connect(edge.httpPort);
  client.send("GET / HTTP/1.1\r\n\r\n");
  await client.heard("HTTP/1.1 400 ");
  await waitFor(() => client.ended);
  await edge.clock.advance(DEFAULT_LIMITS.lingerMs - 1);
  assert.equal(edge.dataPlane.stats().connections.open, 1);
  await edge.clock.advance(1 + 2 * DEFAULT_LIMITS.deadlineSweepMs);
  await waitFor(() => edge.dataPlane.stats().connections.open === 0);
  client.socket.destroy();
});

test("deadlineSweepMs: a timeout is never early, and at most two sweeps late", async () => {
  const limits = { deadlineSweepMs: 1000, idleTimeoutMs: 5000 };
  await using endpoint = await openEndpoint((_request, response) => response.end("ok"));
  await using edge = await openEdge(shopSnapshot([endpoint.port]), { limits });
  const client = RawClient.connect(edge.httpPort);
  client.send(`${REQUEST}\r\n`);
  await client.heard("ok");
  await edge.clock.advance(limits.idleTimeoutMs - 1);
  assert.equal(edge.dataPlane.stats().connections.open, 1);
  await edge.clock.advance(1 + 2 * limits.deadlineSweepMs);
  await waitFor(() => edge.dataPlane.stats().connections.open === 0);
  client.socket.destroy();
});

test("countedRoutesMax: the requests of more routes are counted together under the empty id", () => {
  const counters = new Counters(3);
  counters.keepRoutes(new Set(["a", "b", "c", "d"]));
  for (const id of ["a", "b", "c", "d", "d"]) counters.route(id).requestBytes += 1;
  assert.equal(counters.route("a").requestBytes, 1);
  assert.equal(counters.route("").requestBytes, 3);
  assert.equal(counters.stats(1, { ejected: () => 0, open: NONE_OPEN }).routes.length, 3);
});

test(
  "tlsProfilesMax: the name used least recently is built again when it is asked for",
  { skip: skipWithout("openssl") },
  async () => {
    const { certificates } = await selfSigned("a.example");
    const names = ["a.example", "b.example", "c.example"];
    const tls = new Map(
      names.map((host) => [host, { host, certificates: ["a.example"], minVersion: "TLSv1.2" as const }]),
    );
    const table = certificateTable({ tlsProfilesMax: 2 });
    table.adopt({ tls, certificates });
    const [a, b] = [table.profile("a.example"), table.profile("b.example")];
    assert.equal(table.profile("a.example") === a, true);
    const c = table.profile("c.example");
    assert.equal(table.profile("a.example") === a, true, "used since, so kept");
    assert.equal(table.profile("c.example") === c, true);
    assert.equal(table.profile("b.example") === b, false, "gone, and made anew");
    assert.notEqual(table.profile("b.example"), undefined);
  },
);

test("certificateChecksMax: so many are checked with a snapshot, and the rest when it is first used", () => {
  const ids = ["one", "two", "three"];
  const tls = new Map(ids.map((host) => [host, { host, certificates: [host], minVersion: "TLSv1.2" as const }]));
  const certificates = new Map(
    ids.map((id) => [id, { id, chain: "no certificate", key: "no key", notAfterMs: 0, standIn: false }]),
  );
  const log = new MemoryLog();
  const table = certificateTable({ certificateChecksMax: 2 }, log);
  assert.equal(table.adopt({ tls, certificates }).length, 2);
  assert.equal(log.lines.length, 2);
  assert.equal(table.profile("three"), undefined);
  assert.equal(log.lines.length, 3);
});

test("clientSendTimeoutMs: a client that reads nothing is cut off, and its endpoint let go", async () => {
  const body = Buffer.alloc(64 * MIB);
  await using endpoint = await openEndpoint((_request, response) => response.end(body));
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  const client = RawClient.connect(edge.httpPort);
  client.socket.pause();
  client.send(get("/"));
  await waitFor(() => edge.dataPlane.stats().connections.open === 1 && endpoint.sockets.size === 1);
  // What the kernels on the way take is progress, and gives it time again.
  for (let turn = 0; edge.dataPlane.stats().connections.open > 0 && turn < 100; turn++) {
    await edge.clock.advance(DEFAULT_LIMITS.clientSendTimeoutMs);
  }
  await waitFor(() => edge.dataPlane.stats().connections.open === 0);
  await waitFor(() => endpoint.sockets.size === 0);
  client.socket.destroy();
});

test("clientHelloBytesMax: a ClientHello without end is cut off", async () => {
  await using edge = await openEdge(shopSnapshot([]));
  const client = RawClient.connect(edge.httpsPort);
  // The beginning of a ClientHello of nearly 16 MiB.
  client.socket.write(record(Buffer.concat([Buffer.from([0x01, 0xff, 0xff, 0xff]), Buffer.alloc(8000)])));
  for (let count = 0; count < 4; count++) client.socket.write(record(Buffer.alloc(8000)));
  await client.end();
  assert.equal(edge.dataPlane.stats().tls.failed, 1);
});

test("a client's renegotiation in TLS 1.2 is refused", { skip: skipWithout("openssl") }, async () => {
  await using edge = await openEdge(await tlsSnapshot());
  const socket = connectTls({
    port: edge.httpsPort,
    host: "127.0.0.1",
    servername: "shop.example",
    rejectUnauthorized: false,
    maxVersion: "TLSv1.2",
  });
  await new Promise((resolve) => socket.once("secureConnect", resolve));
  const refused = await new Promise<boolean>((resolve) => {
    socket.on("error", () => resolve(true));
    socket.on("close", () => resolve(true));
    socket.renegotiate({}, (error) => resolve(error !== null));
  });
  assert.equal(refused, true);
  socket.destroy();
});

test("thousands of half-open heads cost little memory each, and others are served meanwhile", async () => {
  const count = 2000;
  await using endpoint = await openEndpoint((_request, response) => response.end("ok"));
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  assert.equal(await statusOf(edge.httpPort, get("/")), "200");
  const before = process.memoryUsage().rss;
  const sockets = Array.from({ length: count }, () => connectTcp(edge.httpPort, "127.0.0.1"));
  for (const socket of sockets) {
    socket.on("error", () => undefined);
    socket.write(`${REQUEST}X-Half: ${"a".repeat(1000)}`);
  }
  await waitFor(() => edge.dataPlane.stats().connections.open === count);
  assert.equal(await statusOf(edge.httpPort, get("/")), "200");
  // Both ends of each connection are in this process.
  const perConnection = (process.memoryUsage().rss - before) / count;
  assert.ok(perConnection < 64 * 1024, `${perConnection} bytes for each`);
  await edge.clock.advance(DEFAULT_LIMITS.headTimeoutMs + 2 * DEFAULT_LIMITS.lingerMs);
  await waitFor(() => edge.dataPlane.stats().connections.open === 0);
  for (const socket of sockets) socket.destroy();
});

function certificateTable(limits: Partial<ProxyLimits>, log: MemoryLog = new MemoryLog()): CertificateTable {
  return new CertificateTable({
    log,
    limits: { ...DEFAULT_LIMITS, ...limits },
    ticketKeys: Buffer.alloc(48, 1),
    onSecure: () => undefined,
    onFailed: () => undefined,
  });
}

/** A GET whose request line has that many bytes. */
function withLine(bytes: number): string {
  return get(`/${"a".repeat(bytes - "GET / HTTP/1.1\r\n".length)}`);
}

/** A GET whose head has that many bytes. */
function withHead(bytes: number): string {
  return get("/", `X: ${"a".repeat(bytes - get("/", "X: ").length)}`);
}

/** A GET with that many header lines. */
function withHeaders(count: number): string {
  return get("/", ...Array.from({ length: count - 2 }, () => "X: a"));
}

/** A handshake record of TLS. */
function record(content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x16, 0x03, 0x01, content.length >> 8, content.length & 255]), content]);
}

async function tlsSnapshot(): Promise<Snapshot> {
  const args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"];
  const names = ["-subj", "/CN=shop.example", "-addext", "subjectAltName=DNS:shop.example", "-keyout", "-"];
  const { stdout } = await promisify(execFile)("openssl", [...args, ...names]);
  const key = /-----BEGIN PRIVATE KEY-----[\s\S]*?-----END PRIVATE KEY-----\n/.exec(stdout)?.[0] ?? "";
  const chain = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----\n/.exec(stdout)?.[0] ?? "";
  const certificate = { id: "shop", chain, key, notAfterMs: 4e12, standIn: false };
  return shopSnapshot([], {
    more: {
      tls: new Map([["shop.example", { host: "shop.example", certificates: ["shop"], minVersion: "TLSv1.2" }]]),
      certificates: new Map([["shop", certificate]]),
    },
  });
}
