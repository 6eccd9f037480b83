import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { isLintelError } from "../ground/errors.ts";
import { bindPorts, type BoundPorts, type PortPlan, type PortWish } from "./bind-ports.ts";

test("bindPorts() uses one number for all addresses when any port will do", (t) => {
  const bound = bind(t, memoryFile(t), { kind: "exact", port: 0 }, ["127.0.0.1", "::1"]);
  const ports = bound.ports.get("http") ?? [];
  assert.deepEqual(
    ports.map((port) => port.host),
    ["127.0.0.1", "::1"],
  );
  assert.equal(ports[0]?.port, ports[1]?.port);
});

test("bindPorts() gives the port of the last run again when any port will do", (t) => {
  const memory = memoryFile(t);
  const first = bindPorts([plan({ kind: "exact", port: 0 })], memory);
  const before = first.ports.get("http")?.[0]?.port;
  for (const port of first.ports.get("http") ?? []) port.close();
  const second = bind(t, memory, { kind: "exact", port: 0 });
  assert.equal(second.ports.get("http")?.[0]?.port, before);
});

test("bindPorts() takes the next preferred port and says why when the first is taken", async (t) => {
  const taken = await takenPort(t);
  const free = bindPorts([plan({ kind: "exact", port: 0 })], memoryFile(t));
  const next = free.ports.get("http")?.[0]?.port ?? 0;
  for (const port of free.ports.get("http") ?? []) port.close();
  const bound = bind(t, memoryFile(t), { kind: "preferred", ports: [taken, next] });
  assert.equal(bound.ports.get("http")?.[0]?.port, next);
  assert.deepEqual(bound.notes, [
    `Cannot listen on "127.0.0.1:${taken}": another program listens there: using port ${next} for HTTP instead`,
  ]);
});

test("bindPorts() throws CannotBind when the exact port is taken", async (t) => {
  const taken = await takenPort(t);
  assert.throws(
    () => bindPorts([plan({ kind: "exact", port: taken })], memoryFile(t)),
    (error) => isLintelError(error, "CannotBind"),
  );
});

function plan(wish: PortWish, addresses: readonly string[] = ["127.0.0.1"]): PortPlan {
  return { name: "http", addresses, optionalAddresses: [], wish };
}

function bind(t: TestContext, memory: string, wish: PortWish, addresses?: readonly string[]): BoundPorts {
  const bound = bindPorts([plan(wish, addresses)], memory);
  t.after(() => {
    for (const ports of bound.ports.values()) for (const port of ports) port.close();
  });
  return bound;
}

function memoryFile(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "lintel-ports-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return join(directory, "ports.json");
}

async function takenPort(t: TestContext): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return address.port;
}
