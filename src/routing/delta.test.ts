import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { applyDelta, diffSnapshots, isEmptyDelta, type SnapshotDelta } from "./delta.ts";
import { EMPTY_SNAPSHOT, type Backend, type Host, type Snapshot } from "./snapshot.ts";
import { testRoute, testSnapshot } from "./testing.ts";

const key = fc.constantFrom("a.example", "b.example", "*.example", "*");
const path = fc.constantFrom("/", "/a", "/b");
const host: fc.Arbitrary<Host> = fc.record({
  host: key,
  routes: fc
    .array(path, { maxLength: 3 })
    .map((paths) => paths.map((value) => testRoute(value, { type: "prefix", value }))),
});
const backend: fc.Arbitrary<Backend> = fc.record({
  id: key,
  protocol: fc.constantFrom("http", "https"),
  endpoints: fc.array(fc.record({ address: fc.constantFrom("10.0.0.1", "::1"), port: fc.constantFrom(80, 81) }), {
    maxLength: 2,
  }),
  problem: fc.constantFrom(undefined, "Service does not exist"),
  balance: fc.constant("round-robin"),
});

function mapOf<Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<ReadonlyMap<string, Value>> {
  return fc.array(fc.tuple(key, value), { maxLength: 4 }).map((entries) => new Map(entries));
}

const snapshot: fc.Arbitrary<Snapshot> = fc.record({
  generation: fc.integer({ min: 1, max: 99 }),
  hosts: mapOf(host),
  backends: mapOf(backend),
  tls: mapOf(
    fc.record({ host: key, certificates: fc.array(path, { maxLength: 2 }), minVersion: fc.constant("TLSv1.2") }),
  ),
  certificates: mapOf(
    fc.record({
      id: key,
      chain: fc.constantFrom("x", "y"),
      key: fc.constant("k"),
      notAfterMs: fc.constant(1),
      standIn: fc.boolean(),
    }),
  ),
  clientCas: mapOf(fc.record({ id: key, certificates: fc.constantFrom("x", "y") })),
  challenges: mapOf(fc.record({ token: key, keyAuthorization: fc.constant("t.k"), host: key })),
  settings: fc.record({ trustedProxies: fc.constantFrom([], ["10.0.0.0/8"]), httpsPort: fc.constantFrom(443, 8443) }),
});

/** What a worker receives: the delta after a trip over the wire. */
function overTheWire(delta: SnapshotDelta): SnapshotDelta {
  return JSON.parse(JSON.stringify(delta)) as SnapshotDelta;
}

/** Maps compare by content whatever their order, and an undefined field equals a missing one. */
function plain(value: Snapshot): unknown {
  const parts: Record<string, unknown> = {};
  for (const [name, part] of Object.entries(value) as [string, unknown][]) {
    parts[name] = part instanceof Map ? plainMap(part as ReadonlyMap<string, unknown>) : part;
  }
  return JSON.parse(JSON.stringify(parts)) as unknown;
}

function plainMap(map: ReadonlyMap<string, unknown>): unknown {
  return Object.fromEntries([...map].sort(([left], [right]) => (left < right ? -1 : 1)));
}

describe("diffSnapshots() and applyDelta()", () => {
  test("applyDelta() turns before into after for any two snapshots, over the wire", () => {
    fc.assert(
      fc.property(snapshot, snapshot, (before, after) => {
        const applied = applyDelta(before, overTheWire(diffSnapshots(before, after)));
        assert.notEqual(applied, undefined);
        assert.deepEqual(applied && plain(applied), plain(after));
      }),
    );
  });

  test("applyDelta() makes the whole of after from nothing when before is unknown", () => {
    fc.assert(
      fc.property(snapshot, snapshot, (stale, after) => {
        const applied = applyDelta(stale, overTheWire(diffSnapshots(undefined, after)));
        assert.deepEqual(applied && plain(applied), plain(after));
      }),
    );
  });

  test("diffSnapshots() is empty when only the generation differs, and never otherwise", () => {
    fc.assert(
      fc.property(snapshot, snapshot, (before, after) => {
        assert.equal(isEmptyDelta(diffSnapshots(before, { ...before, generation: before.generation + 1 })), true);
        const same = JSON.stringify({ ...(plain(before) as object), generation: 0 });
        const other = JSON.stringify({ ...(plain(after) as object), generation: 0 });
        assert.equal(isEmptyDelta(diffSnapshots(before, after)), same === other);
      }),
    );
  });

  test("applyDelta() shares what did not change", () => {
    const before = testSnapshot({ "a.example": [testRoute("a", { type: "prefix", value: "/" })] });
    const added = testSnapshot({ "b.example": [testRoute("b", { type: "prefix", value: "/" })] });
    const after = { ...before, generation: 2, hosts: new Map([...before.hosts, ...added.hosts]) };
    const delta = diffSnapshots(before, after);
    assert.deepEqual(
      delta.hosts.set.map(([name]) => name),
      ["b.example"],
    );
    const applied = applyDelta(before, delta);
    assert.equal(applied?.hosts.get("a.example"), before.hosts.get("a.example"));
    assert.equal(applied?.backends, before.backends);
  });

  test("applyDelta() refuses a delta that starts at another generation", () => {
    const two = { ...EMPTY_SNAPSHOT, generation: 2 };
    const three = { ...EMPTY_SNAPSHOT, generation: 3 };
    assert.equal(applyDelta({ ...EMPTY_SNAPSHOT, generation: 1 }, diffSnapshots(two, three)), undefined);
  });
});
