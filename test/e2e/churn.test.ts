// What is served changes a thousand times while clients are being served.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { Agent, request, type RequestOptions } from "node:https";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import { systemClock } from "../../src/ground/system-clock.ts";
import type { Instance } from "./instance.ts";
import { startSites } from "./site.ts";

const HOST = "one.localhost";
const CHANGES = 1_000;
const SOCKETS = 1_000;
/** Clients leave the two cores of a small machine to what they test. */
const PAUSE_MS = 4;

const INGRESS = "/apis/networking.k8s.io/v1/namespaces/default/ingresses/one";
const SLICE = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/one";

test(`${CHANGES} changes of Ingress and EndpointSlice fail no request, and are served at once`, async (t) => {
  const [a, b, c] = await Promise.all([backend(t, "a"), backend(t, "b"), backend(t, "c")]);
  const instance = await startSites(t, [
    { name: "one", port: a },
    { name: "two", port: b },
  ]);
  const api = apiOf(t, instance);
  const probe = clientOf(t, instance, true);
  const load = startLoad(t, instance);
  const startMs = systemClock.monotonicMs();
  const tookMs: number[] = [];
  let endpoint = { name: "a", port: a };
  for (let change = 0; change < CHANGES; change++) {
    if (change % 3 === 0) {
      endpoint = endpoint.name === "a" ? { name: "c", port: c } : { name: "a", port: a };
      await api(SLICE, { ports: [{ name: "main", port: endpoint.port }] });
    } else await api(INGRESS, { spec: { rules: [ruleTo(change % 3 === 1 ? "two" : "one")] } });
    const expected = change % 3 === 1 ? "b" : endpoint.name;
    const answeredMs = systemClock.monotonicMs();
    while ((await probe()) !== expected) {
      assert.ok(systemClock.monotonicMs() - answeredMs < 60_000, `change ${change} is not served`);
    }
    tookMs.push(systemClock.monotonicMs() - answeredMs);
  }
  const allMs = systemClock.monotonicMs() - startMs;
  const { served, failed } = await load.stop();
  tookMs.sort((x, y) => x - y);
  const at = (share: number): number => tookMs[Math.floor(tookMs.length * share)] ?? 0;
  t.diagnostic(`written to served: median ${at(0.5).toFixed(1)} ms, 95 % ${at(0.95).toFixed(1)} ms`);
  t.diagnostic(`${served.join(" + ")} requests (kept, new, HTTP/2) in ${(allMs / 1_000).toFixed(1)} s`);
  assert.deepEqual(failed, []);
  assert.ok(served.every((count) => count > 0));
});

test(`${SOCKETS} idle WebSockets survive ${CHANGES} edits of their Ingress`, async (t) => {
  const port = await backend(t, "a");
  const instance = await startSites(t, [
    { name: "one", port },
    { name: "two", port: await backend(t, "b") },
  ]);
  const startMs = systemClock.monotonicMs();
  const api = apiOf(t, instance);
  const sockets: TLSSocket[] = [];
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  while (sockets.length < SOCKETS) {
    sockets.push(...(await Promise.all(Array.from({ length: 25 }, () => upgraded(instance)))));
  }
  for (let change = 0; change < CHANGES; change++) {
    await api(INGRESS, { spec: { rules: [ruleTo(change % 2 === 0 ? "two" : "one")] } });
  }
  const echoes = await Promise.all(
    sockets.map(async (socket, index) => {
      const came = once(socket, "data", { signal: AbortSignal.timeout(60_000) });
      socket.write(`echo ${index}`);
      const [data] = (await came) as [Buffer];
      return String(data) === `echo ${index}`;
    }),
  );
  assert.equal(echoes.filter((isEcho) => isEcho).length, SOCKETS);
  const tookMs = systemClock.monotonicMs() - startMs;
  t.diagnostic(`${SOCKETS} sockets, ${CHANGES} edits in ${(tookMs / 1_000).toFixed(1)} s`);
});

function ruleTo(name: string): unknown {
  const service = { name, port: { name: "main" } };
  return { host: HOST, http: { paths: [{ path: "/", pathType: "Prefix", backend: { service } }] } };
}

