import assert from "node:assert/strict";
import { connect } from "node:http2";
import { test } from "node:test";
import type { CookieAffinity } from "../routing/snapshot.ts";
import { closedPort, get, openEdge, openEndpoint, openRawEndpoint, RawClient, say, shopSnapshot } from "./testing.ts";

const AFFINITY: CookieAffinity = {
  name: "INGRESSCOOKIE",
  path: "/",
  unlessMisread: false,
  changeOnFailure: false,
  mode: "balanced",
};
const MODES = [AFFINITY, { ...AFFINITY, mode: "persistent" }] as const;

const cookieOf = (answer: string): string | undefined => /Set-Cookie: (INGRESSCOOKIE=[0-9a-f]{16});/i.exec(answer)?.[1];
const bodyOf = (answer: string): string => /<\w+>/.exec(answer)?.[0] ?? answer;

for (const affinity of MODES) {
  const { mode } = affinity;
  const options = { policy: { affinity }, backend: { affinityKey: "uid" } };

  test(`AffinitySession keeps a client with its endpoint in every worker when ${mode}`, async () => {
    await using first = await openEndpoint((_request, response) => response.end("<first>"));
    await using second = await openEndpoint((_request, response) => response.end("<second>"));
    const snapshot = shopSnapshot([first.port, second.port], options);
    await using one = await openEdge(snapshot);
    await using other = await openEdge(structuredClone(snapshot));
    const seen = new Set<string>();
    for (let client = 0; client < 12; client++) {
      const answer = await say(one.httpPort, get("/"));
      const cookie = cookieOf(answer);
      assert.ok(cookie !== undefined, answer);
      seen.add(bodyOf(answer));
      for (const edge of [one, other, one]) {
        const next = await say(edge.httpPort, get("/", `Cookie: a=b; ${cookie}; c=d`));
        assert.equal(bodyOf(next), bodyOf(answer));
        assert.equal(cookieOf(next), undefined);
      }
    }
    assert.deepEqual([...seen].sort(), ["<first>", "<second>"]);
  });

  test(`AffinitySession gives a client with a foreign or malformed cookie a good one when ${mode}`, async () => {
    await using endpoint = await openEndpoint((_request, response) => response.end("<only>"));
    await using edge = await openEdge(shopSnapshot([endpoint.port], options));
    for (const value of ["", "1700000000.1.2.3|0a1b2c3d", "'; DROP", "0123456789abcdef0"]) {
      const answer = await say(edge.httpPort, get("/", `Cookie: INGRESSCOOKIE=${value}`));
      assert.match(answer, /^HTTP\/1\.1 200 /);
      assert.ok(cookieOf(answer) !== undefined, answer);
    }
    const other = await say(edge.httpPort, get("/", "Cookie: ingresscookie=0123456789abcdef"));
    assert.ok(cookieOf(other) !== undefined, other);
  });

  test(`AffinitySession names the endpoint that answered when ${mode} and the first did not`, async () => {
    await using endpoint = await openEndpoint((_request, response) => response.end("<up>"));
    const ports = [await closedPort(), endpoint.port];
    await using edge = await openEdge(shopSnapshot(ports, options));
    for (let client = 0; client < 6; client++) {
      const cookie = cookieOf(await say(edge.httpPort, get("/")));
      assert.ok(cookie !== undefined);
      const { upstream } = edge.dataPlane.stats();
      assert.equal(bodyOf(await say(edge.httpPort, get("/", `Cookie: ${cookie}`))), "<up>");
      assert.equal(edge.dataPlane.stats().upstream.failed, upstream.failed);
    }
  });
}

test("AffinitySession gives the client of an endpoint that is gone another endpoint and a new cookie", async () => {
  await using first = await openEndpoint((_request, response) => response.end("<first>"));
  await using second = await openEndpoint((_request, response) => response.end("<second>"));
  const options = { policy: { affinity: MODES[1] }, backend: { affinityKey: "uid" } };
  await using edge = await openEdge(shopSnapshot([first.port], options));
  const old = cookieOf(await say(edge.httpPort, get("/"))) ?? "";
  edge.dataPlane.serve(shopSnapshot([second.port], { ...options, generation: 2 }));
  const answer = await say(edge.httpPort, get("/", `Cookie: ${old}`));
  assert.equal(bodyOf(answer), "<second>");
  assert.ok(cookieOf(answer) !== undefined && cookieOf(answer) !== old);
});

test("AffinitySession stays with who took over when the client's endpoint fails and changeOnFailure", async () => {
  for (const affinity of MODES) {
    for (const changeOnFailure of [false, true]) {
      let down = false;
      await using first = await openRawEndpoint((socket) =>
        down
          ? socket.destroy()
          : socket.end("HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\n<first>"),
      );
      await using second = await openEndpoint((_request, response) => response.end("<second>"));
      const policy = { affinity: { ...affinity, changeOnFailure } };
      await using edge = await openEdge(shopSnapshot([first.port, second.port], { policy }));
      let answer = "";
      do answer = await say(edge.httpPort, get("/"));
      while (bodyOf(answer) !== "<first>");
      const cookie = `Cookie: ${cookieOf(answer)}`;
      down = true;
      const moved = await say(edge.httpPort, get("/", cookie));
      assert.equal(bodyOf(moved), "<second>");
      assert.equal(cookieOf(moved) !== undefined, changeOnFailure);
      down = false;
      const next = changeOnFailure ? `Cookie: ${cookieOf(moved)}` : cookie;
      assert.equal(bodyOf(await say(edge.httpPort, get("/", next))), changeOnFailure ? "<second>" : "<first>");
    }
  }
});

test("AffinitySession sets the cookie of HTTP/2 clients, and reads it from crumbs", async () => {
  await using endpoint = await openEndpoint((_request, response) => response.end("<only>"));
  const options = { policy: { affinity: { ...AFFINITY, path: "/shop", sameSite: "Strict" as const } } };
  await using edge = await openEdge(shopSnapshot([endpoint.port], options));
  const session = connect(`http://127.0.0.1:${edge.httpPort}`);
  const ask = (cookie: readonly string[]): Promise<readonly string[] | undefined> =>
    new Promise((resolve, reject) => {
      const stream = session.request({ ":authority": "shop.example", ":path": "/", cookie: [...cookie] });
      stream.on("response", (headers) => resolve(headers["set-cookie"]));
      stream.on("error", reject);
      stream.resume();
    });
  const [cookie = ""] = (await ask([])) ?? [];
  assert.match(cookie, /^INGRESSCOOKIE=[0-9a-f]{16}; Path=\/shop; HttpOnly; SameSite=Strict$/);
  assert.equal(await ask(["a=b", cookie.slice(0, cookie.indexOf(";"))]), undefined);
  session.destroy();
});

test("AffinitySession sets the cookie with the answer to an upgrade", async () => {
  await using endpoint = await openRawEndpoint((socket) =>
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSet-Cookie: own=1\r\n\r\n",
    ),
  );
  await using edge = await openEdge(shopSnapshot([endpoint.port], { policy: { affinity: AFFINITY } }));
  const client = RawClient.connect(edge.httpPort);
  client.send("GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  const head = await client.heard("\r\n\r\n");
  assert.match(head, /^HTTP\/1\.1 101 /);
  assert.ok(cookieOf(head) !== undefined, head);
  assert.match(head, /Set-Cookie: own=1\r\n/);
  client.socket.destroy();
});
