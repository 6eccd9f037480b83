import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_LIMITS } from "./limits.ts";
import { closedPort, get, openEdge, openEndpoint, openRawEndpoint, RawClient, say, shopSnapshot } from "./testing.ts";

test("Every 4xx and 5xx that the edge makes has its reason in the access log and in the answer", async () => {
  await using good = await openEndpoint((request, response) => {
    request.resume().on("end", () => response.end("ok"));
  });
  await using bad = await openRawEndpoint((socket) => socket.end("nonsense\r\n\r\n"));
  await using silent = await openRawEndpoint(() => undefined);
  const refusing = await closedPort();
  await using edge = await openEdge(shopSnapshot([good.port]));
  const { dataPlane, httpPort, clock } = edge;
  const post = "POST / HTTP/1.1\r\nHost: shop.example\r\n";
  const readTimeoutMs = 1000;
  for (const [status, run] of [
    [400, () => say(httpPort, "GET / HTTP/1.1\r\n\r\n")],
    [403, () => at(shopSnapshot([good.port], { policy: { access: { allow: [] } } }), get("/"))],
    [404, () => say(httpPort, "GET / HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n")],
    [405, () => say(httpPort, "TRACE / HTTP/1.1\r\nHost: shop.example\r\n\r\n")],
    [408, () => slowly("GET / HTTP/1.1\r\n", DEFAULT_LIMITS.headTimeoutMs)],
    [408, () => slowly(`${post}Content-Length: 5\r\n\r\nab`, DEFAULT_LIMITS.bodyTimeoutMs)],
    [413, () => at(shopSnapshot([good.port], { policy: { bodyBytesMax: 1 } }), `${post}Content-Length: 2\r\n\r\nab`)],
    [414, () => say(httpPort, get(`/${"a".repeat(9000)}`))],
    [417, () => say(httpPort, get("/", "Expect: a-miracle"))],
    [431, () => say(httpPort, get("/", `X: ${"a".repeat(40_000)}`))],
    [502, () => at(shopSnapshot([refusing]), get("/"))],
    [502, () => at(shopSnapshot([bad.port]), get("/"))],
    [503, () => at(shopSnapshot([]), get("/"))],
    [504, () => at(shopSnapshot([silent.port], { policy: { readTimeoutMs } }), get("/"), readTimeoutMs)],
    [505, () => say(httpPort, "GET / HTTP/2.0\r\nHost: shop.example\r\n\r\n")],
  ] as const) {
    edge.lines.length = 0;
    dataPlane.serve(shopSnapshot([good.port], { generation: dataPlane.generation + 1 }));
    const answer = await run();
    const [line] = edge.lines;
    assert.ok(answer.startsWith(`HTTP/1.1 ${status} `), `${status}: ${answer}`);
    assert.equal(line?.status, status);
    assert.ok(line.reason !== undefined && line.reason !== "", `${status} has no reason`);
    assert.ok(answer.includes(line.reason), `${status}: ${answer}`);
    assert.equal(edge.lines.length, 1);
  }

  /** Asks where the snapshot is served; time passes once the endpoint has the request. */
  async function at(snapshot: ReturnType<typeof shopSnapshot>, text: string, waitMs = 0): Promise<string> {
    dataPlane.serve({ ...snapshot, generation: dataPlane.generation + 1 });
    if (waitMs === 0) return say(httpPort, text);
    return slowly(text, waitMs);
  }

  /** Says something, and resolves with the answer once so much time has passed for the edge. */
  async function slowly(text: string, waitMs: number): Promise<string> {
    const client = RawClient.connect(httpPort);
    client.send(text);
    const answered = client.end();
    while (edge.lines.length === 0) {
      await clock.advance(waitMs / 4);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return answered;
  }
});
