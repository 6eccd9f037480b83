import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock, MemoryLog, seededRandom } from "../ground/testing.ts";
import { pickEndpoint } from "../routing/balance.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import { Plane } from "./plane.ts";
import { get, openEdge, openEndpoint, say, shopSnapshot } from "./testing.ts";

test("DataPlane sends the same key to the same endpoint when upstream-hash-by names a header", async () => {
  await using first = await openEndpoint((_request, response) => response.end("<first>"));
  await using second = await openEndpoint((_request, response) => response.end("<second>"));
  const options = { policy: { hashBy: "$http_x_user" }, backend: { balance: "hash" } } as const;
  await using edge = await openEdge(shopSnapshot([first.port, second.port], options));
  const seen = new Set<string>();
  for (let user = 0; user < 20; user++) {
    const answers = new Set<string>();
    for (const path of ["/", "/other"]) {
      const heard = await say(edge.httpPort, get(path, `X-User: user-${user}`));
      answers.add(/<\w+>/.exec(heard)?.[0] ?? heard);
    }
    assert.equal(answers.size, 1);
    for (const answer of answers) seen.add(answer);
  }
  assert.deepEqual([...seen].sort(), ["<first>", "<second>"]);
});

test("EndpointPools gives a returning endpoint a share that grows to the whole, and never leaves none", async () => {
  const clock = new ManualClock();
  const plane = new Plane({
    clock,
    random: seededRandom(3),
    log: new MemoryLog(),
    limits: DEFAULT_LIMITS,
    channelMode: "streams",
    accessLog: undefined,
  });
  const keepsTime = { deadlineMs: Infinity, onDeadline: (): void => undefined };
  plane.deadlines.add(keepsTime);
  const snapshot = shopSnapshot([1001, 1002]);
  plane.adopt(snapshot);
  const backend = snapshot.backends.get("shop/web:80");
  assert.ok(backend?.endpoints[0] !== undefined && backend.endpoints[1] !== undefined);
  const weak = plane.pools.of(backend.endpoints[0], backend);
  const share = (): number => {
    let count = 0;
    for (let pick = 0; pick < 2000; pick++) {
      if (pickEndpoint(backend, plane.pools.stateOf(backend, []), plane.random) === weak.endpoint) count++;
    }
    return count / 2000;
  };
  const fail = (pool: typeof weak): void => {
    for (let failure = 0; failure < DEFAULT_LIMITS.ejectionFailures; failure++) pool.failed(backend);
  };
  assert.equal(share(), 0.5);
  fail(weak);
  assert.equal(share(), 0);
  await clock.advance(DEFAULT_LIMITS.ejectionMs + 2 * DEFAULT_LIMITS.deadlineSweepMs);
  const early = share();
  await clock.advance(DEFAULT_LIMITS.slowReturnMs / 2);
  const middle = share();
  await clock.advance(DEFAULT_LIMITS.slowReturnMs);
  assert.ok(early > 0 && early < 0.2, `early ${early}`);
  assert.ok(middle > early && middle < 0.45, `middle ${middle}`);
  assert.equal(share(), 0.5);

  // At most half of them (`ejectedPercentMax`) are set aside: the second goes on, however often it fails.
  fail(weak);
  fail(plane.pools.of(backend.endpoints[1], backend));
  assert.equal(plane.pools.ejected(backend), 1);
  assert.equal(share(), 0);
  plane.deadlines.close();
});

test("DataPlane counts every route from zero on and forgets those that are gone", async () => {
  const snapshot = shopSnapshot([1001]);
  await using edge = await openEdge(snapshot);
  const ids = (): readonly string[] => edge.dataPlane.stats().routes.map((count) => count.route);
  assert.deepEqual(ids(), ["", "Ingress/shop/web#0/0"]);
  edge.dataPlane.serve({ ...snapshot, generation: 2, hosts: new Map() });
  assert.deepEqual(ids(), [""]);
});
