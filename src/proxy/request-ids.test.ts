import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../ground/testing.ts";
import { RequestIds } from "./request-ids.ts";
import { get, openEdge, openEndpoint, say, shopSnapshot, type TestServer } from "./testing.ts";

/** Answers with the ids it was told, each in brackets. */
function echo(): Promise<TestServer> {
  return openEndpoint((request, response) =>
    response.end(`[${(request.headersDistinct["x-request-id"] ?? []).join("][")}]`),
  );
}

test("RequestIds.of() keeps plain tokens, and makes ids that differ of everything else", () => {
  const ids = new RequestIds(seededRandom(1));
  assert.equal(ids.of("a-b_c.7"), "a-b_c.7");
  assert.equal(ids.of("x".repeat(128)).length, 128);
  const made = new Set([undefined, "", "two words", 'a"b', "x".repeat(129)].map((claimed) => ids.of(claimed)));
  assert.equal(made.size, 5);
  for (const id of made) assert.match(id, /^[0-9a-f]{32}$/);
  for (let index = 0; index < 1_000; index++) made.add(ids.of(undefined));
  assert.equal(made.size, 1_005);
  for (const id of made) assert.match(id, /^[0-9a-f]{32}$/);
});

test("An endpoint is told the id that the log has: the client's, or a new one, for errors of the edge too", async () => {
  await using endpoint = await echo();
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  assert.match(await say(edge.httpPort, get("/", "X-Request-Id: mine-1")), /\[mine-1\]/);
  assert.equal(edge.lines.at(-1)?.requestId, "mine-1");
  const made = /\[([0-9a-f]{32})\]/.exec(await say(edge.httpPort, get("/", "X-Request-Id: two words")))?.[1];
  assert.equal(edge.lines.at(-1)?.requestId, made);
  assert.deepEqual(edge.lines.at(-1)?.source, { kind: "Ingress", namespace: "shop", name: "web" });
  assert.equal(edge.lines.at(-1)?.tlsVersion, undefined);
  await say(
    edge.httpPort,
    "GET /gone HTTP/1.1\r\nHost: elsewhere.example\r\nX-Request-ID: mine-2\r\nConnection: close\r\n\r\n",
  );
  assert.equal(edge.lines.at(-1)?.status, 404);
  assert.equal(edge.lines.at(-1)?.requestId, "mine-2");
});

test("An endpoint is told exactly one id when no log is written", async () => {
  await using endpoint = await echo();
  await using edge = await openEdge(shopSnapshot([endpoint.port]), { accessLog: undefined });
  assert.match(await say(edge.httpPort, get("/", "x-request-id: mine-1", "X-Request-ID: mine-2")), /\[mine-1\]/);
  assert.match(await say(edge.httpPort, get("/")), /\[[0-9a-f]{32}\]/);
  assert.match(await say(edge.httpPort, get("/", `X-Request-ID: ${"x".repeat(129)}`)), /\[[0-9a-f]{32}\]/);
});

test("A route may ask for no line in the access log", async () => {
  await using endpoint = await echo();
  await using edge = await openEdge(shopSnapshot([endpoint.port], { policy: { accessLog: false } }));
  assert.match(await say(edge.httpPort, get("/")), /200 OK/);
  assert.equal(edge.lines.length, 0);
});
