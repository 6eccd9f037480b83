import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { closedPort, get, openEdge, openEndpoint, say, selfSigned, shopSnapshot } from "./testing.ts";
import { skipWithout } from "../ground/testing.ts";

test(
  "Counters tell listeners, HTTP/2, versions of TLS and sizes of bodies apart, and the log names the version",
  { skip: skipWithout("curl", "openssl") },
  async () => {
    await using endpoint = await openEndpoint((request, response) => {
      request.resume().on("end", () => response.end("x".repeat(500)));
    });
    await using edge = await openEdge(shopSnapshot([endpoint.port], { more: await selfSigned("shop.example") }));
    const ask = async (scheme: "http" | "https", ...words: readonly string[]): Promise<void> => {
      const port = scheme === "http" ? edge.httpPort : edge.httpsPort;
      const to = ["--resolve", `shop.example:${port}:127.0.0.1`, `${scheme}://shop.example:${port}/`];
      await promisify(execFile)("curl", ["-sSk", "--max-time", "5", "-o", "/dev/null", ...words, ...to]);
    };
    await ask("http");
    await ask("https", "--http2", "--tlsv1.3");
    assert.equal(edge.lines.at(-1)?.tlsVersion, "TLSv1.3");
    await ask("https", "--http1.1", "--tls-max", "1.2", "--data", "four");
    assert.equal(edge.lines.at(-1)?.tlsVersion, "TLSv1.2");
    const { connections, tls, routes } = edge.dataPlane.stats();
    assert.deepEqual([connections.http, connections.https, connections.http2], [1, 2, 1]);
    assert.deepEqual([tls.handshakes, tls.v12, tls.v13], [2, 1, 1]);
    const shop = routes.find(({ route }) => route === "Ingress/shop/web#0/0");
    assert.deepEqual(shop?.requestSizes, [2, 1, 0, 0, 0, 0, 0, 0, 0]);
    assert.deepEqual(shop.responseSizes, [0, 0, 3, 0, 0, 0, 0, 0, 0]);
  },
);

test("Counters.backend() starts at zero with the snapshot, and counts attempts, failures and ejections", async () => {
  await using edge = await openEdge(
    shopSnapshot([await closedPort(), await closedPort()], { policy: { attemptsMax: 1 } }),
    { limits: { ejectionFailures: 2 } },
  );
  const count = { backend: "shop/web:80", requests: 0, failures: 0, ejections: 0, ejected: 0 };
  assert.deepEqual(edge.dataPlane.stats().backends, [count]);
  for (let index = 0; index < 4; index++) await say(edge.httpPort, get("/"));
  assert.deepEqual(edge.dataPlane.stats().backends, [{ ...count, requests: 4, failures: 4, ejections: 1, ejected: 1 }]);
});
