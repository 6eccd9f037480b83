import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { request } from "node:https";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { type Instance } from "./instance.ts";
import { startSites } from "./site.ts";
import { WorkerMemory } from "./worker-memory.ts";

const MIB = 1024 * 1024;

/** `LINTEL_STREAM_MIB=2048` takes longer and shows the same. */
const SIZE_MIB = Number(process.env["LINTEL_STREAM_MIB"] ?? "512");
const GROWTH_MIB_MAX = 64;
const PIECE = Buffer.alloc(MIB, "lintel");

test(`an upload of ${SIZE_MIB} MiB passes in constant memory, without a temporary file`, async (t) => {
  const { instance } = await startStore(t);
  await exchange(instance, "PUT", 16);
  const memory = await WorkerMemory.watch(instance);
  const files: string[] = [];
  const answer = await exchange(instance, "PUT", SIZE_MIB, () => files.push(...memory.newFiles()));
  assert.equal(answer, String(SIZE_MIB * MIB));
  assert.deepEqual(files, []);
  assert.ok(memory.grownMib() < GROWTH_MIB_MAX, `a worker grew by ${memory.grownMib()} MiB`);
  t.diagnostic(`grew by ${memory.grownMib().toFixed(1)} MiB`);
});

test(`a download of ${SIZE_MIB} MiB passes in constant memory, without a temporary file`, async (t) => {
  const { instance } = await startStore(t);
  await exchange(instance, "GET", 16);
  const memory = await WorkerMemory.watch(instance);
  const files: string[] = [];
  const answer = await exchange(instance, "GET", SIZE_MIB, () => files.push(...memory.newFiles()));
  assert.equal(answer, String(SIZE_MIB * MIB));
  assert.deepEqual(files, []);
  assert.ok(memory.grownMib() < GROWTH_MIB_MAX, `a worker grew by ${memory.grownMib()} MiB`);
  t.diagnostic(`grew by ${memory.grownMib().toFixed(1)} MiB`);
});

/** A server that counts what it is sent and sends what it is asked for. */
async function startStore(t: TestContext): Promise<{ readonly instance: Instance }> {
  const server: Server = createServer((incoming, response) => {
    if (incoming.method === "PUT") return void count(incoming).then((bytes) => response.end(String(bytes)));
    let left = Number(incoming.url?.slice(1)) * MIB;
    response.setHeader("Content-Length", left);
    const more = (): void => {
      while (left > 0) {
        left -= MIB;
        if (!response.write(PIECE)) return void response.once("drain", more);
      }
      response.end();
    };
    return more();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { instance: await startSites(t, [{ name: "store", port }]) };
}

async function count(stream: IncomingMessage): Promise<number> {
  let bytes = 0;
  stream.on("data", (chunk: Buffer) => (bytes += chunk.length));
  await new Promise((resolve, reject) => stream.on("end", resolve).on("error", reject));
  return bytes;
}

/** Sends or fetches that many MiB over HTTPS; returns how many bytes arrived, as whoever got them says. */
async function exchange(
  instance: Instance,
  method: "PUT" | "GET",
  mib: number,
  onMiddle: () => void = () => undefined,
): Promise<string> {
  const { host, port } = instance.https;
  const upload = method === "PUT";
  const headers = { host: "store.localhost", ...(upload ? { "content-length": mib * MIB } : {}) };
  const options = { host, port, servername: "store.localhost", method, path: `/${mib}`, headers, ca: instance.ca };
  return await new Promise((resolve, reject) => {
    const call = request({ ...options, agent: false }, (response) => {
      let text = "";
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        if (bytes < (mib / 2) * MIB && bytes + chunk.length >= (mib / 2) * MIB) onMiddle();
        bytes += chunk.length;
        if (upload) text += chunk.toString();
      });
      response.on("end", () => resolve(upload ? text : String(bytes)));
      response.on("error", reject);
    });
    call.on("error", reject);
    let left = upload ? mib : 0;
    const more = (): void => {
      while (left > 0) {
        if (left === Math.floor(mib / 2)) onMiddle();
        left--;
        if (!call.write(PIECE)) return void call.once("drain", more);
      }
      call.end();
    };
    more();
  });
}
