import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { LintelError } from "../ground/errors.ts";
import { ManualClock } from "../ground/testing.ts";
import { CALL_MS_MAX, VaultClient } from "./vault-client.ts";

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

function clientOf(server: string, clock = new ManualClock()): VaultClient {
  return new VaultClient({ server }, clock);
}

const WISH = { path: "pki/sign/web", csr: "", commonName: "", names: [], ipAddresses: [], uris: [], durationMs: 1 };

describe("VaultClient", () => {
  for (const [status, message] of [
    [501, /not ready: it is not initialized/],
    [503, /not ready: it is sealed/],
    [418, /not ready: status 418/],
  ] as const) {
    it(`health() rejects when Vault answers ${String(status)}`, async (t) => {
      const client = clientOf(await serve(t, (_, response) => response.writeHead(status).end("{}")));
      await assert.rejects(client.health(), message);
    });
  }

  it("health() takes a standby for an answer", async (t) => {
    await clientOf(await serve(t, (_, response) => response.writeHead(429).end())).health();
  });

  it("health() asks below the path of the server's URL", async (t) => {
    const paths: (string | undefined)[] = [];
    const server = await serve(t, (request, response) => {
      paths.push(request.url);
      response.end();
    });
    await clientOf(`${server}/vault/`).health();
    assert.deepEqual(paths, ["/vault/v1/sys/health?standbyok=true"]);
  });

  it("sign() gives up after the longest time a call may take", async (t) => {
    const clock = new ManualClock();
    const arrived = Promise.withResolvers<void>();
    const client = clientOf(await serve(t, () => arrived.resolve()), clock);
    const refused = assert.rejects(client.sign("token", WISH), /no answer within 15 seconds/);
    await arrived.promise;
    await clock.advance(CALL_MS_MAX);
    await refused;
  });

  it("sign() follows a standby's redirect with the token, and no endless ones", async (t) => {
    const active = await serve(t, (request, response) => {
      const certificate = String(request.headers["x-vault-token"]);
      response.end(JSON.stringify({ data: { certificate, issuing_ca: "issuer" } }));
    });
    const standby = await serve(t, (request, response) =>
      response.writeHead(307, { Location: `${active}${request.url ?? ""}` }).end(),
    );
    assert.deepEqual(await clientOf(standby).sign("the-token", WISH), ["the-token", "issuer"]);
    const lost = await serve(t, (_, response) => response.writeHead(307, { Location: "/again" }).end());
    await assert.rejects(clientOf(lost).sign("the-token", WISH), /status 307/);
  });

  it("sign() tells what may pass from what won't", async (t) => {
    for (const [status, code] of [
      [400, "BadConfig"],
      [403, "BadConfig"],
      [429, "Unreachable"],
      [503, "Unreachable"],
    ] as const) {
      const server = await serve(t, (_, response) => response.writeHead(status).end('{"errors":["because\\n so"]}'));
      await assert.rejects(
        clientOf(server).sign("the-token", WISH),
        (error) => error instanceof LintelError && error.code === code && error.message.endsWith(", because so"),
      );
    }
  });

  it("sign() rejects when the answer has no certificate or is too long", async (t) => {
    const empty = await serve(t, (_, response) => response.end('{"data":{}}'));
    await assert.rejects(clientOf(empty).sign("the-token", WISH), /its answer has no certificate/);
    const long = await serve(t, (_, response) => response.end(Buffer.alloc(3_000_000, 32)));
    await assert.rejects(clientOf(long).sign("the-token", WISH), /longer than 1048576 bytes/);
  });

  it("login() rejects when the server is no URL", async () => {
    await assert.rejects(clientOf("vault:8200").health(), /is not the URL of a server/);
  });
});
