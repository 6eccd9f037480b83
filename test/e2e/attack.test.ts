// Attacks on a worker of the real program: its memory stays bounded, others are served meanwhile, and nothing is left behind.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import { test, type TestContext } from "node:test";
import {
  CONTINUATION,
  END_HEADERS,
  END_STREAM,
  HEADERS,
  PING,
  RST_STREAM,
  SETTINGS,
} from "../../src/proxy/http2/frame.ts";
import { hpackInteger, hpackLiterals } from "../../src/proxy/http2/testing.ts";
import { Attacker, frame } from "./attacker.ts";
import { eventually } from "./eventually.ts";
import { httpsGet } from "./https-get.ts";
import type { Instance } from "./instance.ts";
import { startSites } from "./site.ts";
import { WorkerMemory } from "./worker-memory.ts";

const HOST = "target.localhost";
const MIB = 1024 * 1024;
/** What an attack may have the worker grow by. */
const GROWTH_MIB_MAX = 192;
/** Timeouts of the edge are up to a minute, the second one comes after the first, and the machine may be busy. */
const CLEANED_UP_MS = 300_000;
/** `LINTEL_ATTACK_TIMEOUTS=1` waits two minutes more, for the timeouts of clients that do not read. */
const WAITS_FOR_TIMEOUTS = process.env["LINTEL_ATTACK_TIMEOUTS"] === "1";
/** Answers that a well-behaved client gets during an attack. */
const ANSWERS = 20;

test("a worker under attack stays within its memory, serves others and cleans up", async (t) => {
  const instance = await startTarget(t);
  for (let count = 0; count < 200; count++) await httpsGet(instance, HOST);

  // These go on beside everything else.
  const unread = await attack(t, instance, "200 readers that take nothing of 64 MiB", async () => {
    const readers = Array.from({ length: 200 }, (_, index) => Attacker.plain(instance, index));
    for (const { socket } of readers) socket.pause().write(head("/large"));
    return await Promise.resolve(readers);
  });
  const windowless = await attack(t, instance, "20 x 100 streams whose windows stay closed", async () => {
    // SETTINGS_INITIAL_WINDOW_SIZE 0
    const settings = Buffer.from([0, 4, 0, 0, 0, 0]);
    const clients = await Promise.all(Array.from({ length: 20 }, () => Attacker.http2(instance, HOST, settings)));
    for (const client of clients) {
      client.read();
      for (let stream = 1; stream < 200; stream += 2) client.socket.write(request(stream));
    }
    return clients;
  });

  const halfOpen = await attack(
    t,
    instance,
    "5,000 heads and 5,000 ClientHellos that are never completed",
    async () => {
      const clients: Attacker[] = [];
      for (let index = 0; index < 5_000; index++) {
        const plain = Attacker.plain(instance, index);
        plain.socket.write(`GET / HTTP/1.1\r\nHost: ${HOST}\r\nX-Half: `);
        const silent = Attacker.silent(instance, index);
        // The beginning of a record with a ClientHello.
        silent.socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc]));
        clients.push(plain.read(), silent.read());
        if (index % 100 === 99) await openAtLeast(instance, index);
      }
      return clients;
    },
  );
  const dripping = drip(halfOpen.filter((_, index) => index % 2 === 0));
  await cutOff(instance, halfOpen, "a head or a ClientHello that is not complete in time");
  await dripping;

  await floods(t, instance);

  if (WAITS_FOR_TIMEOUTS) {
    await cutOff(instance, unread, "a client that takes nothing");
    await cutOff(instance, windowless, "a client whose windows stay closed, once its streams are reset");
  }
  for (const client of [...unread, ...windowless]) client.close();
  await eventually("nothing is left behind", async () => ((await openNow(instance)) <= 1 ? true : undefined), 60_000);
});

