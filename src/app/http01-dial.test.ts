import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import { test, type TestContext } from "node:test";
import { ManualClock } from "../ground/testing.ts";
import { http01Dial, BODY_BYTES_MAX } from "./http01-dial.ts";
import type { Address } from "./role-settings.ts";

const NEVER = new AbortController().signal;

test("http01Dial() dials the edge with the name as Host when DNS does not know the name", async (t) => {
  const edge = await startEdge(t, (host, url) => `${host} ${url}`);
  const dial = http01Dial({
    edge,
    offline: false,
    clock: new ManualClock(),
    resolve: () => Promise.reject(new Error("ENOTFOUND")),
  });
  assert.deepEqual(await dial("shop.minikube.me", "/.well-known/acme-challenge/x", { signal: NEVER }), {
    status: 200,
    body: "shop.minikube.me /.well-known/acme-challenge/x",
  });
});

test("http01Dial() says that nobody is behind it when the edge expects a PROXY header", async (t) => {
  const server = createTcpServer((socket) => {
    socket.on("data", (bytes) => {
      const text = bytes.toString();
      if (text.includes("\r\n\r\n")) socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const address = server.address();
  const edge = { host: "127.0.0.1", port: typeof address === "object" && address !== null ? address.port : 0 };
  const dial = http01Dial({ edge, offline: true, clock: new ManualClock(), proxyProtocol: true });
  const { body } = await dial("shop.dev", "/x", { signal: NEVER });
  assert.match(body, /^PROXY UNKNOWN\r\nGET \/x HTTP\/1\.1\r\n/);
});

test("http01Dial() dials the edge when DNS says the name is this machine", async (t) => {
  const edge = await startEdge(t, () => "edge");
  const dial = http01Dial({
    edge,
    offline: false,
    clock: new ManualClock(),
    resolve: () => Promise.resolve(["127.0.0.1", "::1"]),
  });
  assert.equal((await dial("shop.dev", "/", { signal: NEVER })).body, "edge");
});

test("http01Dial() asks no resolver for names that are never public, nor for any name when offline", async (t) => {
  const edge = await startEdge(t, () => "edge");
  const online = http01Dial({ edge, offline: false, clock: new ManualClock(), resolve });
  assert.equal((await online("hello.localhost", "/", { signal: NEVER })).body, "edge");
  const offline = http01Dial({ edge, offline: true, clock: new ManualClock(), resolve });
  assert.equal((await offline("shop.com", "/", { signal: NEVER })).body, "edge");
});

test("http01Dial() rejects naming host and target when nothing answers", async (t) => {
  const edge = await startEdge(t, () => "x".repeat(BODY_BYTES_MAX + 1));
  const dial = http01Dial({ edge, offline: true, clock: new ManualClock() });
  await assert.rejects(dial("a.localhost", "/", { signal: NEVER }), /Cannot reach "a.localhost".*longer than any key/);
});

function resolve(): Promise<never> {
  assert.fail("no lookup expected");
}

async function startEdge(t: TestContext, answer: (host: string, url: string) => string): Promise<Address> {
  const server = createServer((request, response) =>
    response.end(answer(request.headers.host ?? "", request.url ?? "")),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return { host: "127.0.0.1", port: address.port };
}
