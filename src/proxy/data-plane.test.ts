import assert from "node:assert/strict";
import { test } from "node:test";
import {
  closedPort,
  get,
  openEdge,
  openEndpoint,
  openRawEndpoint,
  RawClient,
  say,
  shopSnapshot,
  type TestServer,
  waitFor,
} from "./testing.ts";

/** Answers with the request it got. */
function openMirror(): Promise<TestServer> {
  return openEndpoint((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const { method, url, headers, trailers } = request;
      response.end(JSON.stringify({ method, url, headers, trailers, body: Buffer.concat(parts).toString("latin1") }));
    });
  });
}

interface Mirrored {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly trailers: Readonly<Record<string, string>>;
  readonly body: string;
}

function mirrored(heard: string): Mirrored {
  assert.match(heard, /^HTTP\/1\.1 200 OK\r\n/);
  return JSON.parse(heard.slice(heard.indexOf("\r\n\r\n") + 4)) as Mirrored;
}

test("DataPlane forwards a request with its headers, and tells the endpoint who asked", async () => {
  await using endpoint = await openMirror();
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  const heard = await say(edge.httpPort, get("/a/../b?q=1", "X-One: 1", "X-Two: 2"));
  const request = mirrored(heard);
  assert.equal(request.url, "/b?q=1");
  assert.equal(request.headers["x-one"], "1");
  assert.equal(request.headers["x-two"], "2");
  assert.equal(request.headers["host"], "shop.example");
  assert.equal(request.headers["x-forwarded-for"], "127.0.0.1");
  const [line] = edge.lines;
  assert.equal(line?.route, "Ingress/shop/web#0/0");
  assert.equal(line?.endpoint, `127.0.0.1:${endpoint.port}`);
  assert.equal(line?.status, 200);
  const count = edge.dataPlane.stats().routes.find((entry) => entry.route === line?.route);
  assert.equal(count?.responses[2], 1);
});

for (const [name, claim] of [
  ["X-Forwarded-For", "X-Forwarded-For: 6.6.6.6"],
  ["X-Forwarded-Proto", "X-Forwarded-Proto: https"],
  ["X-Forwarded-Host", "X-Forwarded-Host: evil"],
  ["X-Real-IP", "X-Real-IP: 6.6.6.6"],
  ["Forwarded", "Forwarded: for=6.6.6.6"],
  ["ssl-client-verify", "ssl-client-verify: SUCCESS"],
] as const) {
  test(`DataPlane drops ${name} when the client is not trusted`, async () => {
    await using endpoint = await openMirror();
    await using edge = await openEdge(shopSnapshot([endpoint.port]));
    const { headers } = mirrored(await say(edge.httpPort, get("/", claim)));
    assert.doesNotMatch(JSON.stringify(headers), /6\.6\.6\.6|evil|SUCCESS|https/);
  });
}

test("DataPlane extends the claims of a trusted proxy", async () => {
  await using endpoint = await openMirror();
  const settings = { trustedProxies: ["127.0.0.0/8", "10.0.0.0/8"], httpsPort: 443 };
  const policy = { httpsRedirectStatus: 308 } as const;
  await using edge = await openEdge(shopSnapshot([endpoint.port], { policy, more: { settings } }));
  const claims = ["X-Forwarded-For: 6.6.6.6, 7.7.7.7", "X-Forwarded-For: 10.1.1.1", "X-Forwarded-Proto: https"];
  const { headers } = mirrored(await say(edge.httpPort, get("/", ...claims, "X-Forwarded-Host: front.example")));
  assert.equal(headers["x-forwarded-for"], "6.6.6.6, 7.7.7.7, 10.1.1.1, 127.0.0.1");
  assert.equal(headers["x-real-ip"], "7.7.7.7");
  assert.equal(headers["x-forwarded-proto"], "https");
  assert.equal(headers["x-forwarded-host"], "front.example");
  assert.equal(headers["x-forwarded-port"], "443");
});

