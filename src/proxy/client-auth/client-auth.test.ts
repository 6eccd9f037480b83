import assert from "node:assert/strict";
import { connect as connectHttp2 } from "node:http2";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { after, before, describe, test } from "node:test";
import { MemoryLog, skipWithout } from "../../ground/testing.ts";
import type { ClientAuth, ClientCa, Host, Snapshot, TlsHost } from "../../routing/snapshot.ts";
import { CertificateTable } from "../certificate-table.ts";
import { DEFAULT_LIMITS } from "../limits.ts";
import { openEdge, openEndpoint, RawClient, say, shopSnapshot, type TestEdge, type TestServer } from "../testing.ts";
import { ClientAuthTable } from "./client-auth-table.ts";
import { type MadeCertificate, TestAuthorities } from "./testing.ts";

const ON: ClientAuth = { verify: "on", ca: "shop/clients", intermediatesMax: 1, passCertificate: false };
const VERSIONS = ["TLSv1.2", "TLSv1.3"] as const;

let authorities: TestAuthorities;
let endpoint: TestServer;
const made: Record<string, MadeCertificate> = {};
let cas: ReadonlyMap<string, ClientCa>;

function pem(name: string): MadeCertificate {
  const found = made[name];
  assert.ok(found !== undefined, name);
  return found;
}

/** What a client shows: a certificate, with more of its chain. */
function show(name: string, ...more: readonly string[]): ConnectionOptions {
  return { cert: [name, ...more].map((each) => pem(each).certificate).join(""), key: pem(name).key };
}

interface Hosts {
  readonly [host: string]: ClientAuth | undefined;
}

/** A snapshot whose hosts ask for these certificates, each with a route of its own. */
function snapshotOf(hosts: Hosts, more: Partial<Snapshot> = {}): Snapshot {
  const shop = shopSnapshot([endpoint.port]);
  const [route] = shop.hosts.get("shop.example")?.routes ?? [];
  assert.ok(route !== undefined);
  const routes = Object.keys(hosts).map((host): [string, Host] => [host, { host, routes: [route] }]);
  const tls = Object.entries(hosts).map(([host, clientAuth]): [string, TlsHost] => [
    host,
    { host, certificates: ["edge"], minVersion: "TLSv1.2", clientAuth },
  ]);
  const { certificate: chain, key } = pem("edge");
  const certificates = new Map([["edge", { id: "edge", chain, key, notAfterMs: 4e12, standIn: false }]]);
  return { ...shop, hosts: new Map(routes), tls: new Map(tls), certificates, clientCas: cas, ...more };
}

interface Asked {
  readonly sni?: string | undefined;
  readonly host?: string;
  readonly path?: string;
  readonly headers?: readonly string[];
}

function shake(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false, ...options }, () => resolve(socket));
    socket.once("error", reject);
  });
}

function getOf({ host = "secret.example", path = "/", headers = [] }: Asked): string {
  return [`GET ${path} HTTP/1.1`, `Host: ${host}`, "Connection: close", ...headers, "", ""].join("\r\n");
}

/** Asks over HTTP/1.1 and returns the whole answer. */
async function ask(edge: TestEdge, shown: ConnectionOptions = {}, asked: Asked = {}): Promise<string> {
  const sni = "sni" in asked ? asked.sni : "secret.example";
  const socket = await shake(edge.httpsPort, { ...shown, ...(sni === undefined ? {} : { servername: sni }) });
  const client = new RawClient(socket);
  client.send(getOf(asked));
  return client.end();
}

