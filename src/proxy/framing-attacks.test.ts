import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { get, openEdge, openEndpoint, say, shopSnapshot, type TestEdge, type TestServer } from "./testing.ts";

let edge: TestEdge;
let endpoint: TestServer;
const seen: string[] = [];

before(async () => {
  endpoint = await openEndpoint((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    request.resume().on("end", () => response.end(JSON.stringify(request.headers)));
  });
  edge = await openEdge(shopSnapshot([endpoint.port]));
});

after(async () => {
  await edge[Symbol.asyncDispose]();
  await endpoint[Symbol.asyncDispose]();
});

const SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: shop.example\r\n\r\n";

for (const [name, text] of [
  [
    "both lengths",
    "POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  [
    "both lengths, the other way around",
    "POST / HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
  ],
  [
    "a repeated Content-Length",
    "POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
  ],
  ["a Content-Length list", "POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 3, 3\r\n\r\nabc"],
  ["a signed Content-Length", "POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: +3\r\n\r\nabc"],
  ["a negative Content-Length", "POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: -3\r\n\r\nabc"],
  ["a hexadecimal Content-Length", "POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 0x3\r\n\r\nabc"],
  ["an empty Content-Length", "POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: \r\n\r\nabc"],
  ["a huge Content-Length", "POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 99999999999999999999\r\n\r\n"],
  ["an obsolete line fold", "GET / HTTP/1.1\r\nHost: shop.example\r\nX: a\r\n b\r\n\r\n"],
  ["a folded first header", "GET / HTTP/1.1\r\n Host: shop.example\r\n\r\n"],
  ["bare LF line ends", "GET / HTTP/1.1\nHost: shop.example\n\n"],
  ["one bare LF", "GET / HTTP/1.1\r\nHost: shop.example\nX: y\r\n\r\n"],
  ["a bare CR in a value", "GET / HTTP/1.1\r\nHost: shop.example\r\nX: a\rb\r\n\r\n"],
  ["a bare CR as line end", "GET / HTTP/1.1\rHost: shop.example\r\n\r\n"],
  ["a space before the colon", "GET / HTTP/1.1\r\nHost : shop.example\r\n\r\n"],
  ["a tab before the colon", "GET / HTTP/1.1\r\nHost: shop.example\r\nContent-Length\t: 3\r\n\r\nabc"],
  ["a header without colon", "GET / HTTP/1.1\r\nHost: shop.example\r\nnonsense\r\n\r\n"],
  ["a header without name", "GET / HTTP/1.1\r\nHost: shop.example\r\n: x\r\n\r\n"],
  ["a NUL in a value", "GET / HTTP/1.1\r\nHost: shop.example\r\nX: a\0b\r\n\r\n"],
  ["a control character in a name", "GET / HTTP/1.1\r\nHost: shop.example\r\nX\u0001: a\r\n\r\n"],
  ["a non-ASCII name", "GET / HTTP/1.1\r\nHost: shop.example\r\nX\u00e9: a\r\n\r\n"],
  ["an unknown coding", "POST / HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: gzip\r\n\r\n"],
  ["a coding list", "POST / HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"],
  [
    "a coding that looks like chunked",
    "POST / HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
  ],
  [
    "a coding with a vertical tab",
    "POST / HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding:\u000bchunked\r\n\r\n0\r\n\r\n",
  ],
  ["a quoted coding", 'POST / HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n'],
  [
    "a repeated coding",
    "POST / HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
  ["an identity coding", "POST / HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: identity\r\n\r\n"],
  ["chunked in HTTP/1.0", "POST / HTTP/1.0\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
  ["no Host", "GET / HTTP/1.1\r\n\r\n"],
  ["two Hosts", "GET / HTTP/1.1\r\nHost: shop.example\r\nHost: shop.example\r\n\r\n"],
  ["a Host with user information", "GET / HTTP/1.1\r\nHost: admin@shop.example\r\n\r\n"],
  ["a Host with a path", "GET / HTTP/1.1\r\nHost: shop.example/x\r\n\r\n"],
  ["a Host with a bad port", "GET / HTTP/1.1\r\nHost: shop.example:80x\r\n\r\n"],
  ["a Host list", "GET / HTTP/1.1\r\nHost: shop.example, other.example\r\n\r\n"],
  ["an absolute target without host", "GET http:///x HTTP/1.1\r\nHost: shop.example\r\n\r\n"],
  ["another scheme", "GET ftp://shop.example/ HTTP/1.1\r\nHost: shop.example\r\n\r\n"],
  ["a relative target", "GET x HTTP/1.1\r\nHost: shop.example\r\n\r\n"],
  ["the asterisk", "OPTIONS * HTTP/1.1\r\nHost: shop.example\r\n\r\n"],
  ["a fragment", "GET /#x HTTP/1.1\r\nHost: shop.example\r\n\r\n"],
  ["a NUL in the path", "GET /%00 HTTP/1.1\r\nHost: shop.example\r\n\r\n"],
  ["a path above the root", "GET /../x HTTP/1.1\r\nHost: shop.example\r\n\r\n"],
  ["two spaces after the method", "GET  / HTTP/1.1\r\nHost: shop.example\r\n\r\n"],
  ["two spaces before the version", "GET /  HTTP/1.1\r\nHost: shop.example\r\n\r\n"],
  ["a space in the target", "GET /a b HTTP/1.1\r\nHost: shop.example\r\n\r\n"],
  ["HTTP/0.9", "GET /\r\n"],
  ["a lower-case version", "GET / http/1.1\r\nHost: shop.example\r\n\r\n"],
  ["a method that is no token", "GE(T / HTTP/1.1\r\nHost: shop.example\r\n\r\n"],
] as const) {
  test(`the edge answers 400, closes and forwards nothing when a request has ${name}`, async () => {
    seen.length = 0;
    const heard = await say(edge.httpPort, text + SMUGGLED);
    assert.match(heard, /^HTTP\/1\.1 400 Bad Request\r\n/);
    assert.match(heard, /\r\nConnection: close\r\n/);
    assert.equal(heard.match(/HTTP\/1\.1 /g)?.length, 1, heard);
    assert.deepEqual(seen, []);
  });
}

for (const text of ["INVALID CONNECTION PREFACE\r\n\r\n", "EHLO mail.example smtp\r\n"]) {
  test(`the edge closes without a word when the first line is of no HTTP: ${JSON.stringify(text)}`, async () => {
    seen.length = 0;
    const malformed = edge.dataPlane.stats().malformed;
    assert.equal(await say(edge.httpPort, text + SMUGGLED), "");
    assert.equal(edge.dataPlane.stats().malformed, malformed + 1);
    assert.deepEqual(seen, []);
  });
}

test("the edge still answers 400 when a later line is of no HTTP", async () => {
  const heard = await say(edge.httpPort, `${SMUGGLED}WHAT IS THIS\r\n\r\n`);
  assert.match(heard, /^HTTP\/1\.1 200 [^]*HTTP\/1\.1 400 Bad Request\r\n/);
});

for (const [name, body] of [
  ["size", "zz\r\n"],
  ["line end", "3\r\nabcX\r\n"],
  ["bare LF", "3\nabc\n0\n\n"],
] as const) {
  test(`the edge never completes a chunked request when its ${name} is wrong`, async () => {
    const head = "POST /chunks HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n";
    const heard = await say(edge.httpPort, head + body + SMUGGLED);
    assert.match(heard, /^HTTP\/1\.1 400 /);
    assert.equal(heard.match(/HTTP\/1\.1 /g)?.length, 1, heard);
  });
}

test("the edge keeps framing and forwarding headers out of reach when Connection names them", async () => {
  const text = [
    "POST / HTTP/1.1",
    "Host: shop.example",
    "Connection: close, content-length, host, x-real-ip, x-secret",
    "Content-Length: 2",
    "X-Secret: 1",
    "X-Kept: 2",
    "X-Request-ID: a-1",
    "Keep-Alive: timeout=5",
    "Proxy: http://evil",
    "Proxy-Connection: keep-alive",
    "TE: trailers",
    "",
    "ok",
  ].join("\r\n");
  const headers: unknown = JSON.parse((await say(edge.httpPort, text)).split("\r\n\r\n")[1] ?? "");
  assert.deepEqual(headers, {
    host: "shop.example",
    "content-length": "2",
    "x-kept": "2",
    "x-real-ip": "127.0.0.1",
    "x-forwarded-for": "127.0.0.1",
    "x-forwarded-proto": "http",
    "x-forwarded-host": "shop.example",
    "x-forwarded-port": String(edge.httpPort),
    "x-request-id": "a-1",
  });
});

test("the edge drops known names with underscores when a client spells them so", async () => {
  const heard = await say(edge.httpPort, get("/", "X_Forwarded_For: 6.6.6.6", "Content_Length: 7", "my_own: 1"));
  const headers: unknown = JSON.parse(heard.split("\r\n\r\n")[1] ?? "");
  assert.equal(Reflect.get(Object(headers), "x_forwarded_for"), undefined);
  assert.equal(Reflect.get(Object(headers), "content_length"), undefined);
  assert.equal(Reflect.get(Object(headers), "my_own"), "1");
});

for (const method of ["CONNECT", "TRACE"]) {
  test(`the edge answers 405 when the method is ${method}`, async () => {
    const target = method === "CONNECT" ? "shop.example:443" : "/";
    const heard = await say(edge.httpPort, `${method} ${target} HTTP/1.1\r\nHost: shop.example\r\n\r\n`);
    assert.match(heard, /^HTTP\/1\.1 405 /);
  });
}