test("DataPlane sends the policy's host and rewritten path to the endpoint", async () => {
  await using endpoint = await openMirror();
  const policy = { upstreamHost: "inside.example", rewrite: { pattern: "/api/(.*)", target: "/v1/$1" } };
  await using edge = await openEdge(shopSnapshot([endpoint.port], { policy }));
  const request = mirrored(await say(edge.httpPort, get("/api/x%20y?z=1")));
  assert.equal(request.url, "/v1/x%20y?z=1");
  assert.equal(request.headers["host"], "inside.example");
  assert.equal(request.headers["x-forwarded-host"], "shop.example");
});

test("DataPlane takes the host of an absolute target instead of the Host header", async () => {
  await using endpoint = await openMirror();
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  const text = "GET http://shop.example:80/x?y HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n";
  const request = mirrored(await say(edge.httpPort, text));
  assert.equal(request.url, "/x?y");
  assert.equal(request.headers["host"], "shop.example:80");
});

test("DataPlane streams chunked bodies and their trailers both ways", async () => {
  await using endpoint = await openEndpoint((request, response) => {
    response.writeHead(200, { Trailer: "X-Sum" });
    request.on("data", (part: Buffer) => response.write(part));
    request.on("end", () => {
      response.addTrailers({ "X-Sum": String(request.trailers["x-in"]) });
      response.end();
    });
  });
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  const heard = await say(
    edge.httpPort,
    "POST / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n" +
      "3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\nX-In: 5\r\nContent-Length: 9\r\n\r\n",
  );
  assert.match(heard, /\r\nTransfer-Encoding: chunked\r\n/);
  const body = heard.slice(heard.indexOf("\r\n\r\n") + 4);
  assert.equal(body.replaceAll(/\d\r\n([a-e]+)\r\n/g, "$1"), "abcde0\r\nX-Sum: 5\r\n\r\n");
});

test("DataPlane gives an HTTP/1.0 client a body that ends with the connection when it was chunked", async () => {
  await using endpoint = await openEndpoint((_request, response) => {
    response.write("abc");
    response.end("de");
  });
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  const heard = await say(edge.httpPort, "GET / HTTP/1.0\r\nHost: shop.example\r\nConnection: keep-alive\r\n\r\n");
  assert.doesNotMatch(heard, /Transfer-Encoding/);
  assert.ok(heard.endsWith("\r\n\r\nabcde"), heard);
});

test("DataPlane answers HEAD without a body and goes on with the connection", async () => {
  await using endpoint = await openEndpoint((_request, response) => {
    response.setHeader("Content-Length", 5);
    response.end("hello");
  });
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  const heard = await say(edge.httpPort, "HEAD / HTTP/1.1\r\nHost: shop.example\r\n\r\n" + get("/"));
  const [head = "", second = ""] = heard.split("\r\n\r\n");
  assert.match(head, /\r\nContent-Length: 5/);
  assert.match(second, /^HTTP\/1\.1 200 OK/);
  assert.ok(heard.endsWith("hello"));
});

test("DataPlane answers pipelined requests in order, own answers among them", async () => {
  await using endpoint = await openEndpoint((request, response) => response.end(`[${request.url}]`));
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  const one = "POST /1 HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 3\r\n\r\nabc";
  const two = "GET /2 HTTP/1.1\r\nHost: unknown.example\r\n\r\n";
  const three = "GET /3 HTTP/1.1\r\nHost: shop.example\r\n\r\n";
  const heard = await say(edge.httpPort, one + two + three + two + get("/4"));
  assert.deepEqual(heard.match(/\[\/\d\]|404 Not Found:/g), [
    "[/1]",
    "404 Not Found:",
    "[/3]",
    "404 Not Found:",
    "[/4]",
  ]);
});

