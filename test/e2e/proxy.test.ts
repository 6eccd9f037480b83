// The one-line replacement of a proxy and its certificate client.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer, get, type IncomingHttpHeaders } from "node:http";
import { request } from "node:https";
import { connect, type AddressInfo } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { isRecord } from "../../src/ground/json.ts";
import { httpsGet } from "./https-get.ts";
import { Instance, lintel, stateFolder } from "./instance.ts";
import { startPebble } from "./pebble.ts";
import { freePort, skipWithout } from "../../src/ground/testing.ts";

test("proxy serves a name and an IP address with the local CA, redirects, and sets the forwarded headers", async (t) => {
  const port = await headerServer(t);
  const instance = await Instance.start(t, {
    command: "proxy",
    arguments: ["--to", `shop.localhost=http://127.0.0.1:${port}`, "--to", `127.0.0.1=http://localhost:${port}`],
  }).ready();
  assert.match(instance.output, /shop\.localhost: the local CA signs \(no public CA can vouch for it\)/);
  const answer = await httpsGet(instance, "shop.localhost", "/a?b");
  const seen: unknown = JSON.parse(answer.body);
  assert.ok(isRecord(seen));
  assert.equal(seen["host"], "shop.localhost");
  assert.equal(seen["x-real-ip"], "127.0.0.1");
  assert.equal(seen["x-forwarded-for"], "127.0.0.1");
  assert.equal(seen["x-forwarded-proto"], "https");
  const redirect = await plain(instance, "shop.localhost", "/a?b");
  assert.equal(redirect.status, 308);
  assert.equal(redirect.headers.location, `https://shop.localhost:${instance.https.port}/a?b`);
  assert.equal(await byAddress(instance), 200);
  assert.equal(await instance.stop("SIGTERM"), 0);
});

test("proxy --proxy-protocol-from takes the client's address from the balancer's header", async (t) => {
  const port = await headerServer(t);
  const options = ["shop.localhost", "--to", `http://127.0.0.1:${port}`, "--proxy-protocol-from", "127.0.0.1"];
  const instance = await Instance.start(t, { command: "proxy", arguments: options }).ready();
  const socket = connect(instance.https);
  socket.write("PROXY TCP4 192.0.2.7 127.0.0.1 1234 443\r\n");
  const secure = connectTls({ socket, servername: "shop.localhost", ca: instance.ca });
  secure.write("GET / HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\n\r\n");
  let text = "";
  for await (const chunk of secure) text += String(chunk);
  assert.match(text, /^HTTP\/1\.1 200 .*"x-real-ip":"192\.0\.2\.7"/s);
  await assert.rejects(httpsGet(instance, "shop.localhost"), "a connection without the header is closed");
});

test(
  "proxy gets its certificate from Pebble by HTTP-01, and a restart orders nothing",
  { skip: skipWithout("pebble", "pebble-challtestsrv") },
  async (t) => {
    const port = await headerServer(t);
    const httpPort = await freePort();
    const pebble = await startPebble(t, { program: "pebble", httpPort, tlsPort: 1 });
    const state = stateFolder(t);
    const bundle = join(stateFolder(t), "ca.pem");
    writeFileSync(bundle, pebble.caPem);
    const options = {
      command: "proxy",
      state,
      arguments: [
        "localhost",
        "--to",
        `http://127.0.0.1:${port}`,
        "--acme-server",
        pebble.directoryUrl,
        "--acme-ca-bundle",
        bundle,
        "--email",
        "ops@shop.example",
        "--http",
        String(httpPort),
      ],
    } as const;
    const first = await Instance.start(t, options).ready();
    assert.match(first.output, /Certificate from ClusterIssuer "lintel-proxy" is live/);
    const before = await serial(first);
    assert.equal(await first.stop("SIGTERM"), 0);
    const second = await Instance.start(t, options).ready();
    assert.equal(await serial(second), before);
    assert.doesNotMatch(second.output, /Ordered a certificate/);
  },
);

test("proxy refuses a URL with a path, a host twice and a wildcard, each with a sentence", async () => {
  for (const [args, said] of [
    [["shop.localhost", "--to", "http://127.0.0.1/app"], /paths are passed on as clients send them\nWrite http:/],
    [
      ["--to", "a.localhost=http://10.0.0.1", "--to", "a.localhost=http://10.0.0.2"],
      /Cannot serve "a\.localhost" twice/,
    ],
    [["*.shop.example", "--to", "http://10.0.0.1"], /HTTP-01 proves no wildcard/],
    [["--to", "http://10.0.0.1"], /Write --to HOST=URL/],
  ] as const) {
    const { code, stderr } = await lintel("proxy", ...args);
    assert.equal(code, 2);
    assert.match(stderr, said);
  }
});

async function headerServer(t: TestContext): Promise<number> {
  const server = createServer((call, answer) => answer.end(JSON.stringify(call.headers)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

function plain(
  instance: Instance,
  host: string,
  path: string,
): Promise<{ readonly status: number; readonly headers: IncomingHttpHeaders }> {
  const { host: address, port } = instance.http;
  return new Promise((resolve, reject) => {
    get({ host: address, port, path, headers: { host }, agent: false }, (response) => {
      response.resume();
      resolve({ status: response.statusCode ?? 0, headers: response.headers });
    }).on("error", reject);
  });
}

/** As a client that dials the address: no name in the handshake, and the certificate must be for the address. */
function byAddress(instance: Instance): Promise<number> {
  const { host, port } = instance.https;
  return new Promise((resolve, reject) => {
    const call = request({ host, port, ca: instance.ca, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    call.on("error", reject);
    call.end();
  });
}

/** Pebble's root is new at every start: what counts is which certificate is shown. */
function serial(instance: Instance): Promise<string> {
  const { host, port } = instance.https;
  return new Promise((resolve, reject) => {
    const call = request({
      host,
      port,
      servername: "localhost",
      headers: { host: "localhost" },
      rejectUnauthorized: false,
      agent: false,
    });
    call.on("response", (response) => {
      const { socket } = response;
      response.resume();
      resolve((socket as TLSSocket).getPeerCertificate().serialNumber);
    });
    call.on("error", reject);
    call.end();
  });
}