/** Asks over one HTTP/2 connection for each of the hosts and returns the statuses. */
async function askHttp2(
  edge: TestEdge,
  sni: string,
  hosts: readonly string[],
  shown: ConnectionOptions = {},
): Promise<readonly number[]> {
  const session = connectHttp2(`https://127.0.0.1:${edge.httpsPort}`, {
    servername: sni,
    rejectUnauthorized: false,
    ...shown,
  });
  try {
    const statuses: number[] = [];
    for (const host of hosts) {
      const stream = session.request({ ":path": "/", ":authority": host });
      const status = await new Promise<number>((resolve, reject) => {
        stream.on("response", (headers) => resolve(Number(headers[":status"])));
        stream.on("error", reject);
      });
      stream.resume();
      statuses.push(status);
    }
    return statuses;
  } finally {
    session.destroy();
  }
}

describe("Client certificates", { skip: skipWithout("openssl") }, () => {
  before(async () => {
    endpoint = await openEndpoint((request, response) => response.end(JSON.stringify(request.headers)));
    authorities = await TestAuthorities.open();
    made["root"] = await authorities.make("root", { subject: "/CN=root", kind: "authority" });
    made["other"] = await authorities.make("other", { subject: "/CN=other", kind: "authority" });
    made["mid"] = await authorities.make("mid", { subject: "/CN=mid", issuer: "root", kind: "authority" });
    made["low"] = await authorities.make("low", { subject: "/CN=low", issuer: "mid", kind: "authority" });
    made["edge"] = await authorities.make("edge", { subject: "/CN=edge", kind: "server", names: "DNS:*.example" });
    made["ann"] = await authorities.make("ann", { subject: "/O=Shop/CN=ann", issuer: "root" });
    made["bob"] = await authorities.make("bob", { subject: "/CN=bob", issuer: "root" });
    made["alien"] = await authorities.make("alien", { subject: "/CN=ann", issuer: "other" });
    made["self"] = await authorities.make("self", { subject: "/CN=ann" });
    made["old"] = await authorities.make("old", { subject: "/CN=old", issuer: "root", endDate: "20210101000000Z" });
    made["server"] = await authorities.make("server", { subject: "/CN=server", issuer: "root", kind: "server" });
    made["under-mid"] = await authorities.make("under-mid", { subject: "/CN=under-mid", issuer: "mid" });
    made["under-low"] = await authorities.make("under-low", { subject: "/CN=under-low", issuer: "low" });
    // Claims to be "low", but is its own.
    made["look-alike"] = await authorities.make("look-alike", { subject: "/CN=low", kind: "authority" });
    await authorities.revoke("bob", "root");
    const revocations = await authorities.revocations("root");
    const certificates = pem("root").certificate;
    cas = new Map([
      ["shop/clients", { id: "shop/clients", certificates }],
      ["shop/revoking", { id: "shop/revoking", certificates, revocations }],
      ["shop/others", { id: "shop/others", certificates: pem("other").certificate }],
      ["shop/broken", { id: "shop/broken", certificates: "nonsense" }],
    ]);
  });

  after(async () => {
    await endpoint[Symbol.asyncDispose]();
    await authorities[Symbol.asyncDispose]();
  });

  for (const version of VERSIONS) {
    const only = { minVersion: version, maxVersion: version };

    test(`a trusted one gets in, and the endpoint is told who it is (${version})`, async () => {
      await using edge = await openEdge(snapshotOf({ "secret.example": ON }));
      const answer = await ask(edge, { ...show("ann"), ...only });
      assert.match(answer, /^HTTP\/1\.1 200 OK/);
      assert.match(
        answer,
        /"ssl-client-verify":"SUCCESS","ssl-client-subject-dn":"CN=ann,O=Shop","ssl-client-issuer-dn":"CN=root"/,
      );
      assert.doesNotMatch(answer, /ssl-client-cert/);
    });

    test(`any other is refused with what is wrong, and so is none (${version})`, async () => {
      await using edge = await openEdge(snapshotOf({ "secret.example": ON }));
      for (const [name, said] of [
        ["alien", "no authority that is trusted here has signed it"],
        ["self", "no authority that is trusted here has signed it"],
        ["old", "it has expired"],
        ["server", "it is not for clients"],
      ] as const) {
        const answer = await ask(edge, { ...show(name), ...only });
        assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/, name);
        assert.ok(answer.includes(`The client certificate does not get in at host "secret.example": ${said}`), answer);
      }
      const answer = await ask(edge, only);
      assert.match(
        answer,
        /^HTTP\/1\.1 400 [\s\S]*Connection: close[\s\S]*asks for a client certificate, and none was sent/,
      );
      assert.deepEqual(
        edge.lines.map(({ status, route }) => [status, route]),
        Array.from({ length: 5 }, () => [400, ""]),
      );
      assert.equal(edge.lines[4]?.reason, 'Host "secret.example" asks for a client certificate, and none was sent');
    });

    test(`no session goes on, so each connection proves its certificate anew (${version})`, async () => {
      await using edge = await openEdge(snapshotOf({ "secret.example": ON }));
      const first = await shake(edge.httpsPort, { servername: "secret.example", ...show("ann"), ...only });
      let session: Buffer | undefined = version === "TLSv1.2" ? first.getSession() : undefined;
      first.on("session", (each: Buffer) => (session = each));
      const client = new RawClient(first);
      client.send(getOf({}));
      assert.match(await client.end(), /^HTTP\/1\.1 200 OK/);
      session ??= first.getSession();
      assert.ok(session !== undefined);
      const again = await shake(edge.httpsPort, { servername: "secret.example", session, ...only });
      assert.equal(again.isSessionReused(), false);
      const other = new RawClient(again);
      other.send(getOf({}));
      assert.match(await other.end(), /^HTTP\/1\.1 400 /);
    });

    test(`a session made without one does not count as one when it goes on (${version})`, async () => {
      await using edge = await openEdge(snapshotOf({ "secret.example": ON }));
      const first = await shake(edge.httpsPort, { servername: "secret.example", ...only });
      let session: Buffer | undefined = version === "TLSv1.2" ? first.getSession() : undefined;
      first.on("session", (each: Buffer) => (session = each));
      const client = new RawClient(first);
      client.send(getOf({}));
      assert.match(await client.end(), /^HTTP\/1\.1 400 /);
      session ??= first.getSession();
      assert.ok(session !== undefined);
      assert.match(await ask(edge, { session, ...only }), /^HTTP\/1\.1 400 /);
    });

    test(`a revoked one is refused, at once when the list changes (${version})`, async () => {
      await using edge = await openEdge(snapshotOf({ "secret.example": { ...ON, ca: "shop/revoking" } }));
      assert.match(await ask(edge, { ...show("ann"), ...only }), /^HTTP\/1\.1 200 OK/);
      assert.match(await ask(edge, { ...show("bob"), ...only }), /^HTTP\/1\.1 400 [\s\S]*has been revoked/);
    });
  }

  test("what clients and proxies claim about certificates never reaches the endpoint", async () => {
    const claims = [
      "ssl-client-verify: SUCCESS",
      "SSL_Client_Subject_DN: CN=root",
      "ssl-client-cert: x",
      "Ssl-Client-Issuer-Dn: y",
    ];
    const settings = { trustedProxies: ["127.0.0.0/8"], httpsPort: 443 };
    const optional: ClientAuth = { ...ON, verify: "optional" };
    for (const more of [{}, { settings }]) {
      await using edge = await openEdge(
        snapshotOf({ "secret.example": optional, "off.example": { ...ON, verify: "off" } }, more),
      );
      for (const host of ["secret.example", "off.example"]) {
        const answer = await ask(edge, {}, { sni: host, host, headers: claims });
        assert.match(answer, /^HTTP\/1\.1 200 OK[\s\S]*"ssl-client-verify":"NONE"/);
        assert.doesNotMatch(answer, /SUCCESS|CN=root|ssl-client-cert|ssl-client-issuer/i);
      }
    }
  });

  test("the certificate itself is passed on where it is asked for", async () => {
    await using edge = await openEdge(snapshotOf({ "secret.example": { ...ON, passCertificate: true } }));
    const answer = await ask(edge, show("ann"));
    const passed = /"ssl-client-cert":"([^"]*)"/.exec(answer)?.[1] ?? "";
    assert.match(passed, /^[\w%.~-]+$/);
    assert.equal(decodeURIComponent(passed), pem("ann").certificate);
  });

  test("chains are as long as allowed and no longer, whatever look-alikes are among them", async () => {
    await using edge = await openEdge(
      snapshotOf({
        "secret.example": ON,
        "none.example": { ...ON, intermediatesMax: 0 },
        "two.example": { ...ON, intermediatesMax: 2 },
      }),
    );
    const status = async (host: string, shown: ConnectionOptions): Promise<string> =>
      (await ask(edge, shown, { sni: host, host })).slice(9, 12);
    assert.equal(await status("none.example", show("ann")), "200");
    assert.equal(await status("none.example", show("under-mid", "mid")), "400");
    assert.equal(await status("secret.example", show("under-mid", "mid")), "200");
    assert.equal(await status("secret.example", show("under-low", "low", "mid")), "400");
    assert.equal(await status("secret.example", show("under-low", "look-alike", "low", "mid")), "400");
    assert.equal(await status("two.example", show("under-low", "low", "mid")), "200");
  });

  test("optional lets in those without one, and not those with a wrong one", async () => {
    await using edge = await openEdge(snapshotOf({ "secret.example": { ...ON, verify: "optional" } }));
    assert.match(await ask(edge), /^HTTP\/1\.1 200 OK[\s\S]*"ssl-client-verify":"NONE"/);
    assert.match(await ask(edge, show("ann")), /"ssl-client-verify":"SUCCESS"/);
    assert.match(await ask(edge, show("alien")), /^HTTP\/1\.1 400 /);
    assert.match(await ask(edge, show("old")), /^HTTP\/1\.1 400 /);
  });

  test("optional_no_ca leaves it to the endpoint who signed it, and nothing else", async () => {
    await using edge = await openEdge(snapshotOf({ "secret.example": { ...ON, verify: "optional_no_ca" } }));
    assert.match(await ask(edge), /^HTTP\/1\.1 200 OK[\s\S]*"ssl-client-verify":"NONE"/);
    assert.match(
      await ask(edge, show("self")),
      /"ssl-client-verify":"FAILED:self-signed certificate","ssl-client-subject-dn":"CN=ann"/,
    );
    assert.match(await ask(edge, show("alien")), /"ssl-client-verify":"FAILED:unable to/);
    assert.match(await ask(edge, show("server")), /^HTTP\/1\.1 400 /);
    assert.match(await ask(edge, show("old")), /^HTTP\/1\.1 400 /);
  });

  test("a pattern is held against the common name; another name, or none, is refused with 403", async () => {
    const named = { ...ON, subjectPattern: "CN=(ann|zoe)(,|$)" };
    await using edge = await openEdge(
      snapshotOf({
        "secret.example": named,
        "optional.example": { ...named, verify: "optional" },
        "off.example": { ...named, verify: "off" },
      }),
    );
    assert.match(await ask(edge, show("ann")), /^HTTP\/1\.1 200 OK/);
    assert.match(
      await ask(edge, show("bob")),
      /^HTTP\/1\.1 403 Forbidden[\s\S]*The name in the client certificate is not one/,
    );
    assert.match(await ask(edge, {}, { sni: "optional.example", host: "optional.example" }), /^HTTP\/1\.1 403 /);
    assert.match(await ask(edge, {}, { sni: "off.example", host: "off.example" }), /^HTTP\/1\.1 403 /);
  });

  test("the error page is where clients without a good one are sent", async () => {
    await using edge = await openEdge(snapshotOf({ "secret.example": { ...ON, errorPage: "https://help.example/x" } }));
    assert.match(await ask(edge), /^HTTP\/1\.1 302 Found[\s\S]*Location: https:\/\/help\.example\/x/);
    assert.match(edge.lines[0]?.reason ?? "", /none was sent/);
  });

  test("authorities that cannot be used let nobody in, and say so", async () => {
    await using edge = await openEdge(
      snapshotOf({ "secret.example": { ...ON, ca: "shop/broken" }, "gone.example": { ...ON, ca: "shop/gone" } }),
    );
    assert.match(await ask(edge, show("ann")), /^HTTP\/1\.1 503 [\s\S]*"shop\/broken" has no authorities/);
    assert.match(
      await ask(edge, {}, { sni: "gone.example", host: "gone.example" }),
      /^HTTP\/1\.1 503 [\s\S]*are missing/,
    );
  });

  describe("A connection made for another name", () => {
    const hosts: Hosts = {
      "secret.example": ON,
      "same.example": { ...ON },
      "others.example": { ...ON, ca: "shop/others" },
      "open.example": undefined,
      "*.wild.example": ON,
      "open.wild.example": undefined,
      "*": undefined,
    };

    test("does not reach a host that asks for certificates over HTTP/1.1 (421)", async () => {
      await using edge = await openEdge(snapshotOf(hosts));
      for (const sni of ["open.example", undefined, "nobody.example", "open.wild.example"]) {
        for (const shown of [{}, show("ann")]) {
          const answer = await ask(edge, shown, { sni, host: "secret.example" });
          assert.match(answer, /^HTTP\/1\.1 421 Misdirected Request\r\n/, String(sni));
          assert.match(answer, /Host "secret\.example" asks for other client certificates than the name/);
        }
      }
      for (const host of ["SECRET.example", "secret.example.", "secret.example:443", "a.wild.example"]) {
        assert.match(await ask(edge, show("ann"), { sni: "open.example", host }), /^HTTP\/1\.1 421 /, host);
      }
      const absolute = { sni: "open.example", host: "open.example", path: "https://secret.example/" };
      assert.match(await ask(edge, show("ann"), absolute), /^HTTP\/1\.1 4(?:21|00) /);
      assert.match(await ask(edge, show("ann"), { host: "others.example" }), /^HTTP\/1\.1 421 /);
    });

    test("reaches a host that asks for the same, or for nothing", async () => {
      await using edge = await openEdge(snapshotOf(hosts));
      assert.match(await ask(edge, show("ann"), { host: "same.example" }), /^HTTP\/1\.1 200 OK/);
      assert.match(await ask(edge, {}, { host: "open.example" }), /^HTTP\/1\.1 200 OK/);
      assert.match(await ask(edge, {}, { host: "same.example" }), /^HTTP\/1\.1 400 /);
      assert.match(
        await ask(edge, show("ann"), { sni: "a.wild.example", host: "b.wild.example" }),
        /^HTTP\/1\.1 200 OK/,
      );
    });

    test("does not reach a host that asks for certificates over HTTP/2 (421), and goes on with others", async () => {
      await using edge = await openEdge(snapshotOf(hosts));
      const asked = ["open.example", "secret.example", "a.wild.example", "open.wild.example"];
      assert.deepEqual(await askHttp2(edge, "open.example", asked), [200, 421, 421, 200]);
      assert.deepEqual(await askHttp2(edge, "open.example", asked, show("ann")), [200, 421, 421, 200]);
      const inside = ["secret.example", "same.example", "open.example", "others.example"];
      assert.deepEqual(await askHttp2(edge, "secret.example", inside, show("ann")), [200, 200, 200, 421]);
      assert.deepEqual(await askHttp2(edge, "secret.example", ["secret.example"]), [400]);
    });

    test("does not reach the routes of a protected host key through one that is open", async () => {
      const { hosts: routes, ...rest } = snapshotOf({ "*.wild.example": ON, "open.wild.example": undefined });
      const open: Host = { host: "open.wild.example", routes: [] };
      await using edge = await openEdge({ ...rest, hosts: new Map([...routes, [open.host, open]]) });
      assert.match(await ask(edge, show("ann"), { sni: open.host, host: open.host }), /^HTTP\/1\.1 421 /);
    });
  });

  test("plain HTTP never reaches a host that demands one: it is redirected or refused", async () => {
    const snapshot = snapshotOf({ "secret.example": ON });
    await using edge = await openEdge(snapshot);
    const plain = getOf({});
    assert.match(await say(edge.httpPort, plain), /^HTTP\/1\.1 400 [\s\S]*which only HTTPS can carry/);
    const settings = { trustedProxies: ["127.0.0.0/8"], httpsPort: 443 };
    const redirecting = [...snapshot.hosts.values()].map(({ host, routes }): [string, Host] => [
      host,
      { host, routes: routes.map((route) => ({ ...route, policy: { ...route.policy, httpsRedirectStatus: 308 } })) },
    ]);
    edge.dataPlane.serve({ ...snapshot, generation: 2, settings, hosts: new Map(redirecting) });
    assert.match(await say(edge.httpPort, plain), /^HTTP\/1\.1 308 /);
    const claimed = getOf({ headers: ["X-Forwarded-Proto: https", "ssl-client-verify: SUCCESS"] });
    assert.match(await say(edge.httpPort, claimed), /^HTTP\/1\.1 400 [\s\S]*which only HTTPS can carry/);
  });

  test("authorities count when TLS servers are kept: ten as much as one more server", () => {
    const certificates = Array.from({ length: 20 }, () => pem("root").certificate).join("");
    const clientCas = new Map([["shop/clients", { id: "shop/clients", certificates }]]);
    const hosts = { "a.example": undefined, "b.example": undefined, "secret.example": ON };
    const snapshot = snapshotOf(hosts, { clientCas });
    const table = new CertificateTable({
      log: new MemoryLog(),
      limits: { ...DEFAULT_LIMITS, tlsProfilesMax: 4 },
      ticketKeys: Buffer.alloc(48),
      onSecure: () => undefined,
      onFailed: () => undefined,
    });
    table.adopt(snapshot, ClientAuthTable.of(snapshot, undefined));
    const [first, second] = [table.profile("a.example"), table.profile("b.example")];
    const asking = table.profile("secret.example");
    assert.equal(table.profile("secret.example")?.server === asking?.server, true);
    assert.equal(table.profile("b.example")?.server === second?.server, true, "one has room beside it");
    assert.equal(table.profile("a.example")?.server === first?.server, false, "two have not");
  });

  test("an open connection does not outlive a change of the authorities", async () => {
    await using edge = await openEdge(snapshotOf({ "secret.example": ON }));
    const socket = await shake(edge.httpsPort, { servername: "secret.example", ...show("ann") });
    const client = new RawClient(socket);
    const keepAlive = "GET / HTTP/1.1\r\nHost: secret.example\r\n\r\n";
    client.send(keepAlive);
    await client.heard('"ssl-client-verify":"SUCCESS"');
    const same = snapshotOf({ "secret.example": { ...ON }, "new.example": undefined }, { generation: 2 });
    edge.dataPlane.serve(same);
    client.text = "";
    client.send(keepAlive);
    await client.heard('"ssl-client-verify":"SUCCESS"');
    const certificates = pem("other").certificate;
    const clientCas = new Map([["shop/clients", { id: "shop/clients", certificates }]]);
    edge.dataPlane.serve({ ...same, generation: 3, clientCas });
    client.text = "";
    client.send(getOf({}));
    assert.match(await client.end(), /^HTTP\/1\.1 421 /);
    assert.match(await ask(edge, show("ann")), /^HTTP\/1\.1 400 /);
    assert.match(await ask(edge, show("alien")), /^HTTP\/1\.1 200 OK/);
  });
});