test("DataPlane passes 1xx responses on, and the body once the endpoint asks for it", async () => {
  await using endpoint = await openEndpoint((request, response) => {
    response.writeEarlyHints({ link: "</a.css>; rel=preload" });
    request.resume().on("end", () => response.end("done"));
  });
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  const client = RawClient.connect(edge.httpPort);
  client.send(
    "POST / HTTP/1.1\r\nHost: shop.example\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 2\r\n\r\n",
  );
  await client.heard("HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  const heard = await client.end();
  assert.match(heard, /HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>; rel=preload\r\n\r\n/i);
  assert.match(heard, /HTTP\/1\.1 200 OK[\s\S]*done/);
});

test("DataPlane answers 413 when the body is longer than the policy allows", async () => {
  await using endpoint = await openMirror();
  await using edge = await openEdge(shopSnapshot([endpoint.port], { policy: { bodyBytesMax: 10 } }));
  const known = await say(edge.httpPort, "POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 11\r\n\r\n");
  assert.match(known, /^HTTP\/1\.1 413 Content Too Large\r\n/);
  assert.ok(known.endsWith("413 Content Too Large: The request body is longer than 10 bytes\n"));
  const chunked =
    "POST / HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n8\r\n12345678\r\n0\r\n\r\n";
  assert.match(await say(edge.httpPort, chunked), /^HTTP\/1\.1 413 /);
  const fits = await say(
    edge.httpPort,
    "POST / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nContent-Length: 10\r\n\r\n0123456789",
  );
  assert.equal(mirrored(fits).body, "0123456789");
});

test("DataPlane answers 404 when no rule fits, 503 when nothing is behind one, and says why", async () => {
  const backend = { endpoints: [], problem: 'Service "shop/web" does not exist' };
  await using edge = await openEdge(shopSnapshot([], { backend }));
  const unknown = await say(edge.httpPort, "GET / HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n");
  assert.match(unknown, /^HTTP\/1\.1 404 Not Found\r\n[\s\S]*\r\n\r\n404 Not Found: No rule names this host/);
  const empty = await say(edge.httpPort, get("/"));
  assert.match(empty, /^HTTP\/1\.1 503 [\s\S]*\r\n\r\n503 Service Unavailable: Service "shop\/web" does not exist\n$/);
  assert.equal(edge.lines[1]?.reason, 'Service "shop/web" does not exist');
});

test("DataPlane redirects to HTTPS with the policy's status, port, path and query", async () => {
  const settings = { trustedProxies: [], httpsPort: 8443 };
  await using edge = await openEdge(shopSnapshot([1], { policy: { httpsRedirectStatus: 308 }, more: { settings } }));
  const heard = await say(edge.httpPort, get("/a%20b?c=d"));
  assert.match(heard, /^HTTP\/1\.1 308 Permanent Redirect\r\n/);
  assert.match(heard, /\r\nLocation: https:\/\/shop\.example:8443\/a%20b\?c=d\r\n/);
});

test("DataPlane answers a challenge ahead of the redirect, for its own host and token only", async () => {
  const challenge = { token: "tok", keyAuthorization: "tok.thumb", host: "shop.example" };
  const more = { challenges: new Map([["tok", challenge]]) };
  await using edge = await openEdge(shopSnapshot([1], { policy: { httpsRedirectStatus: 308 }, more }));
  const answer = await say(edge.httpPort, get("/.well-known/acme-challenge/tok"));
  assert.match(answer, /^HTTP\/1\.1 200 OK[\s\S]*\r\n\r\ntok\.thumb$/);
  assert.match(await say(edge.httpPort, get("/.well-known/acme-challenge/other")), /^HTTP\/1\.1 308 /);
  const elsewhere = "GET /.well-known/acme-challenge/tok HTTP/1.1\r\nHost: a.shop.example\r\nConnection: close\r\n\r\n";
  assert.match(await say(edge.httpPort, elsewhere), /^HTTP\/1\.1 308 /);
});

test("DataPlane answers what a reject action says", async () => {
  const snapshot = shopSnapshot([1]);
  const host = snapshot.hosts.get("shop.example");
  assert.ok(host?.routes[0]);
  const action = {
    kind: "reject",
    status: 503,
    code: "AuthSecretMissing",
    reason: 'Secret "shop/users" does not exist',
  } as const;
  const routes = [{ ...host.routes[0], action }];
  await using edge = await openEdge({
    ...snapshot,
    hosts: new Map([["shop.example", { host: "shop.example", routes }]]),
  });
  assert.match(await say(edge.httpPort, get("/")), /503 Service Unavailable: Secret "shop\/users" does not exist\n$/);
});

test("DataPlane answers 502 with the endpoint's name when it refuses the connection", async () => {
  const port = await closedPort();
  await using edge = await openEdge(shopSnapshot([port]));
  const heard = await say(edge.httpPort, get("/"));
  assert.ok(
    heard.endsWith(`502 Bad Gateway: Service "shop/web" endpoint 127.0.0.1:${port} refused the connection\n`),
    heard,
  );
});

test("DataPlane takes another endpoint when one refuses the connection, also for a POST", async () => {
  await using endpoint = await openMirror();
  await using edge = await openEdge(shopSnapshot([await closedPort(), endpoint.port]));
  for (let request = 0; request < 4; request++) {
    const heard = await say(
      edge.httpPort,
      "POST / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
    );
    assert.equal(mirrored(heard).body, "ok");
  }
});

test("DataPlane retries an idempotent request at another endpoint when one closes without an answer, and no POST", async () => {
  let closed = 0;
  await using broken = await openRawEndpoint((socket) => {
    closed++;
    socket.destroy();
  });
  await using endpoint = await openMirror();
  await using edge = await openEdge(shopSnapshot([broken.port, endpoint.port]));
  mirrored(await say(edge.httpPort, get("/1")));
  assert.equal(closed, 1);
  await say(edge.httpPort, get("/2"));
  const posts: string[] = [];
  for (let post = 0; post < 2; post++) {
    posts.push(
      await say(
        edge.httpPort,
        "POST / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
      ),
    );
  }
  assert.equal(posts.filter((heard) => heard.startsWith("HTTP/1.1 502 ")).length, 1);
  assert.ok(posts.some((heard) => heard.includes("closed the connection without a complete response")));
});

test("DataPlane sends a request again silently when an idle connection closes just as it is used", async () => {
  const heads: string[] = [];
  await using endpoint = await openRawEndpoint((socket, text) => {
    heads.push(text.split(" ")[1] ?? "");
    // The second request on a connection finds it closed.
    if (text.startsWith("GET /2") && heads.length === 2) socket.destroy();
    else socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  });
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  await say(edge.httpPort, get("/1"));
  assert.match(await say(edge.httpPort, get("/2")), /^HTTP\/1\.1 200 OK/);
  assert.deepEqual(heads, ["/1", "/2", "/2"]);
  assert.equal(edge.lines[1]?.attempts, 1);
  assert.equal(edge.dataPlane.stats().upstream.retries, 1);
});

test("DataPlane uses connections to an endpoint again", async () => {
  await using endpoint = await openMirror();
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  for (let request = 0; request < 5; request++) await say(edge.httpPort, get("/"));
  const { upstream } = edge.dataPlane.stats();
  assert.equal(upstream.opened, 1);
  assert.equal(upstream.reused, 4);
});

test("DataPlane does not use a connection again when bytes follow the response", async () => {
  await using endpoint = await openRawEndpoint((socket) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
  });
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  const two = await say(edge.httpPort, "GET /1 HTTP/1.1\r\nHost: shop.example\r\n\r\n" + get("/2"));
  assert.doesNotMatch(two, /poison/);
  assert.equal(edge.dataPlane.stats().upstream.opened, 2);
});

