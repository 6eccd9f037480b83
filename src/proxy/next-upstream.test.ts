import assert from "node:assert/strict";
import { test } from "node:test";
import type { RetryConditions, RoutePolicy } from "../routing/snapshot.ts";
import {
  get,
  openEdge,
  openEndpoint,
  openRawEndpoint,
  say,
  shopSnapshot,
  type TestEdge,
  type TestServer,
  waitFor,
} from "./testing.ts";

const NEVER: RetryConditions = {
  error: false,
  timeout: false,
  invalidHeader: false,
  statuses: [],
  nonIdempotent: false,
};
const DEFAULT: RetryConditions = { ...NEVER, error: true, timeout: true };

const served = (): Promise<TestServer> =>
  openEndpoint((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => response.end(`served ${Buffer.concat(parts).toString()}`));
  });

/** The first endpoint is the bad one. */
function openBoth(bad: TestServer, good: TestServer, policy: Partial<RoutePolicy>): Promise<TestEdge> {
  return openEdge(shopSnapshot([bad.port, good.port], { policy: { attemptsMax: 3, ...policy } }));
}

const breaksOff = (): Promise<TestServer> => openRawEndpoint((socket) => socket.destroy());
const answers = (text: string): Promise<TestServer> => openRawEndpoint((socket) => socket.end(text));
const UNAVAILABLE = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy";
const POST = get("/").replace("GET", "POST").replace("\r\n\r\n", "\r\nContent-Length: 4\r\n\r\nbody");

/** Asks until the first endpoint has been asked: its turn may be the second. */
async function askBad(edge: TestEdge, request: string): Promise<string> {
  const first = await say(edge.httpPort, request);
  return edge.dataPlane.stats().backends[0]?.requests === 1 && first.includes("served")
    ? say(edge.httpPort, request)
    : first;
}

test("Exchange tries another endpoint after an error unless the route does not want it", async () => {
  await using bad = await breaksOff();
  await using good = await served();
  for (const [conditions, status] of [
    [undefined, 200],
    [DEFAULT, 200],
    [{ ...NEVER, timeout: true }, 502],
    [NEVER, 502],
  ] as const) {
    await using edge = await openBoth(bad, good, { retryOn: conditions });
    assert.match(await askBad(edge, get("/")), new RegExp(`^HTTP/1\\.1 ${status} `));
  }
});

test("Exchange passes over answers with a status that the route does not take, but not over the last", async () => {
  await using bad = await answers(UNAVAILABLE);
  await using good = await served();
  const conditions = { ...DEFAULT, statuses: [503] };
  await using edge = await openBoth(bad, good, { retryOn: conditions });
  assert.match(await askBad(edge, get("/")), /^HTTP\/1\.1 200 [\s\S]*served/);
  assert.equal(edge.dataPlane.stats().upstream.retries, 1);
  await using taking = await openBoth(bad, good, { retryOn: { ...DEFAULT, statuses: [500] } });
  assert.match(await askBad(taking, get("/")), /^HTTP\/1\.1 503 [\s\S]*busy$/);
  await using other = await answers(UNAVAILABLE);
  await using none = await openBoth(bad, other, { retryOn: conditions });
  assert.match(await say(none.httpPort, get("/")), /^HTTP\/1\.1 503 [\s\S]*busy$/);
  assert.equal(none.dataPlane.stats().upstream.retries, 1);
});

test("Exchange sends a POST again only where the route says so, with the whole of its body", async () => {
  await using bad = await answers(UNAVAILABLE);
  await using good = await served();
  const statuses = [503];
  await using careful = await openBoth(bad, good, { retryOn: { ...DEFAULT, statuses } });
  assert.match(await askBad(careful, POST), /^HTTP\/1\.1 503 /);
  await using bold = await openBoth(bad, good, { retryOn: { ...DEFAULT, statuses, nonIdempotent: true } });
  assert.match(await askBad(bold, POST), /^HTTP\/1\.1 200 [\s\S]*served body/);
  await using broken = await breaksOff();
  await using bolder = await openBoth(broken, good, { retryOn: { ...DEFAULT, nonIdempotent: true } });
  assert.match(await askBad(bolder, POST), /^HTTP\/1\.1 200 [\s\S]*served body/);
});

test("Exchange tries another endpoint after an answer that is not HTTP only where the route says so", async () => {
  await using bad = await answers("SSH-2.0-OpenSSH\r\n\r\n");
  await using good = await served();
  await using strict = await openBoth(bad, good, {});
  assert.match(await askBad(strict, get("/")), /^HTTP\/1\.1 502 /);
  await using lenient = await openBoth(bad, good, { retryOn: { ...DEFAULT, invalidHeader: true } });
  assert.match(await askBad(lenient, get("/")), /^HTTP\/1\.1 200 /);
});

test("Exchange tries no other endpoint once the time for that is over", async () => {
  let asked = 0;
  await using bad = await openRawEndpoint(() => asked++);
  await using good = await served();
  for (const [retryWithinMs, status] of [
    [2000, 504],
    [undefined, 200],
  ] as const) {
    asked = 0;
    await using edge = await openBoth(bad, good, { retryWithinMs, readTimeoutMs: 3000 });
    const answer = say(edge.httpPort, get("/"));
    await waitFor(() => asked > 0);
    for (let second = 0; second < 5; second++) await edge.clock.advance(1000);
    assert.match(await answer, new RegExp(`^HTTP/1\\.1 ${status} `));
  }
});
