// What is in flight when a process is told to leave: it ends well within the grace, and is cut off after it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { request } from "node:https";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import { test, type TestContext } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { systemClock } from "../../src/ground/system-clock.ts";
import { eventually } from "./eventually.ts";
import { httpsGet } from "./https-get.ts";
import type { Instance } from "./instance.ts";
import { startSites } from "./site.ts";

const HOST = "slow.localhost";
const PIECE = Buffer.alloc(256 * 1024, "x");
/** More than every buffer on the way can hold, so that the end is still at the endpoint. */
const PIECES = 160;

test("HTTP/2 streams in flight end well on the old worker, which wants no more of them", async (t) => {
  const endpoint = await startEndpoint(t);
  const instance = await startSites(t, [{ name: "slow", port: endpoint.port }], ["--grace", "60"]);
  const { host, port } = instance.https;
  const session = connectHttp2(`https://${host}:${port}`, { servername: HOST, ca: instance.ca });
  t.after(() => session.destroy());
  const goaway = once(session, "goaway");
  const calls = ["/a", "/b"].map((path) => session.request({ ":path": path, ":authority": HOST }));
  const bodies = calls.map(async (call) => {
    let text = "";
    for await (const chunk of call) text += String(chunk);
    return text;
  });
  const responses = await endpoint.waiting(2);
  instance.child.kill("SIGHUP");
  await instance.printed("Replaced the workers");
  assert.deepEqual((await goaway)[0], 0, "NO_ERROR");
  assert.ok(session.closed, "the client opens no more streams here");
  assert.equal((await httpsGet(instance, HOST, "/now")).body, "now");
  for (const response of responses) response.end(" and end");
  assert.deepEqual(await Promise.all(bodies), ["begin and end", "begin and end"]);
});

test("a long download through SIGTERM is complete when it ends within the grace, and Lintel leaves then", async (t) => {
  const endpoint = await startEndpoint(t);
  const instance = await startSites(t, [{ name: "slow", port: endpoint.port }], ["--grace", "300"]);
  const download = await startDownload(instance);
  const beganMs = systemClock.monotonicMs();
  const exited = once(instance.child, "exit");
  instance.child.kill("SIGTERM");
  await instance.printed("Stopping");
  await eventually("new connections are refused", () =>
    httpsGet(instance, HOST, "/now").then(
      () => undefined,
      (error: unknown) => /ECONNREFUSED/.test(String(error)) || undefined,
    ),
  );
  assert.equal(await download.finish(), PIECES * PIECE.length);
  assert.deepEqual(await exited, [0, null]);
  assert.ok(systemClock.monotonicMs() - beganMs < 200_000, "it did not wait for the end of the grace");
});

test("a download that takes longer than the grace is cut off, and does not look complete", async (t) => {
  const endpoint = await startEndpoint(t);
  const instance = await startSites(t, [{ name: "slow", port: endpoint.port }], ["--grace", "1"]);
  const download = await startDownload(instance);
  const exited = once(instance.child, "exit");
  instance.child.kill("SIGTERM");
  assert.deepEqual(await exited, [0, null]);
  await assert.rejects(download.finish());
});

test("a WebSocket of a replaced worker lives on until the grace ends", async (t) => {
  const graceSeconds = 4;
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  server.on("connection", (socket) => {
    socket.on("error", () => undefined);
    socket.on("message", (data) => socket.send(data));
  });
  await once(server, "listening");
  t.after(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  const site = { name: "slow", port: (server.address() as AddressInfo).port };
  const instance = await startSites(t, [site], ["--grace", String(graceSeconds)]);
  const { host, port } = instance.https;
  // The types of `ws` do not know that this goes to TLS.
  const name = { servername: HOST };
  const socket = new WebSocket(`wss://${host}:${port}/`, { ca: instance.ca, headers: { host: HOST }, ...name });
  t.after(() => socket.terminate());
  await once(socket, "open");
  const close = once(socket, "close");
  const beganMs = systemClock.monotonicMs();
  instance.child.kill("SIGHUP");
  let echoes = 0;
  while (!instance.output.includes("Replaced the workers") && socket.readyState === WebSocket.OPEN) {
    const echo = once(socket, "message");
    socket.send("hello");
    await Promise.race([echo, close]);
    echoes++;
  }
  assert.ok(echoes > 0);
  await close;
  assert.ok(systemClock.monotonicMs() - beganMs >= graceSeconds * 1_000, "it was not cut off before the end");
});

interface Endpoint {
  readonly port: number;
  /** Resolves with the responses that are begun and wait to be ended, once there are that many. */
  waiting(count: number): Promise<readonly ServerResponse[]>;
}

/** `/now` is answered at once, `/download` with {@link PIECES}, and everything else begun only. */
async function startEndpoint(t: TestContext): Promise<Endpoint> {
  const open: ServerResponse[] = [];
  const server = createServer((incoming, response) => {
    if (incoming.url === "/now") return void response.end("now");
    if (incoming.url === "/download") return void pipeline(pieces, response).catch(() => undefined);
    open.push(response);
    return void response.write("begin");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    port: (server.address() as AddressInfo).port,
    waiting: (count) => eventually(`${count} requests`, () => (open.length === count ? open : undefined)),
  };
}

function* pieces(): Iterable<Buffer> {
  for (let sent = 0; sent < PIECES; sent++) yield PIECE;
}

/** Begins a download and takes nothing of it until asked to finish; resolves then with the bytes that came. */
async function startDownload(instance: Instance): Promise<{ finish(): Promise<number> }> {
  const { host, port } = instance.https;
  const headers = { host: HOST };
  const call = request({ host, port, servername: HOST, path: "/download", headers, ca: instance.ca, agent: false });
  call.end();
  const response = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
    call.on("response", resolve).on("error", reject);
  });
  response.pause();
  return {
    finish: () =>
      new Promise((resolve, reject) => {
        let bytes = 0;
        response.on("data", (chunk: Buffer) => (bytes += chunk.length));
        response.on("end", () => resolve(bytes));
        response.on("error", reject);
        response.resume();
      }),
  };
}
