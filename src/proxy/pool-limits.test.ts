import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_LIMITS } from "./limits.ts";
import { get, openEdge, openEndpoint, say, shopSnapshot, waitFor } from "./testing.ts";

const SWEEPS_MS = 2 * DEFAULT_LIMITS.deadlineSweepMs;
const POST = "POST / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi";

test("upstreamIdleMax: no more connections than that are kept open for the next requests", async () => {
  const waiting: (() => void)[] = [];
  await using endpoint = await openEndpoint((_request, response) => waiting.push(() => response.end("ok")));
  await using edge = await openEdge(shopSnapshot([endpoint.port]), { limits: { upstreamIdleMax: 2 } });
  const answers = Array.from({ length: 5 }, () => say(edge.httpPort, get("/")));
  await waitFor(() => waiting.length === 5);
  assert.equal(edge.dataPlane.stats().upstream.open, 5);
  for (const answer of waiting) answer();
  for (const answer of await Promise.all(answers)) assert.match(answer, /^HTTP\/1\.1 200 /);
  await waitFor(() => endpoint.sockets.size === 2);
  assert.equal(edge.dataPlane.stats().upstream.open, 2);
});

test("upstreamIdleTimeoutMs: a connection that is not used is closed after that, and not before", async () => {
  const { upstreamIdleTimeoutMs } = DEFAULT_LIMITS;
  await using endpoint = await openEndpoint((_request, response) => response.end("ok"));
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  await say(edge.httpPort, get("/"));
  await waitFor(() => edge.dataPlane.stats().connections.open === 0);
  await edge.clock.advance(upstreamIdleTimeoutMs - 1);
  assert.equal(edge.dataPlane.stats().upstream.open, 1);
  await edge.clock.advance(SWEEPS_MS + 1);
  await waitFor(() => edge.dataPlane.stats().upstream.open === 0);
});

test("upstreamFreshMs: a request that must not be sent twice takes no connection that was idle for longer", async () => {
  const { upstreamFreshMs } = DEFAULT_LIMITS;
  await using endpoint = await openEndpoint((request, response) => {
    request.resume().on("end", () => response.end("ok"));
  });
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  const { dataPlane, httpPort, clock } = edge;
  await say(httpPort, get("/"));
  await say(httpPort, POST);
  assert.deepEqual([dataPlane.stats().upstream.opened, dataPlane.stats().upstream.reused], [1, 1]);
  await clock.advance(upstreamFreshMs + SWEEPS_MS);
  await say(httpPort, get("/"));
  assert.deepEqual([dataPlane.stats().upstream.opened, dataPlane.stats().upstream.reused], [1, 2]);
  await clock.advance(upstreamFreshMs + SWEEPS_MS);
  await say(httpPort, POST);
  assert.deepEqual([dataPlane.stats().upstream.opened, dataPlane.stats().upstream.reused], [2, 2]);
});