/** Says its name, and echoes what comes over a connection that was upgraded. */
async function backend(t: TestContext, name: string): Promise<number> {
  const server: Server = createServer((_incoming, response) => void response.end(name));
  server.on("upgrade", (_incoming, socket) => {
    socket.on("error", () => undefined);
    socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    socket.pipe(socket);
    t.after(() => socket.destroy());
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Merge-patches one object after the other, on one connection. */
function apiOf(t: TestContext, instance: Instance): (path: string, patch: unknown) => Promise<void> {
  const kubeconfig = readFileSync(instance.kubeconfig, "utf8");
  const token = /"?token"?: "?([^"\s]+)/.exec(kubeconfig)?.[1] ?? "";
  const server = /"?server"?: "?(https:[^"\s]+)/.exec(kubeconfig)?.[1] ?? "";
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/merge-patch+json" };
  return async (path, patch) => {
    const { hostname: host, port } = new URL(server);
    const options = { host, port, path, method: "PATCH", headers, agent, ca: instance.ca };
    const { status, body } = await exchange(options, JSON.stringify(patch));
    assert.equal(status, 200, body);
  };
}

function clientOf(t: TestContext, instance: Instance, keepAlive: boolean): () => Promise<string> {
  const { host, port } = instance.https;
  const agent = new Agent({ keepAlive, maxSockets: 1 });
  t.after(() => agent.destroy());
  const options = { host, port, servername: HOST, headers: { host: HOST }, ca: instance.ca, agent };
  return async () => {
    const { status, body } = await exchange(options);
    if (status !== 200) throw new Error(`${status} ${body}`);
    return body;
  };
}

function exchange(options: RequestOptions, body = ""): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const call = request({ ...options, timeout: 60_000 }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: text }));
      response.on("error", reject);
    });
    call.on("timeout", () => call.destroy(new Error("No answer within a minute")));
    call.on("error", reject);
    call.end(body);
  });
}

interface Load {
  stop(): Promise<{ readonly served: readonly number[]; readonly failed: readonly string[] }>;
}

/** One client that keeps its connection, one that makes a new one each time, one that speaks HTTP/2. */
function startLoad(t: TestContext, instance: Instance): Load {
  const failed: string[] = [];
  const stopping = new AbortController();
  const asks = [clientOf(t, instance, true), clientOf(t, instance, false), http2Client(t, instance)];
  const clients = asks.map(async (ask, index) => {
    let served = 0;
    while (!stopping.signal.aborted) {
      try {
        await ask();
        served++;
      } catch (error) {
        failed.push(`client ${index}: ${String(error)}`);
      }
      await systemClock.sleep(PAUSE_MS);
    }
    return served;
  });
  return {
    stop: async () => {
      stopping.abort();
      return { served: await Promise.all(clients), failed };
    },
  };
}

function http2Client(t: TestContext, instance: Instance): () => Promise<string> {
  const { host, port } = instance.https;
  const session = connectHttp2(`https://${host}:${port}`, { ca: instance.ca, servername: HOST });
  session.on("error", () => undefined);
  t.after(() => session.destroy());
  return () =>
    new Promise((resolve, reject) => {
      const stream = session.request({ ":path": "/", ":authority": HOST });
      let status: unknown;
      let body = "";
      stream.setEncoding("utf8");
      stream.on("response", (headers) => (status = headers[":status"]));
      stream.on("data", (chunk: string) => (body += chunk));
      stream.on("end", () => (status === 200 ? resolve(body) : reject(new Error(`${String(status)} ${body}`))));
      stream.on("error", reject);
      stream.end();
    });
}

async function upgraded(instance: Instance): Promise<TLSSocket> {
  const { host, port } = instance.https;
  const socket = connect({ host, port, servername: HOST, ca: instance.ca, ALPNProtocols: ["http/1.1"] });
  socket.on("error", () => undefined);
  socket.write(
    `GET / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  const [head] = (await once(socket, "data", { signal: AbortSignal.timeout(60_000) })) as [Buffer];
  assert.match(String(head), /^HTTP\/1\.1 101 /);
  return socket;
}
