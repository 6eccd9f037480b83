import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Client,
  credentials,
  makeGenericClientConstructor,
  Metadata,
  Server,
  ServerCredentials,
  status,
  type ServiceDefinition,
  type ServiceError,
} from "@grpc/grpc-js";
import { startSites } from "./site.ts";

const bytes = (value: Buffer): Buffer => value;
const method = (path: string, requestStream: boolean, responseStream: boolean) => ({
  path: `/echo.Echo/${path}`,
  requestStream,
  responseStream,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
});
const ECHO = {
  unary: method("Unary", false, false),
  fail: method("Fail", false, false),
  down: method("Down", false, true),
  up: method("Up", true, false),
  both: method("Both", true, true),
} satisfies ServiceDefinition;

test("a gRPC client and server of grpc-js reach each other: calls of every kind, status, trailers and deadlines", async (t) => {
  const server = new Server();
  server.addService(ECHO, {
    unary: (call: { request: Buffer }, done: (error: null, value: Buffer, trailer: Metadata) => void) => {
      const trailer = new Metadata();
      trailer.set("x-trailer", "kept");
      if (call.request.toString() !== "silence") done(null, call.request, trailer);
    },
    fail: (_call: unknown, done: (error: object) => void) =>
      done({ code: status.FAILED_PRECONDITION, details: "not like this: ü" }),
    down: (call: { write(value: Buffer): void; end(): void }) => {
      for (let index = 0; index < 100; index++) call.write(Buffer.from(String(index)));
      call.end();
    },
    up: (call: NodeJS.EventEmitter, done: (error: null, value: Buffer) => void) => {
      let size = 0;
      call.on("data", (value: Buffer) => (size += value.length));
      call.on("end", () => done(null, Buffer.from(String(size))));
    },
    both: (call: NodeJS.EventEmitter & { write(value: Buffer): void; end(): void }) => {
      call.on("data", (value: Buffer) => call.write(value));
      call.on("end", () => call.end());
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  t.after(() => server.forceShutdown());
  const annotations = { "nginx.ingress.kubernetes.io/backend-protocol": "GRPC" };
  const instance = await startSites(t, [{ name: "grpc", port, annotations }]);
  const client: Client = new (makeGenericClientConstructor(ECHO, "echo.Echo"))(
    `127.0.0.1:${instance.https.port}`,
    credentials.createSsl(Buffer.from(instance.ca)),
    { "grpc.ssl_target_name_override": "grpc.localhost", "grpc.default_authority": "grpc.localhost" },
  );
  t.after(() => client.close());
  const unary = (path: string, request: string, deadlineMs = 5000): Promise<readonly [string, string]> =>
    new Promise((resolve, reject) => {
      let trailer = "";
      const deadline = performance.timeOrigin + performance.now() + deadlineMs;
      const call = client.makeUnaryRequest(path, bytes, bytes, Buffer.from(request), { deadline }, (error, value) => {
        if (error !== null) return reject(error);
        setImmediate(() => resolve([String(value), trailer]));
      });
      call.on("status", ({ metadata }) => (trailer = String(metadata.get("x-trailer")[0])));
    });

  assert.deepEqual(await unary(ECHO.unary.path, "hello"), ["hello", "kept"]);
  await assert.rejects(unary(ECHO.fail.path, ""), (error: ServiceError) => {
    assert.deepEqual([error.code, error.details], [status.FAILED_PRECONDITION, "not like this: ü"]);
    return true;
  });
  await assert.rejects(unary(ECHO.unary.path, "silence", 300), { code: status.DEADLINE_EXCEEDED });
  await assert.rejects(unary("/echo.Echo/None", ""), { code: status.UNIMPLEMENTED });

  const numbers: string[] = [];
  for await (const value of client.makeServerStreamRequest(ECHO.down.path, bytes, bytes, Buffer.alloc(0))) {
    numbers.push(String(value));
  }
  assert.deepEqual(
    numbers,
    Array.from({ length: 100 }, (_, index) => String(index)),
  );

  const sum = await new Promise<string>((resolve, reject) => {
    const call = client.makeClientStreamRequest(ECHO.up.path, bytes, bytes, (error, value) =>
      error === null ? resolve(String(value)) : reject(error),
    );
    for (let index = 0; index < 20; index++) call.write(Buffer.alloc(100_000));
    call.end();
  });
  assert.equal(sum, "2000000");

  const chat = client.makeBidiStreamRequest(ECHO.both.path, bytes, bytes);
  for (const word of ["one", "two", "three"]) {
    const heard = new Promise<Buffer>((resolve) => chat.once("data", resolve));
    chat.write(Buffer.from(word));
    assert.equal(String(await heard), word, "each answer comes before the next question");
  }
  const ended = new Promise<number>((resolve) => chat.once("status", ({ code }) => resolve(code)));
  chat.end();
  assert.equal(await ended, status.OK);
});
