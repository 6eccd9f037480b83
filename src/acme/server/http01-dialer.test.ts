import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { test, type TestContext } from "node:test";
import { isLintelError, messageOf } from "../../ground/errors.ts";
import { portOf } from "../testing.ts";
import { BODY_BYTES_MAX, createHttp01Dialer } from "./http01-dialer.ts";

const { signal } = new AbortController();

test("createHttp01Dialer() asks the name's own address, with the name as Host", async (t) => {
  const hosts: (string | undefined)[] = [];
  const port = await serve(t, (request, response) => {
    hosts.push(request.headers.host);
    response.end("answer");
  });
  const answer = await createHttp01Dialer({ port })("localhost", "/x", { signal });
  assert.deepEqual(answer, { status: 200, body: "answer", address: "127.0.0.1" });
  assert.deepEqual(hosts, ["localhost"]);
});

test("createHttp01Dialer() asks an IPv6 address, in brackets as Host", async (t) => {
  const server = createServer((request, response) => response.end(request.headers.host));
  await new Promise<void>((resolve) => server.listen(0, "::1", resolve));
  t.after(() => new Promise((resolve) => server.close(resolve)));
  const port = portOf(server);
  const answer = await createHttp01Dialer({ port })("::1", "/x", { signal });
  assert.deepEqual(answer, { status: 200, body: "[::1]", address: "::1" });
});

test("createHttp01Dialer() goes to the fallback when a name has no address", async (t) => {
  const port = await serve(t, (request, response) => response.end(request.headers.host));
  const dial = createHttp01Dialer({ fallback: { address: "127.0.0.1", port } });
  assert.equal((await dial("shop.invalid", "/x", { signal })).body, "shop.invalid");
});

test("createHttp01Dialer() rejects with NotFound when a name has no address and there is no fallback", async () => {
  const dial = createHttp01Dialer();
  await assert.rejects(dial("shop.invalid", "/x", { signal }), (error) => isLintelError(error, "NotFound"));
});

test("createHttp01Dialer() follows redirects on the usual port and no further", async (t) => {
  const port = await serve(t, (request, response) => {
    const next: Readonly<Record<string, string>> = {
      "/a": "/b",
      "/loop": "/loop",
      "/away": "http://localhost:22/",
      "/file": "file:///etc/passwd",
    };
    const location = next[request.url ?? ""];
    if (location === undefined) response.end("found");
    else response.writeHead(302, { Location: location }).end();
  });
  const dial = createHttp01Dialer({ port });
  assert.equal((await dial("localhost", "/a", { signal })).body, "found");
  await assert.rejects(dial("localhost", "/loop", { signal }), /redirected more than 10 times/);
  await assert.rejects(
    dial("localhost", "/away", { signal }),
    /redirected to "http:\/\/localhost:22\/", which is not followed/,
  );
  await assert.rejects(dial("localhost", "/file", { signal }), /which is not followed/);
});

test("createHttp01Dialer() reads only the beginning of an endless answer", async (t) => {
  const port = await serve(t, (_request, response) => {
    response.write("x".repeat(100_000));
  });
  assert.equal((await createHttp01Dialer({ port })("127.0.0.1", "/x", { signal })).body.length, BODY_BYTES_MAX);
});

test("createHttp01Dialer() says why nobody answers", async (t) => {
  const port = await serve(t, (request) => request.socket.destroy());
  await assert.rejects(createHttp01Dialer({ port })("127.0.0.1", "/x", { signal }), (error) =>
    /socket hang up/.test(messageOf(error)),
  );
  await assert.rejects(createHttp01Dialer({ port: 1 })("127.0.0.1", "/x", { signal }), (error) =>
    /ECONNREFUSED/.test(messageOf(error)),
  );
});

async function serve(
  t: TestContext,
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<number> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return portOf(server);
}