/** Floods of HTTP/2, which the edge ends by itself however fast they come. */
async function floods(t: TestContext, instance: Instance): Promise<void> {
  const ping = frame(PING, 0, 0, Buffer.alloc(8));
  const resets = Buffer.concat(
    Array.from({ length: 1_000 }, (_, index) => 2 * index + 1).map((stream) =>
      Buffer.concat([request(stream), frame(RST_STREAM, 0, stream, Buffer.from([0, 0, 0, 8]))]),
    ),
  );
  const continuation = frame(CONTINUATION, 0, 1, hpackLiterals([["x", "y".repeat(1_000)]]));
  // One field of 4,000 bytes in the table, and a block that names it 16,000 times: 64 MB as a list.
  const references = Buffer.concat([REQUEST, Buffer.alloc(16_000, hpackInteger(0x80, 7, 62))]);
  const bombs = Buffer.concat([
    frame(HEADERS, END_HEADERS | END_STREAM, 1, Buffer.concat([REQUEST, bigField()])),
    ...Array.from({ length: 50 }, (_, index) => frame(HEADERS, END_HEADERS | END_STREAM, 2 * index + 3, references)),
  ]);
  for (const [what, first, again, reads] of [
    ["rapid resets", Buffer.alloc(0), resets, true],
    ["CONTINUATION without end", frame(HEADERS, 0, 1, REQUEST), continuation, true],
    ["SETTINGS", Buffer.alloc(0), frame(SETTINGS, 0, 0), true],
    ["SETTINGS, its acknowledgements unread", Buffer.alloc(0), frame(SETTINGS, 0, 0), false],
    ["PING", Buffer.alloc(0), ping, true],
    ["PING, its acknowledgements unread", Buffer.alloc(0), ping, false],
    ["HPACK bombs", Buffer.alloc(0), bombs, true],
  ] as const) {
    const clients = await attack(t, instance, `50 floods of ${what}`, async () => {
      const clients = await Promise.all(Array.from({ length: 50 }, () => Attacker.http2(instance, HOST)));
      await Promise.all(
        clients.map(async (client) => {
          if (reads) client.read();
          client.socket.write(first);
          await client.flood(again, 64 * MIB);
        }),
      );
      return clients;
    });
    await cutOff(instance, clients, what);
  }
}

/**
 * Runs an attack, and while it stands asks as a well-behaved client. Asserts that it is served and that the worker did
 * not grow by more than it may; returns the attackers, whose connections may still be open.
 */
async function attack(
  t: TestContext,
  instance: Instance,
  what: string,
  run: () => Promise<readonly Attacker[]>,
): Promise<readonly Attacker[]> {
  const memory = await WorkerMemory.watchFromNow(instance);
  const state = { running: true };
  const attacking = run().finally(() => (state.running = false));
  let served = 0;
  while (state.running || served < ANSWERS) {
    assert.equal((await httpsGet(instance, HOST)).body, "small", what);
    served++;
  }
  const attackers = await attacking;
  const grown = memory.grownMib();
  t.diagnostic(`${what}: grew by ${grown.toFixed(0)} MiB, ${served} others served meanwhile`);
  assert.ok(grown < GROWTH_MIB_MAX, `${what}: the worker grew by ${grown} MiB`);
  return attackers;
}

/** Resolves when the edge has ended every one of these connections itself. */
async function cutOff(instance: Instance, attackers: readonly Attacker[], what: string): Promise<void> {
  await eventually(
    `the edge cuts off ${what}`,
    async () => {
      assert.equal((await httpsGet(instance, HOST)).body, "small", what);
      // Somebody who reads nothing does not hear of the end either.
      for (const { socket } of attackers) if (socket.isPaused()) socket.resume();
      return attackers.every(({ ended }) => ended) ? true : undefined;
    },
    CLEANED_UP_MS,
  );
  for (const attacker of attackers) attacker.close();
}

/** Sends one byte more of each head now and then, until the edge has had enough of all. */
async function drip(attackers: readonly Attacker[]): Promise<void> {
  while (attackers.some(({ ended }) => !ended)) {
    for (const { socket, ended } of attackers) if (!ended) socket.write("a");
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

/** A server whose answers are tiny, or as large as wanted. */
async function startTarget(t: TestContext): Promise<Instance> {
  const server = createServer((incoming, response) => {
    if (incoming.url !== "/large") return void response.end("small");
    return void pipeline(large, response).catch(() => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const annotations = { "nginx.ingress.kubernetes.io/ssl-redirect": "false" };
  const site = { name: "target", port: (server.address() as AddressInfo).port, annotations };
  return await startSites(t, [site], ["--workers", "1"]);
}

function* large(): Iterable<Buffer> {
  const piece = Buffer.alloc(MIB, "x");
  for (let sent = 0; sent < 64; sent++) yield piece;
}

function head(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;
}

const REQUEST = hpackLiterals([
  [":method", "GET"],
  [":scheme", "https"],
  [":authority", HOST],
  [":path", "/large"],
]);

function request(stream: number): Buffer {
  return frame(HEADERS, END_HEADERS | END_STREAM, stream, REQUEST);
}

function bigField(): Buffer {
  return hpackLiterals([["x-big", "b".repeat(4_000)]], { indexing: true });
}

/** Resolves when the worker has at least so many connections open. */
async function openAtLeast(instance: Instance, count: number): Promise<void> {
  await eventually(`${count} connections`, async () => ((await openNow(instance)) >= count ? true : undefined), 60_000);
}

/** The connections that the worker has open, as its metrics say. */
async function openNow(instance: Instance): Promise<number> {
  const { host, port } = instance.admin;
  const text = await (await fetch(`http://${host}:${port}/metrics`)).text();
  const value = /^lintel_worker_connections_open\{[^}]*\} (\d+)$/m.exec(text)?.[1];
  if (value === undefined) throw new Error("The worker did not answer in time");
  return Number(value);
}
