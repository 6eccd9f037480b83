/** An API server whose certificate changes, lies or is late, and one that speaks as servers did long ago. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Server } from "node:https";
import { describe, it, type TestContext } from "node:test";
import { isLintelError, type LintelError } from "../../src/ground/errors.ts";
import { systemClock } from "../../src/ground/system-clock.ts";
import { LocalCa } from "../../src/pki/local-ca.ts";
import type { ClusterAccess } from "../../src/store/cluster/cluster-access.ts";
import { KubeClient, type KubeRequest } from "../../src/store/cluster/kube-client.ts";

const REQUEST: KubeRequest = { method: "GET", path: "/version" };
const HOUR_MS = 3_600_000;

async function openCa(t: TestContext): Promise<LocalCa> {
  const folder = mkdtempSync(join(tmpdir(), "lintel-trust-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return LocalCa.open({ directory: folder, clock: systemClock });
}

async function pair(ca: LocalCa, name = "127.0.0.1"): Promise<{ readonly cert: string; readonly key: string }> {
  const { chain, key } = await ca.issue({ names: [name], durationMs: HOUR_MS });
  return { cert: chain, key };
}

/** A server that closes each connection after its answer, as behind a balancer. */
async function serve(t: TestContext, ca: LocalCa, name?: string): Promise<Server> {
  const server = createServer(await pair(ca, name), (_, response) => {
    response.writeHead(200, { "content-type": "application/json", connection: "close" });
    response.end('{"gitVersion":"v1.0.0"}');
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return server;
}

function clientOf(t: TestContext, server: string, caPem: string): KubeClient {
  const access: ClusterAccess = {
    server,
    caPem,
    namespace: "default",
    source: "the kubeconfig",
    credentials: async () => ({ token: "secret-token" }),
  };
  const client = new KubeClient({ access, clock: systemClock, userAgent: "lintel/test" });
  t.after(() => client.close());
  return client;
}

function urlOf(server: Pick<Server, "address">, scheme = "https"): string {
  const address = server.address();
  return `${scheme}://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
}

async function failure(client: KubeClient): Promise<LintelError> {
  try {
    await client.request(REQUEST);
  } catch (error) {
    if (isLintelError(error)) return error;
    throw error;
  }
  throw new Error("It answered");
}

describe("a client of an API server", () => {
  it("follows a certificate that was rotated, and says what to do about one that nobody vouches for", async (t) => {
    const [ca, other] = [await openCa(t), await openCa(t)];
    const server = await serve(t, ca);
    const client = clientOf(t, urlOf(server), ca.rootPem);
    assert.deepEqual(await client.request(REQUEST), { gitVersion: "v1.0.0" });
    server.setSecureContext(await pair(ca));
    assert.deepEqual(await client.request(REQUEST), { gitVersion: "v1.0.0" });
    server.setSecureContext(await pair(other));
    const error = await failure(client);
    assert.equal(error.code, "Unreachable");
    assert.equal(error.hint, "Let the kubeconfig name the authority that vouches for the server's certificate");
    server.setSecureContext(await pair(ca));
    assert.deepEqual(await client.request(REQUEST), { gitVersion: "v1.0.0" });
  });

  it("says that the certificate is for another name", async (t) => {
    const ca = await openCa(t);
    const error = await failure(clientOf(t, urlOf(await serve(t, ca, "api.example")), ca.rootPem));
    assert.equal(error.hint, "Let the kubeconfig name the server as its certificate does, or set tls-server-name");
  });

  it("reads answers of HTTP/1.0, and does not take its credentials elsewhere", async (t) => {
    const answers = [
      'HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{"gitVersion":"v1.0.0"}',
      "HTTP/1.1 302 Found\r\nLocation: https://login.example/\r\nContent-Length: 0\r\n\r\n",
    ];
    const old = createTcpServer((socket) => {
      socket.once("data", () => socket.end(answers.shift() ?? ""));
      socket.on("error", () => socket.destroy());
    });
    old.listen(0, "127.0.0.1");
    await once(old, "listening");
    t.after(() => old.close());
    const client = clientOf(t, urlOf(old, "http"), "");
    assert.deepEqual(await client.request(REQUEST), { gitVersion: "v1.0.0" });
    const error = await failure(client);
    assert.equal(error.code, "Refused");
    assert.match(error.message, /^The API server at http:.* sends GET \/version to "https:\/\/login\.example\/"$/);
    assert.match(error.hint ?? "", /redirects are not followed/);
  });
});
