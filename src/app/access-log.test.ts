import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ManualClock } from "../ground/testing.ts";
import type { AccessLine } from "../proxy/access-line.ts";
import { AccessLog, type AccessLogOptions } from "./access-log.ts";

const LINE: AccessLine = {
  requestId: "abc",
  client: "192.0.2.1",
  method: "GET",
  host: "shop.example",
  path: "/cart",
  secure: true,
  protocol: "HTTP/2",
  tlsVersion: "TLSv1.3",
  status: 200,
  route: "Ingress/shop/web#0/0",
  source: { kind: "Ingress", namespace: "shop", name: "web" },
  backend: "shop/web:80",
  endpoint: "10.0.0.1:80",
  attempts: 1,
  requestBytes: 3,
  responseBytes: 5,
  durationMs: 1.23456,
  connectMs: undefined,
  upstreamMs: 1,
  reason: undefined,
};

interface Opened extends Disposable {
  readonly log: AccessLog;
  readonly path: string;
}

function open(options: Partial<AccessLogOptions> = {}): Opened {
  const folder = mkdtempSync(join(tmpdir(), "lintel-access-"));
  const path = join(folder, "access.log");
  const log = AccessLog.open({ target: { path }, sample: 1, clock: new ManualClock(), rotates: true, ...options });
  return { log, path, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

function linesOf(path: string): readonly unknown[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line): unknown => JSON.parse(line));
}

test("AccessLog.add() writes a JSON line without what is not known, to a file that others cannot read", async () => {
  using opened = open();
  opened.log.add(LINE);
  await opened.log.flushed();
  const [line] = linesOf(opened.path);
  assert.deepEqual(line, {
    time: new Date(new ManualClock().nowMs()).toISOString(),
    requestId: "abc",
    client: "192.0.2.1",
    method: "GET",
    host: "shop.example",
    path: "/cart",
    protocol: "HTTP/2",
    tls: "TLSv1.3",
    status: 200,
    bytesIn: 3,
    bytesOut: 5,
    durationMs: 1.235,
    firstByteMs: 1,
    route: "Ingress/shop/web#0/0",
    ingress: "shop/web",
    backend: "shop/web:80",
    endpoint: "10.0.0.1:80",
    attempts: 1,
  });
  assert.equal(statSync(opened.path).mode & 0o007, 0);
});

test("AccessLog.add() leaves out all but one of n good answers and no bad one", async () => {
  using opened = open({ sample: 10 });
  for (let index = 0; index < 30; index++) {
    opened.log.add(LINE);
    opened.log.add({ ...LINE, status: 502, reason: "refused" });
  }
  await opened.log.flushed();
  const statuses = linesOf(opened.path).map((line) => JSON.stringify(line).includes('"status":502'));
  assert.equal(statuses.filter((bad) => bad).length, 30);
  assert.equal(statuses.filter((bad) => !bad).length, 3);
});

test("AccessLog.add() drops and counts when too much waits", async () => {
  using opened = open({ pendingCharactersMax: 1_000 });
  for (let index = 0; index < 10; index++) opened.log.add(LINE);
  await opened.log.flushed();
  assert.equal(opened.log.dropped + opened.log.written, 10);
  assert.ok(opened.log.dropped >= 6 && opened.log.written >= 1);
  assert.equal(linesOf(opened.path).length, opened.log.written);
});

test("AccessLog starts a new file when its own is too large", async () => {
  using opened = open({ fileBytesMax: 10 });
  opened.log.add(LINE);
  await opened.log.flushed();
  opened.log.add({ ...LINE, path: "/second" });
  await opened.log.flushed();
  assert.equal(linesOf(`${opened.path}.1`).length, 1);
  assert.match(readFileSync(opened.path, "utf8"), /second/);
});

test("AccessLog goes on in a new file when another program renamed its own", async () => {
  using opened = open({ rotates: false });
  opened.log.add(LINE);
  await opened.log.flushed();
  renameSync(opened.path, `${opened.path}.old`);
  opened.log.add({ ...LINE, path: "/second" });
  await opened.log.flushed();
  assert.equal(linesOf(opened.path).length, 1);
  assert.equal(linesOf(`${opened.path}.old`).length, 1);
});

test("AccessLog.open() names the file that cannot be opened", () => {
  assert.throws(() => open({ target: { path: "/nowhere/at/all/access.log" } }), /Cannot write the access log to/);
});
