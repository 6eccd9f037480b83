import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { connect, createServer, type TLSSocket } from "node:tls";
import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { test } from "node:test";
import { promisify } from "node:util";
import { skipWithout } from "../ground/testing.ts";
import type { AccessLists, Snapshot } from "../routing/snapshot.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import { closedPort, get, openEdge, openEndpoint, RawClient, selfSigned, shopSnapshot, waitFor } from "./testing.ts";

const HOST = "through.example";

const skip = skipWithout("openssl");

/** A test whose certificates are made with OpenSSL. */
function withOpenSsl(title: string, run: () => Promise<void>): void {
  test(title, { skip }, run);
}

/** A TLS server that says who it is and echoes; closed with its connections. */
async function openTlsEndpoint(): Promise<AsyncDisposable & { readonly port: number }> {
  const { certificates } = await selfSigned(HOST);
  const { chain: cert, key } = certificates.get(HOST) ?? {};
  const sockets = new Set<TLSSocket>();
  const server = createServer({ cert, key }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.write("endpoint\n");
    socket.pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

function through(ports: readonly number[], access?: AccessLists, more: Partial<Snapshot> = {}): Snapshot {
  const entry = {
    host: HOST,
    certificates: [],
    minVersion: "TLSv1.2",
    passthrough: { backend: "shop/web:80", access },
  } as const;
  return shopSnapshot(ports, { more: { ...more, tls: new Map([...(more.tls ?? []), [HOST, entry]]) } });
}

function secureClient(port: number, servername: string): RawClient {
  const socket = connect({ host: "127.0.0.1", port, servername, rejectUnauthorized: false });
  return new RawClient(socket);
}

for (const channelMode of ["auto", "streams"] as const) {
  withOpenSsl(
    `TLS of a host passes through both ways, past a dead endpoint and over a swap (${channelMode})`,
    async () => {
      await using endpoint = await openTlsEndpoint();
      const ports = [await closedPort(), endpoint.port];
      await using edge = await openEdge(through(ports), { channelMode, limits: { ejectionFailures: 1 } });
      const client = secureClient(edge.httpsPort, HOST);
      await client.heard("endpoint\n");
      edge.dataPlane.serve(shopSnapshot([], { generation: 2 }));
      const text = "x".repeat(300_000);
      client.send(`${text}end`);
      await client.heard("xend");
      assert.ok(client.text === `endpoint\n${text}end`);
      assert.equal(edge.dataPlane.stats().connections.tunnels, 1);
      client.socket.destroy();
      await waitFor(() => edge.dataPlane.stats().connections.open === 0);
      assert.equal(edge.dataPlane.stats().upstream.open, 0);
      const [line] = edge.lines;
      assert.deepEqual(
        [line?.protocol, line?.tlsVersion, line?.host, line?.status, line?.backend, line?.endpoint, line?.reason],
        ["TLS", "passthrough", HOST, 200, "shop/web:80", `127.0.0.1:${endpoint.port}`, undefined],
      );
      assert.ok((line?.responseBytes ?? 0) > text.length && (line?.requestBytes ?? 0) > text.length);
      assert.equal(edge.lines.length, 1);
    },
  );
}

withOpenSsl("openssl s_client meets the endpoint's certificate there, and ours beside it", async () => {
  await using endpoint = await openTlsEndpoint();
  await using web = await openEndpoint((_request, response) => response.end("terminated"));
  await using edge = await openEdge(through([endpoint.port], undefined, await selfSigned("shop.example")));
  const words = ["s_client", "-connect", `127.0.0.1:${edge.httpsPort}`, "-servername", HOST];
  const { stdout } = await promisify(execFile)("sh", ["-c", `echo | openssl ${words.join(" ")} 2>&1`]);
  assert.match(stdout, /CN ?= ?through\.example/);
  edge.dataPlane.serve(shopSnapshot([web.port], { generation: 2, more: await selfSigned("shop.example") }));
  const beside = secureClient(edge.httpsPort, "shop.example");
  beside.send(get("/"));
  assert.match(await beside.end(), /terminated/);
});

withOpenSsl(
  "A passed-through connection is closed when idle, when refused, and when no endpoint takes it",
  async () => {
    await using endpoint = await openTlsEndpoint();
    await using edge = await openEdge(through([endpoint.port]), { limits: { passthroughIdleTimeoutMs: 5000 } });
    const idle = secureClient(edge.httpsPort, HOST);
    await idle.heard("endpoint\n");
    await edge.clock.advance(6000);
    await idle.closed;
    edge.dataPlane.serve(through([endpoint.port], { deny: ["127.0.0.1"] }));
    await secureClient(edge.httpsPort, HOST).closed;
    edge.dataPlane.serve(through([await closedPort()]));
    await secureClient(edge.httpsPort, HOST).closed;
    edge.dataPlane.serve(through([]));
    await secureClient(edge.httpsPort, HOST).closed;
    await waitFor(() => edge.dataPlane.stats().connections.open === 0);
    assert.deepEqual(
      edge.lines.map(({ status, reason = "" }) => `${status} ${reason.replace(/1:\d+/, "1:PORT")}`),
      [
        "200 ",
        '403 Client address "127.0.0.1" does not get in here',
        '502 Service "shop/web" endpoint 127.0.0.1:PORT refused the connection',
        '503 Service "shop/web:80" has no ready endpoints',
      ],
    );
  },
);

test("passthroughConnectTimeoutMs: an endpoint that does not accept is given up, and the log says so", async () => {
  await using endpoint = await openDeafEndpoint();
  await using edge = await openEdge(through([endpoint.port]));
  const client = secureClient(edge.httpsPort, HOST);
  await waitFor(() => edge.dataPlane.stats().upstream.open === 1);
  await edge.clock.advance(DEFAULT_LIMITS.passthroughConnectTimeoutMs - 1);
  assert.equal(edge.lines.length, 0);
  await edge.clock.advance(1 + 2 * DEFAULT_LIMITS.deadlineSweepMs);
  await client.closed;
  await waitFor(() => edge.lines.length === 1);
  assert.equal(edge.lines[0]?.status, 504);
  assert.match(edge.lines[0].reason ?? "", /did not accept the connection in time$/);
});

/** A port whose process stands still, with a full queue: the kernel lets further connections wait. */
async function openDeafEndpoint(): Promise<AsyncDisposable & { readonly port: number }> {
  const script =
    'const s = require("net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => console.log(s.address().port))';
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "ignore"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const port = Number(line.toString());
  child.kill("SIGSTOP");
  const fillers = Array.from({ length: 8 }, () => connectTcp({ port, host: "127.0.0.1" }));
  for (const filler of fillers) filler.on("error", () => undefined);
  await Promise.race(fillers.map((filler) => once(filler, "connect")));
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      for (const filler of fillers) filler.destroy();
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
  };
}