for (const [name, response] of [
  ["both lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
  ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc"],
  ["an unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"],
  ["a folded header", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n"],
  ["bare LF", "HTTP/1.1 200 OK\nContent-Length: 0\n\n"],
  ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n"],
  ["a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n"],
  ["101 without being asked", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"],
] as const) {
  test(`DataPlane answers 502 when a response has ${name}`, async () => {
    await using endpoint = await openRawEndpoint((socket) => socket.write(response));
    await using edge = await openEdge(shopSnapshot([endpoint.port]));
    const heard = await say(edge.httpPort, get("/"));
    assert.match(heard, /^HTTP\/1\.1 502 Bad Gateway\r\n[\s\S]*sent a response that is not valid HTTP: /);
  });
}

test("DataPlane passes a body that ends with the endpoint's connection on as chunks", async () => {
  await using endpoint = await openRawEndpoint((socket) => socket.end("HTTP/1.1 200\r\nX: y\r\n\r\nabc"));
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  const heard = await say(edge.httpPort, get("/"));
  assert.match(heard, /^HTTP\/1\.1 200 \r\nX: y\r\nTransfer-Encoding: chunked\r\n/);
  assert.ok(heard.endsWith("\r\n\r\n3\r\nabc\r\n0\r\n\r\n"));
});

test("DataPlane never makes a broken response look complete", async () => {
  for (const head of ["Content-Length: 100\r\n", "Transfer-Encoding: chunked\r\n", "Connection: close\r\n"]) {
    const data = head.startsWith("T") ? "5\r\nhello\r\n" : "hello";
    await using endpoint = await openRawEndpoint((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n${data}`, () => socket.resetAndDestroy());
    });
    await using edge = await openEdge(shopSnapshot([endpoint.port]));
    const client = RawClient.connect(edge.httpPort);
    client.send(get("/"));
    await client.closed;
    assert.doesNotMatch(client.text, /\r\n0\r\n\r\n$/);
    assert.equal(client.ended, false, head);
    assert.equal(edge.lines.length, 1);
  }
});

test("DataPlane answers 504 when the endpoint is silent for the read timeout", async () => {
  let asked = false;
  await using endpoint = await openRawEndpoint(() => (asked = true));
  await using edge = await openEdge(shopSnapshot([endpoint.port], { policy: { readTimeoutMs: 5000, attemptsMax: 1 } }));
  const client = RawClient.connect(edge.httpPort);
  client.send(get("/"));
  await waitFor(() => asked);
  await edge.clock.advance(4900);
  assert.equal(client.text, "");
  await edge.clock.advance(1000);
  assert.match(
    await client.end(),
    /504 Gateway Timeout: Service "shop\/web" endpoint 127\.0\.0\.1:\d+ did not answer in time\n$/,
  );
});

test("DataPlane answers 408 when a head drips in too slowly, however steadily", async () => {
  await using edge = await openEdge(shopSnapshot([1]), { limits: { headTimeoutMs: 3000 } });
  const client = RawClient.connect(edge.httpPort);
  client.send("GET / HTTP/1.1\r\n");
  await waitFor(() => edge.dataPlane.stats().connections.open === 1);
  for (let second = 0; second < 4; second++) {
    client.send(`X-${second}: y\r\n`);
    await edge.clock.advance(1000);
  }
  assert.match(await client.end(), /^HTTP\/1\.1 408 Request Timeout\r\n[\s\S]*Connection: close/);
});

test("DataPlane answers 408 when a body does not go on", async () => {
  await using endpoint = await openMirror();
  await using edge = await openEdge(shopSnapshot([endpoint.port]), { limits: { bodyTimeoutMs: 3000 } });
  const client = RawClient.connect(edge.httpPort);
  client.send("POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 10\r\n\r\nabc");
  await waitFor(() => endpoint.sockets.size > 0 && edge.dataPlane.stats().upstream.open === 1);
  await edge.clock.advance(4000);
  assert.match(await client.end(), /^HTTP\/1\.1 408 Request Timeout\r\n/);
});

test("DataPlane closes an idle connection after the idle timeout, without a word", async () => {
  await using endpoint = await openMirror();
  await using edge = await openEdge(shopSnapshot([endpoint.port]), { limits: { idleTimeoutMs: 3000 } });
  const client = RawClient.connect(edge.httpPort);
  client.send("GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n");
  const heard = await client.heard(/\}$/);
  await edge.clock.advance(4000);
  assert.equal(await client.end(), heard);
});

test("DataPlane answers a client that has closed its half", async () => {
  await using endpoint = await openMirror();
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  const client = RawClient.connect(edge.httpPort);
  client.socket.end("GET /half HTTP/1.1\r\nHost: shop.example\r\n\r\n");
  assert.equal(mirrored(await client.end()).url, "/half");
});

test("DataPlane gives an endpoint up when the client is gone", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let asked = false;
  await using endpoint = await openRawEndpoint((socket) => {
    asked = true;
    socket.on("end", () => resolve());
  });
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  const client = RawClient.connect(edge.httpPort);
  client.send(get("/"));
  await waitFor(() => asked);
  client.socket.resetAndDestroy();
  await promise;
  assert.equal(edge.lines[0]?.reason, "The client closed the connection");
});

test("DataPlane avoids an endpoint for a while when it keeps failing", async () => {
  await using endpoint = await openMirror();
  await using edge = await openEdge(shopSnapshot([await closedPort(), endpoint.port]));
  for (let request = 0; request < 12; request++) await say(edge.httpPort, get("/"));
  const { upstream } = edge.dataPlane.stats();
  assert.equal(upstream.ejections, 1);
  assert.equal(upstream.failed, 3);
});

test("DataPlane serves the same on the documented streams", async () => {
  await using endpoint = await openMirror();
  await using edge = await openEdge(shopSnapshot([endpoint.port]), { channelMode: "streams" });
  const body = "x".repeat(300_000);
  const post = `POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const heard = await say(edge.httpPort, post + get("/after"));
  assert.equal(heard.split("HTTP/1.1 200 OK").length, 3);
  assert.ok(heard.includes(body));
});

test("DataPlane.drain() finishes what is in flight, closes what is idle and accepts nothing more", async () => {
  let answer: (() => void) | undefined;
  await using endpoint = await openEndpoint((_request, response) => (answer = () => response.end("late")));
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  const idle = RawClient.connect(edge.httpPort);
  const busy = RawClient.connect(edge.httpPort);
  busy.send("GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n");
  await waitFor(() => answer !== undefined && edge.dataPlane.stats().connections.open === 2);
  const drained = edge.dataPlane.drain({ signal: new AbortController().signal });
  await edge.clock.advance(3_000);
  await idle.end();
  answer?.();
  const heard = await busy.end();
  assert.match(heard, /\r\nConnection: close\r\n[\s\S]*late$/);
  await drained;
  const late = RawClient.connect(edge.httpPort);
  await late.closed;
  assert.equal(edge.dataPlane.stats().connections.open, 0);
});

test("DataPlane.drain() answers a request that was under way to an idle connection, and says that it closes", async () => {
  await using endpoint = await openMirror();
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  const idle = RawClient.connect(edge.httpPort);
  await waitFor(() => edge.dataPlane.stats().connections.open === 1);
  const drained = edge.dataPlane.drain({ signal: new AbortController().signal });
  idle.send("GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n");
  assert.match(await idle.end(), /^HTTP\/1\.1 200 OK[\s\S]*\r\nConnection: close\r\n/);
  await drained;
});

const HEAD_PIECES = ["GET /@", " HTTP/1.1\r\nHost: shop.", "example\r\nConnection: close\r\n", "\r\n"] as const;

test("DataPlane keeps connections apart when heads in pieces are refused between others in pieces", async () => {
  await using endpoint = await openMirror();
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  const refused = RawClient.connect(edge.httpPort);
  refused.send("GET x ");
  await waitFor(() => edge.dataPlane.stats().connections.open === 1);
  refused.send("HTTP/1.1\r\nHost: shop.example\r\n\r\n");
  assert.match(await refused.end(), /^HTTP\/1\.1 400 /);
  // Both heads are incomplete at the same time, so each must have a parser to itself.
  const clients = Array.from({ length: 4 }, () => RawClient.connect(edge.httpPort));
  for (let piece = 0; piece < HEAD_PIECES.length; piece++) {
    for (const [index, client] of clients.entries()) client.send(HEAD_PIECES[piece]?.replace("@", String(index)) ?? "");
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  for (const [index, client] of clients.entries()) assert.equal(mirrored(await client.end()).url, `/${index}`);
});

test("DataPlane still delivers an answer when the client closes its half before it has read it", async () => {
  const sizeBytes = 8 * 1024 * 1024;
  await using endpoint = await openEndpoint((_request, response) => response.end(Buffer.alloc(sizeBytes, "x")));
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  const client = RawClient.connect(edge.httpPort);
  client.socket.pause();
  client.send("GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n");
  for (let turn = 0; turn < 500; turn++) await new Promise((resolve) => setImmediate(resolve));
  client.socket.end();
  client.socket.resume();
  const heard = await client.end();
  assert.equal(heard.length - heard.indexOf("\r\n\r\n") - 4, sizeBytes);
});

test("DataPlane answers 502 when an endpoint sends 1xx responses without end", async () => {
  await using endpoint = await openRawEndpoint((socket) => socket.write("HTTP/1.1 103 Early Hints\r\n\r\n".repeat(50)));
  await using edge = await openEdge(shopSnapshot([endpoint.port]));
  assert.match(await say(edge.httpPort, get("/")), /HTTP\/1\.1 502 Bad Gateway[\s\S]*1xx responses without end/);
});
