import assert from "node:assert/strict";
import { createSecureServer } from "node:http2";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { after, before, describe, test } from "node:test";
import { skipWithout } from "../ground/testing.ts";
import type { Backend, UpstreamTls, UpstreamVerification } from "../routing/snapshot.ts";
import { failureOf } from "./upstream-socket.ts";
import { get, openEdge, say, shopSnapshot, type KeyPair, type TestEdge, TestAuthority, waitFor } from "./testing.ts";

const NAME = "web.shop.svc";

interface SecureEndpoint extends AsyncDisposable {
  readonly port: number;
  /** What clients sent once their handshake was over for us. */
  readonly heard: string[];
  readonly names: unknown[];
  readonly handshakes: () => number;
}

/** Speaks HTTP/1.1 and HTTP/2 over TLS, and says who its client proved to be. */
async function openSecure(
  pair: KeyPair,
  options: { readonly ca?: string; readonly maxVersion?: "TLSv1.2" } = {},
): Promise<SecureEndpoint> {
  const heard: string[] = [];
  const names: unknown[] = [];
  const sockets = new Set<TLSSocket>();
  let handshakes = 0;
  const client = options.ca === undefined ? {} : { ca: options.ca, requestCert: true, rejectUnauthorized: true };
  const version = options.maxVersion === undefined ? {} : { maxVersion: options.maxVersion };
  const server = createSecureServer(
    { cert: pair.chain, key: pair.key, allowHTTP1: true, ...client, ...version },
    (request, response) => {
      const { socket } = request.stream === undefined ? request : (request.stream.session ?? request);
      heard.push(request.url);
      const name = [(socket as TLSSocket).getPeerCertificate().subject?.CN ?? "stranger"].flat().join();
      response.end(`hello <${name}>`);
    },
  );
  server.on("secureConnection", (socket: TLSSocket) => {
    handshakes++;
    names.push(socket.servername);
    sockets.add(socket);
    socket.on("error", () => undefined);
  });
  server.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    heard,
    names,
    handshakes: () => handshakes,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function policy(
  verify: Partial<UpstreamVerification> & { authorities: string },
  more: Partial<UpstreamTls> = {},
): UpstreamTls {
  const whole = { name: NAME, secret: "shop/ca", intermediatesMax: 1, ...verify };
  return { id: JSON.stringify([whole, more]), verify: whole, minVersion: "TLSv1.2", maxVersion: "TLSv1.3", ...more };
}

function openShop(
  ports: readonly number[],
  tls: UpstreamTls | undefined,
  protocol: Backend["protocol"],
  attemptsMax = 1,
): Promise<TestEdge> {
  return openEdge(shopSnapshot(ports, { backend: { protocol, tls }, policy: { attemptsMax } }));
}

/** Returns the answer to a request to an endpoint with this certificate, and whether it heard of the request. */
async function ask(pair: KeyPair, tls: UpstreamTls, protocol: Backend["protocol"] = "https"): Promise<string> {
  await using endpoint = await openSecure(pair);
  await using edge = await openShop([endpoint.port], tls, protocol);
  const answer = await say(edge.httpPort, get("/path"));
  const served = answer.startsWith("HTTP/1.1 200");
  assert.deepEqual(
    endpoint.heard,
    served ? ["/path"] : [],
    "an endpoint that is not trusted sees nothing of a request",
  );
  if (served) return answer.slice(answer.indexOf("hello"));
  assert.match(answer, /^HTTP\/1\.1 502 /);
  return answer
    .slice(answer.indexOf("\r\n\r\n") + 4)
    .trim()
    .replace(String(endpoint.port), "PORT");
}

const REFUSED = `502 Bad Gateway: Service "shop/web" endpoint 127.0.0.1:PORT is not trusted to be "${NAME}": `;

describe("openSocket()", { skip: skipWithout("openssl") }, () => {
  let authority: TestAuthority;
  let stranger: TestAuthority;
  let good: KeyPair;

  before(async () => {
    [authority, stranger] = await Promise.all([TestAuthority.open("Shop CA"), TestAuthority.open("Other CA")]);
    good = await authority.issue([NAME, "127.0.0.1"]);
  });
  after(async () => {
    await authority[Symbol.asyncDispose]();
    await stranger[Symbol.asyncDispose]();
  });

  for (const protocol of ["https", "h2"] as const) {
    test(`openSocket() reaches endpoints of ${protocol} whose certificate is signed and named as it should be`, async () => {
      const trusted = policy({ authorities: stranger.certificate + authority.certificate });
      assert.match(await ask(good, trusted, protocol), /^hello <stranger>/);
      assert.match(
        await ask(good, policy({ authorities: authority.certificate, name: "127.0.0.1" }), protocol),
        /^hello/,
      );
    });

    test(`openSocket() says why it does not trust an endpoint of ${protocol}`, async () => {
      const trusted = policy({ authorities: authority.certificate });
      const expired = await authority.issue([NAME], -1);
      assert.equal(await ask(expired, trusted, protocol), `${REFUSED}its certificate has expired`);
      const other = await authority.issue(["a.example", "b.example", "c.example", "d.example"]);
      const names = 'its certificate is for "a.example", "b.example", "c.example" and others';
      assert.equal(await ask(other, trusted, protocol), REFUSED + names);
      const unknown = 'no authority in Secret "shop/ca" has signed its certificate';
      assert.equal(await ask(await stranger.issue([NAME]), trusted, protocol), REFUSED + unknown);
    });
  }

  test("openSocket() counts the intermediate authorities up to the first that is trusted", async () => {
    await using middle = await TestAuthority.open("Middle", authority);
    await using lower = await TestAuthority.open("Lower", middle);
    const one = await middle.issue([NAME]);
    const two = await lower.issue([NAME]);
    const root = { authorities: authority.certificate };
    assert.match(await ask(one, policy(root)), /^hello/);
    assert.match(await ask(two, policy({ ...root, intermediatesMax: 2 })), /^hello/);
    const tooMany = "there are 2 intermediate authorities above its certificate where 1 is allowed";
    assert.equal(await ask(two, policy(root)), REFUSED + tooMany);
    assert.match(await ask(one, policy({ ...root, intermediatesMax: 0 })), /there are 1 intermediate .* where 0 are/);
    assert.match(await ask(two, policy({ authorities: middle.certificate })), /^hello/);
    assert.match(await ask(one, policy({ authorities: middle.certificate, intermediatesMax: 0 })), /^hello/);
  });

  for (const protocol of ["https", "h2"] as const) {
    test(`openSocket() shows a certificate to endpoints of ${protocol} that ask for one`, async () => {
      const { chain, key } = await authority.issue(["edge.example"]);
      await using endpoint = await openSecure(good, { ca: authority.certificate });
      const trusted = { authorities: authority.certificate };
      await using edge = await openShop([endpoint.port], policy(trusted, { certificate: { chain, key } }), protocol);
      assert.match(await say(edge.httpPort, get("/")), /hello <edge\.example>/);
      await using bare = await openShop([endpoint.port], policy(trusted), protocol);
      assert.match(await say(bare.httpPort, get("/")), /^HTTP\/1\.1 502 [\s\S]*(?:certificate required|closed)/);
    });
  }

  test("openSocket() sends a server name only where there is one, and keeps to the versions", async () => {
    await using endpoint = await openSecure(good, { maxVersion: "TLSv1.2" });
    const trusted = { authorities: authority.certificate };
    await using named = await openShop([endpoint.port], policy(trusted, { serverName: NAME }), "https");
    await using unnamed = await openShop(
      [endpoint.port],
      policy(trusted, { ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384" }),
      "https",
    );
    for (const edge of [named, unnamed]) assert.match(await say(edge.httpPort, get("/")), /hello/);
    assert.deepEqual(endpoint.names, [NAME, false]);
    await using newer = await openShop([endpoint.port], policy(trusted, { minVersion: "TLSv1.3" }), "https");
    assert.match(
      await say(newer.httpPort, get("/")),
      /502 [\s\S]*failed the TLS handshake: it says "protocol version"/,
    );
    await using odd = await openShop([endpoint.port], policy(trusted, { ciphers: "NONE-SUCH" }), "https");
    assert.match(await say(odd.httpPort, get("/")), /502 [\s\S]*check keys and ciphers/);
  });

  test("failureOf() blames a certificate for nothing else", () => {
    const endpoint = { address: "api.example", port: 443 };
    const tls = policy({ authorities: authority.certificate });
    const pool = { endpoint, secure: true, tls };
    const fail = (code: string, more: object = {}, message = ""): string =>
      failureOf(Object.assign(new Error(message), { code, ...more }), false, pool).failure;
    for (const code of ["ENOTFOUND", "EAI_AGAIN"]) assert.equal(fail(code, { syscall: "getaddrinfo" }), "unreachable");
    assert.equal(fail("EHOSTUNREACH", { syscall: "connect" }), "unreachable");
    assert.equal(fail("ECONNRESET"), "unreachable");
    assert.equal(fail("EPROTO", { syscall: "write" }, "write EPROTO: sslv3 alert handshake failure:"), "tls");
    assert.equal(fail("ERR_SSL_WRONG_VERSION_NUMBER"), "tls");
    assert.equal(fail("CERT_REVOKED"), "untrusted");
  });

  test("EndpointPools shares no connection between two ways of trusting the same endpoint", async () => {
    for (const protocol of ["https", "h2"] as const) {
      await using endpoint = await openSecure(good);
      const backend = (tls: UpstreamTls | undefined): Partial<Backend> => ({ protocol, tls });
      await using edge = await openEdge(shopSnapshot([endpoint.port], { backend: backend(undefined) }));
      const keepAlive = "GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n";
      assert.match(await say(edge.httpPort, keepAlive + get("/")), /hello[\s\S]*hello/);
      assert.equal(endpoint.handshakes(), 1);
      const serve = (tls: UpstreamTls, generation: number): unknown =>
        edge.dataPlane.serve(shopSnapshot([endpoint.port], { generation, backend: backend(tls) }));
      serve(policy({ authorities: authority.certificate }), 2);
      assert.match(await say(edge.httpPort, get("/")), /hello/);
      assert.equal(endpoint.handshakes(), 2);
      serve(policy({ authorities: stranger.certificate }), 3);
      assert.match(await say(edge.httpPort, get("/")), /^HTTP\/1\.1 502 /);
    }
  });

  test("DataPlane goes on to an endpoint that is trusted, and asks one that is not once for each request", async () => {
    await using impostor = await openSecure(await stranger.issue([NAME]));
    await using endpoint = await openSecure(good);
    const trusted = policy({ authorities: authority.certificate });
    await using edge = await openShop([impostor.port, endpoint.port], trusted, "https", 3);
    for (let count = 0; count < 3; count++) {
      const post = get("/").replace("GET", "POST").replace("\r\n\r\n", "\r\nContent-Length: 2\r\n\r\nhi");
      assert.match(await say(edge.httpPort, post), /hello/);
    }
    await waitFor(() => edge.dataPlane.stats().upstream.failed > 0);
    assert.equal(impostor.heard.length, 0);
    await using alone = await openShop([impostor.port], trusted, "https", 3);
    assert.match(await say(alone.httpPort, get("/")), /^HTTP\/1\.1 502 /);
    assert.equal(alone.dataPlane.stats().upstream.opened, 1);
  });
});
