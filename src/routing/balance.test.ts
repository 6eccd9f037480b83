import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { seededRandom } from "../ground/testing.ts";
import { pickEndpoint, pickTarget, type BalanceState } from "./balance.ts";
import type { Endpoint } from "./snapshot.ts";
import { testBackend } from "./testing.ts";

const THREE = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"];

function stateWith(parts: Partial<BalanceState> = {}): BalanceState {
  return { cursor: 0, load: () => 0, avoid: () => false, ...parts };
}
const never = (): number => assert.fail("drew");
const isOne = (endpoint: Endpoint): boolean => endpoint.address === "10.0.0.1";

describe("pickTarget()", () => {
  test("pickTarget() follows the weights when drawn often", () => {
    const targets = [
      { backend: "a", weight: 90 },
      { backend: "b", weight: 10 },
      { backend: "c", weight: 0 },
    ];
    const random = seededRandom(7);
    const counts: Record<string, number> = { a: 0, b: 0, c: 0 };
    for (let draw = 0; draw < 10_000; draw++) {
      const picked = pickTarget(targets, random)?.backend ?? "none";
      counts[picked] = (counts[picked] ?? 0) + 1;
    }
    assert.equal(counts["c"], 0);
    assert.ok(Math.abs((counts["b"] ?? 0) - 1000) < 120, `b got ${counts["b"]}`);
  });

  test("pickTarget() does not draw when there is one target", () => {
    assert.equal(pickTarget([{ backend: "a", weight: 3 }], never)?.backend, "a");
    assert.equal(pickTarget([{ backend: "a", weight: 0 }], never), undefined);
    assert.equal(pickTarget([], never), undefined);
  });

  test("pickTarget() picks a positive weight whenever there is one", () => {
    const weights = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(weights, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (list, draw) => {
        const targets = list.map((weight, index) => ({ backend: String(index), weight }));
        const picked = pickTarget(targets, () => draw);
        if (list.every((weight) => weight === 0)) assert.equal(picked, undefined);
        else assert.ok((picked?.weight ?? 0) > 0);
      }),
    );
  });
});

describe("pickEndpoint()", () => {
  test("pickEndpoint() takes turns when round-robin", () => {
    const backend = testBackend("round-robin", THREE);
    const state = stateWith({ cursor: 1 });
    const picks = Array.from({ length: 6 }, () => pickEndpoint(backend, state, Math.random)?.address);
    assert.deepEqual(picks, ["10.0.0.2", "10.0.0.3", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.1"]);
  });

  test("pickEndpoint() skips endpoints to avoid, but takes one when all are", () => {
    const backend = testBackend("round-robin", THREE);
    const some = stateWith({ avoid: isOne });
    for (let pick = 0; pick < 6; pick++) assert.notEqual(pickEndpoint(backend, some, Math.random)?.address, "10.0.0.1");
    for (const balance of ["round-robin", "least-request", "ewma", "hash"] as const) {
      const all = stateWith({ avoid: () => true });
      assert.notEqual(pickEndpoint(testBackend(balance, THREE), all, seededRandom(1), "k"), undefined);
    }
  });

  test("pickEndpoint() survives a cursor from another set of endpoints", () => {
    for (const cursor of [-5, 1e9, 7]) {
      assert.notEqual(pickEndpoint(testBackend("round-robin", THREE), stateWith({ cursor }), Math.random), undefined);
    }
  });

  test("pickEndpoint() never takes the most loaded of all when least-request", () => {
    const backend = testBackend("least-request", THREE);
    const state = stateWith({ load: (endpoint) => (isOne(endpoint) ? 9 : 1) });
    const random = seededRandom(3);
    for (let pick = 0; pick < 300; pick++) {
      assert.notEqual(pickEndpoint(backend, state, random)?.address, "10.0.0.1");
    }
  });

  test("pickEndpoint() spreads evenly when least-request sees equal loads", () => {
    const backend = testBackend("least-request", THREE);
    const random = seededRandom(11);
    const counts = new Map<string, number>();
    for (let pick = 0; pick < 3000; pick++) {
      const address = pickEndpoint(backend, stateWith(), random)?.address ?? "none";
      counts.set(address, (counts.get(address) ?? 0) + 1);
    }
    for (const count of counts.values()) assert.ok(Math.abs(count - 1000) < 120, `got ${count}`);
  });

  test("pickEndpoint() moves only the keys of a removed endpoint when hash", () => {
    const before = testBackend("hash", THREE);
    const after = testBackend("hash", THREE.slice(1));
    const seen = new Set<string>();
    for (let index = 0; index < 300; index++) {
      const key = `client-${index}`;
      const old = pickEndpoint(before, stateWith(), Math.random, key)?.address ?? "none";
      seen.add(old);
      if (old !== "10.0.0.1") assert.equal(pickEndpoint(after, stateWith(), Math.random, key)?.address, old);
    }
    assert.equal(seen.size, 3);
  });

  test("pickEndpoint() returns undefined when there are no endpoints", () => {
    assert.equal(pickEndpoint(testBackend("ewma", []), stateWith(), Math.random), undefined);
  });
});
